// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/item_key.h"

#include "model/errors.h"
#include "store/key.h"

namespace gust::dynamodb {
namespace {

// DynamoDB guide, "Quotas": partition and sort key values.
constexpr size_t kMaxHashBytes = 2048, kMaxRangeBytes = 1024;

// FNV-1a, then a finaliser (murmur3's) that spreads it over the upper bits, by which segments are cut.
uint64_t spread(std::string_view text) {
  uint64_t h = 0xcbf29ce484222325;
  for (char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  h = (h ^ (h >> 33)) * 0xff51afd7ed558ccd;
  h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53;
  return h ^ (h >> 33);
}

store::Key prefix(const Table& table) { return store::Key().text(table.account).text(table.region).number(table.storage); }

ApiFailure mismatch() { return ApiFailure(model::validation("The provided key element does not match the schema")); }

std::string row_key(const Table& table, const Item& item) {
  std::string key = partition_prefix(table, *item.find(table.hash.name));
  if (table.range) key += store::Key().text(key_text(*item.find(table.range->name))).bytes();
  return key;
}

std::optional<model::ApiError> check_values(const Table& table, const Item& item) {
  if (auto e = check_key_value(table.hash, *item.find(table.hash.name), KeyRole::Hash)) return e;
  if (!table.range) return std::nullopt;
  return check_key_value(*table.range, *item.find(table.range->name), KeyRole::Range);
}

std::optional<model::ApiError> check_part(const KeyAttribute& key, const Item& item) {
  const std::string start = "One or more parameter values were invalid: ";
  const Attribute* found = item.find(key.name);
  if (found == nullptr) return model::validation(start + "Missing the key " + key.name + " in the item");
  if (found->type == key.type) return std::nullopt;
  return model::validation(start + "Type mismatch for key " + key.name + " expected: " + std::string(name_of(key.type)) +
                           " actual: " + std::string(name_of(found->type)));
}

}  // namespace

std::string key_text(const Attribute& a) {
  if (a.type != Type::N) return a.text;
  const auto n = Number::parse(a.text);
  return n ? n->key() : std::string();
}

std::string partition_prefix(const Table& table, const Attribute& hash) {
  const std::string text = key_text(hash);
  return prefix(table).number(spread(text)).text(text).bytes();
}

KeyRange all_items(const Table& table) {
  const store::Key key = prefix(table);
  return {key.bytes(), key.end()};
}

KeyRange segment(const Table& table, uint64_t index, uint64_t total) {
  const auto cut = [total](uint64_t i) { return static_cast<uint64_t>((static_cast<unsigned __int128>(i) << 64) / total); };
  KeyRange range = all_items(table);
  range.from = prefix(table).number(cut(index)).bytes();
  if (index + 1 < total) range.to = prefix(table).number(cut(index + 1)).bytes();
  return range;
}

Api<std::string> key_of_item(const Table& table, const Item& item) {
  if (auto e = check_part(table.hash, item)) return ApiFailure(std::move(*e));
  if (table.range) {
    if (auto e = check_part(*table.range, item)) return ApiFailure(std::move(*e));
  }
  if (auto e = check_values(table, item)) return ApiFailure(std::move(*e));
  return row_key(table, item);
}

Api<std::string> key_of_key(const Table& table, const Item& key) {
  const auto fits = [&key](const KeyAttribute& part) {
    const Attribute* found = key.find(part.name);
    return found != nullptr && found->type == part.type;
  };
  if (key.members().size() != (table.range ? 2u : 1u)) return mismatch();
  if (!fits(table.hash) || (table.range && !fits(*table.range))) return mismatch();
  if (auto e = check_values(table, key)) return ApiFailure(std::move(*e));
  return row_key(table, key);
}

std::optional<model::ApiError> check_key_value(const KeyAttribute& key, const Attribute& value, KeyRole role) {
  if (value.type == Type::N) return std::nullopt;
  if (value.text.empty()) {
    return model::validation(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
        "empty " +
        std::string(value.type == Type::S ? "string" : "binary") + " value. Key: " + key.name);
  }
  if (role == KeyRole::Hash && value.text.size() > kMaxHashBytes) {
    return model::validation(
        "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit "
        "of2048 bytes");  // AWS's own spelling
  }
  if (role == KeyRole::Range && value.text.size() > kMaxRangeBytes) {
    return model::validation(
        "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size "
        "limit of 1024 bytes");
  }
  return std::nullopt;
}

Item key_attributes(const Table& table, const Item& item) {
  Item out;
  for (const Member& m : item.members()) {
    if (table.is_key(m.name)) out.members().push_back(m);
  }
  return out;
}

}  // namespace gust::dynamodb
