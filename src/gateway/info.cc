// SPDX-License-Identifier: Apache-2.0

// The gateway's own endpoints: health and the list of operations.

#include "base/json.h"
#include "gateway/gateway.h"

namespace gust::gateway {
namespace {

void answer(const http::ExchangePtr& exchange, const Value& document) {
  http::Response response;
  const std::string& method = exchange->request().method;
  if (method != "GET" && method != "HEAD") {
    response.status = 405;
    response.headers.add("Allow", "GET, HEAD");
  } else {
    response.headers.add("Content-Type", "application/json");
    response.body.bytes = json::write(document) + "\n";
  }
  exchange->respond(std::move(response));
}

}  // namespace

Value Gateway::health() const {
  Value services = Value::map();
  for (const auto& [table, e] : entries_) {
    if (e.service) services.set(table->id(), "running");
  }
  Value out = Value::map();
  out.set("status", "running");
  out.set("edition", "gust");
  out.set("version", options_.version);
  out.set("services", std::move(services));
  return out;
}

Value Gateway::compat() const {
  Value out = Value::map();
  for (const auto& [table, e] : entries_) {
    Value built = Value::list(), refused = Value::list();
    for (const model::Operation& o : table->operations()) {
      std::string_view name = table->name(o);
      (e.service && e.service->implements(name) ? built : refused).push(name);
    }
    Value service = Value::map();
    service.set("built", std::move(built));
    service.set("refused", std::move(refused));
    Value kept = Value::list();
    if (e.service) {
      for (std::string_view sentence : e.service->without_effect()) kept.push(sentence);
    }
    service.set("without_effect", std::move(kept));
    out.set(table->id(), std::move(service));
  }
  return out;
}

void Gateway::add_own_hooks() {
  add_hook("/_gust/health", Access::Public, [this](http::ExchangePtr e, const model::Identity&) { answer(e, health()); });
  add_hook("/_localstack/health", Access::Public, [this](http::ExchangePtr e, const model::Identity&) { answer(e, health()); });
  add_hook("/_gust/compat", Access::Public, [this](http::ExchangePtr e, const model::Identity&) { answer(e, compat()); });
}

}  // namespace gust::gateway
