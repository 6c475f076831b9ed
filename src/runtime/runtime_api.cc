// SPDX-License-Identifier: Apache-2.0

#include "runtime/runtime_api.h"

#include <algorithm>
#include <optional>

#include "base/encoding.h"
#include "base/json.h"

namespace gust::runtime {
namespace {

constexpr std::string_view kInvocation = "/2018-06-01/runtime/invocation/";
constexpr uint64_t kBodyLimit = 8 << 20;  // above kMostPayload, so that the real size can be told
constexpr size_t kMostType = 256;

http::Response json_answer(int status, std::string body) {
  http::Response response{.status = status};
  response.headers.add("Content-Type", "application/json");
  response.body.bytes = std::move(body);
  return response;
}

http::Response refusal(int status, std::string_view type, std::string_view message) {
  Value v = Value::map();
  v.set("errorMessage", message);
  v.set("errorType", type);
  return json_answer(status, json::write(v));
}

http::Response too_large_refusal() {
  return refusal(413, "RequestEntityTooLarge", "Exceeded maximum allowed payload size (6291556 bytes).");
}

// Types end up in log lines: what a type cannot look like is not taken over.
std::string safe_type(std::string_view type, std::string_view otherwise) {
  bool safe = !type.empty() && type.size() <= kMostType && std::all_of(type.begin(), type.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-$:").find(c) != std::string_view::npos;
  });
  return std::string(safe ? type : otherwise);
}

// The type that counts is the body's; several official clients send no header, others one that differs.
std::string error_type(const http::Request& request, std::string_view body, std::string_view otherwise) {
  if (auto document = json::parse(body, {.depth = 32, .bytes = 1 << 20})) {
    std::string_view type = (*document)["errorType"].as_string();
    if (!type.empty()) return safe_type(type, otherwise);
  }
  return safe_type(request.headers.get("lambda-runtime-function-error-type"), otherwise);
}

struct InvocationPath {
  std::string_view request_id, verb;
};

// Of POST .../invocation/ID/VERB.
std::optional<InvocationPath> invocation_path(const http::Request& request) {
  std::string_view path = request.path;
  if (request.method != "POST" || !path.starts_with(kInvocation)) return std::nullopt;
  path.remove_prefix(kInvocation.size());
  size_t slash = path.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  return InvocationPath{path.substr(0, slash), path.substr(slash + 1)};
}

Posted take(http::Request& request) {
  Posted posted;
  posted.body = std::move(request.body.bytes);
  const std::string* type = request.trailers.find("lambda-runtime-function-error-type");
  const std::string* body = request.trailers.find("lambda-runtime-function-error-body");
  if (type || body) {
    posted.trailer_error = true;
    posted.error_type = safe_type(type ? *type : "", "Function.Unknown");
    auto decoded = base64_decode(body ? *body : "");
    posted.body = decoded ? *decoded : "{}";
  }
  return posted;
}

// Nothing where it is empty. Line ends may stand between the tokens of a client context: a space does as well.
void append_field(std::string& head, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  head += name;
  for (char c : value) head += static_cast<unsigned char>(c) < ' ' || c == 0x7F ? ' ' : c;
}

}  // namespace

http::BodyPlan RuntimeApi::on_head(http::Exchange& exchange) {
  http::BodyPlan plan{.limit = kBodyLimit, .memory = kBodyLimit};
  const http::Request& request = exchange.request();
  if (request.method == "GET") return plan;
  auto length = parse_uint(request.headers.get("content-length"));
  if (length && *length <= kBodyLimit) return plan;
  auto path = invocation_path(request);
  if (length && path && path->verb == "response") {
    auto verdict = events_.too_large(exchange.listener_tag(), path->request_id, *length);
    if (verdict == RuntimeEvents::Verdict::TooLarge) events_.posted_done(exchange.listener_tag());
  }
  (length ? plan.refuse : plan.too_large) = too_large_refusal();
  return plan;
}

