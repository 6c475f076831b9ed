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

Attribute tags_of(const Pairs& tags) {
  Attribute list;
  list.type = Type::L;
  for (const auto& [key, value] : tags) {
    list.list.push_back(Attribute::string(key));
    list.list.push_back(Attribute::string(value));
  }
  return list;
}

Value describe(const KeyAttribute& key, std::string_view role) {
  Value v = Value::map();
  v.set("AttributeName", key.name);
  v.set("KeyType", role);
  return v;
}
Value define(const KeyAttribute& key) {
  Value v = Value::map();
  v.set("AttributeName", key.name);
  v.set("AttributeType", name_of(key.type));
  return v;
}

}  // namespace

std::string Table::arn() const { return "arn:aws:dynamodb:" + region + ":" + account + ":table/" + name; }

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
  put(record, "storage", std::to_string(t.storage));
  put_key(record, "hash", t.hash);
  if (t.range) put_key(record, "range", *t.range);
  put(record, "on_demand", t.on_demand ? 1 : 0);
  put(record, "read_units", t.read_units);
  put(record, "write_units", t.write_units);
  put(record, "table_class", t.table_class);
  put(record, "created_ms", t.created_ms);
  record.set("tags", tags_of(t.tags));
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
  t.storage = TRY(parse_uint(text_of(record, "storage")));
  t.hash = TRY(key_of(record, "hash"));
  if (record.find("range") != nullptr) t.range = TRY(key_of(record, "range"));
  t.on_demand = number_of(record, "on_demand") != 0;
  t.read_units = number_of(record, "read_units");
  t.write_units = number_of(record, "write_units");
  t.table_class = text_of(record, "table_class");
  t.created_ms = number_of(record, "created_ms");
  const Attribute* tags = record.find("tags");
  for (size_t i = 0; tags != nullptr && i + 1 < tags->list.size(); i += 2) {
    t.tags.emplace_back(tags->list[i].text, tags->list[i + 1].text);
  }
  return t;
}

Result<std::optional<Table>> read_table(store::View& view, std::string_view account, std::string_view region,
                                        std::string_view name) {
  const auto row = TRY(view.get(store::Space::Meta, table_key(account, region, name)));
  if (!row) return std::optional<Table>();
  return std::optional<Table>(TRY(decode_table(*row)));
}

Value describe(const Table& t, std::string_view status, TableFigures figures) {
  Value v = Value::map();
  Value& definitions = v.set("AttributeDefinitions", Value::list());
  definitions.push(define(t.hash));
  if (t.range) definitions.push(define(*t.range));
  v.set("TableName", t.name);
  Value& schema = v.set("KeySchema", Value::list());
  schema.push(describe(t.hash, "HASH"));
  if (t.range) schema.push(describe(*t.range, "RANGE"));
  v.set("TableStatus", status);
  v.set("CreationDateTime", Timestamp{t.created_ms});
  Value& throughput = v.set("ProvisionedThroughput", Value::map());
  throughput.set("NumberOfDecreasesToday", 0);
  throughput.set("ReadCapacityUnits", static_cast<long long>(t.read_units));
  throughput.set("WriteCapacityUnits", static_cast<long long>(t.write_units));
  v.set("TableSizeBytes", static_cast<long long>(figures.bytes));
  v.set("ItemCount", static_cast<long long>(figures.items));
  v.set("TableArn", t.arn());
  v.set("TableId", t.id);
  if (t.on_demand) {
    Value& billing = v.set("BillingModeSummary", Value::map());
    billing.set("BillingMode", "PAY_PER_REQUEST");
    billing.set("LastUpdateToPayPerRequestDateTime", Timestamp{t.created_ms});
  }
  if (!t.table_class.empty()) v.set("TableClassSummary", Value::map()).set("TableClass", t.table_class);
  v.set("DeletionProtectionEnabled", false);
  return v;
}

Api<TableName> parse_table_name(std::string_view text, const model::Identity& identity) {
  std::string_view name = text;
  if (text.starts_with("arn:")) {
    const std::string own = Table{.account = identity.account, .region = identity.region}.arn();
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
