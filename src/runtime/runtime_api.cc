// SPDX-License-Identifier: Apache-2.0

#include "runtime/runtime_api.h"

#include "base/encoding.h"
#include "base/json.h"

namespace gust::runtime {
namespace {

constexpr std::string_view kBase = "/2018-06-01/runtime/";
constexpr uint64_t kBodyLimit = 8 << 20;

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

// The type that counts: the body's errorType; several official clients send no header, others one that differs.
std::string error_type(const http::Request& request, std::string_view body) {
  if (auto document = json::parse(body, {.depth = 32, .bytes = 1 << 20})) {
    std::string_view type = (*document)["errorType"].as_string();
    if (!type.empty()) return std::string(type.substr(0, 256));
  }
  return std::string(request.headers.get("lambda-runtime-function-error-type").substr(0, 256));
}

Posted take(http::Request& request) {
  Posted posted;
  posted.body = std::move(request.body.bytes);
  const std::string* type = request.trailers.find("lambda-runtime-function-error-type");
  const std::string* body = request.trailers.find("lambda-runtime-function-error-body");
  if (type || body) {
    posted.trailer_error = true;
    posted.error_type = type ? *type : "Function.Unknown";
    auto decoded = base64_decode(body ? *body : "");
    posted.body = decoded ? *decoded : "{}";
  }
  return posted;
}

}  // namespace

http::BodyPlan RuntimeApi::on_head(http::Exchange&) {
  return http::BodyPlan{.limit = kBodyLimit, .memory = kBodyLimit,
                        .too_large = refusal(413, "RequestEntityTooLarge", "Exceeded maximum allowed payload size (6291556 bytes).")};
}

void RuntimeApi::on_request(http::ExchangePtr exchange) {
  http::Request& request = exchange->request();
  uint64_t environment = exchange->listener_tag();
  std::string_view path = request.path;
  if (path == "/2018-06-01/runtime/invocation/next" && request.method == "GET") return events_.next(environment, exchange);
  if (path == "/2018-06-01/ping") return exchange->respond(json_answer(200, "pong"));
  if (path == "/2018-06-01/runtime/init/error" && request.method == "POST") {
    Posted posted = take(request);
    if (posted.error_type.empty()) posted.error_type = error_type(request, posted.body);
    return finish(*exchange, events_.init_error(environment, std::move(posted)));
  }
  constexpr std::string_view kInvocation = "/2018-06-01/runtime/invocation/";
  if (path.starts_with(kInvocation) && request.method == "POST") {
    std::string_view rest = path.substr(kInvocation.size());
    size_t slash = rest.find('/');
    std::string id(rest.substr(0, slash));
    std::string_view verb = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    if (verb == "response") {
      Posted posted = take(request);
      auto verdict = posted.trailer_error ? events_.error(environment, id, std::move(posted)) : events_.response(environment, id, std::move(posted));
      return finish(*exchange, verdict);
    }
    if (verb == "error") {
      Posted posted = take(request);
      if (posted.error_type.empty()) posted.error_type = error_type(request, posted.body);
      return finish(*exchange, events_.error(environment, id, std::move(posted)));
    }
  }
  exchange->respond(refusal(404, "NotFound", path.starts_with(kBase) ? "no such operation of the Runtime API" : "not the Runtime API"));
}

void RuntimeApi::finish(http::Exchange& exchange, RuntimeEvents::Verdict verdict) {
  switch (verdict) {
    case RuntimeEvents::Verdict::Accepted:
      exchange.respond_raw("HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n", "{\"status\":\"OK\"}\n");
      return events_.posted_done(exchange.listener_tag());
    case RuntimeEvents::Verdict::WrongState:
      return exchange.respond(refusal(403, "InvalidStateTransition", "State transition is not allowed"));
    case RuntimeEvents::Verdict::WrongRequest:
      return exchange.respond(refusal(400, "InvalidRequestID", "Invalid request ID"));
    case RuntimeEvents::Verdict::TooLarge:
      exchange.respond(refusal(413, "RequestEntityTooLarge", "Exceeded maximum allowed payload size (6291556 bytes)."));
      return events_.posted_done(exchange.listener_tag());
  }
}

void RuntimeApi::on_abort(http::Exchange& exchange) { events_.gone(exchange.listener_tag(), exchange); }

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
  if (!trace_id.empty()) head.append("\r\nLambda-Runtime-Trace-Id: ").append(trace_id);
  if (!client_context.empty()) head.append("\r\nLambda-Runtime-Client-Context: ").append(client_context);
  head += "\r\nContent-Length: ";
  head += std::to_string(payload_bytes);
  head += "\r\n\r\n";
  return head;
}

}  // namespace gust::runtime
