// SPDX-License-Identifier: Apache-2.0

#pragma once

// Checks what a client said about a body (x-amz-content-sha256, Content-MD5, x-amz-checksum-*) against the body. Digests
// that came with the body are used; what is missing is computed, which blocks where the body is a file.

#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"
#include "http/server.h"
#include "model/service.h"

namespace gust::gateway {

// Before the body: headers that cannot be served (aws-chunked bodies, unknown algorithms, malformed values).
std::optional<model::ApiError> refuse_upload(const http::Headers& headers);
// Asks the plan for the digests that check_upload will want.
void plan_digests(const http::Headers& headers, http::BodyPlan& plan);
// Whether the headers name any digest of the body: what operations that must have one (kChecksumRequired) are refused without.
bool says_digest(const http::Headers& headers);
// After the body. InvalidDigest, BadDigest, XAmzContentSHA256Mismatch, InvalidRequest.
std::optional<model::ApiError> check_upload(const http::Headers& headers, http::Body& body);

// Hex SHA-256 of a body, from its digest where there is one. Errors: Io.
Result<std::string> payload_hash(http::Body& body);

}  // namespace gust::gateway
