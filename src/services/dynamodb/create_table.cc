// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/create_table.h"

#include <algorithm>

#include "model/errors.h"

namespace gust::dynamodb {
namespace {

using Problem = std::optional<model::ApiError>;
constexpr size_t kMaxTags = 50;  // AWS General Reference, "Tag naming limits"
constexpr std::string_view kInvalid = "One or more parameter values were invalid: ";

model::ApiError invalid(std::string_view text) { return model::validation(std::string(kInvalid).append(text)); }
model::ApiError unbuilt(std::string_view what) {
  return model::not_implemented("dynamodb", "CreateTable with " + std::string(what));
}

Problem refuse_unbuilt(const Value& input) {
  for (const char* member : {"LocalSecondaryIndexes", "GlobalSecondaryIndexes", "WarmThroughput", "ResourcePolicy",
                             "OnDemandThroughput", "GlobalTableSourceArn", "GlobalTableSettingsReplicationMode"}) {
    if (input.has(member)) return unbuilt(member);
  }
  if (input["StreamSpecification"]["StreamEnabled"].as_bool()) return unbuilt("StreamSpecification.StreamEnabled");
  const Value& encryption = input["SSESpecification"];
  if (encryption["Enabled"].as_bool()) return unbuilt("SSESpecification.Enabled");
  for (const char* member : {"SSEType", "KMSMasterKeyId"}) {
    if (encryption.has(member)) return unbuilt("SSESpecification." + std::string(member));
  }
  if (input["DeletionProtectionEnabled"].as_bool()) return unbuilt("DeletionProtectionEnabled");
  if (input["TableClass"].as_string() == "STANDARD_INFREQUENT_ACCESS") return unbuilt("TableClass STANDARD_INFREQUENT_ACCESS");
  return std::nullopt;
}

std::string listed(const Value& list) {
  std::string out = "[";
  for (const Value& v : list.as_list()) out.append(out.size() > 1 ? ", " : "").append(v["AttributeName"].as_string());
  return out + "]";
}

Api<KeyAttribute> defined(const Value& element, const Value& input) {
  const std::string_view name = element["AttributeName"].as_string();
  const auto& definitions = input["AttributeDefinitions"].as_list();
  const auto found = std::find_if(definitions.begin(), definitions.end(),
                                  [name](const Value& d) { return d["AttributeName"].as_string() == name; });
  if (found == definitions.end()) {
    return ApiFailure(invalid("Some index key attributes are not defined in AttributeDefinitions. Keys: " +
                              listed(input["KeySchema"]) + ", AttributeDefinitions: " + listed(input["AttributeDefinitions"])));
  }
  KeyAttribute key{std::string(name), Type::S};
  parse_type((*found)["AttributeType"].as_string(), key.type);  // S, N or B by the model's constraint
  return key;
}

Problem read_keys(const Value& input, Table& table) {
  const auto& schema = input["KeySchema"].as_list();
  const size_t definitions = input["AttributeDefinitions"].size();
  if (schema.empty() || definitions == 0) return invalid("KeySchema and AttributeDefinitions must be given");
  if (schema.size() > 2) {
    return model::validation(
        "1 validation error detected: Value at 'keySchema' failed to satisfy constraint: Member must have length "
        "less than or equal to 2");
  }
  if (schema[0]["KeyType"].as_string() != "HASH") {
    return model::validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
  }
  if (schema.size() == 2 && schema[1]["KeyType"].as_string() != "RANGE") {
    return model::validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
  }
  auto hash = defined(schema[0], input);
  if (!hash) return std::move(hash.error());
  table.hash = std::move(*hash);
  if (schema.size() == 2) {
    auto range = defined(schema[1], input);
    if (!range) return std::move(range.error());
    if (range->name == table.hash.name) {
      return model::validation("Both the Hash Key and the Range Key element in the KeySchema have the same name");
    }
    table.range = std::move(*range);
  }
  if (definitions == schema.size()) return std::nullopt;
  return invalid("Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions");
}

Problem read_billing(const Value& input, Table& table) {
  table.on_demand = input["BillingMode"].as_string() == "PAY_PER_REQUEST";
  const Value& throughput = input["ProvisionedThroughput"];
  if (table.on_demand) {
    if (throughput.is_null()) return std::nullopt;
    return invalid("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST");
  }
  if (throughput.is_null()) {
    return invalid("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED");
  }
  table.read_units = throughput["ReadCapacityUnits"].as_int();
  table.write_units = throughput["WriteCapacityUnits"].as_int();
  return std::nullopt;
}

}  // namespace

Api<Table> read_create_table(const Value& input, const model::Identity& identity) {
  if (auto e = refuse_unbuilt(input)) return ApiFailure(std::move(*e));
  auto name = parse_table_name(input["TableName"].as_string(), identity);
  if (!name) return ApiFailure(std::move(name.error()));
  Table table{.account = identity.account, .region = identity.region, .name = std::move(name->name)};
  if (auto e = read_keys(input, table)) return ApiFailure(std::move(*e));
  if (auto e = read_billing(input, table)) return ApiFailure(std::move(*e));
  table.table_class = input["TableClass"].as_string();
  if (auto e = add_tags(table.tags, input["Tags"])) return ApiFailure(std::move(*e));
  return table;
}

Problem add_tags(Pairs& tags, const Value& list) {
  if (list.size() > kMaxTags) return model::validation("One or more parameter values were invalid: Too many tags");
  for (const Value& tag : list.as_list()) {
    const std::string_view key = tag["Key"].as_string();
    std::erase_if(tags, [key](const auto& other) { return other.first == key; });
    tags.emplace_back(key, tag["Value"].as_string());
  }
  if (tags.size() > kMaxTags) return model::validation("One or more parameter values were invalid: Too many tags");
  return std::nullopt;
}

Value render_tags(const Pairs& tags) {
  Value list = Value::list();
  for (const auto& [key, value] : tags) {
    Value tag = Value::map();
    tag.set("Key", key);
    tag.set("Value", value);
    list.push(std::move(tag));
  }
  return list;
}

}  // namespace gust::dynamodb
