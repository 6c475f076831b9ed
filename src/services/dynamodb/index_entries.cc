// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/index_entries.h"

#include <algorithm>

#include "model/errors.h"
#include "services/dynamodb/item_key.h"

namespace gust::dynamodb {
namespace {

using Problem = std::optional<model::ApiError>;

constexpr std::string_view kNotValid = "One or more parameter values are not valid. ";

bool is_empty(const EncodedAttribute& a) { return a.type() != Type::N && a.key_text().empty(); }

bool fits(const KeyAttribute& key, const EncodedAttribute* found, KeyRole role) {
  return found != nullptr && found->type() == key.type && !is_empty(*found) &&
         (key.type == Type::N || found->key_text().size() <= max_key_bytes(role));
}

Problem check_key(const Index& index, const KeyAttribute& key, KeyRole role, const EncodedItem& item, const EncodedItem* before) {
  const EncodedAttribute* found = item.find(key.name);
  if (found == nullptr || fits(key, found, role)) return std::nullopt;
  const EncodedAttribute* old_value = before ? before->find(key.name) : nullptr;
  if (old_value != nullptr && old_value->bytes == found->bytes) return std::nullopt;
  if (found->type() != key.type) {
    return model::validation("One or more parameter values were invalid: Type mismatch for Index Key " + key.name +
                             " Expected: " + std::string(name_of(key.type)) + " Actual: " + std::string(name_of(found->type())) +
                             " IndexName: " + index.name);
  }
  if (!is_empty(*found)) return key_too_long(role);
  std::string text(kNotValid);
  text += before == nullptr
              ? "A value specified for a secondary index key is not supported. "
              : "The update expression attempted to update a secondary index key to a value that is not supported. ";
  text.append("The AttributeValue for a key attribute cannot contain an empty ");
  text.append(key.type == Type::S ? "string" : "binary").append(" value.");
  if (before == nullptr) text.append(" IndexName: " + index.name + ", IndexKey: " + key.name);
  return model::validation(std::move(text));
}

// What one index needs done. A key that changes is two writes (DynamoDB guide, "Provisioned throughput considerations for
// global secondary indexes").
Result<double> write_entry(store::Transaction& transaction, const Index& index, const Table& table, const RowChange& change,
                           bool counted) {
  const auto old_entry = change.before ? entry_of(index, table, change.key, *change.before) : std::nullopt;
  const auto new_entry = change.after ? entry_of(index, table, change.key, *change.after) : std::nullopt;
  const auto size = [](const std::optional<IndexEntry>& entry) -> Result<size_t> {
    return entry ? TRY(EncodedItem::read(entry->value)).size() : size_t{0};
  };
  const bool moved = old_entry && new_entry && old_entry->key != new_entry->key;
  if (!old_entry && !new_entry) return 0.0;
  if (old_entry && new_entry && !moved && old_entry->value == new_entry->value) return 0.0;
  if (old_entry && (!new_entry || moved)) TRY(transaction.erase(store::Space::Item, old_entry->key));
  if (new_entry) TRY(transaction.put(store::Space::Item, new_entry->key, new_entry->value));
  if (!counted) return 0.0;
  const size_t before = TRY(size(old_entry)), after = TRY(size(new_entry));
  return moved ? write_units(before, 0) + write_units(0, after) : write_units(before, after);
}

}  // namespace

std::optional<IndexEntry> entry_of(const Index& index, const Table& table, std::string_view row_key, const EncodedItem& item) {
  const EncodedAttribute* hash = item.find(index.keys.hash.name);
  const EncodedAttribute* range = index.keys.range ? item.find(index.keys.range->name) : nullptr;
  if (!fits(index.keys.hash, hash, KeyRole::Hash)) return std::nullopt;
  if (index.keys.range && !fits(*index.keys.range, range, KeyRole::Range)) return std::nullopt;
  IndexEntry entry{.key = partition_of(index.keys, hash->key_text())};
  if (range != nullptr) entry.key += part_of_key(range->key_text());
  entry.key += without_storage(table, row_key);
  entry.value = index.projection == Index::Projection::All ? std::string(item.bytes()) : item.only(index.projected);
  return entry;
}

Problem check_index_keys(const Table& table, const EncodedItem& item, const EncodedItem* before) {
  for (const Index& index : table.indexes) {
    if (auto e = check_key(index, index.keys.hash, KeyRole::Hash, item, before)) return e;
    if (!index.keys.range) continue;
    if (auto e = check_key(index, *index.keys.range, KeyRole::Range, item, before)) return e;
  }
  return std::nullopt;
}

Result<> write_row(store::Transaction& transaction, const Table& table, const RowChange& change, Consumed* consumed) {
  if (change.after != nullptr) {
    TRY(transaction.put(store::Space::Item, change.key, change.after->bytes()));
  } else {
    TRY(transaction.erase(store::Space::Item, change.key));
  }
  if (consumed != nullptr) {
    consumed->table += write_units(change.before ? change.before->size() : 0, change.after != nullptr ? change.after->size() : 0);
  }
  for (const Index& index : table.indexes) {
    const double units = TRY(write_entry(transaction, index, table, change, consumed != nullptr));
    if (units == 0) continue;
    auto& list = index.kind == Index::Kind::Local ? consumed->local : consumed->global;
    const auto there = std::find_if(list.begin(), list.end(), [&](const auto& used) { return used.first == index.name; });
    if (there != list.end()) {
      there->second += units;
    } else {
      list.emplace_back(index.name, units);
    }
  }
  return {};
}

}  // namespace gust::dynamodb
