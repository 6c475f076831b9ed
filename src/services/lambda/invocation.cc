// SPDX-License-Identifier: Apache-2.0

// Invoke. On the loop; only a body that lies in a file is read, and a long one checked, by a disk thread.

#include "base/encoding.h"
#include "base/ids.h"
#include "model/errors.h"
#include "services/lambda/lambda_service.h"
#include "services/lambda/policy_document.h"

namespace gust::lambda {
namespace {

// AWS Lambda guide, "Lambda quotas" and Invoke's reference.
constexpr uint64_t kMaxSync = 6'291'456, kMaxAsync = 1'048'576, kMaxClientContext = 3583, kMaxTail = 4096;
constexpr size_t kMaxChecked = 64 << 10;  // bytes that the loop checks itself

model::ApiError too_large(uint64_t limit) {
  return model::api_error("RequestTooLargeException",
                          "Request must be smaller than " + std::to_string(limit) + " bytes for the InvokeFunction operation",
                          413);
}

model::ApiError no_event() {
  return model::api_error("InvalidRequestContentException",
                          "Could not parse request body into json: Could not parse payload into json: it is no JSON document.");
}

model::Reply answer_reply(InvokeAnswer answer, bool tail) {
  model::Reply reply;
  reply.output.set("StatusCode", 200);
  reply.status = 200;
  reply.output.set("ExecutedVersion", "$LATEST");
  if (answer.kind == InvokeAnswer::Kind::FunctionError) reply.output.set("FunctionError", answer.function_error);
  if (tail) {
    const size_t skip = answer.log_tail.size() > kMaxTail ? answer.log_tail.size() - kMaxTail : 0;
    reply.output.set("LogResult", base64_encode(std::string_view(answer.log_tail).substr(skip)));
  }
  reply.payload.emplace();
  reply.payload->bytes = std::move(answer.payload);
  return reply;
}

void give(const model::Responder& responder, InvokeAnswer answer, bool tail) {
  switch (answer.kind) {
    case InvokeAnswer::Kind::Response:
    case InvokeAnswer::Kind::FunctionError:
      return responder.reply(answer_reply(std::move(answer), tail));
    case InvokeAnswer::Kind::Throttled:
      return responder.error(model::too_many_requests("Rate Exceeded.", answer.reason));
    case InvokeAnswer::Kind::Unavailable:
      return responder.error(model::unavailable("lambda"));
  }
}

void give_status(const model::Responder& responder, int status) {
  model::Reply reply;
  reply.output.set("StatusCode", status);
  reply.status = status;
  reply.payload.emplace();
  responder.reply(std::move(reply));
}

}  // namespace

struct LambdaService::Invocation {
  model::Responder responder;
  invoke::FunctionPtr function;
  CodeState code = CodeState::Ready;
  bool event = false;
  InvokeRequest request;
  http::Body body;
};

void LambdaService::invoke(model::Call& call, const model::Responder& responder) {
  const Value& input = call.input;
  const auto name = target(call);
  if (!name) return responder.error(name.error());
  const auto live = live_.find(name->arn());
  if (live == live_.end()) return responder.error(model::resource_not_found("Function not found: " + name->qualified_arn()));
  for (const char* member : {"TenantId", "DurableExecutionName"}) {
    if (input.has(member)) return responder.error(model::not_implemented(id(), std::string("Invoke with ") + member));
  }
  const std::string_view type = input["InvocationType"].as_string("RequestResponse");
  if (type == "DryRun") return give_status(responder, 204);
  auto invocation = std::make_shared<Invocation>(Invocation{.responder = responder});
  invocation->function = live->second.function;
  invocation->code = live->second.code;
  invocation->event = type == "Event";
  const uint64_t limit = invocation->event ? kMaxAsync : kMaxSync;
  if (call.payload.size() > limit) return responder.error(too_large(limit));
  InvokeRequest& request = invocation->request;
  if (const std::string_view context = input["ClientContext"].as_string(); !context.empty() && !invocation->event) {
    const auto text = base64_decode(context);
    if (context.size() > kMaxClientContext || !text || !is_event(*text)) {
      return responder.error(model::api_error("InvalidRequestContentException",
                                              "Client context must be a valid Base64-encoded "
                                              "JSON object."));
    }
    request.client_context = *text;
  }
  request.function = invocation->function;
  request.request_id = std::move(call.request_id);
  request.tail = input["LogType"].as_string() == "Tail";
  request.received_us = call.received_us;
  invocation->body = std::move(call.payload);
  accept(std::move(invocation));
}

// Has the payload as text, checked.
void LambdaService::accept(std::shared_ptr<Invocation> invocation) {
  const auto check = [](Invocation& i) -> Problem {
    auto text = i.body.file ? i.body.read_all(kMaxSync) : Result<std::string>(std::move(i.body.bytes));
    if (!text) return model::from_error("lambda", text.error());
    i.request.payload = text->empty() ? "{}" : std::move(*text);
    if (!is_event(i.request.payload)) return no_event();
    return std::nullopt;
  };
  if (!invocation->body.file && invocation->body.size() <= kMaxChecked) {
    if (auto e = check(*invocation)) return invocation->responder.error(std::move(*e));
    return run(invocation);
  }
  const bool taken = parts_.disk.submit([this, invocation, check] {
    if (auto e = check(*invocation)) return invocation->responder.error(std::move(*e));
    parts_.loop.post([this, invocation] { run(invocation); });
  });
  if (!taken) invocation->responder.error(model::unavailable("lambda"));
}

void LambdaService::run(const std::shared_ptr<Invocation>& invocation) {
  if (invocation->code != CodeState::Ready) {
    const char* state = invocation->code == CodeState::Pending ? "Pending" : "Failed";
    return invocation->responder.error(model::resource_conflict(
        std::string("The operation cannot be performed at this time. The function is currently in the following state: ") +
        state));
  }
  if (invocation->event) return enqueue(invocation);
  const bool tail = invocation->request.tail;
  parts_.port.invoke(std::move(invocation->request), [responder = invocation->responder, tail](InvokeAnswer answer) {
    give(responder, std::move(answer), tail);
  });
}

void LambdaService::enqueue(const std::shared_ptr<Invocation>& invocation) {
  auto event = std::make_shared<invoke::AsyncEvent>();
  event->request_id = invocation->request.request_id;
  event->function_arn = invocation->function->arn;
  event->payload = std::move(invocation->request.payload);
  event->source = "api";
  event->created_us = invocation->request.received_us;
  parts_.store.commit([this, event](store::Transaction& transaction) { return parts_.events.enqueue(transaction, *event); },
                      [this, event, responder = invocation->responder](Result<> done) {
                        if (!done) return responder.error(model::from_error("lambda", done.error()));
                        give_status(responder, 202);
                        parts_.events.committed(*event);
                      });
}

}  // namespace gust::lambda
