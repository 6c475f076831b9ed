// SPDX-License-Identifier: Apache-2.0

#include "gateway/verifier.h"

#include <algorithm>
#include <cstdlib>
#include <unordered_map>

#include "base/encoding.h"
#include "base/ids.h"
#include "crypto/hash.h"
#include "crypto/sigv2.h"

namespace gust::gateway {
namespace {

constexpr size_t kMaxKeys = 1000;

// What changes the meaning of a call must be under the signature. Of a URL's payload hash the signature says what it was.
bool must_be_signed(std::string_view name, Auth auth) {
  if (name.size() <= 6 || !equal_ignoring_case(name.substr(0, 6), "x-amz-")) return false;
  if (equal_ignoring_case(name, "x-amz-user-agent")) return false;
  return auth == Auth::Header || !(equal_ignoring_case(name, "x-amz-content-sha256") || equal_ignoring_case(name, "x-amz-date"));
}

std::optional<AuthError> check_signed_headers(const Verifier::Check& check) {
  const auto& names = check.claim.authorization.signed_headers;
  auto is_signed = [&](std::string_view name) {
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& n) { return n.size() == name.size() && equal_ignoring_case(n, name); });
  };
  std::string missing;
  if (!is_signed("host")) missing = "host";
  for (const auto& [name, value] : check.request.headers.fields()) {
    if (!must_be_signed(name, check.claim.auth) || is_signed(name)) continue;
    missing.append(missing.empty() ? "" : ", ").append(lower(name));
  }
  if (missing.empty()) return std::nullopt;
  return AuthError{.fault = AuthFault::NotSigned, .detail = std::move(missing)};
}

// Into `amz_date` the text that was signed.
std::optional<AuthError> check_header_time(const Verifier::Check& check, std::string& amz_date) {
  const sigv4::Scope& scope = check.claim.authorization.scope;
  amz_date = check.claim.amz_date;
  auto at = amz_date.empty() ? parse_http_date(check.request.headers.get("date")) : parse_iso8601(amz_date);
  if (!at) return AuthError{.fault = AuthFault::NoDate};
  if (amz_date.empty()) amz_date = iso8601_basic(*at);
  if (std::string_view(amz_date).substr(0, 8) != scope.date) {
    std::string day = amz_date.substr(0, 8);
    std::string text =
        check.s3 ? "Invalid credential date \"" + scope.date + "\". This date is not the same as X-Amz-Date: \"" + day + "\"."
                 : "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" + scope.date +
                       "' != '" + day + "', from '" + amz_date + "'.";
    return AuthError{.fault = AuthFault::WrongScope, .detail = std::move(text)};
  }
  if (std::abs(check.now_ms - *at) <= kMaxSkewMs) return std::nullopt;
  return AuthError{.fault = AuthFault::Skewed, .request_ms = *at, .server_ms = check.now_ms};
}

// S3 decodes a path and encodes it again; a client may have signed that or what it has sent.
std::string recoded_path(std::string_view path) {
  auto decoded = percent_decode(path);
  return decoded ? percent_encode(*decoded, Slash::Keep) : std::string(path);
}

std::optional<AuthError> verify_v4(const Verifier::Check& check) {
  const sigv4::ParsedAuthorization& authorization = check.claim.authorization;
  bool in_query = check.claim.auth == Auth::Query;
  std::string amz_date = check.claim.amz_date;
  if (!in_query) {
    if (auto error = check_header_time(check, amz_date)) return error;
  }
  if (auto error = check_signed_headers(check)) return error;
  sigv4::ReceivedRequest received{
      .method = check.request.method,
      .raw_path = check.request.path,
      .raw_query = check.request.query,
      .headers = check.request.headers.fields(),
      .signed_headers = authorization.signed_headers,
      .payload_hash = check.payload_hash,
      .path_encoding = check.s3 ? sigv4::PathEncoding::Once : sigv4::PathEncoding::Twice,
      .in_query = in_query,
  };
  std::string key = signing_key_of(check.credential, authorization.scope);
  auto fits = [&](std::string& canonical, std::string& text) {
    canonical = sigv4::canonical_request(received);
    text = sigv4::string_to_sign(amz_date, authorization.scope, canonical);
    return equal_constant_time(sigv4::signature(key, text), authorization.signature);
  };
  AuthError wrong{.fault = AuthFault::Mismatch};
  if (fits(wrong.canonical_request, wrong.string_to_sign)) return std::nullopt;
  if (check.s3) {
    std::string path = recoded_path(check.request.path);
    received.raw_path = path;
    if (path != check.request.path && fits(wrong.canonical_request, wrong.string_to_sign)) return std::nullopt;
  }
  wrong.access_key_id = authorization.access_key_id;
  wrong.signature = authorization.signature;
  return wrong;
}

