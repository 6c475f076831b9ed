// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/update_table.h"

#include <algorithm>
#include <array>
#include <set>

#include "model/errors.h"
#include "services/dynamodb/table_definition.h"

namespace gust::dynamodb {
namespace {

using Problem = std::optional<model::ApiError>;
constexpr std::string_view kInvalid = "One or more parameter values were invalid: ";
constexpr int64_t kDayMs = 24LL * 3600 * 1000;

model::ApiError invalid(std::string_view text) { return model::validation(std::string(kInvalid).append(text)); }
model::ApiError one_at_a_time() {
  return model::api_error("LimitExceededException",
                          "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table");
}

const Value& action_of(const Value& update) {
  for (const char* member : {"Update", "Create"}) {
    if (update.has(member)) return update[member];
  }
  return update["Delete"];
}

Problem check_index_updates(const Value& updates) {
  std::set<std::string_view> names;
  size_t online = 0;
  for (const Value& update : updates.as_list()) {
    if (update.size() == 0) {
      return invalid(
          "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete "
          "must not be null");
    }
    if (update.size() > 1) {
      return invalid(
          "Only one of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
          "GlobalSecondaryIndexUpdate.Delete may be given");
    }
    const std::string_view name = action_of(update)["IndexName"].as_string();
    if (!names.insert(name).second) {
      return invalid("Only one global secondary index update per index is allowed simultaneously. Index: " + std::string(name));
    }
    online += !update.has("Update");
  }
  return online > 1 ? Problem(one_at_a_time()) : std::nullopt;
}

// One application of an UpdateTable.
class Updating {
 public:
  Updating(const Table& before, const Value& input, const UpdateContext& context)
      : before_(before), input_(input), context_(context), out_{.table = before} {}

  Problem run();
  TableUpdate take() { return std::move(out_); }

 private:
  Problem billing();
  Problem throughput();
  Problem index_updates();
  Problem create_index(const Value& action);
  Problem delete_index(const Value& action);
  Problem update_index(const Value& action);
  Problem settings();
  Problem change(const Value& input, const std::string& what, Throughput& throughput);
  Index* index(std::string_view name) {
    auto& all = out_.table.indexes;
    const auto it = std::find_if(all.begin(), all.end(), [name](const Index& i) { return i.name == name; });
    return it == all.end() || it->kind == Index::Kind::Local ? nullptr : &*it;
  }

