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
  const std::string wanted = object.entity_tag();
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

// Names of the four conditions in an input and, for errors, on the wire.
struct Conditions {
  std::string_view match, unmodified_since, none_match, modified_since;
};
constexpr Conditions kOfRead = {"IfMatch", "IfUnmodifiedSince", "IfNoneMatch", "IfModifiedSince"};
constexpr Conditions kOfSource = {"CopySourceIfMatch", "CopySourceIfUnmodifiedSince", "CopySourceIfNoneMatch",
                                  "CopySourceIfModifiedSince"};

enum class Verdict { Holds, MatchFailed, UnmodifiedFailed, NoneMatchFailed, ModifiedFailed };

// A tag overrules a date.
Verdict judge(const Value& input, const Conditions& names, const Object& object) {
  const int64_t modified = whole_seconds(object.modified_ms);
  if (const Value* tags = input.find(names.match)) {
    if (!lists(tags->as_string(), object)) return Verdict::MatchFailed;
  } else if (const Value* since = input.find(names.unmodified_since)) {
    if (modified > since->as_timestamp().unix_ms) return Verdict::UnmodifiedFailed;
  }
  if (const Value* tags = input.find(names.none_match)) {
    if (lists(tags->as_string(), object)) return Verdict::NoneMatchFailed;
  } else if (const Value* since = input.find(names.modified_since)) {
    if (modified <= since->as_timestamp().unix_ms) return Verdict::ModifiedFailed;
  }
  return Verdict::Holds;
}

}  // namespace

ApiError precondition_failed(std::string_view condition) {
  ApiError e = model::api_error("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412);
  e.members.set("Condition", condition);
  return e;
}

bool tag_matches(std::string_view if_match, const Object& object) { return lists(if_match, object); }

std::optional<ApiError> check_read_conditions(const Value& input, const Object& object) {
  switch (judge(input, kOfRead, object)) {
    case Verdict::Holds:
      return std::nullopt;
    case Verdict::MatchFailed:
      return precondition_failed("If-Match");
    case Verdict::UnmodifiedFailed:
      return precondition_failed("If-Unmodified-Since");
    case Verdict::NoneMatchFailed:
    case Verdict::ModifiedFailed:
      break;
  }
  return not_modified(object);
}

std::optional<ApiError> check_source_conditions(const Value& input, const Object& source) {
  switch (judge(input, kOfSource, source)) {
    case Verdict::Holds:
      return std::nullopt;
    case Verdict::MatchFailed:
      return precondition_failed("x-amz-copy-source-If-Match");
    case Verdict::UnmodifiedFailed:
      return precondition_failed("x-amz-copy-source-If-Unmodified-Since");
    case Verdict::NoneMatchFailed:
      return precondition_failed("x-amz-copy-source-If-None-Match");
    case Verdict::ModifiedFailed:
      break;
  }
  return precondition_failed("x-amz-copy-source-If-Modified-Since");
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
  if (!if_none_match.empty() && object != nullptr) return precondition_failed("If-None-Match");
  if (if_match.empty()) return std::nullopt;
  if (object == nullptr) return model::no_such_key(key);
  if (!lists(if_match, *object)) return precondition_failed("If-Match");
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

tl::expected<Range, ApiError> parse_source_range(std::string_view header, uint64_t size) {
  constexpr std::string_view kName = "x-amz-copy-source-range";
  const size_t dash = header.find('-');
  std::optional<uint64_t> first, last;
  if (header.starts_with("bytes=") && dash != header.npos) {
    first = number(header.substr(6, dash - 6));
    last = number(header.substr(dash + 1));
  }
  if (!first || !last || *first > *last) {
    return tl::unexpected(
        model::invalid_argument("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are "
                                "the zero-based offsets of the first and last bytes to copy",
                                kName, header));
  }
  if (*last >= size) {
    return tl::unexpected(model::invalid_argument(
        "Range specified is not valid for source object of size: " + std::to_string(size), kName, header));
  }
  return Range{*first, *last - *first + 1};
}

std::string content_range(Range range, uint64_t size) {
  return "bytes " + std::to_string(range.first) + "-" + std::to_string(range.first + range.length - 1) + "/" +
         std::to_string(size);
}

}  // namespace gust::s3
