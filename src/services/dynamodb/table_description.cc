// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/table_description.h"

#include <algorithm>

namespace gust::dynamodb {
namespace {

constexpr int64_t kDayMs = 24LL * 3600 * 1000;

Value number(int64_t n) { return Value(static_cast<long long>(n)); }

Value key_schema(const Keys& keys) {
  Value schema = Value::list();
  const auto add = [&schema](const KeyAttribute& key, std::string_view role) {
    Value v = Value::map();
    v.set("AttributeName", key.name);
    v.set("KeyType", role);
    schema.push(std::move(v));
  };
  add(keys.hash, "HASH");
  if (keys.range) add(*keys.range, "RANGE");
  return schema;
}

Value definitions(const Table& table) {
  Value list = Value::list();
  const auto add = [&list](const KeyAttribute& key) {
    for (const Value& there : list.as_list()) {
      if (there["AttributeName"].as_string() == key.name) return;
    }
    Value v = Value::map();
    v.set("AttributeName", key.name);
    v.set("AttributeType", name_of(key.type));
    list.push(std::move(v));
  };
  const auto add_all = [&add](const Keys& keys) {
    add(keys.hash);
    if (keys.range) add(*keys.range);
  };
  add_all(table);
  for (const Index& index : table.indexes) add_all(index.keys);
  return list;
}

Value provisioned(const Throughput& t, int64_t now_ms) {
  Value v = Value::map();
  if (t.increased_ms != 0) v.set("LastIncreaseDateTime", Timestamp{t.increased_ms});
  if (t.decreased_ms != 0) v.set("LastDecreaseDateTime", Timestamp{t.decreased_ms});
  v.set("NumberOfDecreasesToday", number(t.decreased_ms / kDayMs == now_ms / kDayMs ? t.decreases : 0));
  v.set("ReadCapacityUnits", number(t.read_units));
  v.set("WriteCapacityUnits", number(t.write_units));
  return v;
}

void add_on_demand(const Throughput& t, Value& description) {
  if (t.max_reads == 0 && t.max_writes == 0) return;
  Value& v = description.set("OnDemandThroughput", Value::map());
  v.set("MaxReadRequestUnits", number(t.max_reads == 0 ? -1 : t.max_reads));
  v.set("MaxWriteRequestUnits", number(t.max_writes == 0 ? -1 : t.max_writes));
}

Value warm(const Throughput& t, bool on_demand, std::string_view status) {
  Value v = Value::map();
  v.set("ReadUnitsPerSecond", number(t.warm_reads != 0 ? t.warm_reads : on_demand ? kWarmReads : t.read_units));
  v.set("WriteUnitsPerSecond", number(t.warm_writes != 0 ? t.warm_writes : on_demand ? kWarmWrites : t.write_units));
  v.set("Status", status);
  return v;
}

Value projection(const Index& index) {
  constexpr std::string_view kTypes[] = {"ALL", "KEYS_ONLY", "INCLUDE"};
  Value v = Value::map();
  v.set("ProjectionType", kTypes[static_cast<size_t>(index.projection)]);
  if (index.projection != Index::Projection::Include) return v;
  Value& names = v.set("NonKeyAttributes", Value::list());
  for (const std::string& name : index.non_key) names.push(name);
  return v;
}

std::string_view status_of(const Index& index, const TableState& state) {
  for (const auto& [name, status] : state.index_statuses) {
    if (name == index.name) return status;
  }
  return index.state == Index::State::Active ? "ACTIVE" : "CREATING";
}

Value describe_index(const Table& table, size_t position, const TableState& state) {
  const Index& index = table.indexes[position];
  const TableFigures figures = position < state.index_figures.size() ? state.index_figures[position] : TableFigures();
  Value v = Value::map();
  v.set("IndexName", index.name);
  v.set("KeySchema", key_schema(index.keys));
  v.set("Projection", projection(index));
  if (index.kind == Index::Kind::Global) {
    const std::string_view status = status_of(index, state);
    v.set("IndexStatus", status);
    if (index.state != Index::State::Active) v.set("Backfilling", index.state == Index::State::Backfilling);
    v.set("ProvisionedThroughput", provisioned(index.throughput, state.now_ms));
    add_on_demand(index.throughput, v);
    v.set("WarmThroughput", warm(index.throughput, table.on_demand, status));
  }
  v.set("IndexSizeBytes", number(figures.bytes));
  v.set("ItemCount", number(figures.items));
  v.set("IndexArn", table.arn() + "/index/" + index.name);
  return v;
}

void add_indexes(const Table& table, const TableState& state, Index::Kind kind, std::string_view member, Value& description) {
  Value list = Value::list();
  for (size_t i = 0; i < table.indexes.size(); ++i) {
    if (table.indexes[i].kind == kind) list.push(describe_index(table, i, state));
  }
  if (list.size() > 0) description.set(member, std::move(list));
}

}  // namespace

Value describe(const Table& t, const TableState& state) {
  Value v = Value::map();
  v.set("AttributeDefinitions", definitions(t));
  v.set("TableName", t.name);
  v.set("KeySchema", key_schema(t));
  v.set("TableStatus", state.status);
  v.set("CreationDateTime", Timestamp{t.created_ms});
  v.set("ProvisionedThroughput", provisioned(t.throughput, state.now_ms));
  v.set("TableSizeBytes", number(state.figures.bytes));
  v.set("ItemCount", number(state.figures.items));
  v.set("TableArn", t.arn());
  v.set("TableId", t.id);
  if (t.on_demand_ms != 0) {
    Value& billing = v.set("BillingModeSummary", Value::map());
    billing.set("BillingMode", t.on_demand ? "PAY_PER_REQUEST" : "PROVISIONED");
    billing.set("LastUpdateToPayPerRequestDateTime", Timestamp{t.on_demand_ms});
  }
  add_indexes(t, state, Index::Kind::Local, "LocalSecondaryIndexes", v);
  add_indexes(t, state, Index::Kind::Global, "GlobalSecondaryIndexes", v);
  if (!t.kms_key_arn.empty()) {
    Value& encryption = v.set("SSEDescription", Value::map());
    encryption.set("Status", "ENABLED");
    encryption.set("SSEType", "KMS");
    encryption.set("KMSMasterKeyArn", t.kms_key_arn);
  }
  if (!t.table_class.empty()) v.set("TableClassSummary", Value::map()).set("TableClass", t.table_class);
  v.set("DeletionProtectionEnabled", t.protected_from_deletion);
  add_on_demand(t.throughput, v);
  v.set("WarmThroughput", warm(t.throughput, t.on_demand, state.status == "CREATING" ? "CREATING" : "ACTIVE"));
  return v;
}

}  // namespace gust::dynamodb
