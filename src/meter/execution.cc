// SPDX-License-Identifier: Apache-2.0

#include "meter/execution.h"

namespace gust::meter {

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::Ok: return "ok";
    case Outcome::FunctionError: return "error";
    case Outcome::Timeout: return "timeout";
    case Outcome::OutOfMemory: return "oom";
    case Outcome::Crash: return "crash";
    case Outcome::InitError: return "init-error";
  }
  return "?";
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
  v.set("memory_peak_bytes", e.memory_peak_bytes);
  return v;
}

}  // namespace gust::meter
