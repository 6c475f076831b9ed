// SPDX-License-Identifier: Apache-2.0

// `gust invoke`: one call of a function, its answer to standard output.

#include <unistd.h>

#include "base/encoding.h"
#include "base/json.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "os/files.h"

namespace gust::cli {
namespace {

constexpr size_t kMaxPayload = 6 << 20;      // AWS Lambda guide, "Lambda quotas"
constexpr int64_t kLongestUs = 960'000'000;  // the longest function runs for 900 s, then it may have waited

Result<std::string> read_all(int fd) {
  std::string text;
  char buffer[65536];
  for (;;) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read the payload");
    if (n == 0) return text;
    text.append(buffer, static_cast<size_t>(n));
    if (text.size() > kMaxPayload) return fail(Errc::TooLarge, "a payload has at most 6 MiB: pass large data through a bucket");
  }
}

Result<std::string> payload_of(const InvokeOptions& options) {
  if (options.has_data) return options.data;
  if (options.file.empty()) return "{}";
  if (options.file == "-") return read_all(STDIN_FILENO);
  Fd fd = TRY(files::open(options.file, 0));
  return read_all(fd.get());
}

void print_payload(const std::string& payload) {
  if (!isatty(STDOUT_FILENO)) return print(payload);
  print(readable(payload) + "\n");
}

// What the function's error says: type, message and the first lines of where it happened.
std::string error_text(const std::string& payload) {
  const auto error = json::parse(payload);
  if (!error || !error->has("errorMessage")) return payload.substr(0, 4096);
  std::string text((*error)["errorType"].as_string("Error"));
  text += ": " + std::string((*error)["errorMessage"].as_string());
  for (const Value& line : (*error)["stackTrace"].as_list()) text += "\n" + std::string(line.as_string());
  return text;
}

void print_json(const http::Response& response, const std::string& log) {
  Value out = Value::map();
  out.set("status", response.status);
  out.set("request_id", response.headers.get("x-amzn-requestid"));
  const std::string_view error = response.headers.get("x-amz-function-error");
  out.set("function_error", error.empty() ? Value() : Value(error));
  auto payload = json::parse(response.body.bytes, {.depth = 512, .bytes = 64 << 20});
  out.set("payload", payload ? std::move(*payload) : Value(response.body.bytes));
  if (!log.empty()) out.set("log", log);
  print(json::write_pretty(out) + "\n");
}

}  // namespace

int invoke(const Context& context, const InvokeOptions& options) {
  auto payload = payload_of(options);
  if (!payload) return failed(payload.error());
  aws::Call call{.service = "lambda", .method = "POST"};
  call.path = "/2015-03-31/functions/" + percent_encode(options.function, Slash::Encode) + "/invocations";
  call.headers = {{"Content-Type", "application/json"}};
  if (options.async) call.headers.emplace_back("X-Amz-Invocation-Type", "Event");
  if (options.log) call.headers.emplace_back("X-Amz-Log-Type", "Tail");
  call.body = std::move(*payload);
  const auto response = send(context, call, {.timeout_us = kLongestUs});  // once: a second call would run it twice
  if (!response) return failed(response.error());

  const std::string log = base64_decode(response->headers.get("x-amz-log-result")).value_or("");
  const bool error = response->headers.has("x-amz-function-error");
  if (context.json) print_json(*response, log);
  else if (options.async) print(escape_terminal(response->headers.get("x-amzn-requestid")) + "\n");
  else if (!error) print_payload(response->body.bytes);
  if (!context.json && !log.empty()) fprintf(stderr, "%s\n", readable(log).c_str());
  if (!error) return kOk;
  fprintf(stderr, "gust: %s failed: %s\n", escape_terminal(options.function).c_str(),
          readable(error_text(response->body.bytes)).c_str());
  return kFailed;
}

}  // namespace gust::cli
