// SPDX-License-Identifier: Apache-2.0

#include "gateway/verifier.h"

#include <algorithm>
#include <cstdlib>

#include "base/encoding.h"
#include "base/ids.h"
#include "crypto/hash.h"
#include "model/errors.h"

namespace gust::gateway {
namespace {

using model::api_error;
using model::ApiError;

constexpr std::string_view kMismatch =
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and "
    "signing method. Consult the service documentation for details.";

ApiError s3_error(AuthFault fault, std::string_view detail) {
  switch (fault) {
    case AuthFault::Missing:
      return api_error("AccessDenied", "Access Denied", 403);
    case AuthFault::Malformed:
      return api_error("AuthorizationHeaderMalformed", "The authorization header is malformed; " + std::string(detail));
    case AuthFault::UnknownKey: {
      ApiError e = api_error("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403);
      e.members.set("AWSAccessKeyId", detail);
      return e;
    }
    case AuthFault::BadToken:
      return api_error("InvalidToken", "The provided token is malformed or otherwise invalid.");
    case AuthFault::Skewed:
      return api_error("RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", 403);
    case AuthFault::NotSigned:
      return api_error("AccessDenied", "There were headers present in the request which were not signed", 403);
    case AuthFault::Mismatch:
      return api_error("SignatureDoesNotMatch",
                       "The request signature we calculated does not match the signature you provided. Check your key and "
                       "signing method.",
                       403);
  }
  return api_error("AccessDenied", "Access Denied", 403);
}

ApiError query_error(AuthFault fault, std::string_view detail) {
  switch (fault) {
    case AuthFault::Missing:
      return api_error("MissingAuthenticationToken", "Request is missing Authentication Token", 403);
    case AuthFault::Malformed:
      return api_error("IncompleteSignature", std::string(detail));
    case AuthFault::UnknownKey:
    case AuthFault::BadToken:
      return api_error("InvalidClientTokenId", "The security token included in the request is invalid.", 403);
    case AuthFault::Skewed:
      return api_error("SignatureDoesNotMatch", "Signature expired or not yet current.", 403);
    default:
      return api_error("SignatureDoesNotMatch", std::string(kMismatch), 403);
  }
}

// What changes the meaning of a call must be under the signature.
bool must_be_signed(std::string_view name) {
  return name.size() > 6 && equal_ignoring_case(name.substr(0, 6), "x-amz-") && !equal_ignoring_case(name, "x-amz-user-agent");
}

}  // namespace

ApiError auth_error(const model::ServiceTable& table, AuthFault fault, std::string_view detail) {
  if (table.protocol == model::Protocol::RestXml) return s3_error(fault, detail);
  if (table.protocol == model::Protocol::Query) return query_error(fault, detail);
  int status = table.protocol == model::Protocol::RestJson ? 403 : 400;
  switch (fault) {
    case AuthFault::Missing:
      return status == 403 ? api_error("MissingAuthenticationTokenException", "Missing Authentication Token", status)
                           : api_error("MissingAuthenticationTokenException", "Request is missing Authentication Token", status);
    case AuthFault::Malformed:
      return api_error("IncompleteSignatureException", std::string(detail), status);
    case AuthFault::UnknownKey:
    case AuthFault::BadToken:
      return api_error("UnrecognizedClientException", "The security token included in the request is invalid.", status);
    case AuthFault::Skewed:
      return api_error("InvalidSignatureException",
                       "Signature expired or not yet current: the request's time is more than "
                       "15 min. away from the server's.",
                       status);
    default:
      return api_error("InvalidSignatureException", std::string(kMismatch), status);
  }
}

tl::expected<Credential, AuthFault> Verifier::owner(const sigv4::ParsedAuthorization& authorization,
                                                    const http::Headers& headers) const {
  auto found = credentials_.find(authorization.access_key_id, headers.get("x-amz-security-token"));
  if (!found) return tl::unexpected(AuthFault::UnknownKey);
  if (!equal_constant_time(found->session_token, headers.get("x-amz-security-token"))) {
    return tl::unexpected(AuthFault::BadToken);
  }
  return std::move(*found);
}

std::string Verifier::key_for(const Credential& credential, const sigv4::Scope& scope) {
  std::string name = scope.text() + "/" + credential.secret_access_key;
  std::lock_guard lock(mutex_);
  auto at = keys_.find(name);
  if (at != keys_.end()) return at->second;
  if (keys_.size() >= kMaxKeys) keys_.clear();
  return keys_.emplace(std::move(name), sigv4::signing_key(credential.secret_access_key, scope)).first->second;
}

std::optional<AuthFault> Verifier::verify(const http::Request& request, const sigv4::ParsedAuthorization& authorization,
                                          const Credential& credential, std::string_view payload_hash, sigv4::PathEncoding path,
                                          int64_t now_ms) {
  std::string_view date = request.headers.get("x-amz-date");
  auto at = parse_iso8601(date);
  if (!at || date.substr(0, 8) != authorization.scope.date) return AuthFault::Mismatch;
  if (std::abs(now_ms - *at) > kMaxSkewMs) return AuthFault::Skewed;
  const auto& names = authorization.signed_headers;
  auto is_signed = [&](std::string_view name) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& n) { return equal_ignoring_case(n, name); });
  };
  if (!is_signed("host")) return AuthFault::NotSigned;
  sigv4::RequestParts parts{request.method, request.path, request.query, {}, payload_hash, path};
  parts.headers.reserve(names.size());
  for (const auto& [name, value] : request.headers.fields()) {
    if (is_signed(name)) parts.headers.emplace_back(name, value);
    else if (must_be_signed(name)) return AuthFault::NotSigned;
  }
  for (const std::string& name : names) {
    if (!request.headers.has(name)) return AuthFault::Mismatch;
  }
  std::string text = sigv4::string_to_sign(date, authorization.scope, sigv4::canonical_request(parts));
  std::string expected = sigv4::signature(key_for(credential, authorization.scope), text);
  if (!equal_constant_time(expected, authorization.signature)) return AuthFault::Mismatch;
  return std::nullopt;
}

}  // namespace gust::gateway
