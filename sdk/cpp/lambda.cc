// SPDX-License-Identifier: Apache-2.0

#include "gust/lambda.h"

#include <cxxabi.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <typeinfo>

#include "base/encoding.h"
#include "base/json.h"
#include "http/codec.h"
#include "net/socket.h"

namespace gust::lambda {
namespace {

constexpr std::string_view kVersion = "/2018-06-01/runtime/";
constexpr int64_t kConnectTimeoutUs = 5'000'000;
constexpr size_t kMaxPayload = 256 << 20;  // far above AWS's 6 MB (and 20 MB streamed); bounds memory only

// The Runtime API over one connection. Blocking; there is nothing else that this process could do meanwhile.
class Api {
 public:
  explicit Api(net::Endpoint endpoint)
      : endpoint_(std::move(endpoint)), host_(" HTTP/1.1\r\nHost: " + endpoint_.text() + "\r\nUser-Agent: gust-cpp/1\r\n") {}

  gust::Result<http::Response> get(std::string_view path) {
    out_.assign("GET ").append(kVersion).append(path).append(host_).append("\r\n");
    return exchange();
  }

  gust::Result<http::Response> post(std::string_view path, std::string_view extra_headers, std::string_view body) {
    out_.assign("POST ").append(kVersion).append(path).append(host_).append(extra_headers);
    out_.append("Content-Type: application/json\r\nContent-Length: ").append(std::to_string(body.size())).append("\r\n\r\n");
    out_.append(body);
    return exchange();
  }

 private:
  gust::Result<http::Response> exchange() {
    bool fresh = !fd_;
    auto response = attempt();
    // The peer may close an idle connection just when we write: once more on a new one. Every message of the Runtime API
    // is safe to repeat (a response that had arrived is answered with a state error).
    if (!response && !fresh) response = attempt();
    return response;
  }

  gust::Result<http::Response> attempt() {
    if (!fd_) {
      in_.clear();
      fd_ = TRY(net::connect_tcp(endpoint_, kConnectTimeoutUs));
    }
    auto response = send_and_read();
    if (!response || response->close) fd_.reset();
    return response;
  }

  gust::Result<http::Response> send_and_read() {
    std::string_view rest = out_;
    while (!rest.empty()) {
      ssize_t n = send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return fail_errno("Runtime API: send");
      rest.remove_prefix(static_cast<size_t>(n));
    }
    http::Response response;
    http::Framing framing;
    size_t head = 0;
    while (head == 0) {
      auto length = http::parse_response(in_, {1 << 20, 200}, false, response, framing);
      if (!length) return fail(Errc::Invalid, "Runtime API: " + length.error().message);
      head = *length;
      if (head == 0) TRY(fill());
    }
    in_.erase(0, head);
    http::BodyDecoder decoder(framing);
    http::Headers trailers;
    while (!decoder.done()) {
      auto taken = decoder.feed(in_, trailers, [&](std::string_view piece) { response.body.bytes.append(piece); });
      if (!taken) return fail(Errc::Invalid, "Runtime API: " + taken.error().message);
      in_.erase(0, *taken);
      if (response.body.bytes.size() > kMaxPayload) return fail(Errc::TooLarge, "Runtime API: event too large");
      if (!decoder.done()) TRY(fill());
    }
    response.close = !framing.keep_alive;
    return response;
  }

  gust::Result<> fill() {
    char buffer[65536];
    for (;;) {
      ssize_t n = recv(fd_.get(), buffer, sizeof buffer, 0);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail_errno("Runtime API: receive");
      if (n == 0) return fail(Errc::Unavailable, "Runtime API: connection closed");
      in_.append(buffer, static_cast<size_t>(n));
      return {};
    }
  }

