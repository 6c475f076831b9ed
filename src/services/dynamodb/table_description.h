// SPDX-License-Identifier: Apache-2.0

#pragma once

// TableDescription, as CreateTable, UpdateTable, DeleteTable and DescribeTable answer it.

#include <string_view>
#include <utility>
#include <vector>

#include "services/dynamodb/table.h"
#include "services/dynamodb/table_statistics.h"

namespace gust::dynamodb {

// What is not in the record.
struct TableState {
  std::string_view status;                                               // TableStatus
  TableFigures figures;                                                  // of the table
  std::vector<TableFigures> index_figures;                               // by position; missing ones are zero
  std::vector<std::pair<std::string, std::string_view>> index_statuses;  // by name, where not the record's own
  int64_t now_ms = 0;
};
Value describe(const Table& table, const TableState& state);

}  // namespace gust::dynamodb
