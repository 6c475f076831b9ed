// SPDX-License-Identifier: Apache-2.0

#pragma once

// AWS Signature Version 4 maths (AWS IAM User Guide, "Signature Version 4 signing process"): canonical request, string to
// sign, signature. Used to verify (gateway) and to sign (http client, sdk, cli). No I/O, no clock.

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace gust::sigv4 {

struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // empty: long-lived key
};

struct Scope {
  std::string date;  // YYYYMMDD
  std::string region;
  std::string service;
  std::string text() const { return date + "/" + region + "/" + service + "/aws4_request"; }
};

// S3 signs the path as it was sent; every other service signs it percent-encoded once more (6.2 of the surface).
enum class PathEncoding { Once, Twice };

struct RequestParts {
  std::string_view method;
  std::string_view raw_path;                                 // as on the request line, before '?'
  std::string_view raw_query;                                // after '?', as on the request line
  std::vector<std::pair<std::string, std::string>> headers;  // only the signed ones; any case and order
  std::string_view payload_hash;                             // hex SHA-256, UNSIGNED-PAYLOAD or STREAMING-...
  PathEncoding path_encoding = PathEncoding::Twice;
};

std::string signed_header_names(const RequestParts& request);  // "host;x-amz-date"
std::string canonical_request(const RequestParts& request);

// The same text as a verifier makes it, from all fields of a request and the names that its client has signed.
struct ReceivedRequest {
  std::string_view method;
  std::string_view raw_path;
  std::string_view raw_query;
  std::span<const std::pair<std::string, std::string>> headers;  // all
  std::span<const std::string> signed_headers;                   // lower case, sorted
  std::string_view payload_hash;
  PathEncoding path_encoding = PathEncoding::Twice;
  bool in_query = false;  // the signature is a parameter of the query, which is left out
};
std::string canonical_request(const ReceivedRequest& request);

std::string string_to_sign(std::string_view amz_date, const Scope& scope, std::string_view canonical);
std::string signing_key(std::string_view secret_access_key, const Scope& scope);  // 32 raw bytes
std::string signature(std::string_view key, std::string_view string_to_sign);     // 64 hex digits

// Value of the Authorization header.
std::string authorization(std::string_view access_key_id, const Scope& scope, std::string_view signed_headers,
                          std::string_view signature);

struct ParsedAuthorization {
  std::string access_key_id;
  Scope scope;
  std::vector<std::string> signed_headers;  // lower case, sorted
  std::string signature;
};
// "KEY/YYYYMMDD/REGION/SERVICE/aws4_request" into the first two members. Errors: Invalid.
Result<> parse_credential(std::string_view credential, ParsedAuthorization& out);
// "host;x-amz-date" into a sorted list in lower case. Errors: Invalid.
Result<> parse_signed_headers(std::string_view names, ParsedAuthorization& out);
// Parses an "AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=..." value. Errors: Invalid.
Result<ParsedAuthorization> parse_authorization(std::string_view header);

// Headers to add to a request so that it is signed: authorization, x-amz-date, x-amz-content-sha256 and, with a session
// token, x-amz-security-token. `headers` must hold "host" and whatever else shall be signed.
std::vector<std::pair<std::string, std::string>> sign(const Credentials& credentials, std::string_view region,
                                                      std::string_view service, int64_t unix_ms, RequestParts request);

}  // namespace gust::sigv4
