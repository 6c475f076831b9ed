// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/item_collection.h"

#include "services/dynamodb/item_key.h"
#include "store/key.h"

namespace gust::dynamodb {
namespace {

constexpr size_t kMaxRead = 16 << 20, kPageRows = 1000, kPageBytes = 1 << 20;
constexpr double kLargestGb = 10;  // DynamoDB guide, "Item collection size limit"

// False: not all of it was read.
Result<bool> add_partition(store::View& view, const Keys& keys, const Attribute& hash, size_t& read) {
  const std::string partition = partition_prefix(keys, hash);
  for (std::string from = partition; read < kMaxRead;) {
    const auto rows =
        TRY(view.scan(store::Space::Item, from, store::prefix_end(partition), kPageRows, store::Order::Forward, kPageBytes));
    if (rows.empty()) return true;
    for (const store::Row& row : rows) read += row.value.size();
    from = rows.back().key + '\0';
  }
  return false;
}

}  // namespace

bool wants_collection_metrics(const Value& input) { return input["ReturnItemCollectionMetrics"].as_string() == "SIZE"; }

Result<Value> collection_metrics(store::View& view, const Table& table, const Item& item) {
  const Attribute& hash = *item.find(table.hash.name);
  size_t read = 0;
  bool whole = TRY(add_partition(view, table, hash, read));
  for (const Index& index : table.indexes) {
    if (whole && index.kind == Index::Kind::Local) whole = TRY(add_partition(view, index.keys, hash, read));
  }
  Value metrics = Value::map();
  metrics.set("ItemCollectionKey", Value::map()).set(table.hash.name, to_value(hash));
  Value& range = metrics.set("SizeEstimateRangeGB", Value::list());
  range.push(0.0);
  range.push(whole ? 1.0 : kLargestGb);
  return metrics;
}

}  // namespace gust::dynamodb
