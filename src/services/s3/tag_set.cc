// SPDX-License-Identifier: Apache-2.0

#include "services/s3/tag_set.h"

#include <re2/re2.h>

#include <set>
#include <string>

#include "model/errors.h"

namespace gust::s3 {
namespace {

using model::api_error;

constexpr size_t kMostBucketTags = 50, kMostObjectTags = 10, kMaxKey = 128, kMaxValue = 256;  // characters

Problem too_many(Tagged tagged) {
  return api_error("BadRequest", tagged == Tagged::Bucket ? "Bucket tag count cannot be greater than 50"
                                                          : "Object tags cannot be greater than 10");
}

bool valid(std::string_view text, size_t most) {
  static const re2::RE2 allowed("[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*");
  size_t characters = 0;
  for (const char c : text) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return characters <= most && re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), allowed);
}

model::ApiError invalid_tag(std::string message, std::string_view key) {
  model::ApiError e = api_error("InvalidTag", std::move(message));
  e.members.set("TagKey", key);
  return e;
}

}  // namespace

Problem check_tags(const Value& tag_set, Tagged tagged) {
  if (tag_set.size() > (tagged == Tagged::Bucket ? kMostBucketTags : kMostObjectTags)) return too_many(tagged);
  std::set<std::string_view> keys;
  for (const Value& tag : tag_set.as_list()) {
    const std::string_view key = tag["Key"].as_string(), value = tag["Value"].as_string();
    if (!keys.insert(key).second) return invalid_tag("Cannot provide multiple Tags with the same key", key);
    if (key.starts_with("aws:")) {
      return invalid_tag(tagged == Tagged::Bucket ? "System tags cannot be added/updated by requester"
                                                  : "Your TagKey cannot be prefixed with aws:",
                         key);
    }
    if (key.empty() || !valid(key, kMaxKey)) return invalid_tag("The TagKey you have provided is invalid", key);
    if (!valid(value, kMaxValue)) {
      model::ApiError e = invalid_tag("The TagValue you have provided is invalid", key);
      e.members.set("TagValue", value);
      return e;
    }
  }
  return std::nullopt;
}

}  // namespace gust::s3
