// SPDX-License-Identifier: Apache-2.0

#pragma once

// What the Router keeps: invocations, execution environments (a sandbox with a runtime in it, from its start to its end)
// and one pool of them for each function. Owned and driven by the Router; loop thread only.

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/server.h"
#include "invoke/function.h"
#include "net/loop.h"
#include "sandbox/sandbox.h"

namespace gust::invoke {

struct InvokeResult {
  enum class Kind {
    Response,       // the handler's result
    FunctionError,  // payload describes it
    Throttled,      // throttle_reason says by which limit
    Unavailable,    // nothing ran, or its end is unknown because we are shutting down; error_type says why
  };
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
  std::string payload;  // JSON
  std::string client_context, trace_id;
  int64_t received_us = 0;                 // wall clock
  uint32_t attempt = 1;                    // of an async event
  bool want_log_tail = false;              // then the answer waits for the REPORT line, which is part of the tail
  std::function<void(InvokeResult)> done;  // once, on the loop, perhaps before invoke() returns

  int64_t arrived_us = 0;  // monotonic; set by the router
  int64_t handed_over_us = 0, handed_over_unix_us = 0;
};

// Prepared: a sandbox without a runtime, new or reset. "Specialised" comes with shells. Leaving: being reset or ended.
enum class State { Prepared, Init, Idle, Busy, Leaving };
std::string_view name_of(State state);

struct Pool;

struct Environment {
  explicit Environment(net::Loop& loop) : timer(loop), output_timer(loop) {}

  uint64_t id = 0;
  std::string name;  // in logs and meter
  FunctionPtr function;
  Pool* pool = nullptr;
  State state = State::Prepared;
  std::string cause;       // of the last transition
  std::string cold_cause;  // why it was started; cleared by its first invocation
  std::optional<sandbox::Started> sandbox;

  http::ExchangePtr parked;  // GET next that waits for an event
  std::optional<Invocation> current;
  std::string last_request_id;
  bool answered = false;  // the runtime has posted the result of the current invocation
  InvokeResult::Kind result = InvokeResult::Kind::Response;
  std::string result_error_type;
  std::optional<InvokeResult> held;  // the answer, where it waits for the log's tail

  std::string init_error_type, init_error_body;
  bool starting = false;       // for the pool: an invocation counts on it
  bool finishing = false;      // has answered and will ask for the next event at any moment: an invocation counts on it
  bool start_counts = false;   // among the starts in flight
  int64_t cpu_held_milli = 0;  // of the host's CPUs in strict admission
  int64_t asked_us = 0, asked_unix_us = 0, started_us = 0, init_us = 0, answered_us = 0,
          idle_since_us = 0;  // monotonic but for unix
  sandbox::Usage usage;       // at the end of the last execution
  uint64_t executions = 0;

  bool frozen = false;
  uint64_t idle_cpu_us = 0;                    // CPU time when it became idle; 0: not known yet
  int64_t check_at_us = 0, check_wait_us = 0;  // when its CPU use while idle is looked at

  bool output_armed = false;
  std::string partial_line;  // output without its newline yet
  std::string tail;          // of the current invocation's log, where wanted
  net::Timer timer;          // function timeout, init limit, end of a reset
  net::Timer output_timer;   // while the log cannot take more
  std::unique_ptr<net::Watch> output_watch, control_watch;
};

// The environments of one function and what waits for them.
struct Pool {
  std::string arn;
  FunctionPtr function;  // null: deleted
  std::vector<Environment*> all;
  std::vector<Environment*> idle;      // most recently used last
  std::vector<Environment*> prepared;  // reset: sandbox without a runtime
  std::list<Invocation> waiting;
  std::optional<std::list<Pool*>::iterator> turn;  // its place in the line of those that wait
  uint32_t starting = 0, finishing = 0;            // environments on which waiting invocations count
  uint32_t in_use = 0;                             // concurrency: waiting and running
  bool reserved = false;                           // has reserved concurrency
  std::string next_cause = "first";                // of its next cold start
};

}  // namespace gust::invoke
