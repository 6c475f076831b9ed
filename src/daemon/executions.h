// SPDX-License-Identifier: Apache-2.0

#pragma once

// Reads the meter's records of executions: STATE/meter/executions-YYYY-MM-DD.jsonl, one JSON object a line, as
// meter/execution.h writes them. Blocking. Thread-safe: no state.

#include <cstdint>
#include <string>

#include "base/result.h"

namespace gust::daemon {

struct ExecutionQuery {
  std::string function;    // name; empty: all
  int64_t from_us = 0;     // wall clock when the event was handed over
  size_t limit = 100'000;  // lines
};
inline constexpr size_t kMostExecutionBytes = 256 << 20;

// The lines in order of their end. Lines that are none of ours are left out. TooLarge beyond kMostExecutionBytes.
Result<std::string> read_executions(const std::string& meter_directory, const ExecutionQuery& query);

}  // namespace gust::daemon
