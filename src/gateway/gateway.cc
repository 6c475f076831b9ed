// SPDX-License-Identifier: Apache-2.0

#include "gateway/gateway.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "gateway/browser.h"
#include "gateway/pending.h"
#include "gateway/upload.h"
#include "model/errors.h"

namespace gust::gateway {
namespace {

using model::ApiError;

bool changes_state(const http::Request& r) { return r.method != "GET" && r.method != "HEAD" && r.method != "OPTIONS"; }

http::Response plain(int status, std::string_view message, std::string_view request_id = {}) {
  http::Response response;
  response.status = status;
  if (!request_id.empty()) response.headers.add("x-amzn-RequestId", request_id);
  response.headers.add("Content-Type", "application/json");
  Value body = Value::map();
  body.set("message", message);
  response.body.bytes = json::write(body);
  return response;
}

http::BodyPlan refuse(http::Response response) {
  http::BodyPlan plan;
  plan.refuse = std::move(response);
  return plan;
}

bool internal_path(std::string_view path) {
  for (std::string_view prefix : {"/_gust", "/_aws", "/_localstack"}) {
    if (path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/')) return true;
  }
  return false;
}

bool twelve_digits(std::string_view text) {
  return text.size() == 12 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Gateway::Gateway(Options options, const CredentialStore& credentials, net::WorkerPool& workers, net::Loop& loop,
                 const std::vector<model::Service*>& services, std::function<std::optional<model::Identity>(uint64_t)> resolve)
    : options_(std::move(options)), verifier_(credentials), workers_(workers), loop_(loop), resolve_(std::move(resolve)) {
  for (const model::ServiceTable* table : model::services()) {
    Entry e;
    e.codec = std::make_unique<model::Codec>(*table);
    if (table == &model::kSts) e.service = &sts_;
    for (model::Service* s : services) {
      if (s->id() == table->id()) e.service = s;
    }
    entries_.emplace_back(table, std::move(e));
  }
  add_own_hooks();
}

Gateway::~Gateway() = default;

const Gateway::Entry& Gateway::entry(const model::ServiceTable& table) const {
  auto at = std::find_if(entries_.begin(), entries_.end(), [&](const auto& e) { return e.first == &table; });
  GUST_CHECK(at != entries_.end());
  return at->second;
}

void Gateway::add_hook(std::string prefix, Access access, HookHandler handler, uint64_t body_limit) {
  hooks_.push_back({std::move(prefix), access, std::move(handler), body_limit});
}

const Gateway::Hook* Gateway::find_hook(std::string_view path) const {
  const Hook* best = nullptr;
  for (const Hook& h : hooks_) {
    bool below =
        path.starts_with(h.prefix) && (path.size() == h.prefix.size() || h.prefix.ends_with('/') || path[h.prefix.size()] == '/');
    if (below && (!best || h.prefix.size() > best->prefix.size())) best = &h;
  }
  return best;
}

std::optional<http::Response> Gateway::refuse_browser(const http::Request& request) const {
  if (!host_allowed(request.headers.get("host"), options_.allowed_hosts)) {
    return plain(403, "this server does not answer to that Host; allow it in the configuration (allowed_hosts)");
  }
  if (!origin_allowed(request.headers, options_.allowed_origins)) {
    return plain(403, "pages of that Origin may not call this server; allow it in the configuration (allowed_origins)");
  }
  return std::nullopt;
}

http::BodyPlan Gateway::on_head(http::Exchange& exchange) {
  const http::Request& request = exchange.request();
  auto pending = std::make_shared<Pending>(*this, new_uuid());
  pending->head = request.method == "HEAD";
  auto sandbox = resolve_(exchange.listener_tag());
  if (sandbox) {
    if (internal_path(request.path)) return refuse(plain(404, "not found", pending->request_id));
    pending->identity = std::move(*sandbox);
    if (pending->identity.environment == 0) return refuse(plain(403, "this listener has no owner", pending->request_id));
  } else {
    if (auto refused = refuse_browser(request)) return refuse(std::move(*refused));
    if (internal_path(request.path)) {
      const Hook* hook = find_hook(request.path);
      if (hook == nullptr) return refuse(plain(404, "no such endpoint", pending->request_id));
      return plan_hook(exchange, *hook, std::move(pending));
    }
  }
  return plan_call(exchange, std::move(pending));
}

http::BodyPlan Gateway::plan_hook(http::Exchange& exchange, const Hook& hook, std::shared_ptr<Pending> pending) {
  const http::Request& request = exchange.request();
  pending->hook = &hook;
  pending->entry = &entry(model::kLambda);  // whose words errors of authorization have
  bool needs = hook.access == Access::Signed || changes_state(request);
  if (needs && (!options_.dev || changes_state(request))) {
    pending->target = find_target(request, options_.allowed_hosts);
    if (auto error = admit(request, *pending)) {
      return refuse(pending->entry->codec->encode_error(*error, pending->request_id, pending->head));
    }
  } else {
    pending->identity.account = options_.account;
    pending->identity.region = options_.region;
    pending->identity.principal_arn = "arn:aws:iam::" + options_.account + ":root";
  }
  http::BodyPlan plan;
  plan.limit = plan.memory = hook.body_limit;
  exchange.context = std::move(pending);
  return plan;
}

// Who calls. On the host's listener the key's owner, whose signature is verified now or when the body is there.
std::optional<ApiError> Gateway::admit(const http::Request& request, Pending& pending) {
  const model::ServiceTable& table = pending.entry->codec->table();
  if (pending.identity.environment != 0) return std::nullopt;
  const Target& target = pending.target;
  model::Identity& who = pending.identity;
  who.region =
      target.authorization && !target.authorization->scope.region.empty() ? target.authorization->scope.region : options_.region;
  if (options_.dev) {
    if (target.auth == Auth::None && changes_state(request)) return auth_error(table, AuthFault::Missing);
    if (target.authorization) who.access_key_id = target.authorization->access_key_id;
    who.account = twelve_digits(who.access_key_id) ? who.access_key_id : options_.account;
    who.principal_arn = "arn:aws:iam::" + who.account + ":root";
    return std::nullopt;
  }
  if (target.auth == Auth::None) return auth_error(table, AuthFault::Missing);
  if (target.auth == Auth::Presigned) return model::not_implemented(table.id(), "presigned URLs outside --dev");
  if (!target.authorization) return auth_error(table, AuthFault::Malformed, "Authorization is not of the form AWS4-HMAC-SHA256.");
  auto owner = verifier_.owner(*target.authorization, request.headers);
  if (!owner) return auth_error(table, owner.error(), target.authorization->access_key_id);
  who.access_key_id = owner->access_key_id;
  who.account = owner->account;
  who.principal_arn = owner->principal_arn.empty() ? "arn:aws:iam::" + owner->account + ":root" : owner->principal_arn;
  pending.credential = std::move(*owner);
  const std::string* hash = request.headers.find("x-amz-content-sha256");
  bool s3 = &table == &model::kS3;
  if (hash == nullptr && s3) {
    return model::api_error("InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
  }
  if (hash == nullptr) return std::nullopt;  // with the body
  auto fault = verifier_.verify(request, *target.authorization, *pending.credential, *hash,
                                s3 ? sigv4::PathEncoding::Once : sigv4::PathEncoding::Twice, options_.clock->unix_ms());
  if (fault) return auth_error(table, *fault);
  pending.verified = true;
  return std::nullopt;
}

http::BodyPlan Gateway::plan_call(http::Exchange& exchange, std::shared_ptr<Pending> pending) {
  const http::Request& request = exchange.request();
  pending->target = find_target(request, options_.allowed_hosts);
  Target& target = pending->target;
  if (target.table == nullptr) return refuse(unknown_service(request, target, pending->request_id));
  pending->entry = &entry(*target.table);
  const model::Codec& codec = *pending->entry->codec;
  auto refuse_with = [&](const ApiError& error) { return refuse(codec.encode_error(error, pending->request_id, pending->head)); };
  if (auto error = admit(request, *pending)) return refuse_with(*error);
  if (target.table->protocol != model::Protocol::Query) {
    std::string_view path = target.path.empty() ? std::string_view(request.path) : std::string_view(target.path);
    auto match = codec.match({request.method, path, request.query, &request.headers});
    if (!match) return refuse_with(match.error());
    pending->match = std::move(*match);
    std::string_view name = target.table->name(*pending->match.operation);
    if (!pending->entry->service || !pending->entry->service->implements(name)) {
      return refuse_with(model::not_implemented(target.table->id(), name));
    }
    if (target.table == &model::kS3) {
      if (auto error = refuse_upload(request.headers)) return refuse_with(*error);
    }
  }
  http::BodyPlan plan =
      plan_body(codec, pending->match.operation, request.headers, options_.limits, options_.spool_directory, pending->request_id);
  // A body whose hash is only in the signature is hashed while it is spooled.
  if (pending->credential && target.table != &model::kS3) plan.sha256 = true;
  exchange.context = std::move(pending);
  return plan;
}

void Gateway::on_request(http::ExchangePtr exchange) {
  auto pending = std::static_pointer_cast<Pending>(exchange->context);
  exchange->context.reset();
  if (!pending) {  // a plan that refused
    exchange->respond(plain(500, "request without a plan"));
    return;
  }
  if (pending->hook == nullptr) return pending->start(std::move(exchange));
  if (pending->credential) {
    std::string hash = hex_encode(sha256(exchange->request().body.bytes));
    std::optional<AuthFault> fault;
    if (!pending->verified) {
      fault = verifier_.verify(exchange->request(), *pending->target.authorization, *pending->credential, hash,
                               sigv4::PathEncoding::Twice, options_.clock->unix_ms());
    } else if (exchange->request().headers.get("x-amz-content-sha256") != hash) {
      fault = AuthFault::Mismatch;
    }
    if (fault)
      return exchange->respond(pending->entry->codec->encode_error(auth_error(model::kLambda, *fault), pending->request_id));
  }
  pending->hook->handler(std::move(exchange), pending->identity);
}

}  // namespace gust::gateway
