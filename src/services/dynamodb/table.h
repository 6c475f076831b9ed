// SPDX-License-Identifier: Apache-2.0

#pragma once

// A table as stored: one row of Space::Meta under (account, region, "dynamodb", name). A stored table is active; creating
// and deleting it are one commit each. Its items are rows of Space::Item (item_key.h) under the table's storage number,
// which no other table ever gets: a new table of the same name never sees the items of an old one.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/value.h"
#include "model/service.h"
#include "services/dynamodb/attribute_value.h"
#include "store/store.h"

namespace gust::dynamodb {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct KeyAttribute {
  std::string name;
  Type type = Type::S;  // S, N or B
  bool operator==(const KeyAttribute&) const = default;
};

struct Table {
  std::string account, region, name;
  std::string id;  // TableId
  uint64_t storage = 0;
  KeyAttribute hash;
  std::optional<KeyAttribute> range;
  bool on_demand = false;  // BillingMode PAY_PER_REQUEST
  int64_t read_units = 0, write_units = 0;
  std::string table_class;  // empty: not given
  int64_t created_ms = 0;
  Pairs tags;

  std::string arn() const;
  bool is_key(std::string_view attribute) const { return attribute == hash.name || (range && attribute == range->name); }
  bool operator==(const Table&) const = default;
};

std::string table_key(std::string_view account, std::string_view region, std::string_view name);
std::string table_prefix(std::string_view account, std::string_view region);  // start of all tables' keys

std::string encode(const Table& table);
Result<Table> decode_table(std::string_view bytes);  // Invalid where damaged
Result<std::optional<Table>> read_table(store::View& view, std::string_view account, std::string_view region,
                                        std::string_view name);

struct TableFigures {
  int64_t items = 0, bytes = 0;
};
// TableDescription as DescribeTable answers it.
Value describe(const Table& table, std::string_view status, TableFigures figures);

// A table as a request names it, by name or ARN.
struct TableName {
  std::string name;
  std::string given;  // what ConsumedCapacity repeats
};
// Errors: ValidationException for what is no name; ResourceNotFoundException for another account's or region's ARN.
Api<TableName> parse_table_name(std::string_view text, const model::Identity& identity);

model::ApiError table_not_found();                       // of operations on items
model::ApiError table_not_found(std::string_view name);  // of operations on tables

}  // namespace gust::dynamodb
