// SPDX-License-Identifier: Apache-2.0

#pragma once

// For tests: the records of a run that never was, complete and consistent. Seeded.

#include <algorithm>
#include "experiment/random.h"
#include "experiment/records.h"
#include "gust/aws.h"

namespace gust::experiment {

struct SyntheticOptions {
  size_t uploads = 20;
  uint64_t seed = 1;
  double server_speed = 1;  // 2: its images take half the time
};

namespace synthetic {

inline Value row_item(const Run& run, const Row& row) {
  Value item = Value::map();
  auto text = [&](std::string_view name, std::string_view value) { item.set(name, aws::string_attribute(value)); };
  auto number = [&](std::string_view name, auto value) { item.set(name, aws::number_attribute(value)); };
  text("pk", run.id + "#" + row.arm);
  text("sk", sequence_text(row.sequence) + "#01");
  text("arm", row.arm);
  text("seq", sequence_text(row.sequence));
  text("key", row.key);
  text("status", row.status);
  text("request_id", row.request_id);
  number("attempt", int64_t{row.attempt});
  number("t_start", row.start_us);
  number("t_end", row.end_us);
  number("download_ms", row.download_ms);
  number("decode_ms", row.decode_ms);
  number("resize_ms", row.resize_ms);
  number("upload_ms", row.upload_ms);
  number("overall_ms", row.overall_ms);
  number("renditions", int64_t{4});
  return item;
}

inline Sent sent(const Run& run, const Arm& arm, uint64_t sequence, int64_t due_us) {
  Sent out;
  out.arm = arm.name;
  out.sequence = sequence;
  out.key = upload_key(run.id, arm.name, sequence);
  out.etag = "d41d8cd98f00b204e9800998ecf8427e";
  out.bytes = 700'000;
  out.scheduled_us = due_us;
  out.sent_us = due_us + 200;
  out.done_us = due_us + 6'000;
  return out;
}

inline Executed executed(const Arm& arm, const Row& row, uint64_t number) {
  Executed e;
  e.request_id = row.request_id;
  e.function = arm.resource();
  e.outcome = "ok";
  e.cold_cause = number == 0 ? "first" : number % 9 == 4 ? "scale-out" : "";
  e.memory_mb = arm.memory_mb;
  e.started_us = row.start_us;
  e.duration_us = static_cast<int64_t>(row.overall_ms * 1000) + 900;
  e.init_us = e.cold_cause.empty() ? 0 : 4'000;
  e.cpu_us = static_cast<uint64_t>(row.decode_ms * 250 + 30'000);
  e.throttled_us = arm.vcpus < 1 ? e.cpu_us : 0;
  e.run_delay_us = e.throttled_us + (number % 10 == 0 ? static_cast<uint64_t>(e.duration_us) / 10 : 1'000);
  e.memory_peak_bytes = (38 + number % 7) << 20;
  return e;
}

}  // namespace synthetic

inline Run synthetic_head(const SyntheticOptions& options) {
  Run run;
  run.id = "20260206-101530-5f3a";
  run.gust_version = "0.1.0";
  run.bucket = "gust-experiment-" + run.id;
  run.table = "experiment-results";
  run.started_ms = 1'770'372'930'000;
  run.seconds = 131;
  run.arms = default_arms();
  run.uploads = options.uploads;
  run.seed = options.seed;
  run.uploads_per_day = 60'696;
  run.tariff = "lambda-2018-02";
  run.ec2_tariff = "ec2-2018-02-eu-central-1";
  run.sources = 35;
  run.megapixels_mean = 5.2;
  run.host = {"Some CPU @ 2.50GHz", "Linux 6.1.0", "x86_64", 2, 24'000, 0.3, 2.4, 0.1};
  for (const Arm& arm : run.arms) {
    run.planned[arm.name] = options.uploads;
    run.deploy_ms[arm.name] = arm.kind == Arm::Kind::Function ? 42 : 61;
  }
  run.services["svc-c4.large"] = {36, 7.5, 0.9, 52 << 20};
  return run;
}

inline Collected synthetic_run(const SyntheticOptions& options = {}) {
  Collected out;
  out.run = synthetic_head(options);
  const Run& run = out.run;
  Tariffs tariffs = *shipped_tariffs();
  out.lambda = *tariffs.find_lambda(run.tariff);
  out.ec2 = *tariffs.find_ec2(run.ec2_tariff);
  int64_t now = run.started_ms * 1000;
  for (const Arm& arm : run.arms) {
    Random photographs(options.seed), times(options.seed + arm.memory_mb);
    const bool service = arm.kind == Arm::Kind::Service;
    const double slower = service ? 1.15 / options.server_speed : std::max(1.0, 1 / arm.vcpus);
    for (size_t i = 0; i < options.uploads; ++i) {
      now += 400'000;
      out.records.sent.push_back(synthetic::sent(run, arm, i, now));
      Row row;
      row.arm = arm.name;
      row.sequence = i;
      row.key = out.records.sent.back().key;
      row.status = "ok";
      row.attempt = 1;
      row.request_id = (service ? "svc-" : "") + arm.name + "-request-" + std::to_string(i);
      row.start_us = now + 6'000 + static_cast<int64_t>(service ? times.between(2e5, 5e6) : times.between(1e3, 4e4));
      const double work = (40 + 90 * photographs.uniform() * photographs.uniform()) * slower;
      row.download_ms = times.between(3, 9);
      row.decode_ms = work * 0.6;
      row.resize_ms = work * 0.4 * times.between(0.9, 1.2);
      row.upload_ms = times.between(8, 18);
      row.overall_ms = row.download_ms + row.decode_ms + row.resize_ms + row.upload_ms + 0.5;
      row.end_us = row.start_us + static_cast<int64_t>(row.overall_ms * 1000);
      out.items.push_back(synthetic::row_item(run, row));
      out.records.rows.push_back(*row_of(out.items.back()));
      if (!service) out.records.executed.push_back(synthetic::executed(arm, row, i));
      for (uint32_t width : kRenditionWidths) out.records.rendition_keys.push_back(rendition_key(run.id, arm.name, i, width));
    }
  }
  return out;
}

}  // namespace gust::experiment
