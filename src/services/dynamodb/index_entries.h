// SPDX-License-Identifier: Apache-2.0

#pragma once

// What indexes hold of a table's items, kept by the mutation that writes the item. Pure functions of what they are given;
// on the store's writer thread.

#include <optional>
#include <string>
#include <string_view>

#include "services/dynamodb/capacity.h"
#include "services/dynamodb/encoded_item.h"
#include "services/dynamodb/table.h"
#include "store/store.h"

namespace gust::dynamodb {

// A row of an index. None for an item that lacks one of the index's keys, or has what cannot be one (an item that was there
// before the index).
struct IndexEntry {
  std::string key, value;
};
std::optional<IndexEntry> entry_of(const Index& index, const Table& table, std::string_view row_key, const EncodedItem& item);

// An item that may not be stored because of a key of an index: wrong type, empty, too long. ValidationException in the words
// of PutItem, or of UpdateItem, which minds only what it changes: `before` is the item that is updated, null for PutItem.
std::optional<model::ApiError> check_index_keys(const Table& table, const EncodedItem& item, const EncodedItem* before);

// Makes a table's row what it is to be, with its entries in all indexes; an entry that stays as it is is not written.
// `consumed`, where not null, gets the units added.
struct RowChange {
  std::string_view key;
  const EncodedItem* before = nullptr;  // null: none; need not be given where the table has no indexes
  const EncodedItem* after = nullptr;   // null: erase it
};
Result<> write_row(store::Transaction& transaction, const Table& table, const RowChange& change, Consumed* consumed);

}  // namespace gust::dynamodb
