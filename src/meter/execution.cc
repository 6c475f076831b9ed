// SPDX-License-Identifier: Apache-2.0

#include "meter/execution.h"

#include <algorithm>
#include <charconv>

#include "base/json.h"

namespace gust::meter {

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::Ok:
      return "ok";
    case Outcome::FunctionError:
      return "error";
    case Outcome::Timeout:
      return "timeout";
    case Outcome::OutOfMemory:
      return "oom";
    case Outcome::Crash:
      return "crash";
    case Outcome::InitError:
      return "init-error";
  }
  return "?";
}

bool is_contended(const Execution& e) {
  uint64_t waited = e.run_delay_us - std::min(e.run_delay_us, e.throttled_us);
  int64_t wall = e.duration_us + e.init_us;
  return wall > 0 && waited * 20 > static_cast<uint64_t>(wall);
}

Value to_value(const Execution& e) {
  Value v = Value::map();
  v.set("request_id", e.request_id);
  v.set("function_arn", e.function_arn);
  v.set("environment", e.environment);
  v.set("attempt", e.attempt);
  v.set("memory_mb", e.memory_mb);
  v.set("outcome", name_of(e.outcome));
  v.set("error_type", e.error_type);
  v.set("cold_cause", e.cold_cause);
  v.set("received_us", e.received_us);
  v.set("started_us", e.started_us);
  v.set("duration_us", e.duration_us);
  v.set("init_us", e.init_us);
  v.set("sandbox_us", e.sandbox_us);
  v.set("queue_us", e.queue_us);
  v.set("billed_ms", e.billed_ms);
  v.set("cpu_user_us", e.cpu_user_us);
  v.set("cpu_system_us", e.cpu_system_us);
  v.set("throttled_us", e.throttled_us);
  v.set("run_delay_us", e.run_delay_us);
  v.set("memory_peak_bytes", e.memory_peak_bytes);
  v.set("contended", e.contended);
  return v;
}

std::string to_line(const Execution& e) {
  std::string line;
  line.reserve(640);
  auto text = [&line](std::string_view name, std::string_view value) {
    line.append(line.empty() ? "{\"" : ",\"").append(name).append("\":");
    bool plain = std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c < 0x7F && c != '"' && c != '\\'; });
    plain ? line.append("\"").append(value).append("\"") : line.append(json::quote(value));
  };
  auto number = [&line](std::string_view name, auto value) {
    char digits[24];
    auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    line.append(",\"").append(name).append("\":").append(digits, static_cast<size_t>(end - digits));
  };
  text("request_id", e.request_id);
  text("function_arn", e.function_arn);
  text("environment", e.environment);
  number("attempt", e.attempt);
  number("memory_mb", e.memory_mb);
  text("outcome", name_of(e.outcome));
  text("error_type", e.error_type);
  text("cold_cause", e.cold_cause);
  number("received_us", e.received_us);
  number("started_us", e.started_us);
  number("duration_us", e.duration_us);
  number("init_us", e.init_us);
  number("sandbox_us", e.sandbox_us);
  number("queue_us", e.queue_us);
  number("billed_ms", e.billed_ms);
  number("cpu_user_us", e.cpu_user_us);
  number("cpu_system_us", e.cpu_system_us);
  number("throttled_us", e.throttled_us);
  number("run_delay_us", e.run_delay_us);
  number("memory_peak_bytes", e.memory_peak_bytes);
  return line.append(e.contended ? ",\"contended\":true}" : ",\"contended\":false}");
}

}  // namespace gust::meter
