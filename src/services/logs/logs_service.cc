// SPDX-License-Identifier: Apache-2.0

#include "services/logs/logs_service.h"

#include <algorithm>
#include <array>
#include <deque>
#include <set>

#include "base/encoding.h"
#include "base/ids.h"
#include "crypto/hash.h"
#include "model/errors.h"
#include "services/logs/filter.h"

namespace gust::logs {
namespace {

using model::ApiError;
using tl::unexpected;
constexpr std::string_view kGroupPrefix = "/aws/lambda/";
constexpr std::string_view kVersion = "/[$LATEST]";
constexpr size_t kMaxEvents = 10'000;         // CloudWatch Logs API reference, GetLogEvents and FilterLogEvents
constexpr size_t kMaxAnswer = 1 << 20;        // bytes of events in one answer
constexpr uint64_t kFilterBytes = 32 << 20;   // read by one FilterLogEvents; then a token
constexpr uint64_t kWholeBytes = 2ull << 30;  // a log's own limit is below
constexpr int64_t kNever = INT64_MAX;

std::string day_of(int64_t unix_ms) { return iso8601(unix_ms).substr(0, 10); }

std::string stream_name(std::string_view day, std::string_view environment) {
  std::string name(day);
  std::replace(name.begin(), name.end(), '-', '/');
  return name.append(kVersion).append(environment);
}

// Day and environment of a stream's name.
std::optional<std::pair<std::string, std::string>> parse_stream(std::string_view name) {
  if (name.size() <= 10 + kVersion.size() || name.substr(10, kVersion.size()) != kVersion) return std::nullopt;
  std::string day(name.substr(0, 10));
  std::replace(day.begin(), day.end(), '/', '-');
  return std::pair{day, std::string(name.substr(10 + kVersion.size()))};
}

struct Range {
  int64_t from_ms = 0, to_ms = kNever;  // GetLogEvents leaves the end out, FilterLogEvents has it in
};
Range range_of(const Value& input, int64_t end_included) {
  Range range{input["startTime"].as_int(0), kNever};
  if (input.has("endTime")) range.to_ms = input["endTime"].as_int() + end_included;
  return range;
}
void narrow(Scan& scan, const Range& range) {
  constexpr int64_t kLastDate = 253'402'300'799'000;  // 9999-12-31
  if (range.from_ms > 0 && range.from_ms < kLastDate) scan.from = std::max(scan.from, Position{day_of(range.from_ms), 0});
  if (range.to_ms > 0 && range.to_ms < kLastDate) scan.last_day = day_of(range.to_ms);
}

ApiError no_group() { return model::resource_not_found("The specified log group does not exist.", 400); }
ApiError no_stream() { return model::resource_not_found("The specified log stream does not exist.", 400); }
ApiError bad_token() { return model::invalid_parameter("The specified nextToken is invalid."); }

size_t limit_of(const Value& input, size_t most) {
  return static_cast<size_t>(
      std::clamp<int64_t>(input["limit"].as_int(static_cast<int64_t>(most)), 1, static_cast<int64_t>(most)));
}

Value event_value(const Line& line) {
  Value event = Value::map();
  event.set("timestamp", static_cast<long long>(line.unix_ms));
  event.set("message", line.message + "\n");  // as functions print it
  event.set("ingestionTime", static_cast<long long>(line.unix_ms));
  return event;
}

// One page of a list whose whole content is at hand: the token is the name of the last element given.
template <class Names>
std::pair<size_t, size_t> page(const Names& names, std::string_view token, size_t limit) {
  size_t begin = 0;
  if (!token.empty()) {
    while (begin < names.size() && names[begin] != token) ++begin;
    begin = std::min(begin + 1, names.size());
  }
  return {begin, std::min(begin + limit, names.size())};
}

}  // namespace

LogsService::LogsService(std::string state_directory, meter::LogSink& sink) : files_(std::move(state_directory)), sink_(sink) {}

LogsService::Handler LogsService::handler(std::string_view operation) {
  if (operation == "GetLogEvents") return &LogsService::get_log_events;
  if (operation == "FilterLogEvents") return &LogsService::filter_log_events;
  if (operation == "DescribeLogGroups") return &LogsService::describe_log_groups;
  if (operation == "DescribeLogStreams") return &LogsService::describe_log_streams;
  return nullptr;
}

bool LogsService::implements(std::string_view operation) const { return handler(operation) != nullptr; }

void LogsService::call(model::Call call, model::Responder responder) {
  const Handler method = handler(call.operation);
  if (method == nullptr) return responder.error(model::not_implemented(id(), call.operation));
  sink_.flush();
  Answer answer = (this->*method)(call);
  if (!answer) return responder.error(std::move(answer).error());
  responder.reply(std::move(*answer));
}

// The log that a call's group means.
tl::expected<std::string, ApiError> LogsService::group(const Value& input) const {
  std::string_view name = input["logGroupName"].as_string();
  if (name.empty()) {
    name = input["logGroupIdentifier"].as_string();  // a name or an ARN
    if (const size_t at = name.find(":log-group:"); at != name.npos) name.remove_prefix(at + 11);
    if (name.ends_with(":*")) name.remove_suffix(2);
  }
  if (name.empty()) return unexpected(model::invalid_parameter("Either logGroupName or logGroupIdentifier is required."));
  if (!name.starts_with(kGroupPrefix)) return unexpected(no_group());
  std::string log(name.substr(kGroupPrefix.size()));
  const auto days = files_.days(log);
  if (!days && days.error().code == Errc::NotFound) return unexpected(no_group());
  if (!days) return unexpected(model::from_error("logs", days.error()));
  return log;
}

Result<std::vector<LogsService::Stream>> LogsService::streams(const std::string& log) const {
  std::map<std::string, Stream, std::less<>> by_environment;
  Scan scan;
  scan.max_bytes = kWholeBytes;
  TRY(files_.scan(log, scan, [&](const Line& line) {
    auto at = by_environment.find(line.environment);
    if (at == by_environment.end()) {
      at = by_environment.emplace(std::string(line.environment), Stream{}).first;
      at->second.name = stream_name(line.at.day, line.environment);
      at->second.first_ms = line.unix_ms;
    }
    at->second.last_ms = line.unix_ms;
    at->second.bytes += line.message.size();
    return true;
  }));
  std::vector<Stream> all;
  for (auto& [environment, stream] : by_environment) all.push_back(std::move(stream));
  return all;
}

LogsService::Answer LogsService::get_log_events(const model::Call& call) const {
  const Value& input = call.input;
  const auto log = group(input);
  if (!log) return unexpected(log.error());
  const auto stream = parse_stream(input["logStreamName"].as_string());
  if (!stream) return unexpected(no_stream());
  const std::string_view token = input["nextToken"].as_string();
  const bool forward = token.empty() ? input["startFromHead"].as_bool() : token.starts_with("f/");
  Position mark;
  if (!token.empty()) {
    const auto parsed = parse_position(token.substr(std::min<size_t>(2, token.size())));
    if (!parsed || (!forward && !token.starts_with("b/"))) return unexpected(bad_token());
    mark = *parsed;
  }
  const Range range = range_of(input, 0);
  Scan scan;
  scan.from = Position{stream->first, 0};
  scan.max_bytes = kWholeBytes;
  narrow(scan, range);
  if (forward) scan.from = std::max(scan.from, mark);
  const size_t limit = limit_of(input, kMaxEvents);
  std::deque<Line> lines;
  size_t bytes = 0;
  bool exists = false;
  auto scanned = files_.scan(*log, scan, [&](const Line& line) {
    if (line.environment != stream->second) return true;
    exists = true;
    if (line.unix_ms < range.from_ms || line.unix_ms >= range.to_ms) return true;
    if (!forward && !token.empty() && line.at >= mark) return false;
    const bool full = lines.size() == limit || bytes + line.message.size() > kMaxAnswer;
    if (full && forward && !lines.empty()) return false;
    bytes += line.message.size();
    lines.push_back(line);
    lines.back().environment = lines.back().request = {};  // they point into the piece being read
    while (!forward && (lines.size() > limit || bytes > kMaxAnswer) && lines.size() > 1) {
      bytes -= lines.front().message.size();
      lines.pop_front();
    }
    return true;
  });
  if (!scanned) return unexpected(model::from_error("logs", scanned.error()));
  if (!exists && token.empty() && range.from_ms == 0 && range.to_ms == kNever) return unexpected(no_stream());
  Value output = Value::map();
  Value& events = output.set("events", Value::list());
  for (const Line& line : lines) events.push(event_value(line));
  // At an end the token stays, which is how callers know it.
  const Position first = lines.empty() ? (token.empty() ? scan.end : mark) : lines.front().at;
  const Position behind = lines.empty() ? (token.empty() ? scan.end : mark) : lines.back().next;
  output.set("nextForwardToken", "f/" + behind.text());
  output.set("nextBackwardToken", "b/" + first.text());
  return output;
}

LogsService::Answer LogsService::filter_log_events(const model::Call& call) const {
  const Value& input = call.input;
  const auto log = group(input);
  if (!log) return unexpected(log.error());
  const auto filter = Filter::parse(input["filterPattern"].as_string());
  if (!filter && filter.error().code == Errc::Unsupported) {
    return unexpected(model::not_implemented("logs", "FilterLogEvents with " + filter.error().message));
  }
  if (!filter) return unexpected(model::invalid_parameter(filter.error().message));
  std::set<std::string, std::less<>> wanted;
  for (const Value& name : input["logStreamNames"].as_list()) {
    const auto stream = parse_stream(name.as_string());
    if (!stream) return unexpected(no_stream());
    wanted.insert(stream->second);
  }
  if (input.has("logStreamNamePrefix")) {
    return unexpected(model::not_implemented("logs", "FilterLogEvents with logStreamNamePrefix"));
  }
  const Range range = range_of(input, 1);
  Scan scan;
  scan.max_bytes = kFilterBytes;
  narrow(scan, range);
  if (const std::string_view token = input["nextToken"].as_string(); !token.empty()) {
    const auto mark = parse_position(token);
    if (!mark) return unexpected(bad_token());
    scan.from = *mark;
  }
  const size_t limit = limit_of(input, kMaxEvents);
  Value output = Value::map();
  Value& events = output.set("events", Value::list());
  size_t bytes = 0;
  bool full = false;
  auto scanned = files_.scan(*log, scan, [&](const Line& line) {
    if (line.unix_ms < range.from_ms || line.unix_ms >= range.to_ms) return true;
    if (!wanted.empty() && !wanted.contains(line.environment)) return true;
    if (!filter->matches(line.message)) return true;
    full = events.size() == limit || (bytes + line.message.size() > kMaxAnswer && events.size() != 0);
    if (full) return false;
    bytes += line.message.size();
    Value event = event_value(line);
    event.set("logStreamName", stream_name(line.at.day, line.environment));
    event.set("eventId", hex_encode(md5(line.at.text())));
    events.push(std::move(event));
    return true;
  });
  if (!scanned) return unexpected(model::from_error("logs", scanned.error()));
  if (full || !scan.complete) output.set("nextToken", scan.end.text());
  output.set("searchedLogStreams", Value::list());
  return output;
}

LogsService::Answer LogsService::describe_log_groups(const model::Call& call) const {
  const Value& input = call.input;
  for (const char* member : {"logGroupIdentifiers", "accountIdentifiers"}) {
    if (input[member].size() != 0)
      return unexpected(model::not_implemented("logs", std::string("DescribeLogGroups with ") + member));
  }
  auto names = files_.names();
  if (!names) return unexpected(model::from_error("logs", names.error()));
  const std::string_view prefix = input["logGroupNamePrefix"].as_string(), part = input["logGroupNamePattern"].as_string();
  std::erase_if(*names, [&](const std::string& name) {
    const std::string full = std::string(kGroupPrefix) + name;
    return !full.starts_with(prefix) || full.find(part) == full.npos;
  });
  const auto [begin, end] = page(*names, input["nextToken"].as_string(), limit_of(input, 50));
  Value output = Value::map();
  Value& groups = output.set("logGroups", Value::list());
  for (size_t i = begin; i < end; ++i) {
    const std::string name = std::string(kGroupPrefix) + (*names)[i];
    const std::string arn = "arn:aws:logs:" + call.identity.region + ":" + call.identity.account + ":log-group:" + name;
    const auto days = files_.days((*names)[i]);
    const int64_t created = days && !days->empty() ? parse_iso8601(days->front() + "T00:00:00Z").value_or(0) : 0;
    Value v = Value::map();
    v.set("logGroupName", name);
    v.set("creationTime", static_cast<long long>(created));
    v.set("metricFilterCount", 0);
    v.set("arn", arn + ":*");
    v.set("logGroupArn", arn);
    v.set("storedBytes", files_.bytes((*names)[i]));
    v.set("logGroupClass", "STANDARD");
    groups.push(std::move(v));
  }
  if (end < names->size()) output.set("nextToken", (*names)[end - 1]);
  return output;
}

LogsService::Answer LogsService::describe_log_streams(const model::Call& call) const {
  const Value& input = call.input;
  const auto log = group(input);
  if (!log) return unexpected(log.error());
  auto all = streams(*log);
  if (!all) return unexpected(model::from_error("logs", all.error()));
  const std::string_view prefix = input["logStreamNamePrefix"].as_string();
  const bool by_time = input["orderBy"].as_string() == "LastEventTime";
  if (by_time && !prefix.empty()) {
    return unexpected(model::invalid_parameter("Cannot order by LastEventTime with a logStreamNamePrefix."));
  }
  std::erase_if(*all, [&](const Stream& s) { return !s.name.starts_with(prefix); });
  std::sort(all->begin(), all->end(), [by_time](const Stream& a, const Stream& b) {
    return by_time && a.last_ms != b.last_ms ? a.last_ms < b.last_ms : a.name < b.name;
  });
  if (input["descending"].as_bool()) std::reverse(all->begin(), all->end());
  std::vector<std::string> names;
  for (const Stream& s : *all) names.push_back(s.name);
  const auto [begin, end] = page(names, input["nextToken"].as_string(), limit_of(input, 50));
  Value output = Value::map();
  Value& list = output.set("logStreams", Value::list());
  for (size_t i = begin; i < end; ++i) {
    const Stream& s = (*all)[i];
    Value v = Value::map();
    v.set("logStreamName", s.name);
    v.set("creationTime", static_cast<long long>(s.first_ms));
    v.set("firstEventTimestamp", static_cast<long long>(s.first_ms));
    v.set("lastEventTimestamp", static_cast<long long>(s.last_ms));
    v.set("lastIngestionTime", static_cast<long long>(s.last_ms));
    v.set("arn", "arn:aws:logs:" + call.identity.region + ":" + call.identity.account +
                     ":log-group:" + std::string(kGroupPrefix) + *log + ":log-stream:" + s.name);
    v.set("storedBytes", 0);  // AWS has reported 0 since 2019
    list.push(std::move(v));
  }
  if (end < names.size()) output.set("nextToken", names[end - 1]);
  return output;
}

}  // namespace gust::logs
