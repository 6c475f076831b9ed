// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/capacity.h"

#include <algorithm>

namespace gust::dynamodb {
namespace {

double units(size_t bytes, size_t unit) { return static_cast<double>(std::max<size_t>(1, (bytes + unit - 1) / unit)); }

}  // namespace

Report capacity_report(const Value& input) {
  const std::string_view wanted = input["ReturnConsumedCapacity"].as_string();
  return wanted == "TOTAL" ? Report::Total : wanted == "INDEXES" ? Report::Indexes : Report::None;
}

Consistency consistency(const Value& input) {
  return input["ConsistentRead"].as_bool() ? Consistency::Strong : Consistency::Eventual;
}

double read_units(size_t bytes, Consistency consistency) {
  return units(bytes, 4096) * (consistency == Consistency::Strong ? 1.0 : 0.5);
}
double write_units(size_t before, size_t after) { return units(std::max(before, after), 1024); }

namespace {

Value by_index(const std::vector<std::pair<std::string, double>>& indexes) {
  Value v = Value::map();
  for (const auto& [index, used] : indexes) v.set(index, Value::map()).set("CapacityUnits", used);
  return v;
}

}  // namespace

Value consumed_capacity(const Consumed& consumed, Report report) {
  double total = consumed.table;
  for (const auto& [index, used] : consumed.local) total += used;
  for (const auto& [index, used] : consumed.global) total += used;
  Value v = Value::map();
  v.set("TableName", consumed.name);
  v.set("CapacityUnits", total);
  if (report != Report::Indexes) return v;
  v.set("Table", Value::map()).set("CapacityUnits", consumed.table);
  if (!consumed.local.empty()) v.set("LocalSecondaryIndexes", by_index(consumed.local));
  if (!consumed.global.empty()) v.set("GlobalSecondaryIndexes", by_index(consumed.global));
  return v;
}

}  // namespace gust::dynamodb
