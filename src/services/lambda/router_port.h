// SPDX-License-Identifier: Apache-2.0

#pragma once

// InvokePort over the invoke path's router. Loop thread only.

#include <utility>

#include "invoke/router.h"
#include "services/lambda/invoke_port.h"

namespace gust::lambda {

class RouterPort : public InvokePort {
 public:
  explicit RouterPort(invoke::Router& router) : router_(router) {}

  void put_function(invoke::FunctionPtr function) override { router_.put_function(std::move(function)); }
  void remove_function(const invoke::Function& function) override { router_.remove_function(function.arn); }

  void invoke(InvokeRequest request, std::function<void(InvokeAnswer)> done) override {
    invoke::Invocation invocation;
    invocation.request_id = std::move(request.request_id);
    invocation.function = std::move(request.function);
    invocation.payload = std::move(request.payload);
    invocation.client_context = std::move(request.client_context);
    invocation.received_us = request.received_us;
    invocation.want_log_tail = request.tail;
    invocation.done = [done = std::move(done)](invoke::InvokeResult result) { done(to_answer(std::move(result))); };
    router_.invoke(std::move(invocation));
  }

 private:
  static InvokeAnswer to_answer(invoke::InvokeResult result) {
    using Kind = invoke::InvokeResult::Kind;
    InvokeAnswer answer;
    switch (result.kind) {
      case Kind::Response:
        answer.kind = InvokeAnswer::Kind::Response;
        break;
      case Kind::FunctionError:
        answer.kind = InvokeAnswer::Kind::FunctionError;
        break;
      case Kind::Throttled:
        answer.kind = InvokeAnswer::Kind::Throttled;
        break;
      case Kind::Unavailable:
        answer.kind = InvokeAnswer::Kind::Unavailable;
        break;
    }
    answer.payload = std::move(result.payload);
    answer.function_error = std::move(result.function_error);
    answer.reason = std::move(result.throttle_reason);
    answer.log_tail = std::move(result.log_tail);
    return answer;
  }

  invoke::Router& router_;
};

}  // namespace gust::lambda
