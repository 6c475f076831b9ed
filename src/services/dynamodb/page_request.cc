// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/page_request.h"

#include <algorithm>
#include <set>

#include "model/errors.h"
#include "services/dynamodb/key_condition.h"
#include "services/dynamodb/key_paths.h"
#include "services/dynamodb/legacy.h"

namespace gust::dynamodb {
namespace {

using Problem = std::optional<model::ApiError>;

constexpr size_t kPageItems = 50'000;  // of tiny items a megabyte would be too many for an answer in memory
constexpr std::string_view kInvalid = "One or more parameter values were invalid: ";
constexpr std::string_view kBadStart = "The provided starting key is invalid";

ApiFailure invalid(std::string text) { return ApiFailure(model::validation(std::move(text))); }
model::ApiError invalid_value(const std::string& text) { return model::validation(std::string(kInvalid) + text); }

// What of Select does not go with the other members.
Problem check_select(const Value& input, PageVerb verb) {
  const std::string_view select = input["Select"].as_string();
  const bool legacy = input.has("AttributesToGet"), projected = legacy || input.has("ProjectionExpression");
  if (select == "ALL_PROJECTED_ATTRIBUTES" && !input.has("IndexName")) {
    return invalid_value("ALL_PROJECTED_ATTRIBUTES can be used only when " +
                         std::string(verb == PageVerb::Query ? "Querying" : "Scanning") + " using an IndexName");
  }
  if (select == "SPECIFIC_ATTRIBUTES" && !projected) {
    return model::validation("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES");
  }
  if (projected && !select.empty() && select != "SPECIFIC_ATTRIBUTES") {
    return model::validation("Cannot specify the " + std::string(legacy ? "AttributesToGet" : "ProjectionExpression") +
                             " when choosing to get " + std::string(select == "COUNT" ? "only the Count" : select));
  }
  return std::nullopt;
}

Problem check_segments(const Value& input) {
  if (input.has("TotalSegments") != input.has("Segment")) {
    return model::validation(
        input.has("Segment")
            ? "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"
            : "The Segment parameter is required but was not present in the request when parameter TotalSegments is present");
  }
  const int64_t total = input["TotalSegments"].as_int(1), index = input["Segment"].as_int(0);
  if (index >= 0 && index < total) return std::nullopt;
  return model::validation("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: " +
                           std::to_string(index) + " is not less than TotalSegments: " + std::to_string(total));
}

Problem read_condition(const Value& input, std::string_view member, Placeholders& placeholders, std::optional<Condition>& out) {
  if (!input.has(member)) return std::nullopt;
  auto parsed = parse_condition(member, input[member].as_string(), placeholders);
  if (!parsed) return std::move(parsed.error());
  out = std::move(*parsed);
  return std::nullopt;
}

Problem read_legacy(const Value& input, PageRequest& page) {
  const bool query = page.verb == PageVerb::Query;
  auto filter = legacy::filter(input, query ? "QueryFilter" : "ScanFilter");
  if (!filter) return std::move(filter.error());
  page.filter = std::move(*filter);
  page.filter_name = page.filter ? (query ? "QueryFilter" : "ScanFilter") : "Filter Expression";
  if (!query) return std::nullopt;
  auto keys = legacy::key_conditions(input);
  if (!keys) return std::move(keys.error());
  page.key_condition = std::move(*keys);
  return std::nullopt;
}

Problem read_expressions(const Value& input, PageRequest& page) {
  if (auto e = legacy::check_mixed(input)) return e;
  const bool query = page.verb == PageVerb::Query;
  auto placeholders = query ? Placeholders::read(input, {"FilterExpression", "KeyConditionExpression", "ProjectionExpression"})
                            : Placeholders::read(input, {"FilterExpression", "ProjectionExpression"});
  if (!placeholders) return std::move(placeholders.error());
  if (auto e = check_select(input, page.verb)) return e;
  if (query && !input.has("KeyConditionExpression") && !input.has("KeyConditions")) {
    return model::validation("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.");
  }
  if (auto e = read_legacy(input, page)) return e;
  if (auto e = read_condition(input, "FilterExpression", *placeholders, page.filter)) return e;
  if (auto e = read_condition(input, "KeyConditionExpression", *placeholders, page.key_condition)) return e;
  auto projection = read_projection(input, *placeholders);
  if (!projection) return std::move(projection.error());
  page.projection = std::move(*projection);
  return placeholders->unused();
}

// ---- with the table

// The attributes at the beginning of paths that an index does not hold, in order.
void add_missing(const Index& index, const Path& path, std::set<std::string>& out) {
  if (!index.projects(path.steps[0].name)) out.insert(path.steps[0].name);
}
void add_missing(const Index& index, const Condition& condition, std::set<std::string>& out) {
  for (const Operand& operand : condition.operands) {
    if (operand.kind != Operand::Kind::Value) add_missing(index, operand.path, out);
  }
  for (const Condition& child : condition.children) add_missing(index, child, out);
}
std::string listed(const std::set<std::string>& names) {
  std::string out = "[";
  for (const std::string& name : names) out.append(out.size() > 1 ? ", " : "").append(name);
  return out + "]";
}

Problem check_index(const PageRequest& request, const Index& index) {
  if (index.state != Index::State::Active) {
    return model::validation("Cannot read from backfilling global secondary index: " + index.name);
  }
  if (index.kind == Index::Kind::Local) return std::nullopt;
  if (request.consistency == Consistency::Strong) {
    return model::validation("Consistent reads are not supported on global secondary indexes");
  }
  if (request.all_attributes && index.projection != Index::Projection::All) {
    return invalid_value("Select type ALL_ATTRIBUTES is not supported for global secondary index " + index.name +
                         " because its projection type is not ALL");
  }
  return std::nullopt;
}

Problem check_projected(const PageRequest& request, PageSource& source) {
  if (source.index == nullptr) return std::nullopt;
  const Index& index = *source.index;
  const auto missed = [&index](const std::set<std::string>& names) {
    return invalid_value(std::string(index.kind == Index::Kind::Global ? "Global" : "Local") + " secondary index " + index.name +
                         " does not project " + listed(names));
  };
  std::set<std::string> missing;
  if (request.filter) add_missing(index, *request.filter, missing);
  if (!missing.empty()) return missed(missing);
  if (request.projection) {
    for (const Path& path : *request.projection) add_missing(index, path, missing);
  }
  if (!missing.empty() && index.kind == Index::Kind::Global) return missed(missing);
  const bool all = request.all_attributes && index.projection != Index::Projection::All;
  source.fetch = (all || !missing.empty()) && !request.count_only;
  return std::nullopt;
}

Problem check_paths(const PageRequest& request, const Table& table) {
  if (request.projection) {
    if (auto e = check_key_paths(table, *request.projection)) return e;
  }
  return request.filter ? check_key_paths(table, *request.filter) : std::nullopt;
}

// The key of the row that a start key names. The row need not be there any more.
Api<std::string> start_row(const PageRequest& request, const Table& table, const PageSource& source) {
  const auto bad = [](const std::string& why) { return invalid(std::string(kBadStart) + why); };
  const Item own = key_attributes(table, *request.start);
  if (source.index == nullptr) {
    auto key = key_of_key(table, *request.start);
    if (!key) return bad(": " + key.error().message);
    return key;
  }
  const Item of_index = key_attributes(*source.keys, *request.start);
  const auto given = request.start->members().size();
  const auto known =
      static_cast<size_t>(std::count_if(request.start->members().begin(), request.start->members().end(),
                                        [&](const Member& m) { return table.is_key(m.name) || source.keys->is_key(m.name); }));
  const auto complete = [](const Keys& keys, const Item& item) { return item.members().size() == (keys.range ? 2u : 1u); };
  if (given != known || !complete(table, own) || !complete(*source.keys, of_index)) return bad("");
  auto key = key_of_key(*source.keys, of_index);
  if (!key) return key;
  const auto row = key_of_key(table, own);
  if (!row) return bad(": " + row.error().message);
  return key->append(without_storage(table, *row));
}

std::string outside(const PageRequest& request, const PageSource& source) {
  if (request.verb == PageVerb::Scan) {
    return std::string(kBadStart) +
           ": Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: " +
           std::to_string(request.segments) + " Segment: " + std::to_string(request.segment);
  }
  const std::string partition = partition_prefix(*source.keys, *request.start->find(source.keys->hash.name));
  return source.range.from.starts_with(partition)
             ? "The provided starting key does not match the range key predicate"
             : "The provided starting key is outside query boundaries based on provided conditions";
}

// Shortens the range to what lies after the start key.
Problem start_after(const PageRequest& request, const Table& table, PageSource& source) {
  if (!request.start) return std::nullopt;
  const auto key = start_row(request, table, source);
  if (!key) return key.error();
  if (!source.range.contains(*key)) return model::validation(outside(request, source));
  if (request.order == store::Order::Forward) {
    source.range.from = *key + '\0';
  } else {
    source.range.to = *key;
  }
  return std::nullopt;
}

Problem find_range(const PageRequest& request, PageSource& source) {
  if (request.verb == PageVerb::Scan) {
    source.range = segment(*source.keys, request.segment, request.segments);
    return std::nullopt;
  }
  const auto query = key_query(*request.key_condition, source.keys->hash, source.keys->range);
  if (!query) return query.error();
  source.range = query->within(partition_prefix(*source.keys, query->hash));
  if (!request.filter) return std::nullopt;
  return check_filter(*request.filter, request.filter_name, source.keys->hash, source.keys->range);
}

}  // namespace

Api<PageRequest> read_page_request(const Value& input, PageVerb verb, const model::Identity& identity) {
  PageRequest page{.verb = verb};
  auto name = parse_table_name(input["TableName"].as_string(), identity);
  if (!name) return ApiFailure(std::move(name.error()));
  page.table = std::move(*name);
  page.index = input["IndexName"].as_string();
  if (auto e = read_expressions(input, page)) return ApiFailure(std::move(*e));
  if (verb == PageVerb::Scan) {
    if (auto e = check_segments(input)) return ApiFailure(std::move(*e));
    page.segment = static_cast<uint64_t>(input["Segment"].as_int(0));
    page.segments = static_cast<uint64_t>(input["TotalSegments"].as_int(1));
  }
  page.count_only = input["Select"].as_string() == "COUNT";
  page.all_attributes = input["Select"].as_string() == "ALL_ATTRIBUTES";
  page.limit = std::min(kPageItems, static_cast<size_t>(std::max<int64_t>(1, input["Limit"].as_int(kPageItems))));
  if (!input["ScanIndexForward"].as_bool(true)) page.order = store::Order::Backward;
  page.consistency = consistency(input);
  page.report = capacity_report(input);
  if (!input.has("ExclusiveStartKey")) return page;
  auto start = parse_item(input["ExclusiveStartKey"]);
  if (!start) return invalid(std::string(kBadStart) + ": " + start.error().message);
  page.start = std::move(*start);
  return page;
}

Api<PageSource> find_source(const PageRequest& request, const Table& table) {
  PageSource source{.keys = &table};
  if (!request.index.empty()) {
    source.index = table.index(request.index);
    if (source.index == nullptr) return invalid("The table does not have the specified index: " + request.index);
    source.keys = &source.index->keys;
    if (auto e = check_index(request, *source.index)) return ApiFailure(std::move(*e));
  }
  if (auto e = find_range(request, source)) return ApiFailure(std::move(*e));
  if (auto e = check_projected(request, source)) return ApiFailure(std::move(*e));
  if (auto e = check_paths(request, table)) return ApiFailure(std::move(*e));
  if (auto e = start_after(request, table, source)) return ApiFailure(std::move(*e));
  return source;
}

}  // namespace gust::dynamodb
