// SPDX-License-Identifier: Apache-2.0

#pragma once

// Refusals of authentication in the words of each protocol: S3's, the query protocol's, EC2's, JSON's. Pure functions.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/service.h"
#include "model/table.h"

namespace gust::gateway {

enum class AuthFault {
  Missing,        // nobody signed
  Malformed,      // `detail`: what of the Authorization header cannot be read
  Unsupported,    // another way of signing; `detail` names it
  UnknownScheme,  // `detail`: the header
  Denied,         // `detail` says why
  TwoWays,        // header and query at once
  UnknownKey,     // or one that its owner has set inactive
  BadToken,
  ExpiredToken,
  NotSigned,  // `detail`: headers that must be under the signature
  NoDate,
  Skewed,
  WrongScope,       // `detail`: what of the credential's scope is wrong
  QueryParameters,  // `detail`: what of a presigned URL is wrong
  UrlExpired,
  UrlTooEarly,
  Mismatch,
};

// Only what the fault needs is filled.
struct AuthError {
  AuthFault fault = AuthFault::Mismatch;
  std::string detail = {};
  std::string access_key_id = {}, token = {};
  std::string string_to_sign = {}, canonical_request = {}, signature = {};  // of a mismatch
  int64_t request_ms = 0, server_ms = 0, expires_ms = 0;                    // unix
  int64_t expires_s = 0;                                                    // X-Amz-Expires
};

model::ApiError auth_error(model::Protocol protocol, const AuthError& error);

}  // namespace gust::gateway
