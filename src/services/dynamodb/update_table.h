// SPDX-License-Identifier: Apache-2.0

#pragma once

// UpdateTable's input applied to a table: a pure function, run inside the mutation that stores the result.

#include <optional>
#include <string>

#include "services/dynamodb/table.h"

namespace gust::dynamodb {

// What the caller made up before, so that the mutation may be run again.
struct UpdateContext {
  uint64_t storage = 0;  // of an index that is made
  int64_t now_ms = 0;
};

struct TableUpdate {
  Table table;                       // as it is to be stored
  Table shown;                       // the same, and the index that goes
  std::optional<Index> made, gone;   // indexes
  std::vector<std::string> changed;  // names of indexes whose throughput changes
};

// What can be said without the table.
std::optional<model::ApiError> check_update_table(const Value& input);
Api<TableUpdate> update_table(const Table& before, const Value& input, const UpdateContext& context);

}  // namespace gust::dynamodb
