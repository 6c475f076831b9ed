// SPDX-License-Identifier: Apache-2.0

#pragma once

// Asynchronous events as rows of Space::Event, two for each:
//   ("due", function ARN, due time, request id) -> attempts, creation time, payload's size, qualifier, trace id, source
//   ("payload", function ARN, request id)       -> the payload
// The kind comes first, so that the index is read without passing over payloads; then the ARN, which carries region and
// account. Both exist or neither does. No state, any thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "invoke/ports.h"
#include "store/store.h"

namespace gust::invoke {

struct EventRow {
  std::string function_arn, request_id, qualifier, trace_id, source;
  uint64_t due_us = 0;    // wall clock
  uint64_t attempts = 0;  // executions that failed so far
  uint64_t payload_bytes = 0;
  int64_t created_us = 0;  // wall clock

  uint64_t bytes() const;  // what it counts in the backlog
  std::string due_key() const;
  std::string payload_key() const;
};

EventRow new_row(const AsyncEvent& event);  // due when it was created
Result<> write_event(store::Transaction& transaction, const AsyncEvent& event);
Result<> erase_event(store::Transaction& transaction, const EventRow& row);
// The same event under another due time or with more attempts.
Result<> move_event(store::Transaction& transaction, const EventRow& from, const EventRow& to);

Result<EventRow> read_row(const store::Row& row);  // of the index; Invalid where it is none of ours
std::string due_prefix();                          // of all functions
std::string due_prefix(std::string_view function_arn);

}  // namespace gust::invoke
