// SPDX-License-Identifier: Apache-2.0

#pragma once

// A table as stored: one row of Space::Meta under (account, region, "dynamodb", name), its indexes included. A stored table
// is active; creating and deleting it are one commit each, and so is deleting an index. Rows of tables and indexes are rows
// of Space::Item (item_key.h) under a storage number that nothing else ever gets: a new table of the same name never sees
// the items of an old one.

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

// Where the rows of a table or of an index lie, and by which attributes.
struct Keys {
  std::string account, region;
  uint64_t storage = 0;
  KeyAttribute hash;
  std::optional<KeyAttribute> range;
  bool is_key(std::string_view attribute) const { return attribute == hash.name || (range && attribute == range->name); }
  bool operator==(const Keys&) const = default;
};

// DynamoDB guide, "Understanding DynamoDB warm throughput": what a new on-demand table or index can take at once.
constexpr int64_t kWarmReads = 12'000, kWarmWrites = 4'000;

// What was asked for; kept and shown, and throttles nothing.
struct Throughput {
  int64_t read_units = 0, write_units = 0;                    // ProvisionedThroughput
  int64_t max_reads = 0, max_writes = 0;                      // OnDemandThroughput; 0: no maximum
  int64_t warm_reads = 0, warm_writes = 0;                    // WarmThroughput; 0: the default
  int64_t increased_ms = 0, decreased_ms = 0, decreases = 0;  // `decreases`: on the day of decreased_ms
  bool operator==(const Throughput&) const = default;
};

struct Index {
  enum class Kind { Local, Global };
  enum class Projection { All, KeysOnly, Include };
  // Creating: no item has been taken over yet; Backfilling: some have (index_build.h). Writes reach it in every state.
  enum class State { Active, Creating, Backfilling };

  std::string name;
  Kind kind = Kind::Global;
  Keys keys;
  Projection projection = Projection::All;
  std::vector<std::string> non_key;    // NonKeyAttributes of Include, as given
  std::vector<std::string> projected;  // unless All: every attribute that it holds, sorted
  State state = State::Active;
  Throughput throughput;

  bool projects(std::string_view attribute) const;
  bool operator==(const Index&) const = default;
};

struct Table : Keys {
  std::string name;
  std::string id;          // TableId
  bool on_demand = false;  // BillingMode PAY_PER_REQUEST
  int64_t on_demand_ms = 0;
  Throughput throughput;
  std::string table_class;  // empty: not given
  bool protected_from_deletion = false;
  std::string kms_key_arn;  // of SSESpecification; empty: encryption was not asked for
  int64_t created_ms = 0;
  Pairs tags;
  std::vector<Index> indexes;

  std::string arn() const;
  const Index* index(std::string_view index_name) const;
  bool has_local_indexes() const;
  bool operator==(const Table&) const = default;
};

// Sets Index::projected.
void find_projected(const Table& table, Index& index);

std::string table_arn(std::string_view account, std::string_view region, std::string_view name);
std::string table_key(std::string_view account, std::string_view region, std::string_view name);
std::string table_prefix(std::string_view account, std::string_view region);  // start of all tables' keys

std::string encode(const Table& table);
Result<Table> decode_table(std::string_view bytes);  // Invalid where damaged
Result<std::optional<Table>> read_table(store::View& view, std::string_view account, std::string_view region,
                                        std::string_view name);

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
