// SPDX-License-Identifier: Apache-2.0

#pragma once

// The C++ function library: a handler in, the Lambda Runtime API (version 2018-06-01) out. A program that calls run() is a
// `bootstrap` for provided.al2023, here and on AWS unchanged:
//
//   int main() { return gust::lambda::run([](const gust::lambda::Event& e) { return std::string(e.payload); }); }
//
// One thread, one kept-alive connection to $AWS_LAMBDA_RUNTIME_API, one write per message. The handler is called for one
// event at a time. This header needs nothing but the standard library.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>

namespace gust::lambda {

// One event. The views are valid until the handler returns.
struct Event {
  std::string_view payload;
  std::string_view request_id;
  std::string_view invoked_function_arn;
  std::string_view trace_id;          // also in _X_AMZN_TRACE_ID while the handler runs
  std::string_view client_context;    // JSON text, empty where the caller gave none
  std::string_view cognito_identity;  // JSON text, empty where there is none
  int64_t deadline_ms = 0;            // wall clock, milliseconds since 1970
  int64_t remaining_ms() const;
};

// Reported to Lambda as the invocation's (or init's) failure.
struct Error {
  std::string type;  // "ImageScaler.Unavailable"
  std::string message;
};

using Result = std::variant<std::string, Error>;  // the response's payload, or why there is none
using Handler = std::function<Result(const Event&)>;

// Serves events until the process is ended or the Runtime API goes away. An exception that leaves the handler is reported
// as an error of the exception's type. Returns the process's exit status (2: AWS_LAMBDA_RUNTIME_API is missing or bad).
int run(const Handler& handler);

// For a failure before the first event: reports it as the init error and returns the exit status.
int fail_init(const Error& error);

}  // namespace gust::lambda
