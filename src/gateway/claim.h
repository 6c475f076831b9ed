// SPDX-License-Identifier: Apache-2.0

#pragma once

// What a request says about who signed it: the Authorization header (Signature Version 4), the X-Amz-* parameters of a
// presigned URL, or S3's older AWSAccessKeyId, Signature and Expires. Reads, does not verify. Pure functions.

#include <cstdint>
#include <optional>
#include <string>

#include "crypto/sigv4.h"
#include "gateway/auth_error.h"
#include "http/message.h"
#include "model/router.h"

namespace gust::gateway {

enum class Auth { None, Header, Query, QueryV2 };

struct Claim {
  Auth auth = Auth::None;
  sigv4::ParsedAuthorization authorization;  // of QueryV2: key and signature only
  std::string amz_date;
  std::string token;
  int64_t request_ms = 0;          // unix, of Query
  int64_t expires_s = 0;           // X-Amz-Expires; unix seconds of QueryV2's Expires
  model::QueryList query;          // decoded, of Query and QueryV2
  std::optional<AuthError> error;  // it cannot be read
  bool readable() const { return auth != Auth::None && !error; }
};

Claim read_claim(const http::Request& request);

// First of that name, or null.
const std::string* find_parameter(const model::QueryList& query, std::string_view name);

}  // namespace gust::gateway
