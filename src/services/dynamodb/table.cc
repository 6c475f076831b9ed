// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/table.h"

#include <algorithm>

#include "base/encoding.h"
#include "model/errors.h"
#include "store/key.h"

namespace gust::dynamodb {
namespace {

constexpr std::string_view kService = "dynamodb";
constexpr size_t kMinName = 3, kMaxName = 255;

bool allowed_in_names(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

// A record is stored as an item is: attributes by name, so that later versions can add some.
void put(Item& record, std::string_view name, std::string_view text) { record.set(name, Attribute::string(std::string(text))); }
void put(Item& record, std::string_view name, int64_t number) { record.set(name, Attribute::number(Number::of(number))); }

std::string text_of(const Item& record, std::string_view name) {
  const Attribute* a = record.find(name);
  return a != nullptr && a->type == Type::S ? a->text : std::string();
}
int64_t number_of(const Item& record, std::string_view name) {
  const Attribute* a = record.find(name);
  return a != nullptr && a->type == Type::N ? parse_int(a->text).value_or(0) : 0;
}
template <class T>
T choice_of(const Item& record, std::string_view name, T last) {
  return static_cast<T>(std::clamp<int64_t>(number_of(record, name), 0, static_cast<int64_t>(last)));
}

void put_key(Item& record, std::string_view role, const KeyAttribute& key) {
  put(record, role, key.name);
  put(record, std::string(role) + "_type", name_of(key.type));
}
Result<KeyAttribute> key_of(const Item& record, std::string_view role) {
  KeyAttribute key{text_of(record, role), Type::S};
  if (key.name.empty() || !parse_type(text_of(record, std::string(role) + "_type"), key.type)) {
    return fail(Errc::Invalid, "a damaged table record");
  }
  return key;
}

void put_keys(Item& record, const Keys& keys) {
  put(record, "storage", std::to_string(keys.storage));
  put_key(record, "hash", keys.hash);
  if (keys.range) put_key(record, "range", *keys.range);
}
Result<> read_keys(const Item& record, Keys& keys) {
  keys.storage = TRY(parse_uint(text_of(record, "storage")));
  keys.hash = TRY(key_of(record, "hash"));
  if (record.find("range") != nullptr) keys.range = TRY(key_of(record, "range"));
  return {};
}

void put_throughput(Item& record, const Throughput& t) {
  put(record, "read_units", t.read_units);
  put(record, "write_units", t.write_units);
  put(record, "max_reads", t.max_reads);
  put(record, "max_writes", t.max_writes);
  put(record, "warm_reads", t.warm_reads);
  put(record, "warm_writes", t.warm_writes);
  put(record, "increased_ms", t.increased_ms);
  put(record, "decreased_ms", t.decreased_ms);
  put(record, "decreases", t.decreases);
}
Throughput throughput_of(const Item& record) {
  return {.read_units = number_of(record, "read_units"),
          .write_units = number_of(record, "write_units"),
          .max_reads = number_of(record, "max_reads"),
          .max_writes = number_of(record, "max_writes"),
          .warm_reads = number_of(record, "warm_reads"),
          .warm_writes = number_of(record, "warm_writes"),
          .increased_ms = number_of(record, "increased_ms"),
          .decreased_ms = number_of(record, "decreased_ms"),
          .decreases = number_of(record, "decreases")};
}

Attribute list_of(const std::vector<std::string>& texts) {
  Attribute list;
  list.type = Type::L;
  for (const std::string& text : texts) list.list.push_back(Attribute::string(text));
  return list;
}

Attribute tags_of(const Pairs& tags) {
  std::vector<std::string> texts;
  for (const auto& [key, value] : tags) texts.push_back(key), texts.push_back(value);
  return list_of(texts);
}

Attribute record_of(const Index& index) {
  Attribute record;
  record.type = Type::M;
  put(record.map, "name", index.name);
  put(record.map, "kind", static_cast<int64_t>(index.kind));
  put(record.map, "projection", static_cast<int64_t>(index.projection));
  put(record.map, "state", static_cast<int64_t>(index.state));
  put_keys(record.map, index.keys);
  put_throughput(record.map, index.throughput);
  record.map.set("non_key", list_of(index.non_key));
  return record;
}

Result<Index> index_of(const Item& record, const Table& table) {
  Index index{.name = text_of(record, "name"),
              .kind = choice_of(record, "kind", Index::Kind::Global),
              .projection = choice_of(record, "projection", Index::Projection::Include),
              .state = choice_of(record, "state", Index::State::Backfilling),
              .throughput = throughput_of(record)};
  index.keys.account = table.account, index.keys.region = table.region;
  TRY(read_keys(record, index.keys));
  const Attribute* non_key = record.find("non_key");
  for (size_t i = 0; non_key != nullptr && i < non_key->list.size(); ++i) index.non_key.push_back(non_key->list[i].text);
  find_projected(table, index);
  return index;
}

}  // namespace

bool Index::projects(std::string_view attribute) const {
  return projection == Projection::All || std::binary_search(projected.begin(), projected.end(), attribute, std::less<>());
}

void find_projected(const Table& table, Index& index) {
  index.projected.clear();
  if (index.projection == Index::Projection::All) return;
  index.projected = index.non_key;
  for (const Keys* keys : {static_cast<const Keys*>(&table), static_cast<const Keys*>(&index.keys)}) {
    index.projected.push_back(keys->hash.name);
    if (keys->range) index.projected.push_back(keys->range->name);
  }
  std::sort(index.projected.begin(), index.projected.end());
  index.projected.erase(std::unique(index.projected.begin(), index.projected.end()), index.projected.end());
}

std::string Table::arn() const { return table_arn(account, region, name); }

const Index* Table::index(std::string_view index_name) const {
  const auto found = std::find_if(indexes.begin(), indexes.end(), [&](const Index& i) { return i.name == index_name; });
  return found == indexes.end() ? nullptr : &*found;
}

bool Table::has_local_indexes() const {
  return std::any_of(indexes.begin(), indexes.end(), [](const Index& i) { return i.kind == Index::Kind::Local; });
}

std::string table_arn(std::string_view account, std::string_view region, std::string_view name) {
  return std::string("arn:aws:dynamodb:").append(region).append(":").append(account).append(":table/").append(name);
}
std::string table_key(std::string_view account, std::string_view region, std::string_view name) {
  return store::Key().text(account).text(region).text(kService).text(name).bytes();
}
std::string table_prefix(std::string_view account, std::string_view region) {
  return store::Key().text(account).text(region).text(kService).bytes();
}

std::string encode(const Table& t) {
  Item record;
  put(record, "account", t.account);
  put(record, "region", t.region);
  put(record, "name", t.name);
  put(record, "id", t.id);
  put_keys(record, t);
  put(record, "on_demand", t.on_demand ? 1 : 0);
  put(record, "on_demand_ms", t.on_demand_ms);
  put_throughput(record, t.throughput);
  put(record, "table_class", t.table_class);
  put(record, "protected", t.protected_from_deletion ? 1 : 0);
  put(record, "kms_key_arn", t.kms_key_arn);
  put(record, "created_ms", t.created_ms);
  record.set("tags", tags_of(t.tags));
  Attribute indexes;
  indexes.type = Type::L;
  for (const Index& index : t.indexes) indexes.list.push_back(record_of(index));
  record.set("indexes", std::move(indexes));
  std::string bytes;
  encode(record, bytes);
  return bytes;
}

Result<Table> decode_table(std::string_view bytes) {
  const Item record = TRY(decode_item(bytes));
  Table t;
  t.account = text_of(record, "account");
  t.region = text_of(record, "region");
  t.name = text_of(record, "name");
  t.id = text_of(record, "id");
  TRY(read_keys(record, t));
  t.on_demand = number_of(record, "on_demand") != 0;
  t.throughput = throughput_of(record);
  t.table_class = text_of(record, "table_class");
  t.protected_from_deletion = number_of(record, "protected") != 0;
  t.kms_key_arn = text_of(record, "kms_key_arn");
  t.created_ms = number_of(record, "created_ms");
  t.on_demand_ms = record.find("on_demand_ms") != nullptr ? number_of(record, "on_demand_ms") : t.created_ms;
  const Attribute* tags = record.find("tags");
  for (size_t i = 0; tags != nullptr && i + 1 < tags->list.size(); i += 2) {
    t.tags.emplace_back(tags->list[i].text, tags->list[i + 1].text);
  }
  const Attribute* indexes = record.find("indexes");
  for (size_t i = 0; indexes != nullptr && i < indexes->list.size(); ++i) {
    t.indexes.push_back(TRY(index_of(indexes->list[i].map, t)));
  }
  return t;
}

Result<std::optional<Table>> read_table(store::View& view, std::string_view account, std::string_view region,
                                        std::string_view name) {
  const auto row = TRY(view.get(store::Space::Meta, table_key(account, region, name)));
  if (!row) return std::optional<Table>();
  return std::optional<Table>(TRY(decode_table(*row)));
}

Api<TableName> parse_table_name(std::string_view text, const model::Identity& identity) {
  std::string_view name = text;
  if (text.starts_with("arn:")) {
    const std::string own = table_arn(identity.account, identity.region, "");
    if (!text.starts_with(own)) return ApiFailure(table_not_found());
    name.remove_prefix(own.size());
  }
  if (!std::all_of(name.begin(), name.end(), allowed_in_names)) {
    return ApiFailure(model::validation("1 validation error detected: Value '" + std::string(name.substr(0, kMaxName)) +
                                        "' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression "
                                        "pattern: [a-zA-Z0-9_.-]+"));
  }
  if (name.size() < kMinName || name.size() > kMaxName) {
    return ApiFailure(model::validation("TableName must be at least 3 characters long and at most 255 characters long"));
  }
  return TableName{std::string(name), std::string(text)};
}

model::ApiError table_not_found() { return model::resource_not_found("Requested resource not found", 400); }
model::ApiError table_not_found(std::string_view name) {
  return model::resource_not_found("Requested resource not found: Table: " + std::string(name) + " not found", 400);
}

}  // namespace gust::dynamodb