  const Table& before_;
  const Value& input_;
  const UpdateContext& context_;
  TableUpdate out_;
};

Problem Updating::run() {
  const auto creating = std::any_of(before_.indexes.begin(), before_.indexes.end(),
                                    [](const Index& i) { return i.state == Index::State::Creating; });
  if (creating) {
    return model::api_error("ResourceInUseException",
                            "Attempt to change a resource which is still in use: Table is being updated: " + before_.name);
  }
  if (auto e = billing()) return e;
  if (auto e = throughput()) return e;
  if (auto e = settings()) return e;
  if (auto e = index_updates()) return e;
  out_.shown = out_.table;
  if (out_.gone) out_.shown.indexes.push_back(*out_.gone);
  return std::nullopt;
}

Problem Updating::billing() {
  Table& table = out_.table;
  const std::string_view mode = input_["BillingMode"].as_string();
  if (!mode.empty()) table.on_demand = mode == "PAY_PER_REQUEST";
  if (table.on_demand == before_.on_demand) return std::nullopt;
  if (table.on_demand) {
    table.on_demand_ms = context_.now_ms;
    table.throughput.read_units = table.throughput.write_units = 0;
    for (Index& i : table.indexes) i.throughput.read_units = i.throughput.write_units = 0;
    return std::nullopt;
  }
  // Checked for the table by check_update_table().
  for (const Index& i : table.indexes) {
    if (i.kind == Index::Kind::Local) continue;
    const auto& updates = input_["GlobalSecondaryIndexUpdates"].as_list();
    const bool given = std::any_of(updates.begin(), updates.end(), [&i](const Value& u) {
      return u["Update"]["IndexName"].as_string() == i.name || u["Delete"]["IndexName"].as_string() == i.name;
    });
    if (!given) return invalid("ProvisionedThroughput must be specified for index: " + i.name);
  }
  return std::nullopt;
}

Problem Updating::throughput() {
  if (out_.table.on_demand && input_.has("ProvisionedThroughput")) {
    return invalid("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST");
  }
  return change(input_, "the table", out_.table.throughput);
}

// `what` has this throughput; the input's replaces it.
Problem Updating::change(const Value& input, const std::string& what, Throughput& t) {
  const Throughput old = t;
  if (auto e = read_throughput(input, out_.table.on_demand, t)) return e;
  if (!input.has("ProvisionedThroughput")) return std::nullopt;
  if (t.read_units == old.read_units && t.write_units == old.write_units) {
    const std::string kind = what.substr(0, what.find(' ', 4));
    const auto both = [&](const std::string& name, int64_t current, int64_t requested) {
      return "Current " + name + " provisioned for " + kind + ": " + std::to_string(current) + ". Requested " + name + ": " +
             std::to_string(requested) + ". ";
    };
    return model::validation(
        "The provisioned throughput for " + what + " will not change. The requested value equals the current value. " +
        both("ReadCapacityUnits", old.read_units, t.read_units) + both("WriteCapacityUnits", old.write_units, t.write_units) +
        "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.");
  }
  if (before_.on_demand) return std::nullopt;
  if (t.read_units > old.read_units || t.write_units > old.write_units) t.increased_ms = context_.now_ms;
  if (t.read_units < old.read_units || t.write_units < old.write_units) {
    t.decreases = old.decreased_ms / kDayMs == context_.now_ms / kDayMs ? old.decreases + 1 : 1;
    t.decreased_ms = context_.now_ms;
  }
  return std::nullopt;
}

Problem Updating::settings() {
  Table& table = out_.table;
  if (input_.has("DeletionProtectionEnabled")) {
    table.protected_from_deletion = input_["DeletionProtectionEnabled"].as_bool();
  }
  if (input_.has("TableClass")) table.table_class = input_["TableClass"].as_string();
  if (!input_.has("SSESpecification")) return std::nullopt;
  auto key = read_encryption(input_["SSESpecification"], table);
  if (!key) return std::move(key.error());
  table.kms_key_arn = std::move(*key);
  return std::nullopt;
}

Problem Updating::index_updates() {
  for (const Value& update : input_["GlobalSecondaryIndexUpdates"].as_list()) {
    Problem e = update.has("Create")   ? create_index(update["Create"])
                : update.has("Delete") ? delete_index(update["Delete"])
                                       : update_index(update["Update"]);
    if (e) return e;
  }
  return std::nullopt;
}

Problem Updating::create_index(const Value& action) {
  Table& table = out_.table;
  const std::string name(action["IndexName"].as_string());
  if (table.index(name) != nullptr) return invalid("Attempting to create an index which already exists");
  const bool building =
      std::any_of(table.indexes.begin(), table.indexes.end(), [](const Index& i) { return i.state != Index::State::Active; });
  if (building) return one_at_a_time();
  // Definitions of the request and of what is there.
  auto definitions = Definitions::read(input_["AttributeDefinitions"]);
  if (!definitions) return std::move(definitions.error());
  for (const KeyAttribute& a : definitions->attributes()) {
    const auto differs = [&a](const Keys& keys) {
      return (keys.hash.name == a.name && keys.hash.type != a.type) ||
             (keys.range && keys.range->name == a.name && keys.range->type != a.type);
    };
    const bool other = differs(table) || std::any_of(table.indexes.begin(), table.indexes.end(),
                                                     [&differs](const Index& i) { return differs(i.keys); });
    if (other) return invalid("Attribute type of " + a.name + " cannot be changed");
  }
  auto made = read_index(action, Index::Kind::Global, *definitions, table);
  if (!made) return std::move(made.error());
  made->keys.storage = context_.storage;
  made->state = Index::State::Creating;
  table.indexes.push_back(*made);
  out_.made = std::move(*made);
  if (auto e = check_index_limits(table)) return e;
  return check_all_used(*definitions, table);
}

Problem Updating::delete_index(const Value& action) {
  const Index* found = index(action["IndexName"].as_string());
  if (found == nullptr) return model::resource_not_found("Requested resource not found", 400);
  out_.gone = *found;
  std::erase_if(out_.table.indexes, [this](const Index& i) { return i.name == out_.gone->name; });
  return std::nullopt;
}

Problem Updating::update_index(const Value& action) {
  Index* found = index(action["IndexName"].as_string());
  if (found == nullptr) return model::resource_not_found("Requested resource not found", 400);
  if (out_.table.on_demand && action.has("ProvisionedThroughput")) {
    return invalid("ProvisionedThroughput should not be specified for index: " + found->name +
                   " when BillingMode is PAY_PER_REQUEST");
  }
  out_.changed.push_back(found->name);
  return change(action, "the index " + found->name, found->throughput);
}

}  // namespace

Problem check_update_table(const Value& input) {
  if (auto e = refuse_unbuilt_settings("UpdateTable", input)) return e;
  constexpr std::array kAny = {"ProvisionedThroughput",     "BillingMode", "SSESpecification",   "GlobalSecondaryIndexUpdates",
                               "DeletionProtectionEnabled", "TableClass",  "OnDemandThroughput", "WarmThroughput"};
  if (std::none_of(kAny.begin(), kAny.end(), [&](const char* m) { return input.has(m); }) ||
      (input.has("GlobalSecondaryIndexUpdates") && input["GlobalSecondaryIndexUpdates"].size() == 0)) {
    return model::validation(
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
        "SSESpecification or ReplicaUpdates is required");
  }
  if (input["BillingMode"].as_string() == "PROVISIONED" && !input.has("ProvisionedThroughput")) {
    return invalid("ProvisionedThroughput must be specified when BillingMode is PROVISIONED");
  }
  return check_index_updates(input["GlobalSecondaryIndexUpdates"]);
}

Api<TableUpdate> update_table(const Table& before, const Value& input, const UpdateContext& context) {
  Updating updating(before, input, context);
  if (auto e = updating.run()) return ApiFailure(std::move(*e));
  return updating.take();
}

}  // namespace gust::dynamodb
