// SPDX-License-Identifier: Apache-2.0

#pragma once

// What the service needs of the invoke path: the functions that exist, and invocations. Everything on the loop's thread.
// router_port.h implements it with invoke/router.h; tests with a fake.

#include <cstdint>
#include <functional>
#include <string>

#include "invoke/function.h"

namespace gust::lambda {

struct InvokeRequest {
  invoke::FunctionPtr function;
  std::string request_id;
  std::string payload;
  std::string client_context;  // JSON, decoded; empty: none
  bool tail = false;           // LogType Tail
  int64_t received_us = 0;     // wall clock
};

struct InvokeAnswer {
  enum class Kind {
    Response,       // the handler's result
    FunctionError,  // payload describes it; still HTTP 200
    Throttled,      // reason says which limit
    Unavailable,    // nothing ran; a retry is safe
  };
  Kind kind = Kind::Response;
  std::string payload;
  std::string function_error;  // "Unhandled" or "Handled"
  std::string reason;          // Throttled: as AWS names it
  std::string log_tail;        // last 4 KB, plain
};

class InvokePort {
 public:
  virtual ~InvokePort() = default;
  virtual void put_function(invoke::FunctionPtr function) = 0;  // new or replaced
  virtual void remove_function(const invoke::Function& function) = 0;
  virtual void invoke(InvokeRequest request, std::function<void(InvokeAnswer)> done) = 0;  // done: once, on the loop
};

}  // namespace gust::lambda
