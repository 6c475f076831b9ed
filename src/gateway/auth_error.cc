// SPDX-License-Identifier: Apache-2.0

#include "gateway/auth_error.h"

#include "base/ids.h"
#include "model/errors.h"

namespace gust::gateway {
namespace {

using model::api_error;
using model::ApiError;
using model::Protocol;

constexpr int64_t kSkewMs = 15 * 60 * 1000;

struct Word {
  std::string_view code;
  int status;
};
struct Row {
  AuthFault fault;
  Word s3, json, query, ec2;  // json's status is 403 where the protocol is rest-json
};

constexpr Row kRows[] = {
    {AuthFault::Missing,
     {"AccessDenied", 403},
     {"MissingAuthenticationTokenException", 400},
     {"MissingAuthenticationToken", 403},
     {"MissingAuthenticationToken", 403}},
    {AuthFault::Malformed,
     {"AuthorizationHeaderMalformed", 400},
     {"IncompleteSignatureException", 400},
     {"IncompleteSignature", 400},
     {"IncompleteSignature", 400}},
    {AuthFault::Unsupported,
     {"InvalidRequest", 400},
     {"IncompleteSignatureException", 400},
     {"IncompleteSignature", 400},
     {"IncompleteSignature", 400}},
    {AuthFault::UnknownScheme,
     {"InvalidArgument", 400},
     {"IncompleteSignatureException", 400},
     {"IncompleteSignature", 400},
     {"IncompleteSignature", 400}},
    {AuthFault::Denied,
     {"AccessDenied", 403},
     {"AccessDeniedException", 400},
     {"AccessDenied", 403},
     {"UnauthorizedOperation", 403}},
    {AuthFault::TwoWays,
     {"InvalidArgument", 400},
     {"IncompleteSignatureException", 400},
     {"IncompleteSignature", 400},
     {"IncompleteSignature", 400}},
    {AuthFault::UnknownKey,
     {"InvalidAccessKeyId", 403},
     {"UnrecognizedClientException", 400},
     {"InvalidClientTokenId", 403},
     {"AuthFailure", 401}},
    {AuthFault::BadToken,
     {"InvalidToken", 400},
     {"UnrecognizedClientException", 400},
     {"InvalidClientTokenId", 403},
     {"AuthFailure", 401}},
    {AuthFault::ExpiredToken,
     {"ExpiredToken", 400},
     {"ExpiredTokenException", 400},
     {"ExpiredToken", 403},
     {"RequestExpired", 400}},
    {AuthFault::NotSigned,
     {"AccessDenied", 403},
     {"InvalidSignatureException", 400},
     {"SignatureDoesNotMatch", 403},
     {"SignatureDoesNotMatch", 403}},
    {AuthFault::NoDate,
     {"AccessDenied", 403},
     {"IncompleteSignatureException", 400},
     {"IncompleteSignature", 400},
     {"IncompleteSignature", 400}},
    {AuthFault::Skewed,
     {"RequestTimeTooSkewed", 403},
     {"InvalidSignatureException", 400},
     {"SignatureDoesNotMatch", 403},
     {"RequestExpired", 400}},
    {AuthFault::WrongScope,
     {"AuthorizationHeaderMalformed", 400},
     {"InvalidSignatureException", 400},
     {"SignatureDoesNotMatch", 403},
     {"SignatureDoesNotMatch", 403}},
    {AuthFault::QueryParameters,
     {"AuthorizationQueryParametersError", 400},
     {"IncompleteSignatureException", 400},
     {"IncompleteSignature", 400},
     {"IncompleteSignature", 400}},
    {AuthFault::UrlExpired,
     {"AccessDenied", 403},
     {"InvalidSignatureException", 400},
     {"SignatureDoesNotMatch", 403},
     {"RequestExpired", 400}},
    {AuthFault::UrlTooEarly,
     {"AccessDenied", 403},
     {"InvalidSignatureException", 400},
     {"SignatureDoesNotMatch", 403},
     {"RequestExpired", 400}},
    {AuthFault::Mismatch,
     {"SignatureDoesNotMatch", 403},
     {"InvalidSignatureException", 400},
     {"SignatureDoesNotMatch", 403},
     {"SignatureDoesNotMatch", 403}},
};

const Row& row_of(AuthFault fault) {
  for (const Row& row : kRows) {
    if (row.fault == fault) return row;
  }
  return kRows[0];
}

std::string whole_seconds(int64_t unix_ms) { return iso8601(unix_ms).substr(0, 19) + "Z"; }

std::string s3_text(const AuthError& e) {
  switch (e.fault) {
    case AuthFault::Missing:
      return "Access Denied";
    case AuthFault::Malformed:
    case AuthFault::WrongScope:
      return "The authorization header is malformed; " + e.detail;
    case AuthFault::Unsupported:
    case AuthFault::Denied:
    case AuthFault::QueryParameters:
      return e.detail;
    case AuthFault::UnknownScheme:
      return "Unsupported Authorization Type";
    case AuthFault::TwoWays:
      return "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or "
             "the Authorization header should be specified";
    case AuthFault::UnknownKey:
      return "The AWS Access Key Id you provided does not exist in our records.";
    case AuthFault::BadToken:
      return "The provided token is malformed or otherwise invalid.";
    case AuthFault::ExpiredToken:
      return "The provided token has expired.";
    case AuthFault::NotSigned:
      return "There were headers present in the request which were not signed";
    case AuthFault::NoDate:
      return "AWS authentication requires a valid Date or x-amz-date header";
    case AuthFault::Skewed:
      return "The difference between the request time and the current time is too large.";
    case AuthFault::UrlExpired:
      return "Request has expired";
    case AuthFault::UrlTooEarly:
      return "Request is not yet valid";
    case AuthFault::Mismatch:
      break;
  }
  return "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
}

std::string hex_bytes(std::string_view text) {  // "41 57 53", as S3 shows what it has signed
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (unsigned char c : text) {
    if (!out.empty()) out += ' ';
    out += kDigits[c >> 4];
    out += kDigits[c & 15];
  }
  return out;
}

void s3_members(const AuthError& e, ApiError& out) {
  auto set = [&](std::string_view name, std::string value) {
    if (!value.empty()) out.members.set(name, std::move(value));
  };
  switch (e.fault) {
    case AuthFault::UnknownKey:
      set("AWSAccessKeyId", e.access_key_id);
      break;
    case AuthFault::TwoWays:
    case AuthFault::UnknownScheme:
      set("ArgumentName", "Authorization");
      set("ArgumentValue", e.detail);
      break;
    case AuthFault::BadToken:
    case AuthFault::ExpiredToken:
      set("Token-0", e.token);
      break;
    case AuthFault::NotSigned:
      set("HeadersNotSigned", e.detail);
      break;
    case AuthFault::Skewed:
      set("RequestTime", iso8601_basic(e.request_ms));
      set("ServerTime", whole_seconds(e.server_ms));
      set("MaxAllowedSkewMilliseconds", std::to_string(kSkewMs));
      break;
    case AuthFault::UrlExpired:
      if (e.expires_s != 0) set("X-Amz-Expires", std::to_string(e.expires_s));
      [[fallthrough]];
    case AuthFault::UrlTooEarly:
      set("Expires", whole_seconds(e.expires_ms));
      set("ServerTime", whole_seconds(e.server_ms));
      break;
    case AuthFault::Mismatch:
      set("AWSAccessKeyId", e.access_key_id);
      set("StringToSign", e.string_to_sign);
      set("SignatureProvided", e.signature);
      set("StringToSignBytes", hex_bytes(e.string_to_sign));
      set("CanonicalRequest", e.canonical_request);
      set("CanonicalRequestBytes", hex_bytes(e.canonical_request));
      break;
    default:
      break;
  }
}

// "Signature expired: A is now earlier than B (C - 15 min.)"
std::string skew_text(const AuthError& e) {
  bool late = e.request_ms < e.server_ms;
  int64_t bound = late ? e.server_ms - kSkewMs : e.server_ms + kSkewMs;
  return std::string(late ? "Signature expired: " : "Signature not yet current: ") + iso8601_basic(e.request_ms) +
         (late ? " is now earlier than " : " is still later than ") + iso8601_basic(bound) + " (" + iso8601_basic(e.server_ms) +
         (late ? " - 15 min.)" : " + 15 min.)");
}

std::string other_text(const AuthError& e, Protocol protocol) {
  switch (e.fault) {
    case AuthFault::Missing:
      return protocol == Protocol::RestJson ? "Missing Authentication Token" : "Request is missing Authentication Token";
    case AuthFault::UnknownKey:
    case AuthFault::BadToken:
      return protocol == Protocol::Ec2 ? "AWS was not able to validate the provided access credentials"
                                       : "The security token included in the request is invalid.";
    case AuthFault::ExpiredToken:
      return "The security token included in the request is expired";
    case AuthFault::NotSigned:
      return e.detail == "host" ? "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
                                : "'" + e.detail + "' must be a 'SignedHeader' in the AWS Authorization.";
    case AuthFault::NoDate:
      return "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
    case AuthFault::Skewed:
      return skew_text(e);
    case AuthFault::UrlExpired:
      return "Signature expired: " + iso8601_basic(e.expires_ms) + " is now earlier than " + iso8601_basic(e.server_ms) + ".";
    case AuthFault::UrlTooEarly:
      return skew_text(e);
    case AuthFault::TwoWays:
      return "Only one way of signing is allowed: the Authorization header or the parameters of the query.";
    case AuthFault::UnknownScheme:
      return "Unsupported 'Authorization' header: use AWS4-HMAC-SHA256.";
    case AuthFault::Mismatch:
      return "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
             "and signing method. Consult the service documentation for details.";
    default:
      return e.detail;
  }
}

}  // namespace

ApiError auth_error(Protocol protocol, const AuthError& error) {
  const Row& row = row_of(error.fault);
  if (protocol == Protocol::RestXml) {
    ApiError e = api_error(row.s3.code, s3_text(error), row.s3.status);
    s3_members(error, e);
    return e;
  }
  std::string text = other_text(error, protocol);
  if (protocol == Protocol::Query) return api_error(row.query.code, std::move(text), row.query.status);
  if (protocol == Protocol::Ec2) return api_error(row.ec2.code, std::move(text), row.ec2.status);
  return api_error(row.json.code, std::move(text), protocol == Protocol::RestJson ? 403 : row.json.status);
}

}  // namespace gust::gateway
