// SPDX-License-Identifier: Apache-2.0

#include "gateway/gateway.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "gateway/anonymous.h"
#include "gateway/browser.h"
#include "gateway/cors.h"
#include "gateway/pending.h"
#include "gateway/upload.h"
#include "model/errors.h"

namespace gust::gateway {
namespace {

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

http::Response foreign_page() {
  return plain(403, "pages of that Origin may not call this server; allow it in the configuration (allowed_origins)");
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

// A form that nobody signed but in its fields, posted to a bucket.
bool is_form_upload(const http::Request& request, const Target& target) {
  if (request.method != "POST" || target.claim.auth != Auth::None || !request.query.empty()) return false;
  if (form_boundary(request.headers.get("content-type")).empty()) return false;
  BucketAndKey place = split_path(target.route(request));
  return !place.bucket.empty() && place.key.empty();
}

}  // namespace

Gateway::Gateway(Options options, const CredentialStore& credentials, net::WorkerPool& workers, net::Loop& loop,
                 const std::vector<model::Service*>& services, std::function<std::optional<model::Identity>(uint64_t)> resolve)
    : options_(std::move(options)), verifier_(credentials), workers_(workers), loop_(loop), resolve_(std::move(resolve)) {
  for (const model::ServiceTable* table : model::services()) {
    Entry e;
    e.codec = std::make_unique<model::Codec>(*table);
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

http::BodyPlan Gateway::on_head(http::Exchange& exchange) {
  http::Request& request = exchange.request();
  auto pending = std::make_shared<Pending>(*this, new_uuid());
  pending->head = request.method == "HEAD";
  auto sandbox = resolve_(exchange.listener_tag());
  if (sandbox) {
    if (internal_path(request.path)) return refuse(plain(404, "not found", pending->request_id));
    pending->identity = std::move(*sandbox);
    if (pending->identity.environment == 0) return refuse(plain(403, "this listener has no owner", pending->request_id));
    return plan_call(exchange, std::move(pending));
  }
  if (options_.trust_forwarded) {
    if (const std::string* host = request.headers.find("x-forwarded-host")) request.headers.set("host", std::string(*host));
  }
  if (!host_allowed(request.headers.get("host"), options_.allowed_hosts)) {
    return refuse(plain(403, "this server does not answer to that Host; allow it in the configuration (allowed_hosts)"));
  }
  if (!internal_path(request.path)) return plan_call(exchange, std::move(pending));
  if (origin_of(request.headers, options_.allowed_origins) == Origin::Foreign) return refuse(foreign_page());
  const Hook* hook = find_hook(request.path);
  if (hook == nullptr) return refuse(plain(404, "no such endpoint", pending->request_id));
  return plan_hook(exchange, *hook, std::move(pending));
}

http::BodyPlan Gateway::plan_hook(http::Exchange& exchange, const Hook& hook, std::shared_ptr<Pending> pending) {
  http::Request& request = exchange.request();
  pending->hook = &hook;
  pending->entry = &entry(model::kLambda);  // whose words errors of authorization have
  bool needs = hook.access == Access::Signed || changes_state(request);
  if (needs && (!options_.dev || changes_state(request))) {
    pending->target.claim = read_claim(request);
    if (auto error = admit(request, *pending)) return refuse(pending->error_response(*error));
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

// A browser's page calls: pages of buckets are judged by the bucket's rules before the body, others are refused here.
std::optional<http::Response> Gateway::meet_page(const http::Request& request, Pending& pending) {
  if (pending.identity.environment != 0) return std::nullopt;
  Origin origin = origin_of(request.headers, options_.allowed_origins);
  bool s3 = pending.target.table == &model::kS3;
  BucketAndKey place = s3 ? split_path(pending.target.route(request)) : BucketAndKey();
  if (place.bucket.empty()) {
    if (origin == Origin::Foreign) return foreign_page();
    if (origin != Origin::Configured) return std::nullopt;
    pending.cors_headers = configured_cors(request);
    if (request.method != "OPTIONS") return std::nullopt;
    http::Response response;
    add_cors(pending.cors_headers, response.headers);
    return response;
  }
  if (request.method == "OPTIONS") {
    if (auto error = refuse_preflight(request)) return pending.error_response(*error);
  }
  if (origin == Origin::None) return std::nullopt;
  Pending::Page page;
  page.cors = cors_request(request, std::move(place.bucket));
  if (origin == Origin::Configured) page.configured = configured_cors(request);
  page.foreign = origin == Origin::Foreign;
  page.object = !place.key.empty();
  pending.page = std::move(page);
  return std::nullopt;
}

http::BodyPlan Gateway::plan_call(http::Exchange& exchange, std::shared_ptr<Pending> pending) {
  http::Request& request = exchange.request();
  pending->target = find_target(request, options_.allowed_hosts);
  Target& target = pending->target;
  if (target.table == nullptr) {
    bool foreign = pending->identity.environment == 0 && origin_of(request.headers, options_.allowed_origins) == Origin::Foreign;
    return refuse(foreign ? foreign_page() : unknown_service(request, target, pending->request_id));
  }
  pending->entry = &entry(*target.table);
  pending->protocol =
      pending->entry->codec->protocol_of({request.method, target.route(request), request.query, &request.headers});
  if (target.table == &model::kS3 || request.headers.has("origin")) {
    if (auto refused = meet_page(request, *pending)) return refuse(std::move(*refused));
  }
  http::BodyPlan plan;
  bool preflight = pending->page && request.method == "OPTIONS";
  if (!preflight) plan = plan_admitted(request, *pending);
  if (pending->page || (pending->anonymous && !plan.refuse && !pending->form)) ask_before_body(plan, pending);
  exchange.context = std::move(pending);
  return plan;
}

// What only a bucket knows is asked on a worker, before a byte of the body is taken.
void Gateway::ask_before_body(http::BodyPlan& plan, std::shared_ptr<Pending> pending) {
  pending->early = std::exchange(plan.refuse, std::nullopt);
  plan.gate = [this, pending](std::function<void(std::optional<http::Response>)> go) {
    bool taken = workers_.submit([this, pending, go] {
      auto answer = std::make_shared<std::optional<http::Response>>(pending->judge());
      loop_.post([go, answer] { go(std::move(*answer)); });
    });
    if (!taken) go(pending->error_response(model::unavailable("s3")));
  };
}

// The operation where the head names it. Errors: no such operation, or one that is not built and needs no body to be sure
// who asks for it.
std::optional<model::ApiError> Gateway::match(const http::Request& request, Pending& pending) {
  const model::Codec& codec = *pending.entry->codec;
  const Target& target = pending.target;
  model::RequestView view{request.method, target.route(request), request.query, &request.headers};
  if (codec.named_in_body(view)) return std::nullopt;
  auto match = codec.match(view);
  if (!match && target.table == &model::kS3 && request.method == "POST" && split_path(view.path).key.empty()) {
    auto e = model::api_error("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412);
    e.members.set("Condition", "Bucket POST must be of the enclosure-type multipart/form-data");
    return e;
  }
  if (!match) return std::move(match.error());
  pending.match = std::move(*match);
  std::string_view name = target.table->name(*pending.match.operation);
  if (pending.anonymous && public_action(name, false).empty()) return auth_error(pending.protocol, {.fault = AuthFault::Missing});
  bool sure = !pending.credential || pending.verified;
  if (sure && !(pending.entry->service && pending.entry->service->implements(name))) {
    return model::not_implemented(target.table->id(), name);
  }
  return std::nullopt;
}

http::BodyPlan Gateway::plan_admitted(http::Request& request, Pending& pending) {
  const Target& target = pending.target;
  bool s3 = target.table == &model::kS3;
  if (s3 && is_form_upload(request, target)) return plan_form(request, pending);
  auto refuse_with = [&](const model::ApiError& error) { return refuse(pending.error_response(error)); };
  if (auto error = admit(request, pending)) return refuse_with(*error);
  if (auto error = match(request, pending)) return refuse_with(*error);
  const model::ServiceTable& table = *target.table;
  http::BodyPlan plan = plan_body(table, pending.match.operation, request.headers, options_.limits, options_.spool_directory);
  if (!surely_fits(request.headers, plan.limit)) {
    plan.too_large = pending.error_response(too_large(table, pending.match.operation, request.headers, options_.limits));
  }
  if (s3) {
    if (auto error = refuse_upload(request, table.name(*pending.match.operation))) return refuse_with(*error);
    if (auto error = plan_chunked(request, pending, plan)) return refuse_with(*error);
  }
  // A body whose hash is only in the signature is hashed while it is spooled.
  if (pending.credential && !s3) plan.sha256 = true;
  return plan;
}

std::optional<model::ApiError> Gateway::plan_chunked(http::Request& request, Pending& pending, http::BodyPlan& plan) {
  auto form = chunked_form(request.headers);
  if (!form) return std::move(form.error());
  if (!*form) return std::nullopt;
  const Claim& claim = pending.target.claim;
  if ((*form)->is_signed && (claim.auth == Auth::QueryV2 || pending.anonymous)) {
    return auth_error(pending.protocol, {.fault = AuthFault::Denied, .detail = "Access Denied"});
  }
  if ((*form)->decoded_length > plan.limit) {
    return too_large(model::kS3, pending.match.operation, request.headers, options_.limits);
  }
  std::optional<ChunkSeal> seal;
  if ((*form)->is_signed && pending.credential) {
    const sigv4::ParsedAuthorization& by = claim.authorization;
    seal = ChunkSeal{signing_key_of(*pending.credential, by.scope), claim.amz_date, by.scope, by.signature};
  }
  plan.wire_limit = (*form)->wire_limit();
  auto encode = [weak = pending.weak_from_this()](const model::ApiError& error) {
    auto self = weak.lock();
    return self ? self->error_response(error) : http::Response{.status = 400, .headers = {}, .body = {}};
  };
  plan.filter = pending.chunked = std::make_shared<AwsChunked>(std::move(**form), std::move(seal), std::move(encode));
  std::string encoding = without_aws_chunked(request.headers.get("content-encoding"));
  if (encoding.empty()) request.headers.remove("content-encoding");
  else request.headers.set("content-encoding", encoding);
  return std::nullopt;
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
    const http::Request& request = exchange->request();
    std::string hash = hex_encode(sha256(request.body.bytes));
    std::optional<AuthError> error;
    if (!pending->verified) {
      error = Verifier::verify(
          {request, pending->target.claim, *pending->credential, hash, request.path, false, options_.clock->unix_ms()});
    } else if (request.headers.get("x-amz-content-sha256") != hash) {
      error = AuthError{.fault = AuthFault::Mismatch};
    }
    if (error) return exchange->respond(pending->error_response(auth_error(pending->protocol, *error)));
  }
  pending->hook->handler(std::move(exchange), pending->identity);
}

}  // namespace gust::gateway
