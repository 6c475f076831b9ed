// SPDX-License-Identifier: Apache-2.0

#pragma once

// Conditional requests and ranges: RFC 9110 sections 13 and 14 as S3 keeps them. Pure functions.

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/value.h"
#include "model/service.h"
#include "services/s3/object.h"

namespace gust::s3 {

// If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since of GetObject and HeadObject: 412 or 304, or nothing.
std::optional<model::ApiError> check_read_conditions(const Value& input, const Object& object);

// If-None-Match: * and If-Match of PutObject: what can be said before the object is known, then with it (null: absent).
std::optional<model::ApiError> refuse_write_conditions(const Value& input);
std::optional<model::ApiError> check_write_conditions(std::string_view if_match, std::string_view if_none_match,
                                                      std::string_view key, const Object* object);

struct Range {
  uint64_t first = 0, length = 0;
};
// The one range of a Range header. nullopt: serve the whole (no header, malformed, several ranges). 416 where it is beyond
// the object.
tl::expected<std::optional<Range>, model::ApiError> parse_range(std::string_view header, uint64_t size);

}  // namespace gust::s3
