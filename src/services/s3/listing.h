// SPDX-License-Identifier: Apache-2.0

#pragma once

// One page of a bucket's keys in the order of their bytes, with keys that share a prefix up to the delimiter rolled up.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "services/s3/object.h"
#include "store/store.h"

namespace gust::s3 {

struct ListQuery {
  std::string bucket, prefix, delimiter;
  std::string after;         // keys greater than this
  std::string after_prefix;  // and beyond every key that starts with this
  size_t limit = 1000;       // objects and common prefixes together
};

struct ListPage {
  std::vector<std::pair<std::string, Object>> objects;
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

}  // namespace gust::s3