void RuntimeApi::on_request(http::ExchangePtr exchange) {
  http::Request& request = exchange->request();
  std::string_view path = request.path;
  if (path == "/2018-06-01/runtime/invocation/next" && request.method == "GET")
    return events_.next(exchange->listener_tag(), exchange);
  if (path == "/2018-06-01/ping" && request.method == "GET") return exchange->respond({.status = 200, .body = {.bytes = "pong"}});
  if (path == "/2018-06-01/runtime/init/error" && request.method == "POST") {
    Posted posted = take(request);
    if (posted.error_type.empty()) posted.error_type = error_type(request, posted.body, "Runtime.Unknown");
    return finish(*exchange, events_.init_error(exchange->listener_tag(), std::move(posted)), "InitError");
  }
  on_invocation(*exchange);
}

void RuntimeApi::on_invocation(http::Exchange& exchange) {
  http::Request& request = exchange.request();
  uint64_t environment = exchange.listener_tag();
  auto path = invocation_path(request);
  if (!path || (path->verb != "response" && path->verb != "error")) {
    return exchange.respond(refusal(404, "NotFound", "not an operation of the Runtime API"));
  }
  Posted posted = take(request);
  if (path->verb == "error") {
    if (posted.error_type.empty()) posted.error_type = error_type(request, posted.body, "Function.Unknown");
    return finish(exchange, events_.error(environment, path->request_id, std::move(posted)), "InvocationErrorResponse");
  }
  if (std::string_view mode = request.headers.get("lambda-runtime-function-response-mode");
      !mode.empty() && mode != "streaming") {
    constexpr std::string_view kType = "Runtime.InvalidResponseModeHeader";
    auto failed =
        Posted{.body = R"({"errorType":"Runtime.InvalidResponseModeHeader","errorMessage":"Invalid response mode header"})",
               .error_type = std::string(kType)};
    auto verdict = events_.error(environment, path->request_id, std::move(failed));
    if (verdict != RuntimeEvents::Verdict::Accepted) return finish(exchange, verdict, "InvocationResponse");
    exchange.respond(refusal(400, "InvalidFunctionResponseMode", "Invalid function response mode"));
    return events_.posted_done(environment);
  }
  auto verdict = posted.trailer_error ? events_.error(environment, path->request_id, std::move(posted))
                                      : events_.response(environment, path->request_id, std::move(posted));
  finish(exchange, verdict, "InvocationResponse");
}

void RuntimeApi::finish(http::Exchange& exchange, RuntimeEvents::Verdict verdict, std::string_view wanted_state) {
  switch (verdict) {
    case RuntimeEvents::Verdict::Accepted:
      exchange.respond_raw("HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n",
                           "{\"status\":\"OK\"}\n");
      return events_.posted_done(exchange.listener_tag());
    case RuntimeEvents::Verdict::WrongState:
      return exchange.respond(wrong_state(events_.state_of(exchange.listener_tag()), wanted_state));
    case RuntimeEvents::Verdict::WrongRequest:
      return exchange.respond(refusal(400, "InvalidRequestID", "Invalid request ID"));
    case RuntimeEvents::Verdict::TooLarge:
      exchange.respond(too_large_refusal());
      return events_.posted_done(exchange.listener_tag());
  }
}

void RuntimeApi::on_abort(http::Exchange& exchange) { events_.gone(exchange.listener_tag(), exchange); }

http::Response wrong_state(std::string_view from, std::string_view to) {
  return refusal(403, "InvalidStateTransition",
                 "State transition from " + std::string(from) + " to " + std::string(to) +
                     " failed for runtime. Error: State transition is not allowed");
}

std::string next_head(std::string_view request_id, int64_t deadline_unix_ms, std::string_view function_arn,
                      std::string_view trace_id, std::string_view client_context, size_t payload_bytes) {
  std::string head;
  head.reserve(512 + client_context.size());
  head += "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: ";
  head += request_id;
  head += "\r\nLambda-Runtime-Deadline-Ms: ";
  head += std::to_string(deadline_unix_ms);
  head += "\r\nLambda-Runtime-Invoked-Function-Arn: ";
  head += function_arn;
  append_field(head, "\r\nLambda-Runtime-Trace-Id: ", trace_id);
  append_field(head, "\r\nLambda-Runtime-Client-Context: ", client_context);
  head += "\r\nContent-Length: ";
  head += std::to_string(payload_bytes);
  head += "\r\n\r\n";
  return head;
}

}  // namespace gust::runtime
