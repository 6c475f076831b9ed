// SPDX-License-Identifier: Apache-2.0

#include "daemon/hooks.h"

#include "base/encoding.h"
#include "daemon/executions.h"
#include "daemon/explain.h"
#include "model/router.h"

namespace gust::daemon {
namespace {

using gateway::Access;

bool only_get(const http::ExchangePtr& exchange) {
  if (exchange->request().method == "GET") return true;
  answer_error(exchange, {Errc::Unsupported, "this answers GET only"});
  return false;
}

void ps(const http::ExchangePtr& exchange, const HookParts& parts) {
  if (!only_get(exchange)) return;
  Value document = Value::map();
  document.set("environments", parts.router.processes());
  document.set("services", parts.services.list());
  document.set("events", parts.events.waiting());
  answer_json(exchange, document);
}

Result<ExecutionQuery> read_query(const http::Request& request) {
  ExecutionQuery query;
  for (const auto& [name, value] : TRY(model::parse_query(request.query))) {
    if (name == "function") {
      query.function = value;
    } else if (name == "from_us") {
      query.from_us = TRY(parse_int(value));
    } else if (name == "limit") {
      query.limit = TRY(parse_uint(value));
    } else {
      return fail(Errc::Invalid, "unknown parameter " + name + ": function, from_us and limit are known");
    }
  }
  return query;
}

void executions(const http::ExchangePtr& exchange, const HookParts& parts) {
  if (!only_get(exchange)) return;
  auto query = read_query(exchange->request());
  if (!query) return answer_error(exchange, query.error());
  const bool taken = parts.disk.submit(
      [exchange, query = *query, &logs = parts.logs, &loop = parts.loop, directory = parts.state_directory + "/meter"] {
        logs.flush();
        auto lines = read_executions(directory, query);
        if (!lines) return loop.post([exchange, error = lines.error()] { answer_error(exchange, error); });
        http::Response response;
        response.headers.add("Content-Type", "application/x-ndjson");
        response.body.bytes = std::move(*lines);
        exchange->respond_later(std::move(response));
      });
  if (!taken) answer_error(exchange, {Errc::Unavailable, "too much is waiting for the disk; try again"});
}

void explain(const http::ExchangePtr& exchange, const HookParts& parts, const model::Identity& who) {
  constexpr std::string_view kPrefix = "/_gust/functions/", kSuffix = "/explain";
  if (!only_get(exchange)) return;
  const std::string_view path = exchange->request().path;
  const bool fits = path.size() > kPrefix.size() + kSuffix.size() && path.ends_with(kSuffix);
  if (!fits) return answer_error(exchange, {Errc::NotFound, "ask for /_gust/functions/NAME/explain"});
  const std::string name(path.substr(kPrefix.size(), path.size() - kPrefix.size() - kSuffix.size()));
  const std::string arn = "arn:aws:lambda:" + who.region + ":" + who.account + ":function:" + name;
  if (!parts.router.find(arn)) return answer_error(exchange, {Errc::NotFound, "Function not found: " + arn});
  answer_json(exchange, explain_function(parts.router, arn));
}

}  // namespace

void add_hooks(gateway::Gateway& gateway, HookParts parts) {
  gateway.add_hook("/_gust/ps", Access::Signed, [parts](const http::ExchangePtr& e, const model::Identity&) { ps(e, parts); });
  gateway.add_hook("/_gust/events", Access::Signed, [parts](const http::ExchangePtr& e, const model::Identity&) {
    if (only_get(e)) answer_json(e, parts.events.waiting());
  });
  gateway.add_hook("/_gust/executions", Access::Signed,
                   [parts](const http::ExchangePtr& e, const model::Identity&) { executions(e, parts); });
  gateway.add_hook("/_gust/functions", Access::Signed,
                   [parts](const http::ExchangePtr& e, const model::Identity& who) { explain(e, parts, who); });
  gateway.add_hook(
      "/_gust/services", Access::Signed,
      [parts](const http::ExchangePtr& e, const model::Identity&) { parts.services.handle(e); }, kMaxServiceBody);
}

}  // namespace gust::daemon
