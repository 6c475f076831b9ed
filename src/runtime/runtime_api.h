// SPDX-License-Identifier: Apache-2.0

#pragma once

// The Lambda Runtime API (2018-06-01) as HTTP: paths, headers, states' error answers. An environment is known by the
// listener that a request came in by, an invocation by the id in its path, never by a connection. Loop thread only.

#include <cstdint>
#include <string>
#include <string_view>

#include "http/server.h"

namespace gust::runtime {

inline constexpr uint64_t kMostPayload = 6 * 1024 * 1024 + 100;  // synchronous response, as AWS's emulator has it

// What a runtime posted about an invocation or its start.
struct Posted {
  std::string body;
  std::string error_type;  // of the body, a header or a trailer, made safe for a log line; empty: none
  bool trailer_error = false;
};

class RuntimeEvents {
 public:
  virtual ~RuntimeEvents() = default;
  enum class Verdict { Accepted, WrongState, WrongRequest, TooLarge };
  virtual void next(uint64_t environment, http::ExchangePtr exchange) = 0;  // answer it now or later
  // Called before the runtime has its 202: the caller's answer goes first.
  virtual Verdict response(uint64_t environment, std::string_view request_id, Posted posted) = 0;
  virtual Verdict error(uint64_t environment, std::string_view request_id, Posted posted) = 0;
  virtual Verdict init_error(uint64_t environment, Posted posted) = 0;
  // A response of which only the size is known: it is refused unread.
  virtual Verdict too_large(uint64_t environment, std::string_view request_id, uint64_t bytes) = 0;
  virtual void posted_done(uint64_t environment) = 0;                     // after the runtime has its answer: bookkeeping
  virtual void gone(uint64_t environment, http::Exchange& exchange) = 0;  // a parked next whose peer closed
  virtual std::string_view state_of(uint64_t environment) const = 0;      // as the Runtime API names states: "Ready"
};

class RuntimeApi final : public http::Handler {
 public:
  explicit RuntimeApi(RuntimeEvents& events) : events_(events) {}
  http::BodyPlan on_head(http::Exchange& exchange) override;
  void on_request(http::ExchangePtr exchange) override;
  void on_abort(http::Exchange& exchange) override;

 private:
  void on_invocation(http::Exchange& exchange);
  void finish(http::Exchange& exchange, RuntimeEvents::Verdict verdict, std::string_view wanted_state);
  RuntimeEvents& events_;
};

// 403: what was asked for is not allowed in this state.
http::Response wrong_state(std::string_view from, std::string_view to);

// Head of the answer to next; the event follows as its body.
std::string next_head(std::string_view request_id, int64_t deadline_unix_ms, std::string_view function_arn,
                      std::string_view trace_id, std::string_view client_context, size_t payload_bytes);

}  // namespace gust::runtime
