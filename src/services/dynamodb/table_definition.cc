// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/table_definition.h"

#include <algorithm>
#include <set>

#include "model/errors.h"

namespace gust::dynamodb {
namespace {

using Problem = std::optional<model::ApiError>;

// DynamoDB guide, "Quotas": secondary indexes; AWS General Reference, "Tag naming limits".
constexpr size_t kMaxLocal = 5, kMaxGlobal = 20, kMaxProjected = 100, kMaxTags = 50;
constexpr int64_t kMaxUnits = 1'000'000'000'000;
constexpr std::string_view kInvalid = "One or more parameter values were invalid: ";

model::ApiError invalid(std::string_view text) { return model::validation(std::string(kInvalid).append(text)); }

std::string joined(const std::vector<std::string>& names) {
  std::string out = "[";
  for (const std::string& name : names) out.append(out.size() > 1 ? ", " : "").append(name);
  return out + "]";
}

std::vector<std::string> names_of(const Value& schema) {
  std::vector<std::string> names;
  for (const Value& element : schema.as_list()) names.emplace_back(element["AttributeName"].as_string());
  return names;
}

Problem check_roles(const Value& schema) {
  const auto role = [&schema](size_t i) { return schema.as_list()[i]["KeyType"].as_string(); };
  if (role(0) != "HASH") return model::validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
  if (schema.size() == 2 && role(1) != "RANGE") {
    return model::validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
  }
  return std::nullopt;
}

Problem read_projection(const Value& projection, Index& index) {
  const std::string_view type = projection["ProjectionType"].as_string();
  if (type.empty()) return invalid("Unknown ProjectionType: null");
  index.projection = type == "ALL"         ? Index::Projection::All
                     : type == "KEYS_ONLY" ? Index::Projection::KeysOnly
                                           : Index::Projection::Include;
  const bool include = index.projection == Index::Projection::Include;
  if (projection.has("NonKeyAttributes") != include) {
    return invalid("ProjectionType is " + std::string(type) + ", but NonKeyAttributes is " + (include ? "not " : "") +
                   "specified");
  }
  std::set<std::string_view> seen;
  for (const Value& name : projection["NonKeyAttributes"].as_list()) {
    if (!seen.insert(name.as_string()).second) {
      return invalid("Duplicate value in NonKeyAttributes: " + std::string(name.as_string()));
    }
    index.non_key.emplace_back(name.as_string());
  }
  return std::nullopt;
}

Problem check_local(const Index& index, const Table& table) {
  if (!table.range) {
    return invalid("Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex");
  }
  if (!index.keys.range) return invalid("Index KeySchema does not have a range key for index: " + index.name);
  if (index.keys.hash == table.hash) return std::nullopt;
  return invalid("Index KeySchema does not have the same leading hash key as table KeySchema for index: " + index.name +
                 ". index hash key: " + index.keys.hash.name + ", table hash key: " + table.hash.name);
}

Problem read_index_throughput(const Value& element, const Table& table, Index& index) {
  const bool given = element.has("ProvisionedThroughput");
  if (table.on_demand && given) {
    return invalid("ProvisionedThroughput should not be specified for index: " + index.name +
                   " when BillingMode is PAY_PER_REQUEST");
  }
  if (!table.on_demand && !given) return invalid("ProvisionedThroughput is not specified for index: " + index.name);
  return read_throughput(element, table.on_demand, index.throughput);
}

Problem read_maxima(const Value& limits, bool on_demand, Throughput& t) {
  if (limits.is_null()) return std::nullopt;
  if (!on_demand) return invalid("OnDemandThroughput can only be specified when BillingMode is PAY_PER_REQUEST");
  // -1 takes a maximum away.
  const auto maximum = [](const Value& units, int64_t& out) {
    if (units.is_null()) return true;
    if (units.as_int() == 0 || units.as_int() < -1) return false;
    out = std::max<int64_t>(units.as_int(), 0);
    return true;
  };
  if (maximum(limits["MaxReadRequestUnits"], t.max_reads) && maximum(limits["MaxWriteRequestUnits"], t.max_writes)) {
    return std::nullopt;
  }
  return invalid("MaxReadRequestUnits and MaxWriteRequestUnits must be greater than 0, or -1 for no maximum");
}

// `input`: a table's or an index's.
Problem read_warm(const Value& input, bool on_demand, Throughput& t) {
  const Value& warm = input["WarmThroughput"];
  if (warm.is_null()) return std::nullopt;
  const std::string what = input.has("IndexName") ? "index " + std::string(input["IndexName"].as_string()) : "table";
  const auto read = [&](const std::string& name, int64_t provisioned, int64_t initial, int64_t& out) -> Problem {
    const Value& wanted = warm[name + "UnitsPerSecond"];
    if (wanted.is_null()) return std::nullopt;
    out = wanted.as_int();
    if (out >= (on_demand ? initial : provisioned)) return std::nullopt;
    return invalid("Requested " + name + "UnitsPerSecond for WarmThroughput for " + what + " is lower than " +
                   (on_demand ? "initial throughput for OnDemand" : name + "CapacityUnits of ProvisionedThroughput"));
  };
  if (auto e = read("Read", t.read_units, kWarmReads, t.warm_reads)) return e;
  return read("Write", t.write_units, kWarmWrites, t.warm_writes);
}

}  // namespace

Api<Definitions> Definitions::read(const Value& list) {
  Definitions out;
  for (const Value& element : list.as_list()) {
    KeyAttribute attribute{std::string(element["AttributeName"].as_string()), Type::S};
    parse_type(element["AttributeType"].as_string(), attribute.type);  // S, N or B by the model's constraint
    if (out.find(attribute.name) != nullptr) {
      return ApiFailure(invalid("Duplicate AttributeName in AttributeDefinitions: " + attribute.name));
    }
    out.attributes_.push_back(std::move(attribute));
  }
  return out;
}

const KeyAttribute* Definitions::find(std::string_view name) const {
  const auto it = std::find_if(attributes_.begin(), attributes_.end(), [name](const KeyAttribute& a) { return a.name == name; });
  return it == attributes_.end() ? nullptr : &*it;
}

std::string Definitions::text() const {
  std::vector<std::string> names;
  for (const KeyAttribute& a : attributes_) names.push_back(a.name);
  return joined(names);
}

void Definitions::add(const KeyAttribute& attribute) {
  if (find(attribute.name) == nullptr) attributes_.push_back(attribute);
}

Problem read_key_schema(const Value& schema, const Definitions& definitions, Keys& keys) {
  const std::vector<std::string> names = names_of(schema);
  for (const std::string& name : names) {
    if (definitions.find(name) != nullptr) continue;
    return invalid("Some index key attributes are not defined in AttributeDefinitions. Keys: " + joined(names) +
                   ", AttributeDefinitions: " + definitions.text());
  }
  if (names.size() == 2 && names[0] == names[1]) {
    return model::validation("Both the Hash Key and the Range Key element in the KeySchema have the same name");
  }
  if (auto e = check_roles(schema)) return e;
  keys.hash = *definitions.find(names[0]);
  if (names.size() == 2) keys.range = *definitions.find(names[1]);
  return std::nullopt;
}

Api<Index> read_index(const Value& element, Index::Kind kind, const Definitions& definitions, const Table& table) {
  Index index{.name = std::string(element["IndexName"].as_string()), .kind = kind};
  index.keys.account = table.account, index.keys.region = table.region;
  const Value& schema = element["KeySchema"];
  const auto& elements = schema.as_list();
  if (elements.empty()) return ApiFailure(invalid("KeySchema must be given for index: " + index.name));
  const bool several = elements.size() > 2 || (elements.size() == 2 && elements[1]["KeyType"].as_string() == "HASH");
  if (kind == Index::Kind::Global && several && elements[0]["KeyType"].as_string() == "HASH") {
    return ApiFailure(model::not_implemented("dynamodb", "KeySchema of an index with several attributes for one key"));
  }
  if (elements.size() > 2) {
    return ApiFailure(
        model::validation("1 validation error detected: Value at 'keySchema' failed to satisfy constraint: "
                          "Member must have length less than or equal to 2"));
  }
  if (auto e = read_key_schema(schema, definitions, index.keys)) return ApiFailure(std::move(*e));
  if (kind == Index::Kind::Local) {
    if (auto e = check_local(index, table)) return ApiFailure(std::move(*e));
  }
  if (auto e = read_projection(element["Projection"], index)) return ApiFailure(std::move(*e));
  if (kind == Index::Kind::Global) {
    if (auto e = read_index_throughput(element, table, index)) return ApiFailure(std::move(*e));
  }
  find_projected(table, index);
  return index;
}

Problem check_index_limits(const Table& table) {
  std::set<std::string_view> names;
  size_t local = 0, projected = 0;
  for (const Index& index : table.indexes) {
    if (!names.insert(index.name).second) return invalid("Duplicate index name: " + index.name);
    local += index.kind == Index::Kind::Local;
    projected += index.non_key.size();
  }
  if (local > kMaxLocal) return invalid("Number of LocalSecondaryIndexes exceeds per-table limit of 5");
  if (table.indexes.size() - local > kMaxGlobal) {
    return invalid("GlobalSecondaryIndex count exceeds the per-table limit of 20");
  }
  if (projected <= kMaxProjected) return std::nullopt;
  return invalid("Number of NonKeyAttributes in all indexes exceeds the per-table limit of 100");
}

Problem check_all_used(const Definitions& definitions, const Table& table) {
  Definitions used;
  const auto add = [&used](const Keys& keys) {
    used.add(keys.hash);
    if (keys.range) used.add(*keys.range);
  };
  add(table);
  for (const Index& index : table.indexes) add(index.keys);
  for (const KeyAttribute& a : definitions.attributes()) {
    if (used.find(a.name) != nullptr) continue;
    if (table.indexes.empty()) {
      return invalid(
          "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions");
    }
    return invalid("Some AttributeDefinitions are not used. AttributeDefinitions: " + definitions.text() +
                   ", keys used: " + used.text());
  }
  return std::nullopt;
}

Problem read_throughput(const Value& input, bool on_demand, Throughput& t) {
  if (const Value& provisioned = input["ProvisionedThroughput"]; !provisioned.is_null()) {
    for (const char* member : {"ReadCapacityUnits", "WriteCapacityUnits"}) {
      if (provisioned[member].as_int() <= kMaxUnits) continue;
      return model::validation("Given value " + std::to_string(provisioned[member].as_int()) + " for " + member +
                               " is out of bounds");
    }
    t.read_units = provisioned["ReadCapacityUnits"].as_int();
    t.write_units = provisioned["WriteCapacityUnits"].as_int();
  }
  if (auto e = read_maxima(input["OnDemandThroughput"], on_demand, t)) return e;
  return read_warm(input, on_demand, t);
}

Api<std::string> read_encryption(const Value& specification, const Table& table) {
  if (!specification["Enabled"].as_bool()) {
    if (!specification.has("KMSMasterKeyId") && !specification.has("SSEType")) return std::string();
    return ApiFailure(invalid("SSEType and KMSMasterKeyId cannot be specified when SSESpecification is not enabled"));
  }
  if (specification["SSEType"].as_string() == "AES256") return ApiFailure(invalid("SSEType AES256 is not supported"));
  const std::string_view key = specification["KMSMasterKeyId"].as_string();
  if (key.starts_with("arn:")) return std::string(key);
  std::string start = "arn:aws:kms:" + table.region + ":" + table.account + ":";
  if (key.starts_with("alias/")) return start.append(key);
  return start + "key/" + (key.empty() ? table.id : std::string(key));
}

Problem refuse_unbuilt_settings(std::string_view operation, const Value& input) {
  const auto unbuilt = [operation](std::string_view what) {
    return model::not_implemented("dynamodb", std::string(operation).append(" with ").append(what));
  };
  for (const char* member : {"ResourcePolicy", "GlobalTableSourceArn", "GlobalTableSettingsReplicationMode", "ReplicaUpdates",
                             "MultiRegionConsistency", "GlobalTableWitnessUpdates"}) {
    if (input.has(member)) return unbuilt(member);
  }
  if (input["StreamSpecification"]["StreamEnabled"].as_bool()) return unbuilt("StreamSpecification.StreamEnabled");
  return std::nullopt;
}

Problem add_tags(Pairs& tags, const Value& list) {
  if (list.size() > kMaxTags) return invalid("Too many tags");
  for (const Value& tag : list.as_list()) {
    const std::string_view key = tag["Key"].as_string();
    std::erase_if(tags, [key](const auto& other) { return other.first == key; });
    tags.emplace_back(key, tag["Value"].as_string());
  }
  if (tags.size() > kMaxTags) return invalid("Too many tags");
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
