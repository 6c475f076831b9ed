// SPDX-License-Identifier: Apache-2.0

#include "services/s3/conditions.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/ids.h"
#include "model/errors.h"

namespace gust::s3 {
namespace {

using model::ApiError;

// Whether a list of entity tags ("a", W/"b", or bare ones, which clients send too) holds this one.
bool lists(std::string_view header, const Object& object) {
  const std::string wanted = hex_encode(object.md5);
  while (!header.empty()) {
    const size_t comma = std::min(header.find(','), header.size());
    std::string_view tag = trim(header.substr(0, comma));
    header.remove_prefix(std::min(comma + 1, header.size()));
    if (tag == "*") return true;
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') tag = tag.substr(1, tag.size() - 2);
    if (tag == wanted) return true;
  }
  return false;
}

ApiError failed(std::string_view condition) {
  ApiError e = model::api_error("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412);
  e.members.set("Condition", condition);
  return e;
}

ApiError not_modified(const Object& object) {
  ApiError e = model::api_error("NotModified", "Not Modified", 304);
  e.headers.emplace_back("ETag", object.etag());
  e.headers.emplace_back("Last-Modified", http_date(object.modified_ms));
  return e;
}

ApiError unusable(std::string_view header, std::string_view why) {
  ApiError e = model::api_error("NotImplemented", "A header you provided implies functionality that is not implemented", 501);
  e.members.set("Header", header);
  e.members.set("additionalMessage", why);
  return e;
}

std::optional<uint64_t> number(std::string_view digits) {
  const auto n = parse_uint(digits);
  return n ? std::optional<uint64_t>(*n) : std::nullopt;
}

}  // namespace

std::optional<ApiError> check_read_conditions(const Value& input, const Object& object) {
  const int64_t modified = whole_seconds(object.modified_ms);
  if (const Value* tags = input.find("IfMatch")) {
    if (!lists(tags->as_string(), object)) return failed("If-Match");
  } else if (const Value* since = input.find("IfUnmodifiedSince")) {
    if (modified > since->as_timestamp().unix_ms) return failed("If-Unmodified-Since");
  }
  if (const Value* tags = input.find("IfNoneMatch")) {
    if (lists(tags->as_string(), object)) return not_modified(object);
  } else if (const Value* since = input.find("IfModifiedSince")) {
    if (modified <= since->as_timestamp().unix_ms) return not_modified(object);
  }
  return std::nullopt;
}

std::optional<ApiError> refuse_write_conditions(const Value& input) {
  const bool match = input.has("IfMatch"), none = input.has("IfNoneMatch");
  if (match && none) return unusable("If-Match,If-None-Match", "Multiple conditional request headers present in the request");
  const std::string_view header = match ? "If-Match" : "If-None-Match";
  const bool bad =
      (match && trim(input["IfMatch"].as_string()) == "*") || (none && trim(input["IfNoneMatch"].as_string()) != "*");
  if (!bad) return std::nullopt;
  return unusable(header, "We don't accept the provided value of " + std::string(header) + " header for this API");
}

std::optional<ApiError> check_write_conditions(std::string_view if_match, std::string_view if_none_match, std::string_view key,
                                               const Object* object) {
  if (!if_none_match.empty() && object != nullptr) return failed("If-None-Match");
  if (if_match.empty()) return std::nullopt;
  if (object == nullptr) return model::no_such_key(key);
  if (!lists(if_match, *object)) return failed("If-Match");
  return std::nullopt;
}

tl::expected<std::optional<Range>, ApiError> parse_range(std::string_view header, uint64_t size) {
  std::string_view text = trim(header);
  if (!text.starts_with("bytes=") || text.find(',') != text.npos) return std::nullopt;
  text.remove_prefix(6);
  const size_t dash = text.find('-');
  if (dash == text.npos) return std::nullopt;
  const std::string_view from = trim(text.substr(0, dash)), to = trim(text.substr(dash + 1));
  const auto first = number(from), last = number(to);
  if ((!from.empty() && !first) || (!to.empty() && !last) || (from.empty() && to.empty())) return std::nullopt;
  if (first && last && *last < *first) return std::nullopt;
  // A suffix "-n" are the last n bytes.
  const bool beyond = from.empty() ? *last == 0 || size == 0 : *first >= size;
  if (beyond) {
    ApiError e = model::api_error("InvalidRange", "The requested range is not satisfiable", 416);
    e.members.set("RangeRequested", header);
    e.members.set("ActualObjectSize", static_cast<unsigned long>(size));
    e.headers.emplace_back("Content-Range", "bytes */" + std::to_string(size));
    return tl::unexpected(std::move(e));
  }
  if (from.empty()) {
    const uint64_t n = std::min(*last, size);
    return Range{size - n, n};
  }
  const uint64_t end = last ? std::min(*last, size - 1) : size - 1;
  return Range{*first, end - *first + 1};
}

}  // namespace gust::s3
