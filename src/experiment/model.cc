// SPDX-License-Identifier: Apache-2.0

#include "experiment/model.h"

#include <cstdio>

#include "base/encoding.h"
#include "gust/aws.h"

namespace gust::experiment {

Result<Arm> parse_arm(std::string_view name) {
  Arm arm;
  arm.name = name;
  if (name.starts_with("fn-")) {
    auto memory = parse_uint(name.substr(3));
    if (!memory || *memory < 128 || *memory > 10'240)
      return fail(Errc::Invalid, "an arm fn-MB needs 128 to 10240 MB, not '" + arm.name + "'");
    arm.memory_mb = static_cast<uint32_t>(*memory);
    arm.vcpus = static_cast<double>(*memory) / 1769;
    return arm;
  }
  constexpr std::string_view kTypeCharacters = "abcdefghijklmnopqrstuvwxyz0123456789.-";
  if (name.starts_with("svc-") && name.size() > 4 && name.size() <= 40 &&
      name.substr(4).find_first_not_of(kTypeCharacters) == std::string_view::npos) {
    arm.kind = Arm::Kind::Service;
    arm.instance_type = name.substr(4);
    arm.vcpus = 2;
    return arm;
  }
  return fail(Errc::Invalid, "an arm is fn-MB or svc-TYPE (fn-1728, svc-c4.large), not '" + escape_terminal(name) + "'");
}

std::vector<Arm> default_arms() {
  std::vector<Arm> out;
  for (auto name : {"fn-512", "fn-1728", "fn-3008", "svc-c4.large"}) out.push_back(*parse_arm(name));
  return out;
}

std::string sequence_text(uint64_t sequence) {
  char text[24];
  snprintf(text, sizeof text, "%06llu", static_cast<unsigned long long>(sequence));
  return text;
}

std::string upload_key(const std::string& run, const std::string& arm, uint64_t sequence) {
  return "uploads/" + run + "/" + arm + "/" + sequence_text(sequence) + ".jpg";
}

std::string rendition_key(const std::string& run, const std::string& arm, uint64_t sequence, uint32_t width) {
  return "renditions/" + run + "/" + arm + "/" + sequence_text(sequence) + "/" + std::to_string(width) + ".jpg";
}

Value Sent::to_value() const {
  Value out = Value::map();
  out.set("arm", arm);
  out.set("seq", sequence);
  out.set("key", key);
  out.set("bytes", bytes);
  out.set("etag", etag);
  out.set("scheduled_us", scheduled_us);
  out.set("sent_us", sent_us);
  out.set("done_us", done_us);
  if (!error.empty()) out.set("error", error);
  return out;
}

Result<Sent> sent_of(const Value& line) {
  Sent out;
  out.arm = line["arm"].as_string();
  out.key = line["key"].as_string();
  out.etag = line["etag"].as_string();
  out.error = line["error"].as_string();
  if (out.arm.empty() || out.key.empty() || line["seq"].as_int(-1) < 0)
    return fail(Errc::Invalid, "an upload without arm, key or sequence");
  out.sequence = static_cast<uint64_t>(line["seq"].as_int());
  out.bytes = static_cast<uint64_t>(line["bytes"].as_int());
  out.scheduled_us = line["scheduled_us"].as_int();
  out.sent_us = line["sent_us"].as_int();
  out.done_us = line["done_us"].as_int();
  return out;
}

Result<Row> row_of(const Value& item) {
  Row row;
  row.arm = aws::string_of(item, "arm");
  row.key = aws::string_of(item, "key");
  row.status = aws::string_of(item, "status");
  row.request_id = aws::string_of(item, "request_id");
  row.error_type = aws::string_of(item, "error_type");
  row.error = aws::string_of(item, "error");
  row.format = aws::string_of(item, "format");
  auto sequence = parse_uint(aws::string_of(item, "seq"));
  if (!sequence || row.arm.empty())
    return fail(Errc::Invalid, "a row without arm or sequence: " + std::string(aws::string_of(item, "sk")));
  row.sequence = *sequence;
  row.attempt = static_cast<int>(aws::number_of(item, "attempt"));
  row.first_call = aws::bool_of(item, "first_call");
  row.start_us = static_cast<int64_t>(aws::number_of(item, "t_start"));
  row.end_us = static_cast<int64_t>(aws::number_of(item, "t_end"));
  row.download_ms = aws::number_of(item, "download_ms");
  row.decode_ms = aws::number_of(item, "decode_ms");
  row.resize_ms = aws::number_of(item, "resize_ms");
  row.upload_ms = aws::number_of(item, "upload_ms");
  row.overall_ms = aws::number_of(item, "overall_ms");
  row.queue_ms = aws::number_of(item, "queue_ms");
  row.bytes_in = static_cast<uint64_t>(aws::number_of(item, "bytes_in"));
  row.width = static_cast<uint64_t>(aws::number_of(item, "w"));
  row.height = static_cast<uint64_t>(aws::number_of(item, "h"));
  row.renditions = static_cast<uint64_t>(aws::number_of(item, "renditions"));
  return row;
}

Result<Executed> executed_of(const Value& line) {
  Executed out;
  out.request_id = line["request_id"].as_string();
  std::string_view arn = line["function_arn"].as_string();
  constexpr std::string_view kMark = ":function:";
  size_t at = arn.find(kMark);
  if (out.request_id.empty() || at == std::string_view::npos)
    return fail(Errc::Invalid, "an execution without request id or function ARN");
  arn.remove_prefix(at + kMark.size());
  out.function = arn.substr(0, arn.find(':'));
  out.outcome = line["outcome"].as_string();
  out.error_type = line["error_type"].as_string();
  out.cold_cause = line["cold_cause"].as_string();
  out.attempt = static_cast<uint32_t>(line["attempt"].as_int(1));
  out.memory_mb = static_cast<uint32_t>(line["memory_mb"].as_int());
  out.started_us = line["started_us"].as_int();
  out.duration_us = line["duration_us"].as_int();
  out.init_us = line["init_us"].as_int();
  out.queue_us = line["queue_us"].as_int();
  out.cpu_us = static_cast<uint64_t>(line["cpu_user_us"].as_int() + line["cpu_system_us"].as_int());
  out.run_delay_us = static_cast<uint64_t>(line["run_delay_us"].as_int());
  out.throttled_us = static_cast<uint64_t>(line["throttled_us"].as_int());
  out.memory_peak_bytes = static_cast<uint64_t>(line["memory_peak_bytes"].as_int());
  return out;
}

}  // namespace gust::experiment
