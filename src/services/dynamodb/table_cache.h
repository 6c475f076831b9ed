// SPDX-License-Identifier: Apache-2.0

#pragma once

// Decoded table records by their stored bytes: every operation on items needs one, and reading a record is cheaper than
// decoding it. The store stays the only truth: its bytes are read each time and compared. Any thread.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "services/dynamodb/table.h"

namespace gust::dynamodb {

class TableCache {
 public:
  // Null where there is no such table.
  Result<std::shared_ptr<const Table>> read(store::View& view, const model::Identity& identity, std::string_view name);

 private:
  static constexpr size_t kMaxTables = 4096;  // then it starts anew
  struct Entry {
    std::string bytes;
    std::shared_ptr<const Table> table;
  };
  std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;  // by the record's key
};

}  // namespace gust::dynamodb
