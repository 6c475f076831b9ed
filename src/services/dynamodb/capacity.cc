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

Value consumed_capacity(std::string_view table, double units, Report report) {
  Value v = Value::map();
  v.set("TableName", table);
  v.set("CapacityUnits", units);
  if (report == Report::Indexes) v.set("Table", Value::map()).set("CapacityUnits", units);
  return v;
}

}  // namespace gust::dynamodb
