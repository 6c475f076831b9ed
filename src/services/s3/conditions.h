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
// The same four of a copy's source (x-amz-copy-source-if-*): 412 or nothing.
std::optional<model::ApiError> check_source_conditions(const Value& input, const Object& source);

// If-None-Match: * and If-Match of a write: what can be said before the object is known, then with it (null: absent).
std::optional<model::ApiError> refuse_write_conditions(const Value& input);
std::optional<model::ApiError> check_write_conditions(std::string_view if_match, std::string_view if_none_match,
                                                      std::string_view key, const Object* object);
// If-Match of a deletion, where "*" means any.
bool tag_matches(std::string_view if_match, const Object& object);
model::ApiError precondition_failed(std::string_view condition);

struct Range {
  uint64_t first = 0, length = 0;
};
// The one range of a Range header. nullopt: serve the whole (no header, malformed, several ranges). 416 where it is beyond
// the object.
tl::expected<std::optional<Range>, model::ApiError> parse_range(std::string_view header, uint64_t size);
// x-amz-copy-source-range, which must be "bytes=first-last" inside the source.
tl::expected<Range, model::ApiError> parse_source_range(std::string_view header, uint64_t size);

std::string content_range(Range range, uint64_t size);  // "bytes 0-9/100"

}  // namespace gust::s3
