// SPDX-License-Identifier: Apache-2.0

#pragma once

// Keys of items in Space::Item: (account, region, storage number, hash of the partition key, partition key, range key).
// Numbers order by value, strings and binary by bytes. The hash spreads partitions evenly, so that a scan's segments are
// ranges of it; within a partition rows lie in the order of the range key. A row of an index has its own keys and then the
// table's, since index keys need not be unique. Stored: never change hash or encoding.

#include <string>
#include <string_view>

#include "services/dynamodb/table.h"

namespace gust::dynamodb {

// Half-open range of store keys.
struct KeyRange {
  std::string from, to;
  bool contains(std::string_view key) const { return key >= from && key < to; }
};

std::string key_text(const Attribute& attribute);  // bytes that order as the attribute does; S, N, B only
std::string partition_prefix(const Keys& keys, const Attribute& hash);
std::string partition_of(const Keys& keys, std::string_view hash_text);        // the same of what key_text() gives
std::string part_of_key(std::string_view range_text);                          // the range key's bytes in a row's key
std::string_view without_storage(const Keys& keys, std::string_view row_key);  // what follows the spread hash
KeyRange all_items(const Keys& keys);
KeyRange segment(const Keys& keys, uint64_t index, uint64_t total);  // index < total

// Of a whole item; errors in PutItem's words.
Api<std::string> key_of_item(const Keys& keys, const Item& item);
// Of a Key member, which must hold the key's attributes and nothing else.
Api<std::string> key_of_key(const Keys& keys, const Item& key);
// Not empty and not too long for a key. `item` errors name the attribute.
enum class KeyRole { Hash, Range };
size_t max_key_bytes(KeyRole role);
model::ApiError key_too_long(KeyRole role);
std::optional<model::ApiError> check_key_value(const KeyAttribute& key, const Attribute& value, KeyRole role);

Item key_attributes(const Keys& keys, const Item& item);

}  // namespace gust::dynamodb
