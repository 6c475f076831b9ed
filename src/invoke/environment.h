// SPDX-License-Identifier: Apache-2.0

#pragma once

// One execution environment: a sandbox with a runtime in it, from its start to its end. Owned and driven by the Router;
// loop thread only.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "http/server.h"
#include "invoke/function.h"
#include "net/loop.h"
#include "sandbox/sandbox.h"

namespace gust::invoke {

struct InvokeResult {
  enum class Kind { Response, FunctionError, Throttled, Unavailable };
  Kind kind = Kind::Response;
  std::string payload;
  std::string function_error;   // "Unhandled"
  std::string error_type;       // for retries and records
  std::string throttle_reason;  // as AWS names it
  std::string log_tail;         // last 4 KiB, where asked for
};

struct Invocation {
  std::string request_id;
  FunctionPtr function;
  std::string payload;          // JSON
  std::string client_context, trace_id;
  int64_t received_us = 0;      // wall clock
  uint32_t attempt = 1;         // of an async event
  bool want_log_tail = false;
  std::function<void(InvokeResult)> done;  // once, on the loop

  int64_t arrived_us = 0;       // monotonic; set by the router
  int64_t handed_over_us = 0, handed_over_unix_us = 0;
};

enum class State { Prepared, Init, Idle, Busy, Leaving };  // specialised comes with shells
std::string_view name_of(State state);

struct Environment {
  explicit Environment(net::Loop& loop) : timer(loop) {}

  uint64_t id = 0;
  std::string name;             // in logs and meter
  FunctionPtr function;
  State state = State::Prepared;
  std::string cause;            // of the last transition
  std::string cold_cause;       // why it was started; cleared by its first invocation
  std::optional<sandbox::Started> sandbox;
  http::ExchangePtr parked;     // GET next that waits for an event
  std::optional<Invocation> current;
  bool answered = false;        // the current invocation's caller has its answer
  std::optional<InvokeResult> result;
  std::string init_error_type, init_error_body;
  int64_t asked_us = 0, started_us = 0, init_us = 0, idle_since_us = 0;
  sandbox::Usage usage;         // at the end of the last execution
  uint64_t executions = 0;
  std::string partial_line;     // output without its newline yet
  std::string tail;             // last 4 KiB of the current invocation's log
  net::Timer timer;             // function timeout, init limit
  std::unique_ptr<net::Watch> output_watch, control_watch;
};

}  // namespace gust::invoke
