// SPDX-License-Identifier: Apache-2.0

#include "gateway/pending.h"

#include <exception>

#include "base/log.h"
#include "gateway/upload.h"
#include "model/errors.h"
#include "os/files.h"

namespace gust::gateway {

using model::ApiError;

Pending::~Pending() {
  if (!exchange_ || answered_.load()) return;
  log::error("gateway", "a call ended without an answer",
             {{"service", std::string(entry->codec->table().id())}, {"request", request_id}});
  answer(entry->codec->encode_error(model::internal_failure(entry->codec->table().id()), request_id, head));
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

void Pending::reply(model::Reply reply) { answer(entry->codec->encode(match, std::move(reply), request_id)); }

void Pending::error(ApiError error) { answer(entry->codec->encode_error(error, request_id, head)); }

model::RequestView Pending::view(const http::Request& request) const {
  return {request.method, target.path.empty() ? std::string_view(request.path) : std::string_view(target.path), request.query,
          &request.headers};
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

// Signature where it could not be checked without the body, and what the client said about the body.
std::optional<ApiError> Pending::check(http::Request& request) {
  const model::ServiceTable& table = entry->codec->table();
  bool s3 = &table == &model::kS3;
  if (credential && !verified) {
    auto hash = payload_hash(request.body);
    if (!hash) return model::from_error(table.id(), hash.error());
    auto fault = gateway_.verifier_.verify(request, *target.authorization, *credential, *hash, sigv4::PathEncoding::Twice,
                                           gateway_.options_.clock->unix_ms());
    if (fault) return auth_error(table, *fault);
  } else if (credential && !s3) {
    // The header was under the signature; now the body must be what the header says.
    std::string_view said = request.headers.get("x-amz-content-sha256");
    if (said != "UNSIGNED-PAYLOAD") {
      auto hash = payload_hash(request.body);
      if (!hash) return model::from_error(table.id(), hash.error());
      if (*hash != said) return auth_error(table, AuthFault::Mismatch);
    }
  }
  if (s3 && match.operation && (match.operation->flags & model::kChecksumRequired) != 0 && !says_digest(request.headers)) {
    return model::api_error("InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
  }
  if (s3 && (request.method == "PUT" || request.method == "POST")) return check_upload(request.headers, request.body);
  return std::nullopt;
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
  model::Call call;
  call.operation = operation;
  call.input = std::move(*input);
  call.identity = std::move(identity);
  call.request_id = request_id;
  call.received_us = gateway_.options_.clock->unix_us();
  call.source_ip = source_ip_;
  if (raw) {
    call.payload = std::move(request.body);
    request.body = {};
  }
  entry->service->call(std::move(call), model::Responder(shared_from_this()));
}

}  // namespace gust::gateway