std::optional<AuthError> verify_v2(const Verifier::Check& check) {
  const http::Headers& headers = check.request.headers;
  auto value = [&](std::string_view name) {
    const std::string* parameter = find_parameter(check.claim.query, name);
    return parameter ? std::string_view(*parameter) : headers.get(name);
  };
  sigv2::Request request{check.request.method, check.path, value("content-md5"), value("content-type"), {}, {},
                         check.claim.query};
  std::string expires = std::to_string(check.claim.expires_s);
  request.date = expires;
  auto take = [&](const auto& fields) {
    for (const auto& [name, text] : fields) {
      std::string key = lower(name);
      if (key.starts_with("x-amz-")) request.amz_headers.emplace_back(std::move(key), text);
    }
  };
  take(headers.fields());
  take(check.claim.query);
  std::string text = sigv2::string_to_sign(request);
  const sigv4::ParsedAuthorization& authorization = check.claim.authorization;
  if (equal_constant_time(sigv2::signature(check.credential.secret_access_key, text), authorization.signature))
    return std::nullopt;
  return AuthError{.fault = AuthFault::Mismatch,
                   .access_key_id = authorization.access_key_id,
                   .string_to_sign = std::move(text),
                   .signature = authorization.signature};
}

}  // namespace

std::string signing_key_of(const Credential& credential, const sigv4::Scope& scope) {
  thread_local std::unordered_map<std::string, std::string> keys;  // scope and secret -> signing key
  std::string name = scope.text() + "/" + credential.secret_access_key;
  auto at = keys.find(name);
  if (at != keys.end()) return at->second;
  if (keys.size() >= kMaxKeys) keys.clear();
  return keys.emplace(std::move(name), sigv4::signing_key(credential.secret_access_key, scope)).first->second;
}

std::optional<AuthError> check_url_time(const Claim& claim, int64_t now_ms) {
  if (claim.auth != Auth::Query && claim.auth != Auth::QueryV2) return std::nullopt;
  bool v2 = claim.auth == Auth::QueryV2;
  AuthError error{.request_ms = claim.request_ms, .server_ms = now_ms};
  error.expires_ms = v2 ? claim.expires_s * 1000 : claim.request_ms + claim.expires_s * 1000;
  error.expires_s = v2 ? 0 : claim.expires_s;
  error.fault = AuthFault::UrlExpired;
  if (error.expires_ms < now_ms) return error;
  error.fault = AuthFault::UrlTooEarly;
  if (!v2 && claim.request_ms > now_ms + kMaxSkewMs) return error;
  return std::nullopt;
}

std::optional<AuthError> check_credential(const Credential& credential, int64_t now_ms) {
  if (credential.expires_ms != 0 && credential.expires_ms <= now_ms) {
    return AuthError{.fault = AuthFault::ExpiredToken, .token = credential.session_token};
  }
  if (credential.inactive) return AuthError{.fault = AuthFault::UnknownKey, .access_key_id = credential.access_key_id};
  return std::nullopt;
}

tl::expected<Credential, AuthError> Verifier::owner(const Claim& claim, int64_t now_ms) const {
  const std::string& id = claim.authorization.access_key_id;
  auto found = credentials_.find(id, claim.token);
  if (claim.token.empty() && (!found || !found->session_token.empty())) {
    return tl::unexpected(AuthError{.fault = AuthFault::UnknownKey, .access_key_id = id});
  }
  // The key of a session is found by its token.
  if (!found || !equal_constant_time(found->session_token, claim.token)) {
    return tl::unexpected(AuthError{.fault = AuthFault::BadToken, .token = claim.token});
  }
  if (auto error = check_credential(*found, now_ms)) return tl::unexpected(std::move(*error));
  return std::move(*found);
}

std::optional<AuthError> Verifier::verify(const Check& check) {
  if (auto error = check_url_time(check.claim, check.now_ms)) return error;
  return check.claim.auth == Auth::QueryV2 ? verify_v2(check) : verify_v4(check);
}

}  // namespace gust::gateway
