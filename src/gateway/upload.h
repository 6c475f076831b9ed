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

// Before the body of an S3 operation: headers that cannot be served (unknown algorithms, malformed values).
std::optional<model::ApiError> refuse_upload(const http::Request& request, std::string_view operation);
// Asks the plan for the digests that check_upload and the stored object will want: MD5 for the ETag, what the client says or
// announces as a trailer, CRC64NVME where it says nothing.
void plan_digests(const http::Headers& headers, http::BodyPlan& plan);
// Operations that S3 refuses without any digest of the body (fewer than those for which its model makes SDKs send one).
std::optional<model::ApiError> refuse_without_digest(const http::Headers& headers, std::string_view operation);
// After the body. InvalidDigest, BadDigest, XAmzContentSHA256Mismatch, InvalidRequest.
std::optional<model::ApiError> check_upload(const http::Headers& headers, std::string_view operation, http::Body& body);

// Hex SHA-256 of a body, from its digest where there is one. Errors: Io.
Result<std::string> payload_hash(http::Body& body);

}  // namespace gust::gateway
