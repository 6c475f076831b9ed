// SPDX-License-Identifier: Apache-2.0

#pragma once

// One execution of a function, as metered: what reports, bills and `gust explain` are made of. Written as one JSON line
// to STATE/meter/executions-YYYY-MM-DD.jsonl and served by GET /_gust/executions.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/value.h"

namespace gust::meter {

enum class Outcome : uint8_t { Ok, FunctionError, Timeout, OutOfMemory, Crash, InitError };
std::string_view name_of(Outcome outcome);  // "ok" "error" "timeout" "oom" "crash" "init-error"

struct Execution {
  std::string request_id, function_arn, environment;  // environment: name of the sandbox, stable while it lives
  uint32_t attempt = 1;                               // of an async event
  uint32_t memory_mb = 0;
  Outcome outcome = Outcome::Ok;
  std::string error_type;
  std::string cold_cause;                       // empty: warm. "first", "scale-out", "after-reset", "after-update", "evicted"
  int64_t received_us = 0;                      // wall clock: the request or the event's cause
  int64_t started_us = 0;                       // wall clock: event handed to the runtime
  int64_t duration_us = 0;                      // handed over until response complete; a failed init's whole time
  int64_t init_us = 0;                          // cold: start of the runtime until its first next
  int64_t sandbox_us = 0;                       // cold: asking the warden until it answered
  int64_t queue_us = 0;                         // waiting for an environment or admission
  int64_t billed_ms = 0;                        // rounded up, init included (AWS since 2025-08-01)
  uint64_t cpu_user_us = 0, cpu_system_us = 0;  // a cold one's init included
  uint64_t throttled_us = 0;                    // held back by its own CPU quota
  uint64_t run_delay_us = 0;                    // runnable without a CPU, summed over its threads, throttling included
  uint64_t memory_peak_bytes = 0;
  bool contended = false;  // others took its CPU: (run delay - throttled) / wall above 5 %
};

// Of the sampled counters and the durations.
bool is_contended(const Execution& execution);

Value to_value(const Execution& execution);
std::string to_line(const Execution& execution);  // the same as JSON text; on every execution's way, so without the tree

}  // namespace gust::meter
