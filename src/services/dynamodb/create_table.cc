// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/create_table.h"

#include <algorithm>

#include "base/ids.h"
#include "model/errors.h"
#include "services/dynamodb/table_definition.h"

namespace gust::dynamodb {
namespace {

using Problem = std::optional<model::ApiError>;
constexpr std::string_view kInvalid = "One or more parameter values were invalid: ";

model::ApiError invalid(std::string_view text) { return model::validation(std::string(kInvalid).append(text)); }

Problem read_billing(const Value& input, Table& table) {
  table.on_demand = input["BillingMode"].as_string() == "PAY_PER_REQUEST";
  const bool throughput = input.has("ProvisionedThroughput");
  if (table.on_demand && throughput) {
    return invalid("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST");
  }
  if (!table.on_demand && !throughput) {
    return invalid("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED");
  }
  return read_throughput(input, table.on_demand, table.throughput);
}

Problem read_keys(const Value& input, const Definitions& definitions, Table& table) {
  const Value& schema = input["KeySchema"];
  if (schema.size() == 0 || definitions.size() == 0) return invalid("KeySchema and AttributeDefinitions must be given");
  if (schema.size() > 2) {
    return model::validation(
        "1 validation error detected: Value at 'keySchema' failed to satisfy constraint: Member must have length "
        "less than or equal to 2");
  }
  if (schema.size() > definitions.size()) {
    return model::validation("Invalid KeySchema: Some index key attribute have no definition");
  }
  return read_key_schema(schema, definitions, table);
}

Problem read_indexes(const Value& input, Index::Kind kind, const Definitions& definitions, Table& table) {
  const std::string_view member = kind == Index::Kind::Local ? "LocalSecondaryIndexes" : "GlobalSecondaryIndexes";
  if (!input.has(member)) return std::nullopt;
  if (input[member].size() == 0) return invalid("List of " + std::string(member) + " is empty");
  for (const Value& element : input[member].as_list()) {
    auto index = read_index(element, kind, definitions, table);
    if (!index) return std::move(index.error());
    table.indexes.push_back(std::move(*index));
  }
  return check_index_limits(table);
}

Problem read_parts(const Value& input, Table& table) {
  if (auto e = read_billing(input, table)) return e;
  const auto definitions = Definitions::read(input["AttributeDefinitions"]);
  if (!definitions) return definitions.error();
  if (auto e = read_keys(input, *definitions, table)) return e;
  if (auto e = read_indexes(input, Index::Kind::Local, *definitions, table)) return e;
  if (auto e = read_indexes(input, Index::Kind::Global, *definitions, table)) return e;
  if (auto e = check_all_used(*definitions, table)) return e;
  return add_tags(table.tags, input["Tags"]);
}

}  // namespace

Api<Table> read_create_table(const Value& input, const model::Identity& identity) {
  if (auto e = refuse_unbuilt_settings("CreateTable", input)) return ApiFailure(std::move(*e));
  auto name = parse_table_name(input["TableName"].as_string(), identity);
  if (!name) return ApiFailure(std::move(name.error()));
  Table table;
  table.account = identity.account, table.region = identity.region, table.name = std::move(name->name);
  table.id = new_uuid();
  if (auto e = read_parts(input, table)) return ApiFailure(std::move(*e));
  auto key = read_encryption(input["SSESpecification"], table);
  if (!key) return ApiFailure(std::move(key.error()));
  table.kms_key_arn = std::move(*key);
  table.table_class = input["TableClass"].as_string();
  table.protected_from_deletion = input["DeletionProtectionEnabled"].as_bool();
  return table;
}

}  // namespace gust::dynamodb
