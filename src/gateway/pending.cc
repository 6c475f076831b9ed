// SPDX-License-Identifier: Apache-2.0

#include "gateway/pending.h"

#include <algorithm>
#include <exception>

#include "base/json.h"
#include "base/log.h"
#include "gateway/anonymous.h"
#include "gateway/cors.h"
#include "gateway/upload.h"
#include "model/errors.h"
#include "os/files.h"

namespace gust::gateway {

using model::ApiError;

Pending::~Pending() {
  if (!exchange_ || answered_.load()) return;
  log::error("gateway", "a call ended without an answer",
             {{"service", std::string(entry->codec->table().id())}, {"request", request_id}});
  answer(error_response(model::internal_failure(entry->codec->table().id())));
}

http::Response Pending::error_response(const ApiError& error) const {
  http::Response response = entry->codec->encode_error(error, request_id, head, protocol);
  if (!cors_headers.empty()) add_cors(cors_headers, response.headers);
  return response;
}

bool Pending::anybody_may() const {
  std::string_view operation = form ? "PutObject" : entry->codec->table().name(*match.operation);
  bool version = std::any_of(match.query.begin(), match.query.end(), [](const auto& p) { return p.first == "versionId"; });
  std::string_view action = public_action(operation, version);
  std::string_view key = place.key;
  if (const std::string* field = form ? form->field("key") : nullptr) key = *field;
  return gateway_.rules_ != nullptr && !action.empty() && gateway_.rules_->anybody_may(action, place.bucket, key);
}

// A page of another origin: what the bucket's rules, else the configuration, tell its browser.
std::optional<http::Response> Pending::judge_page() {
  auto allowed = gateway_.rules_ ? gateway_.rules_->cors(page->cors) : std::nullopt;
  if (!allowed && !page->configured.empty()) allowed = std::move(page->configured);
  if (allowed) cors_headers = std::move(*allowed);
  if (page->cors.preflight) {
    if (cors_headers.empty()) {
      auto why = gateway_.rules_ ? gateway_.rules_->why_refused(page->cors.bucket) : model::CorsRefusal::NotEnabled;
      return error_response(cors_forbidden(page->cors, why, page->object));
    }
    http::Response response;
    response.headers.add("x-amz-request-id", request_id);
    add_cors(cors_headers, response.headers);
    return response;
  }
  // Who was given a URL or a form by somebody who may, and what anybody may, needs no rule.
  bool exempt = anonymous || form || target.claim.auth == Auth::Query || target.claim.auth == Auth::QueryV2;
  if (!page->foreign || allowed || exempt) return std::nullopt;
  return error_response(
      model::api_error("AccessDenied", "Pages of that Origin may not call this bucket: its CORS rules do not allow it", 403));
}

std::optional<http::Response> Pending::judge() {
  try {
    if (page) {
      if (auto refused = judge_page()) return refused;
    }
    if (early) {
      if (!cors_headers.empty()) add_cors(cors_headers, early->headers);
      return std::move(early);
    }
    if (anonymous && !form && !anybody_may()) return error_response(model::api_error("AccessDenied", "Access Denied", 403));
  } catch (const std::exception& e) {  // a library's: ours throw nothing
    log::error("gateway", "exception in a call", {{"what", e.what()}, {"request", request_id}});
    return error_response(model::internal_failure(entry->codec->table().id()));
  }
  return std::nullopt;
}

void Pending::answer(http::Response response) {
  if (answered_.exchange(true)) return;
  http::ExchangePtr exchange = std::move(exchange_);
  if (!exchange) return;
  if (gateway_.loop_.in_thread()) {
    drop_spooled(exchange->request().body);
    exchange->respond(std::move(response));
    return;
  }
  // The exchange goes back to the loop with the answer, so that it never ends on another thread.
  auto held = std::make_shared<std::pair<http::ExchangePtr, http::Response>>(std::move(exchange), std::move(response));
  drop_spooled(held->first->request().body);
  gateway_.loop_.post([held] {
    held->first->respond(std::move(held->second));
    held->first.reset();
  });
}

// A spooled body that no service took over.
void Pending::drop_spooled(http::Body& body) {
  if (body.path.empty()) return;
  if (auto removed = files::remove(body.path); !removed) {
    log::warning("gateway", "spooled body stays", {{"error", removed.error().message}});
  }
  body.path.clear();
}

void Pending::reply(model::Reply reply) {
  http::Response response = entry->codec->encode(match, std::move(reply), request_id);
  if (form) response = form_success(*form, std::move(response), location_, place.bucket, place.key);
  if (!cors_headers.empty()) add_cors(cors_headers, response.headers);
  answer(std::move(response));
}

void Pending::error(ApiError error) { answer(error_response(error)); }

model::RequestView Pending::view(const http::Request& request) const {
  return {request.method, target.route(request), request.query, &request.headers};
}

void Pending::start(http::ExchangePtr exchange) {
  exchange_ = std::move(exchange);
  if (&entry->codec->table() == &model::kS3) source_ip_ = exchange_->peer().host;  // costs a system call; events show it
  bool on_loop = match.operation && entry->service &&
                 entry->service->placement(entry->codec->table().name(*match.operation)) == model::Placement::Loop &&
                 !exchange_->request().body.file;
  if (on_loop) {
    run();
  } else if (!gateway_.workers_.submit([self = shared_from_this()] { self->run(); })) {
    error(model::unavailable(entry->codec->table().id()));
  }
}

void Pending::run() {
  try {
    decode_and_call();
  } catch (const std::exception& e) {  // a library's: ours throw nothing
    log::error("gateway", "exception in a call", {{"what", e.what()}, {"request", request_id}});
    error(model::internal_failure(entry->codec->table().id()));
  }
}

// The signature where it could not be checked without the body, or whether the body is what was signed.
std::optional<ApiError> Pending::check_signed_body(http::Request& request) {
  if (!credential) return std::nullopt;
  const model::ServiceTable& table = entry->codec->table();
  bool s3 = &table == &model::kS3;
  if (verified && (s3 || request.headers.get("x-amz-content-sha256") == "UNSIGNED-PAYLOAD")) return std::nullopt;
  auto hash = payload_hash(request.body);
  if (!hash) return model::from_error(table.id(), hash.error());
  if (verified) {
    if (request.headers.get("x-amz-content-sha256") == *hash) return std::nullopt;
    return auth_error(protocol, {.fault = AuthFault::Mismatch});
  }
  auto fault = Verifier::verify(
      {request, target.claim, *credential, *hash, target.route(request), s3, gateway_.options_.clock->unix_ms()});
  if (fault) return auth_error(protocol, *fault);
  return std::nullopt;
}

// And what the client said about the body.
std::optional<ApiError> Pending::check(http::Request& request) {
  if (auto error = check_signed_body(request)) return error;
  if (&entry->codec->table() != &model::kS3 || !match.operation) return std::nullopt;
  if (chunked) {
    for (const auto& [name, value] : chunked->trailers().fields()) request.headers.add(name, value);
  }
  if (request.method != "PUT" && request.method != "POST") return std::nullopt;
  std::string_view operation = entry->codec->table().name(*match.operation);
  if (auto error = refuse_without_digest(request.headers, operation)) return error;
  return check_upload(request.headers, operation, request.body);
}

// The document's text; false: already answered.
bool Pending::document(http::Request& request, std::string& text) {
  if (!request.body.file) {
    text = std::move(request.body.bytes);
    return true;
  }
  auto read = request.body.read_all(request.body.size());
  if (!read) {
    error(model::from_error(entry->codec->table().id(), read.error()));
    return false;
  }
  text = std::move(*read);
  return true;
}

void Pending::decode_and_call() {
  const model::Codec& codec = *entry->codec;
  http::Request& request = exchange_->request();
  if (form) {
    if (anonymous && !anybody_may()) return error(model::api_error("AccessDenied", "Access Denied", 403));
    if (auto failed = become_put(request)) return error(std::move(*failed));
  }
  if (auto failed = check(request)) return error(std::move(*failed));
  std::string text;
  bool raw = match.operation && codec.raw_payload(*match.operation);
  if (!raw && !document(request, text)) return;
  if (match.operation == nullptr) {
    auto found = codec.match_form(text);
    if (!found) return error(std::move(found.error()));
    match = std::move(*found);
  }
  std::string_view operation = codec.table().name(*match.operation);
  if (!entry->service || !entry->service->implements(operation))
    return error(model::not_implemented(codec.table().id(), operation));
  auto input = codec.decode(match, view(request), text);
  if (!input) return error(std::move(input.error()));
  if (credential && credential->user_id.starts_with("AIDA") && gateway_.options_.user_called)
    gateway_.options_.user_called(credential->access_key_id, codec.table().signing_name(), identity.region);
  model::Call call;
  call.operation = operation;
  call.input = std::move(*input);
  call.identity = std::move(identity);
  call.request_id = request_id;
  call.received_us = gateway_.options_.clock->unix_us();
  call.source_ip = source_ip_;
  call.host = request.headers.get("host");
  call.secure = exchange_->secure();
  call.anonymous = anonymous;
  call.form_upload = form != nullptr;
  if (raw) {
    call.payload = std::move(request.body);
    request.body = {};
  }
  entry->service->call(std::move(call), model::Responder(shared_from_this()));
}

}  // namespace gust::gateway
