// SPDX-License-Identifier: Apache-2.0

#include "daemon/services_hook.h"

#include "base/encoding.h"
#include "base/json.h"

namespace gust::daemon {
namespace {

constexpr std::string_view kPath = "/_gust/services";

int http_status(Errc code) {
  switch (code) {
    case Errc::Invalid:
      return 400;
    case Errc::NotFound:
      return 404;
    case Errc::Exists:
    case Errc::Conflict:
      return 409;
    case Errc::TooLarge:
      return 413;
    case Errc::Permission:
      return 403;
    case Errc::Unsupported:
      return 501;
    case Errc::Exhausted:
    case Errc::Unavailable:
      return 503;
    default:
      return 500;
  }
}

Value to_value(const hosts::ServiceStatus& s) {
  Value v = Value::map();
  v.set("name", s.name);
  v.set("state", hosts::name_of(s.state));
  v.set("instance_type", s.type.name);
  v.set("vcpu_milli", s.type.cpu_milli);
  v.set("memory_mib", s.type.memory_mib);
  v.set("runs", s.runs);
  v.set("started_us", s.started_us);
  v.set("stopped_us", s.stopped_us);
  v.set("last_end", s.last_end);
  v.set("address", s.address);
  v.set("cpu_us", s.cpu_us);
  v.set("throttled_us", s.throttled_us);
  v.set("run_delay_us", s.run_delay_us);
  v.set("memory_peak_bytes", s.memory_peak_bytes);
  return v;
}

Result<hosts::ServiceSpec> read_spec(const Value& document, const hosts::InstanceTypes& types) {
  hosts::ServiceSpec spec;
  spec.type = TRY(hosts::find_instance_type(types, document["instance_type"].as_string()));
  for (const Value& word : document["command"].as_list()) spec.command.emplace_back(word.as_string());
  for (const auto& [name, value] : document["environment"].as_map()) {
    if (name.empty() || name.find('=') != name.npos || name.find('\0') != name.npos)
      return fail(Errc::Invalid, "a bad name of an environment variable");
    spec.environment.emplace_back(name, value.as_string());
  }
  return spec;
}

}  // namespace

void answer_json(const http::ExchangePtr& exchange, const Value& document, int status) {
  http::Response response{.status = status};
  response.headers.add("Content-Type", "application/json");
  response.body.bytes = json::write(document) + "\n";
  exchange->respond(std::move(response));
}

void answer_error(const http::ExchangePtr& exchange, const Error& error) {
  Value document = Value::map();
  document.set("message", error.message);
  answer_json(exchange, document, http_status(error.code));
}

Value ServicesHook::list() const {
  Value all = Value::list();
  for (const hosts::ServiceStatus& status : parts_.hosts.list()) all.push(to_value(status));
  return all;
}

void ServicesHook::handle(const http::ExchangePtr& exchange) {
  const http::Request& request = exchange->request();
  std::string_view rest = std::string_view(request.path).substr(kPath.size());
  if (rest.starts_with('/')) rest.remove_prefix(1);
  const std::string name(rest);
  if (request.method == "GET" && name.empty()) {
    Value document = Value::map();
    document.set("services", list());
    return answer_json(exchange, document);
  }
  if (name.empty()) return answer_error(exchange, {Errc::Invalid, "name a service: " + std::string(kPath) + "/NAME"});
  if (request.method == "GET") return answer_status(exchange, name, 200);
  if (request.method == "PUT") return put(exchange, name);
  if (request.method == "DELETE") return remove(exchange, name);
  answer_error(exchange, {Errc::Unsupported, "services know GET, PUT and DELETE"});
}

void ServicesHook::answer_status(const http::ExchangePtr& exchange, const std::string& name, int status) {
  const auto found = parts_.hosts.status(name);
  if (!found) return answer_error(exchange, found.error());
  answer_json(exchange, to_value(*found), status);
}

void ServicesHook::put(const http::ExchangePtr& exchange, const std::string& name) {
  auto status = parts_.hosts.status(name);
  if (status && status->state != hosts::ServiceState::Stopped) {
    return answer_error(exchange, {Errc::Exists, "service " + name + " is on already; stop it first"});
  }
  const bool taken = parts_.disk.submit([this, exchange, name] {
    const auto refuse = [&](Error error) {
      parts_.loop.post([exchange, error = std::move(error)] { answer_error(exchange, error); });
    };
    auto document = json::parse(exchange->request().body.bytes, {.depth = 8, .bytes = kMaxServiceBody});
    if (!document) return refuse(document.error());
    auto spec = read_spec(*document, parts_.types);
    if (!spec) return refuse(spec.error());
    const auto zip = base64_decode((*document)["zip"].as_string());
    if (!zip || zip->empty()) return refuse({Errc::Invalid, "zip must be the base64 text of a zip file"});
    auto hex = parts_.code.keep(*zip);
    if (!hex) return refuse(hex.error());
    spec->code = *hex;
    parts_.code.prepare(*hex, [this, exchange, name, spec = *spec](Result<> done) {
      parts_.loop.post([this, exchange, name, spec, done] {
        if (!done) return answer_error(exchange, done.error());
        start(exchange, name, spec);
      });
    });
  });
  if (!taken) answer_error(exchange, {Errc::Unavailable, "too much is waiting for the disk; try again"});
}

void ServicesHook::start(const http::ExchangePtr& exchange, const std::string& name, hosts::ServiceSpec spec) {
  const hosts::InstanceType type = spec.type;
  if (auto started = parts_.hosts.start(name, std::move(spec)); !started) return answer_error(exchange, started.error());
  parts_.router.reserve(type.cpu_milli, int64_t{type.memory_mib} << 20);
  answer_status(exchange, name, 201);
}

void ServicesHook::remove(const http::ExchangePtr& exchange, const std::string& name) {
  const auto status = parts_.hosts.status(name);
  const hosts::InstanceType type = status ? status->type : hosts::InstanceType();
  const bool first = status && status->state != hosts::ServiceState::Stopping;
  parts_.hosts.stop(name, [this, exchange, name, type, first](Result<> done) {
    if (!done) return answer_error(exchange, done.error());
    if (first) parts_.router.reserve(-int64_t{type.cpu_milli}, -(int64_t{type.memory_mib} << 20));
    answer_status(exchange, name, 200);
  });
}

}  // namespace gust::daemon
