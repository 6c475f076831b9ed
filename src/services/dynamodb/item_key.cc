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

store::Key prefix(const Keys& keys) { return store::Key().text(keys.account).text(keys.region).number(keys.storage); }

ApiFailure mismatch() { return ApiFailure(model::validation("The provided key element does not match the schema")); }

std::string row_key(const Keys& keys, const Item& item) {
  std::string key = partition_prefix(keys, *item.find(keys.hash.name));
  if (keys.range) key += part_of_key(key_text(*item.find(keys.range->name)));
  return key;
}

std::optional<model::ApiError> check_values(const Keys& keys, const Item& item) {
  if (auto e = check_key_value(keys.hash, *item.find(keys.hash.name), KeyRole::Hash)) return e;
  if (!keys.range) return std::nullopt;
  return check_key_value(*keys.range, *item.find(keys.range->name), KeyRole::Range);
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

std::string partition_prefix(const Keys& keys, const Attribute& hash) { return partition_of(keys, key_text(hash)); }

std::string partition_of(const Keys& keys, std::string_view hash_text) {
  return prefix(keys).number(spread(hash_text)).text(hash_text).bytes();
}

std::string part_of_key(std::string_view range_text) { return store::Key().text(range_text).bytes(); }

std::string_view without_storage(const Keys& keys, std::string_view row_key) {
  return row_key.substr(prefix(keys).number(0).bytes().size());
}

KeyRange all_items(const Keys& keys) {
  const store::Key key = prefix(keys);
  return {key.bytes(), key.end()};
}

KeyRange segment(const Keys& keys, uint64_t index, uint64_t total) {
  const auto cut = [total](uint64_t i) { return static_cast<uint64_t>((static_cast<unsigned __int128>(i) << 64) / total); };
  KeyRange range = all_items(keys);
  range.from = prefix(keys).number(cut(index)).bytes();
  if (index + 1 < total) range.to = prefix(keys).number(cut(index + 1)).bytes();
  return range;
}

Api<std::string> key_of_item(const Keys& keys, const Item& item) {
  if (auto e = check_part(keys.hash, item)) return ApiFailure(std::move(*e));
  if (keys.range) {
    if (auto e = check_part(*keys.range, item)) return ApiFailure(std::move(*e));
  }
  if (auto e = check_values(keys, item)) return ApiFailure(std::move(*e));
  return row_key(keys, item);
}

Api<std::string> key_of_key(const Keys& keys, const Item& key) {
  const auto fits = [&key](const KeyAttribute& part) {
    const Attribute* found = key.find(part.name);
    return found != nullptr && found->type == part.type;
  };
  if (key.members().size() != (keys.range ? 2u : 1u)) return mismatch();
  if (!fits(keys.hash) || (keys.range && !fits(*keys.range))) return mismatch();
  if (auto e = check_values(keys, key)) return ApiFailure(std::move(*e));
  return row_key(keys, key);
}

std::optional<model::ApiError> check_key_value(const KeyAttribute& key, const Attribute& value, KeyRole role) {
  if (value.type == Type::N) return std::nullopt;
  if (value.text.empty()) {
    return model::validation(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
        "empty " +
        std::string(value.type == Type::S ? "string" : "binary") + " value. Key: " + key.name);
  }
  if (value.text.size() > max_key_bytes(role)) return key_too_long(role);
  return std::nullopt;
}

size_t max_key_bytes(KeyRole role) { return role == KeyRole::Hash ? kMaxHashBytes : kMaxRangeBytes; }

model::ApiError key_too_long(KeyRole role) {
  std::string text = "One or more parameter values were invalid: ";
  text += role == KeyRole::Hash ? "Size of hashkey has exceeded the maximum size limit of2048 bytes"  // AWS's own spelling
                                : "Aggregated size of all range keys has exceeded the size limit of 1024 bytes";
  return model::validation(std::move(text));
}

Item key_attributes(const Keys& keys, const Item& item) {
  Item out;
  for (const Member& m : item.members()) {
    if (keys.is_key(m.name)) out.members().push_back(m);
  }
  return out;
}

}  // namespace gust::dynamodb
