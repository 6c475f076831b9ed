// SPDX-License-Identifier: Apache-2.0

#pragma once

// ItemCount and TableSizeBytes. Nothing on the way of a write keeps them: small tables are counted whenever they are
// described, larger ones at most every six hours, which is how old DynamoDB's own figures may be ("DynamoDB updates this
// value approximately every six hours"). Any thread; blocking for reads.

#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "os/clock.h"
#include "services/dynamodb/table.h"
#include "store/store.h"

namespace gust::dynamodb {

class TableStatistics {
 public:
  // Both must outlive this.
  TableStatistics(store::Store& store, const Clock& clock) : store_(store), clock_(clock) {}
  Result<TableFigures> of(const Table& table);
  void forget(const Table& table);

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
