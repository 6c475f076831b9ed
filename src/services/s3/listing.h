// SPDX-License-Identifier: Apache-2.0

#pragma once

// One page of a bucket's current objects in the order of their keys' bytes, with keys that share a prefix up to the delimiter
// rolled up; and what all listings of S3 have in common.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/value.h"
#include "model/service.h"
#include "services/s3/object.h"
#include "store/store.h"

namespace gust::s3 {

inline constexpr size_t kMaxPage = 1000;  // keys, versions or uploads of one page

struct ListQuery {
  std::string bucket, prefix, delimiter;
  std::string after;         // keys greater than this
  std::string after_prefix;  // and beyond every key that starts with this
  size_t limit = kMaxPage;   // objects and common prefixes together
};

struct ListPage {
  std::vector<std::pair<std::string, std::string>> objects;  // key and row
  std::vector<std::string> prefixes;
  bool truncated = false;
  std::string last;  // the last key or common prefix
  bool last_is_prefix = false;
  size_t count() const { return objects.size() + prefixes.size(); }
};

// Blocking. Every scan has a view of its own, so none lives long where prefixes are skipped over.
Result<ListPage> list_objects(store::Store& store, const ListQuery& query);

// "a/b/c" with prefix "a/" and delimiter "/": "a/b/". Empty where the delimiter does not come behind the prefix.
std::string common_prefix(std::string_view key, std::string_view prefix, std::string_view delimiter);

// EncodingType: InvalidArgument unless "url" or absent.
std::optional<model::ApiError> check_encoding(const Value& input);

// Keys as answers show them. encoding-type=url: form-encoded text, since XML cannot hold every key.
class KeyText {
 public:
  explicit KeyText(const Value& input) : encoded_(input["EncodingType"].as_string() == "url") {}
  Value operator()(std::string_view key) const;
  Value common_prefixes(const std::vector<std::string>& prefixes) const;
  // Prefix, Delimiter, EncodingType, as the request gave them.
  void echo(const Value& input, Value& output) const;

 private:
  bool encoded_;
};

// ETag, Size, LastModified, StorageClass and checksum members of a listed object.
void list_members(const Summary& object, Value& entry);

}  // namespace gust::s3
