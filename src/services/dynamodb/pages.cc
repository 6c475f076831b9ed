// SPDX-License-Identifier: Apache-2.0

// Query and Scan: one page of a range of items.

#include <algorithm>

#include "model/errors.h"
#include "services/dynamodb/capacity.h"
#include "services/dynamodb/dynamodb_service.h"
#include "services/dynamodb/item_key.h"
#include "services/dynamodb/key_condition.h"

namespace gust::dynamodb {
namespace {

using Problem = std::optional<model::ApiError>;

constexpr size_t kPageBytes = 1 << 20;  // DynamoDB guide, "Quotas": Query and Scan result sets
constexpr size_t kPageItems = 50'000;   // of tiny items a megabyte would be too many for an answer in memory
constexpr size_t kChunkRows = 1000;

ApiFailure invalid(std::string text) { return ApiFailure(model::validation(std::move(text))); }

struct PageRequest {
  TableName table;
  std::optional<Condition> key_condition, filter;
  std::optional<std::vector<Path>> projection;
  bool count_only = false;
  store::Order order = store::Order::Forward;
  size_t limit = kPageItems;
  std::optional<Item> start;
};

struct Page {
  Value items = Value::list();
  int64_t count = 0, scanned = 0;
  size_t bytes = 0;
  std::optional<Item> last;  // where the next page starts; none: the end was reached
};

// What of Select does not go with the other members.
Problem check_select(const Value& input, std::string_view verb) {
  const std::string_view select = input["Select"].as_string();
  const bool projected = input.has("ProjectionExpression");
  if (select == "ALL_PROJECTED_ATTRIBUTES") {
    return model::validation("One or more parameter values were invalid: ALL_PROJECTED_ATTRIBUTES can be used only when " +
                             std::string(verb) + " using an IndexName");
  }
  if (select == "SPECIFIC_ATTRIBUTES" && !projected) {
    return model::validation("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES");
  }
  if (projected && (select == "COUNT" || select == "ALL_ATTRIBUTES")) {
    return model::validation("Cannot specify the ProjectionExpression when choosing to get " +
                             std::string(select == "COUNT" ? "only the Count" : select));
  }
  return std::nullopt;
}

Problem parse_expressions(const Value& input, Placeholders& placeholders, PageRequest& page) {
  const auto condition = [&](std::string_view member, std::optional<Condition>& out) -> Problem {
    if (!input.has(member)) return std::nullopt;
    auto parsed = parse_condition(member, input[member].as_string(), placeholders);
    if (!parsed) return std::move(parsed.error());
    out = std::move(*parsed);
    return std::nullopt;
  };
  if (auto e = condition("FilterExpression", page.filter)) return e;
  if (auto e = condition("KeyConditionExpression", page.key_condition)) return e;
  if (input.has("ProjectionExpression")) {
    auto paths = parse_projection(input["ProjectionExpression"].as_string(), placeholders);
    if (!paths) return std::move(paths.error());
    page.projection = std::move(*paths);
  }
  return placeholders.unused();
}

Api<PageRequest> read_page_request(const model::Call& call, std::string_view verb, Api<Placeholders> placeholders) {
  const Value& input = call.input;
  PageRequest page;
  auto name = parse_table_name(input["TableName"].as_string(), call.identity);
  if (!name) return ApiFailure(std::move(name.error()));
  page.table = std::move(*name);
  if (!placeholders) return ApiFailure(std::move(placeholders.error()));
  if (auto e = check_select(input, verb)) return ApiFailure(std::move(*e));
  if (auto e = parse_expressions(input, *placeholders, page)) return ApiFailure(std::move(*e));
  page.count_only = input["Select"].as_string() == "COUNT";
  if (input.has("Limit")) page.limit = std::min(page.limit, static_cast<size_t>(std::max<int64_t>(1, input["Limit"].as_int())));
  if (!input["ScanIndexForward"].as_bool(true)) page.order = store::Order::Backward;
  if (input.has("ExclusiveStartKey")) {
    auto start = parse_item(input["ExclusiveStartKey"]);
    if (!start) {
      return invalid("The provided starting key is invalid: " + start.error().message);
    }
    page.start = std::move(*start);
  }
  return page;
}

ApiFailure no_index(const Value& input) {
  return invalid("The table does not have the specified index: " + std::string(input["IndexName"].as_string()));
}

// Shortens the range to what lies after the start key; `outside` is the error where the key is not in the range.
Problem start_after(const PageRequest& page, const Table& table, KeyRange& range, std::string outside) {
  if (!page.start) return std::nullopt;
  const auto key = key_of_key(table, *page.start);
  if (!key) return model::validation("The provided starting key is invalid: " + key.error().message);
  if (!range.contains(*key)) return model::validation(std::move(outside));
  if (page.order == store::Order::Forward) {
    range.from = *key + '\0';
  } else {
    range.to = *key;
  }
  return std::nullopt;
}

// Takes one row. False: the page is full, `last` says where.
Result<bool> take(const store::Row& row, const PageRequest& request, const Table& table, Page& page) {
  const Item item = TRY(decode_item(row.value));
  const size_t size = size_of(item);
  if (page.scanned > 0 && page.bytes + size > kPageBytes) return false;
  page.bytes += size;
  ++page.scanned;
  page.last = key_attributes(table, item);
  if (!request.filter || holds(*request.filter, item)) {
    ++page.count;
    if (!request.count_only) page.items.push(to_value(request.projection ? project(item, *request.projection) : item));
  }
  return static_cast<size_t>(page.scanned) < request.limit;
}

Result<Page> read_page(store::View& view, KeyRange range, const PageRequest& request, const Table& table) {
  Page page;
  for (;;) {
    const size_t rest = std::min(kChunkRows, request.limit - static_cast<size_t>(page.scanned));
    const auto rows = TRY(view.scan(store::Space::Item, range.from, range.to, rest, request.order, kPageBytes));
    if (rows.empty()) {
      page.last.reset();
      return page;
    }
    for (const store::Row& row : rows) {
      if (!TRY(take(row, request, table, page))) return page;
    }
    if (request.order == store::Order::Forward) {
      range.from = rows.back().key + '\0';
    } else {
      range.to = rows.back().key;
    }
  }
}

Api<Value> answer(store::View& view, KeyRange range, const PageRequest& request, const Table& table, const Value& input) {
  auto page = read_page(view, std::move(range), request, table);
  if (!page) return ApiFailure(model::from_error("dynamodb", page.error()));
  Value output = Value::map();
  if (!request.count_only) output.set("Items", std::move(page->items));
  output.set("Count", static_cast<long long>(page->count));
  output.set("ScannedCount", static_cast<long long>(page->scanned));
  if (page->last) output.set("LastEvaluatedKey", to_value(*page->last));
  if (const Report report = capacity_report(input); report != Report::None) {
    output.set("ConsumedCapacity", consumed_capacity({request.table.given, read_units(page->bytes, consistency(input))}, report));
  }
  return output;
}

}  // namespace

Api<Value> DynamoDbService::query(const model::Call& call) {
  const Value& input = call.input;
  if (auto e = refuse(call.operation, input, {"KeyConditions", "QueryFilter", "ConditionalOperator", "AttributesToGet"})) {
    return ApiFailure(std::move(*e));
  }
  if (!input.has("KeyConditionExpression")) {
    return invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.");
  }
  auto page = read_page_request(
      call, "Querying", Placeholders::read(input, {"FilterExpression", "KeyConditionExpression", "ProjectionExpression"}));
  if (!page) return ApiFailure(std::move(page.error()));
  auto v = view();
  if (!v) return ApiFailure(std::move(v.error()));
  const auto table = table_of(**v, page->table, call.identity);
  if (!table) return ApiFailure(table.error());
  if (input.has("IndexName")) return no_index(input);
  auto range = key_range(*page->key_condition, *table);
  if (!range) return ApiFailure(std::move(range.error()));
  for (const KeyAttribute* key : {&table->hash, table->range ? &*table->range : nullptr}) {
    if (key == nullptr || !page->filter || !refers_to(*page->filter, key->name)) continue;
    return invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: " + key->name);
  }
  auto outside =
      start_after(*page, *table, *range, "The provided starting key is outside query boundaries based on provided conditions");
  if (outside) return ApiFailure(std::move(*outside));
  return answer(**v, std::move(*range), *page, *table, input);
}

Api<Value> DynamoDbService::scan(const model::Call& call) {
  const Value& input = call.input;
  if (auto e = refuse(call.operation, input, {"ScanFilter", "ConditionalOperator", "AttributesToGet"})) {
    return ApiFailure(std::move(*e));
  }
  auto page = read_page_request(call, "Scanning", Placeholders::read(input, {"FilterExpression", "ProjectionExpression"}));
  if (!page) return ApiFailure(std::move(page.error()));
  const int64_t total = input["TotalSegments"].as_int(1), index = input["Segment"].as_int(0);
  if (input.has("TotalSegments") != input.has("Segment")) {
    return invalid(
        input.has("Segment")
            ? "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"
            : "The Segment parameter is required but was not present in the request when parameter TotalSegments is present");
  }
  const std::string segments = "TotalSegments: " + std::to_string(total);
  if (index < 0 || index >= total) {
    return invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: " +
                   std::to_string(index) + " is not less than " + segments);
  }
  auto v = view();
  if (!v) return ApiFailure(std::move(v.error()));
  const auto table = table_of(**v, page->table, call.identity);
  if (!table) return ApiFailure(table.error());
  if (input.has("IndexName")) return no_index(input);
  KeyRange range = segment(*table, static_cast<uint64_t>(index), static_cast<uint64_t>(total));
  auto outside = start_after(*page, *table, range,
                             "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with "
                             "correct Segment. " +
                                 segments + " Segment: " + std::to_string(index));
  if (outside) return ApiFailure(std::move(*outside));
  return answer(**v, std::move(range), *page, *table, input);
}

}  // namespace gust::dynamodb
