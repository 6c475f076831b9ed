// SPDX-License-Identifier: Apache-2.0

// `gust logs`: what a function or service wrote, through CloudWatch Logs, once or as it comes.

#include <unistd.h>

#include <cstdio>
#include <deque>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/json.h"
#include "cli/log_cursor.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "os/clock.h"

namespace gust::cli {
namespace {

constexpr useconds_t kPollUs = 500'000;
constexpr size_t kMaxPages = 100'000;

std::string group_of(const std::string& name) { return name.starts_with("/") ? name : "/aws/lambda/" + name; }

// "2026/11/23/[$LATEST]ENVIRONMENT" -> "ENVIRONMENT"
std::string_view environment_of(std::string_view stream) {
  const size_t bracket = stream.rfind(']');
  return bracket == std::string_view::npos ? stream : stream.substr(bracket + 1);
}

std::string line_of(const Value& event, bool as_json) {
  const int64_t at = event["timestamp"].as_int();
  if (!as_json) {
    return iso8601(at) + "  " + escape_terminal(environment_of(event["logStreamName"].as_string())) + "  " +
           readable(event["message"].as_string(), "    ") + "\n";
  }
  Value out = Value::map();
  out.set("time", iso8601(at));
  out.set("timestamp", at);
  out.set("stream", event["logStreamName"]);
  out.set("id", event["eventId"]);
  out.set("message", event["message"]);
  return json::write(out) + "\n";
}

class Reader {
 public:
  Reader(const Context& context, const LogsOptions& options, int64_t start_ms)
      : context_(context), options_(options), cursor_(start_ms) {}

  // Prints what is new. `last`: only so many of them, 0: all.
  Result<> poll(uint64_t last) {
    const int64_t start = cursor_.next_start_ms();
    std::deque<std::string> kept;
    std::string token;
    for (size_t page = 0; page < kMaxPages; ++page) {
      const Value answer = TRY(ask_page(start, token));
      for (const Value& event : answer["events"].as_list()) {
        if (!cursor_.take(std::string(event["eventId"].as_string()), event["timestamp"].as_int())) continue;
        ++shown;
        if (last == 0) print(line_of(event, context_.json));
        else kept.push_back(line_of(event, context_.json));
        if (kept.size() > last) kept.pop_front();
      }
      const std::string_view next = answer["nextToken"].as_string();
      if (next.empty() || next == token) break;
      token = next;
    }
    for (const std::string& line : kept) print(line);
    return {};
  }

  uint64_t shown = 0;

 private:
  Result<Value> ask_page(int64_t start_ms, const std::string& token) {
    Value input = Value::map();
    input.set("logGroupName", group_of(options_.name));
    input.set("startTime", start_ms);
    if (!options_.filter.empty()) input.set("filterPattern", options_.filter);
    if (!token.empty()) input.set("nextToken", token);
    aws::Call call{.service = "logs", .method = "POST", .body = json::write(input)};
    call.headers = {{"Content-Type", "application/x-amz-json-1.1"}, {"X-Amz-Target", "Logs_20140328.FilterLogEvents"}};
    return ask(context_, call, {.repeat = Repeat::Safe});
  }

  const Context& context_;
  const LogsOptions& options_;
  LogCursor cursor_;
};

bool passes(Errc code) { return code == Errc::Unavailable || code == Errc::Unknown || code == Errc::Timeout; }

// Until it is interrupted. A server that restarts, and a log that nobody has written to yet, are waited for.
int follow(Reader& reader) {
  for (Errc before = Errc::Internal;;) {
    usleep(kPollUs);
    const auto polled = reader.poll(0);
    if (finish(kOk) != kOk) return kFailed;
    if (!polled && !passes(polled.error().code) && polled.error().code != Errc::NotFound) return failed(polled.error());
    if (!polled && polled.error().code != before) note("gust: " + polled.error().message + "; trying again");
    before = polled ? Errc::Internal : polled.error().code;
  }
}

}  // namespace

int logs(const Context& context, const LogsOptions& options) {
  Reader reader(context, options, system_clock().unix_ms() - options.since_ms);
  const auto polled = reader.poll(options.limit);
  const bool none = !polled && polled.error().code == Errc::NotFound;
  if (none && !options.follow) {
    return failed({Errc::NotFound, "no log of '" + options.name +
                                       "': it has not run yet, or its name is another ('gust aws logs describe-log-groups')"});
  }
  if (!polled && !none) return failed(polled.error());
  if (!options.follow) {
    if (reader.shown == 0) note("gust: nothing in that time: ask for more with --since 1d");
    return kOk;
  }
  if (none) note("gust: no log of '" + options.name + "' yet; waiting");
  return finish(kOk) == kOk ? follow(reader) : kFailed;
}

}  // namespace gust::cli
