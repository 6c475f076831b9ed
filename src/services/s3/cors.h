// SPDX-License-Identifier: Apache-2.0

#pragma once

// A bucket's CORS configuration: what S3 refuses, and which rule answers a page. Pure functions (S3 User Guide, "Using
// cross-origin resource sharing").

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"
#include "model/bucket_rules.h"
#include "services/s3/bucket_access.h"

namespace gust::s3 {

// Of a CORSConfiguration as the model decodes it: at most 100 rules and 64 KB of text.
Problem check_cors(const Value& configuration);

struct CorsRule {
  std::vector<std::string> origins;  // at most one * in each
  std::vector<std::string> methods;
  std::vector<std::string> headers;  // in lower case, at most one * in each
  std::vector<std::string> expose;
  std::optional<int64_t> max_age_seconds;
};
std::vector<CorsRule> cors_rules(const Value& configuration);

// What the first rule that allows the request adds to the answer; nothing where none does. Only a preflight is asked for its
// headers.
std::optional<model::CorsHeaders> cors_headers(const std::vector<CorsRule>& rules, const model::CorsRequest& request);

}  // namespace gust::s3
