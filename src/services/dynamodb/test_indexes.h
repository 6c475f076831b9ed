// SPDX-License-Identifier: Apache-2.0

#pragma once

// For tests: whether the indexes of a table hold exactly what its items say.

#include <map>
#include <string>

#include "services/dynamodb/encoded_item.h"
#include "services/dynamodb/index_entries.h"
#include "services/dynamodb/item_key.h"
#include "store/store.h"

namespace gust::dynamodb {

inline std::vector<store::Row> all_rows(store::View& view, const Keys& keys) {
  const KeyRange range = all_items(keys);
  return view.scan(store::Space::Item, range.from, range.to, 1'000'000, store::Order::Forward, 1 << 30).value();
}

// Names the indexes that hold something else; empty: all agree.
inline std::string disagreement(store::View& view, const Table& table) {
  std::string out;
  const auto items = all_rows(view, table);
  for (const Index& index : table.indexes) {
    std::map<std::string, std::string> wanted, there;
    for (const store::Row& row : items) {
      if (auto entry = entry_of(index, table, row.key, EncodedItem::read(row.value).value())) {
        wanted.emplace(entry->key, entry->value);
      }
    }
    for (store::Row& row : all_rows(view, index.keys)) there.emplace(std::move(row.key), std::move(row.value));
    if (there == wanted) continue;
    out += index.name + " has " + std::to_string(there.size()) + " rows, not the " + std::to_string(wanted.size()) + " wanted\n";
  }
  return out;
}

}  // namespace gust::dynamodb
