// SPDX-License-Identifier: Apache-2.0

#pragma once

// What a Query or Scan asks for, checked as far as the table is not needed; and, with the table, where it reads.

#include <optional>
#include <string>
#include <string_view>

#include "services/dynamodb/capacity.h"
#include "services/dynamodb/item_key.h"
#include "services/dynamodb/projection.h"
#include "services/dynamodb/table.h"

namespace gust::dynamodb {

enum class PageVerb { Query, Scan };

struct PageRequest {
  PageVerb verb = PageVerb::Query;
  TableName table;
  std::string index;  // IndexName; empty: the table
  std::optional<Condition> key_condition, filter;
  std::string_view filter_name;  // as errors call it
  Projection projection;
  bool count_only = false, all_attributes = false;  // Select
  store::Order order = store::Order::Forward;
  size_t limit = 0;
  std::optional<Item> start;  // ExclusiveStartKey
  uint64_t segment = 0, segments = 1;
  Consistency consistency = Consistency::Eventual;
  Report report = Report::None;
};
Api<PageRequest> read_page_request(const Value& input, PageVerb verb, const model::Identity& identity);

// The range of rows of a table or an index.
struct PageSource {
  const Index* index = nullptr;  // null: the table itself
  const Keys* keys = nullptr;
  bool fetch = false;  // what the index does not hold is read from the table
  KeyRange range;
};
Api<PageSource> find_source(const PageRequest& request, const Table& table);

}  // namespace gust::dynamodb