  net::Endpoint endpoint_;
  std::string host_, out_, in_;
  Fd fd_;
};

gust::Result<Api> connect_from_environment() {
  const char* address = getenv("AWS_LAMBDA_RUNTIME_API");
  if (!address || !*address) {
    return fail(Errc::Invalid, "AWS_LAMBDA_RUNTIME_API is not set: this program is a Lambda bootstrap, deploy it as one");
  }
  std::string_view text = address;
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return Api({std::string(text), 80});
  auto port = parse_uint(text.substr(colon + 1));
  if (!port || *port == 0 || *port > 65535) return fail(Errc::Invalid, "AWS_LAMBDA_RUNTIME_API is not HOST:PORT");
  return Api({std::string(text.substr(0, colon)), static_cast<uint16_t>(*port)});
}

std::string type_of_current_exception() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (!type) return "UnknownException";
  int status = 0;
  char* text = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
  std::string out = status == 0 && text ? text : type->name();
  free(text);
  return out;
}

// The function is somebody else's code and may throw; this is the wall where it ends.
Result call(const Handler& handler, const Event& event) {
  try {
    return handler(event);
  } catch (const std::exception& e) {
    return Error{type_of_current_exception(), e.what()};
  } catch (...) {
    return Error{type_of_current_exception(), "the handler threw something that is no std::exception"};
  }
}

// A header value of ours: what a handler puts into an error's type must not become a second header.
std::string header_value(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, 256)) out += c >= 0x20 && c < 0x7f ? c : '?';
  return out;
}

std::string error_body(const Error& error) {
  return "{\"errorMessage\":" + json::quote(error.message) + ",\"errorType\":" + json::quote(error.type) + ",\"stackTrace\":[]}";
}

gust::Result<http::Response> post_error(Api& api, std::string_view path, const Error& error) {
  return api.post(path, "Lambda-Runtime-Function-Error-Type: " + header_value(error.type) + "\r\n", error_body(error));
}

int give_up(const gust::Error& error, int status) {
  fprintf(stderr, "%s\n", error.message.c_str());
  return status;
}

// Fetches one event, calls the handler, posts what it said.
gust::Result<> serve_one(Api& api, const Handler& handler, std::string& trace_before) {
  http::Response next = TRY(api.get("invocation/next"));
  if (next.status != 200) return fail(Errc::Unavailable, "Runtime API: next answered " + std::to_string(next.status));
  Event event;
  event.payload = next.body.bytes;
  event.request_id = next.headers.get("lambda-runtime-aws-request-id");
  event.invoked_function_arn = next.headers.get("lambda-runtime-invoked-function-arn");
  event.trace_id = next.headers.get("lambda-runtime-trace-id");
  event.client_context = next.headers.get("lambda-runtime-client-context");
  event.cognito_identity = next.headers.get("lambda-runtime-cognito-identity");
  event.deadline_ms = parse_int(next.headers.get("lambda-runtime-deadline-ms")).value_or(0);
  if (event.request_id.empty()) return fail(Errc::Invalid, "Runtime API: an event without a request id");
  if (event.trace_id != trace_before) {
    trace_before = event.trace_id;
    setenv("_X_AMZN_TRACE_ID", trace_before.c_str(), 1);
  }
  Result result = call(handler, event);
  std::string path = "invocation/" + std::string(event.request_id);
  auto posted = std::holds_alternative<Error>(result) ? post_error(api, path + "/error", std::get<Error>(result))
                                                      : api.post(path + "/response", {}, std::get<std::string>(result));
  if (!posted) return Failure(std::move(posted).error());
  // 4xx (too large, a deadline passed meanwhile) concerns this invocation only; 5xx is the service's "terminate".
  if (posted->status >= 500) return fail(Errc::Unavailable, "Runtime API: response answered " + std::to_string(posted->status));
  if (posted->status >= 400) fprintf(stderr, "Runtime API: response refused: %s\n", posted->body.bytes.c_str());
  return {};
}

}  // namespace

int64_t Event::remaining_ms() const {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return deadline_ms - std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

int run(const Handler& handler) {
  auto api = connect_from_environment();
  if (!api) return give_up(api.error(), 2);
  for (std::string trace;;) {
    if (auto served = serve_one(*api, handler, trace); !served) return give_up(served.error(), 1);
  }
}

int fail_init(const Error& error) {
  auto api = connect_from_environment();
  if (!api) return give_up(api.error(), 2);
  if (auto posted = post_error(*api, "init/error", error); !posted) return give_up(posted.error(), 1);
  fprintf(stderr, "%s: %s\n", error.type.c_str(), error.message.c_str());
  return 1;
}

}  // namespace gust::lambda
