// SPDX-License-Identifier: Apache-2.0

#include "experiment/analysis.h"

#include <algorithm>
#include <cmath>

#include "experiment/answers.h"

namespace gust::experiment {
namespace {

std::vector<double> sorted(std::vector<double> sample) {
  std::sort(sample.begin(), sample.end());
  return sample;
}

double milliseconds_between(int64_t from_us, int64_t to_us) {
  return static_cast<double>(std::max<int64_t>(0, to_us - from_us)) / 1e3;
}

// Times out of the rows that say ok: one per upload, the first attempt that did.
void take_times(const std::map<uint64_t, const Row*>& rows, const std::map<uint64_t, const Sent*>& sent, ArmResult& out) {
  std::vector<double> overall, download, decode, resize, upload, both, delay, end;
  for (const auto& [sequence, row] : rows) {
    overall.push_back(row->overall_ms);
    download.push_back(row->download_ms);
    decode.push_back(row->decode_ms);
    resize.push_back(row->resize_ms);
    upload.push_back(row->upload_ms);
    both.push_back(row->decode_ms + row->resize_ms + row->upload_ms);
    auto at = sent.find(sequence);
    if (at == sent.end()) continue;
    delay.push_back(milliseconds_between(at->second->done_us, row->start_us));
    end.push_back(milliseconds_between(at->second->scheduled_us, row->end_us));
  }
  out.images = rows.size();
  out.overall = summarize(overall);
  out.download = summarize(std::move(download));
  out.decode = summarize(std::move(decode));
  out.resize = summarize(std::move(resize));
  out.upload = summarize(std::move(upload));
  out.resize_upload = summarize(std::move(both));
  out.delay = summarize(std::move(delay));
  out.end_to_end = summarize(end);
  out.overall_sorted = sorted(std::move(overall));
  out.end_to_end_sorted = sorted(std::move(end));
}

void take_executions(const Collected& c, ArmResult& out) {
  const std::string resource = out.arm.resource();
  uint64_t cpu_us = 0, waited_us = 0;
  int64_t duration_us = 0;
  for (const Executed& e : c.records.executed) {
    if (e.function != resource) continue;
    ++out.executions;
    out.contended += e.contended();
    if (!e.cold_cause.empty()) ++out.cold[e.cold_cause];
    cpu_us += e.cpu_us;
    waited_us += e.waited_us();
    duration_us += e.duration_us;
    out.memory_peak_bytes = std::max(out.memory_peak_bytes, e.memory_peak_bytes);
    out.units += c.lambda.units(e.duration_us, e.init_us);
  }
  const auto images = static_cast<double>(std::max<size_t>(out.images, 1));
  if (cpu_us > 0) out.cpu_ms = static_cast<double>(cpu_us) / 1e3 / images;
  if (duration_us > 0) out.waited_share = static_cast<double>(waited_us) / static_cast<double>(duration_us);
  out.unit_price = c.lambda.price_per_unit(out.arm.memory_mb);
  out.units_mean = static_cast<double>(out.units) / images;
  out.duration_price = out.units_mean * out.unit_price;
  out.image_price = out.duration_price + static_cast<double>(out.executions) / images * c.lambda.price_per_request;
  out.day_price = out.image_price * c.run.uploads_per_day;
}

Result<> take_service(const Collected& c, ArmResult& out) {
  const double busy_seconds = out.overall.mean / 1e3 * static_cast<double>(out.overall.n);
  if (auto at = c.run.services.find(out.arm.name); at != c.run.services.end()) {
    const ServiceRun& service = at->second;
    out.on_seconds = service.on_seconds;
    out.memory_peak_bytes = service.memory_peak_bytes;
    if (service.cpu_seconds > 0) out.cpu_ms = service.cpu_seconds * 1e3 / static_cast<double>(std::max<size_t>(out.images, 1));
    if (busy_seconds > 0 && service.run_delay_seconds >= 0) out.waited_share = service.run_delay_seconds / busy_seconds;
    if (service.on_seconds > 0) out.busy_share = busy_seconds / (service.on_seconds * c.run.workers);
  }
  if (out.overall.mean > 0) out.capacity_per_day = c.run.workers * 86400 / (out.overall.mean / 1e3);
  if (out.capacity_per_day > 0) {
    out.instances = static_cast<size_t>(std::clamp(std::ceil(c.run.uploads_per_day / out.capacity_per_day), 1.0, 1e6));
  }
  out.day_price = TRY(c.ec2.per_day(out.arm.instance_type)) * static_cast<double>(out.instances);
  if (c.run.uploads_per_day > 0) out.image_price = out.day_price / c.run.uploads_per_day;
  return {};
}

Result<ArmResult> arm_result(const Collected& c, const Arm& arm, size_t planned) {
  ArmResult out;
  out.arm = arm;
  std::map<uint64_t, const Row*> rows;
  for (const Row& row : c.records.rows) {
    if (row.arm != arm.name || row.status != "ok") continue;
    const Row*& kept = rows[row.sequence];
    if (kept == nullptr || row.attempt < kept->attempt) kept = &row;
  }
  std::map<uint64_t, const Sent*> sent;
  for (const Sent& s : c.records.sent) {
    if (s.arm == arm.name) sent[s.sequence] = &s;
  }
  take_times(rows, sent, out);
  out.failed = planned - std::min(planned, out.images);
  if (arm.kind == Arm::Kind::Function) take_executions(c, out);
  else TRY(take_service(c, out));
  out.year_price = out.day_price * kDaysPerYear;
  return out;
}

Value summary_value(const Summary& s) {
  Value out = Value::map();
  out.set("n", s.n);
  out.set("mean", s.mean);
  out.set("mean_ci_low", s.mean_ci.low);
  out.set("mean_ci_high", s.mean_ci.high);
  out.set("sd", s.sd);
  out.set("min", s.least);
  out.set("p50", s.p50);
  out.set("p90", s.p90);
  out.set("p95", s.p95);
  out.set("p99", s.p99);
  out.set("max", s.most);
  return out;
}

Value arm_value(const ArmResult& a) {
  Value out = Value::map();
  out.set("name", a.arm.name);
  out.set("images", a.images);
  out.set("failed", a.failed);
  out.set("overall_ms", summary_value(a.overall));
  out.set("download_ms", summary_value(a.download));
  out.set("decode_ms", summary_value(a.decode));
  out.set("resize_ms", summary_value(a.resize));
  out.set("upload_ms", summary_value(a.upload));
  out.set("resize_upload_ms", summary_value(a.resize_upload));
  out.set("delay_ms", summary_value(a.delay));
  out.set("end_to_end_ms", summary_value(a.end_to_end));
  if (a.cpu_ms >= 0) out.set("cpu_ms_per_image", a.cpu_ms);
  if (a.memory_peak_bytes > 0) out.set("memory_peak_bytes", a.memory_peak_bytes);
  if (a.waited_share >= 0) out.set("waited_share", a.waited_share);
  if (a.arm.kind == Arm::Kind::Function) {
    out.set("executions", a.executions);
    out.set("contended", a.contended);
    Value& cold = out.set("cold_starts", Value::map());
    for (const auto& [cause, n] : a.cold) cold.set(cause, n);
    out.set("billed_units", a.units);
    out.set("billed_units_per_image", a.units_mean);
    out.set("price_per_unit", a.unit_price);
    out.set("duration_price_per_image", a.duration_price);
    out.set("break_even_uploads_per_day", a.break_even.uploads_per_day);
    out.set("break_even_within_capacity", a.break_even.within_capacity());
  } else {
    out.set("on_seconds", a.on_seconds);
    out.set("busy_share", a.busy_share);
    out.set("capacity_per_day", a.capacity_per_day);
    out.set("instances", a.instances);
  }
  out.set("price_per_image", a.image_price);
  out.set("price_per_day", a.day_price);
  out.set("price_per_year", a.year_price);
  return out;
}

Value reconciliation_value(const Reconciliation& r) {
  Value out = Value::map();
  out.set("clean", r.clean());
  Value& arms = out.set("arms", Value::list());
  for (const ArmCount& c : r.arms) {
    Value arm = Value::map();
    arm.set("name", c.arm);
    for (auto [name, n] : {std::pair{"planned", c.planned},
                           {"sent", c.sent},
                           {"refused", c.refused},
                           {"executions", c.executions},
                           {"executions_failed", c.executions_failed},
                           {"rows", c.rows},
                           {"ok", c.ok},
                           {"failed", c.failed},
                           {"skipped", c.skipped},
                           {"unsettled", c.unsettled},
                           {"repeated", c.repeated},
                           {"renditions", c.renditions}}) {
      arm.set(name, n);
    }
    arms.push(std::move(arm));
  }
  Value& remainders = out.set("remainders", Value::list());
  for (const Remainder& remainder : r.remainders) {
    Value one = Value::map();
    one.set("arm", remainder.arm);
    one.set("id", remainder.id);
    one.set("problem", remainder.problem);
    remainders.push(std::move(one));
  }
  return out;
}

template <class Key>
const ArmResult* least_function(const std::vector<ArmResult>& arms, Key key) {
  const ArmResult* out = nullptr;
  for (const ArmResult& a : arms) {
    if (a.arm.kind != Arm::Kind::Function || a.images == 0) continue;
    if (out == nullptr || key(a) < key(*out)) out = &a;
  }
  return out;
}

}  // namespace

size_t ArmResult::cold_starts() const {
  size_t n = 0;
  for (const auto& [cause, count] : cold) n += count;
  return n;
}

const ArmResult* Analysis::server() const {
  auto at = std::find_if(arms.begin(), arms.end(), [](const ArmResult& a) { return a.arm.kind == Arm::Kind::Service; });
  return at == arms.end() ? nullptr : &*at;
}
const ArmResult* Analysis::cheapest() const {
  return least_function(arms, [](const ArmResult& a) { return a.image_price; });
}
const ArmResult* Analysis::fastest() const {
  return least_function(arms, [](const ArmResult& a) { return a.overall.mean; });
}

Result<Analysis> analyze(const Collected& c) {
  Analysis out;
  for (const Arm& arm : c.run.arms) {
    auto planned = c.run.planned.find(arm.name);
    out.arms.push_back(TRY(arm_result(c, arm, planned == c.run.planned.end() ? 0 : planned->second)));
  }
  const ArmResult* server = out.server();
  out.server_type = server ? server->arm.instance_type : "c4.large";
  out.server_hour = TRY(c.ec2.per_second(out.server_type)) * 3600;
  out.server_day = out.server_hour * 24;
  for (ArmResult& a : out.arms) {
    if (a.arm.kind != Arm::Kind::Function) continue;
    const double seconds = server ? server->overall.mean / 1e3 : 0;
    a.break_even = break_even(out.server_day, a.image_price, c.run.workers, seconds);
  }
  out.reconciliation = reconcile(c.run.id, c.run.arms, c.run.planned, c.records);
  answer(c, out);
  return out;
}

Value to_value(const Analysis& analysis, const Collected& collected) {
  Value out = Value::map();
  out.set("version", kRunVersion);
  out.set("run", to_value(collected.run));
  Value& arms = out.set("arms", Value::list());
  for (const ArmResult& a : analysis.arms) arms.push(arm_value(a));
  Value& server = out.set("server", Value::map());
  server.set("instance_type", analysis.server_type);
  server.set("price_per_hour", analysis.server_hour);
  server.set("price_per_day", analysis.server_day);
  Value& answers = out.set("answers", Value::list());
  for (const Answer& a : analysis.answers) {
    Value one = Value::map();
    one.set("question", a.question);
    one.set("verdict", a.verdict);
    one.set("text", a.text);
    answers.push(std::move(one));
  }
  out.set("flips", analysis.flip);
  Value& notes = out.set("notes", Value::list());
  for (const std::string& note : analysis.notes) notes.push(note);
  out.set("reconciliation", reconciliation_value(analysis.reconciliation));
  return out;
}

}  // namespace gust::experiment
