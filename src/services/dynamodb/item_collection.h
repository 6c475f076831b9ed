// SPDX-License-Identifier: Apache-2.0

#pragma once

// ItemCollectionMetrics: of tables with local secondary indexes, how large everything of one partition key is, in the table
// and in those indexes. An estimate, made on the worker before the write: what is read for it is bounded, and the answer is a
// range that holds.

#include <string>

#include "services/dynamodb/table.h"
#include "store/store.h"

namespace gust::dynamodb {

bool wants_collection_metrics(const Value& input);  // ReturnItemCollectionMetrics SIZE

// {"ItemCollectionKey": {...}, "SizeEstimateRangeGB": [lower, upper]}. `item` has the table's hash key.
Result<Value> collection_metrics(store::View& view, const Table& table, const Item& item);

}  // namespace gust::dynamodb
