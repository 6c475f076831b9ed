// SPDX-License-Identifier: Apache-2.0

#pragma once

// Small interfaces through which services hand events to functions without knowing each other. Wired in daemon/.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/store.h"

namespace gust::invoke {

// An asynchronous invocation, written in the same transaction as whatever causes it.
struct AsyncEvent {
  std::string request_id;    // the same for all attempts
  std::string function_arn;  // unqualified
  std::string qualifier;     // empty: $LATEST
  std::string payload;       // JSON, at most 1 MiB
  std::string trace_id;
  std::string source;      // "s3", "api", ...
  int64_t created_us = 0;  // wall clock when the cause was received
};

class EventSink {
 public:
  virtual ~EventSink() = default;
  // Inside a mutation: makes the event durable with it.
  virtual Result<> enqueue(store::Transaction& transaction, const AsyncEvent& event) = 0;
  // After that mutation's commit succeeded: dispatch now instead of at the next look. Any thread.
  virtual void committed(const AsyncEvent& event) = 0;
};

// Whether a function's resource policy lets a service invoke it (AddPermission).
class InvokePolicy {
 public:
  virtual ~InvokePolicy() = default;
  // principal "s3.amazonaws.com", source_arn "arn:aws:s3:::BUCKET". False also where the function does not exist.
  virtual Result<bool> may_invoke(store::View& view, std::string_view function_arn, std::string_view principal,
                                  std::string_view source_arn, std::string_view source_account) = 0;
};

}  // namespace gust::invoke
