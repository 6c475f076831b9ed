// SPDX-License-Identifier: Apache-2.0

#pragma once

// What a browser is told about pages of other origins (W3C CORS, S3's way of refusing). Pure functions.

#include <optional>

#include "http/message.h"
#include "model/bucket_rules.h"
#include "model/service.h"

namespace gust::gateway {

// What a request with an Origin asks of a bucket.
model::CorsRequest cors_request(const http::Request& request, std::string bucket);
// For an origin that the configuration allows everything.
model::CorsHeaders configured_cors(const http::Request& request);
// Adds them, and Vary.
void add_cors(const model::CorsHeaders& headers, http::Headers& out);

// A preflight without what a preflight must have.
std::optional<model::ApiError> refuse_preflight(const http::Request& request);
model::ApiError cors_forbidden(const model::CorsRequest& request, model::CorsRefusal why, bool object);

}  // namespace gust::gateway
