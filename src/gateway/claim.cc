// SPDX-License-Identifier: Apache-2.0

#include "gateway/claim.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/ids.h"

namespace gust::gateway {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr int64_t kMaxExpiresS = 7 * 24 * 3600;
constexpr std::string_view kUseV4 =
    "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";

AuthError parameters(std::string text) { return {.fault = AuthFault::QueryParameters, .detail = std::move(text)}; }

bool has_parameter(std::string_view query, std::string_view name_and_equals) {
  for (size_t at = query.find(name_and_equals); at != query.npos; at = query.find(name_and_equals, at + 1)) {
    if (at == 0 || query[at - 1] == '&') return true;
  }
  return false;
}

Auth auth_of_query(std::string_view query) {
  if (query.empty()) return Auth::None;
  for (std::string_view mark : {"X-Amz-Algorithm=", "X-Amz-Signature=", "X-Amz-Credential="}) {
    if (has_parameter(query, mark)) return Auth::Query;
  }
  return has_parameter(query, "Signature=") && has_parameter(query, "AWSAccessKeyId=") ? Auth::QueryV2 : Auth::None;
}

AuthError other_scheme(std::string_view header) {
  std::string scheme(header.substr(0, std::min(header.find(' '), header.size())));
  if (scheme == "AWS") return {.fault = AuthFault::Unsupported, .detail = std::string(kUseV4)};
  if (scheme == "AWS4-ECDSA-P256-SHA256") {
    return {.fault = AuthFault::Unsupported,
            .detail = "Signature Version 4A (" + scheme + ") is not supported here. Please use AWS4-HMAC-SHA256."};
  }
  if (scheme.starts_with(kAlgorithm)) {
    return {.fault = AuthFault::Malformed,
            .detail = "the authorization header requires three components: Credential, SignedHeaders, and Signature."};
  }
  return {.fault = AuthFault::UnknownScheme, .detail = std::string(header)};
}

void read_header(const http::Request& request, const std::string& header, Claim& claim) {
  claim.auth = Auth::Header;
  if (auto twice = auth_of_query(request.query); twice != Auth::None) {
    claim.error = AuthError{.fault = AuthFault::TwoWays, .detail = header};
    return;
  }
  if (!std::string_view(header).starts_with("AWS4-HMAC-SHA256 ")) {
    claim.error = other_scheme(header);
    return;
  }
  auto parsed = sigv4::parse_authorization(header);
  if (!parsed) {
    claim.error = AuthError{.fault = AuthFault::Malformed, .detail = parsed.error().message};
    return;
  }
  claim.authorization = std::move(*parsed);
  claim.amz_date = request.headers.get("x-amz-date");
  claim.token = request.headers.get("x-amz-security-token");
}

std::optional<AuthError> read_expires(const std::string* text, Claim& claim) {
  if (text == nullptr) return std::nullopt;
  auto n = parse_int(*text);
  if (!n) return parameters("X-Amz-Expires should be a number");
  if (*n < 0) return parameters("X-Amz-Expires must be non-negative");
  if (*n > kMaxExpiresS) {
    return parameters(
        "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than "
        "604800 seconds");
  }
  claim.expires_s = *n;
  return std::nullopt;
}

// In the order in which S3 complains.
std::optional<AuthError> read_query(Claim& claim) {
  auto get = [&](std::string_view name) { return find_parameter(claim.query, name); };
  const std::string *algorithm = get("X-Amz-Algorithm"), *credential = get("X-Amz-Credential"), *date = get("X-Amz-Date"),
                    *names = get("X-Amz-SignedHeaders"), *signature = get("X-Amz-Signature"), *expires = get("X-Amz-Expires");
  if (algorithm && *algorithm == "AWS4-ECDSA-P256-SHA256") {
    return parameters("Signature Version 4A (AWS4-ECDSA-P256-SHA256) is not supported here. Please use AWS4-HMAC-SHA256.");
  }
  if (algorithm && *algorithm != kAlgorithm) return parameters("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
  bool s3 = true;  // until the credential tells of another service, which need not say how long it may be used
  if (credential) {
    if (auto parsed = sigv4::parse_credential(*credential, claim.authorization); !parsed) {
      return parameters("Error parsing the X-Amz-Credential parameter; " + parsed.error().message);
    }
    s3 = claim.authorization.scope.service == "s3";
  }
  if (!algorithm || !credential || !date || !names || !signature || (!expires && s3)) {
    return parameters(
        "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, "
        "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.");
  }
  auto at = parse_iso8601(*date);
  if (!at || date->size() != 16) {
    return parameters("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  }
  claim.request_ms = *at;
  claim.expires_s = 15 * 60;
  if (auto error = read_expires(expires, claim)) return error;
  if (date->substr(0, 8) != claim.authorization.scope.date) {
    return parameters("Invalid credential date \"" + claim.authorization.scope.date +
                      "\". This date is not the same as X-Amz-Date: \"" + date->substr(0, 8) + "\".");
  }
  if (auto parsed = sigv4::parse_signed_headers(*names, claim.authorization); !parsed) return parameters(parsed.error().message);
  claim.authorization.signature = *signature;
  claim.amz_date = *date;
  if (const std::string* token = get("X-Amz-Security-Token")) claim.token = *token;
  return std::nullopt;
}

std::optional<AuthError> read_query_v2(const http::Request& request, Claim& claim) {
  auto get = [&](std::string_view name) { return find_parameter(claim.query, name); };
  const std::string *key = get("AWSAccessKeyId"), *signature = get("Signature"), *expires = get("Expires");
  if (!key || !signature || !expires) {
    return AuthError{.fault = AuthFault::Denied,
                     .detail = "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"};
  }
  auto at = parse_int(*expires);
  if (!at || *at < 0 || *at > int64_t{1} << 40) {
    return AuthError{.fault = AuthFault::Denied, .detail = "Invalid date (should be seconds since epoch): " + *expires};
  }
  claim.authorization.access_key_id = *key;
  claim.authorization.signature = *signature;
  claim.expires_s = *at;
  const std::string* token = get("x-amz-security-token");
  claim.token = token ? std::string_view(*token) : request.headers.get("x-amz-security-token");
  return std::nullopt;
}

}  // namespace

const std::string* find_parameter(const model::QueryList& query, std::string_view name) {
  auto at = std::find_if(query.begin(), query.end(), [&](const auto& item) { return item.first == name; });
  return at == query.end() ? nullptr : &at->second;
}

Claim read_claim(const http::Request& request) {
  Claim claim;
  if (const std::string* header = request.headers.find("authorization")) {
    read_header(request, *header, claim);
    return claim;
  }
  claim.auth = auth_of_query(request.query);
  if (claim.auth == Auth::None) return claim;
  auto query = model::parse_query(request.query);
  if (!query) {
    claim.error = parameters(query.error().message);
    return claim;
  }
  claim.query = std::move(*query);
  claim.error = claim.auth == Auth::Query ? read_query(claim) : read_query_v2(request, claim);
  return claim;
}

}  // namespace gust::gateway
