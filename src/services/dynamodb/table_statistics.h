// SPDX-License-Identifier: Apache-2.0

#pragma once

// ItemCount and TableSizeBytes of a table, ItemCount and IndexSizeBytes of an index. Nothing on the way of a write keeps
// them: small ones are counted whenever they are described, larger ones at most every six hours, which is how old DynamoDB's
// own figures may be ("DynamoDB updates this value approximately every six hours"). Any thread; blocking for reads.

#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "os/clock.h"
#include "services/dynamodb/table.h"
#include "store/store.h"

namespace gust::dynamodb {

struct TableFigures {
  int64_t items = 0, bytes = 0;
};

class TableStatistics {
 public:
  // Both must outlive this.
  TableStatistics(store::Store& store, const Clock& clock) : store_(store), clock_(clock) {}
  Result<TableFigures> of(const Keys& keys);
  void forget(const Keys& keys);

 private:
  struct Counted {
    TableFigures figures;
    int64_t at_us = 0;
  };
  store::Store& store_;
  const Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<uint64_t, Counted> counted_;  // by storage number
};

}  // namespace gust::dynamodb
