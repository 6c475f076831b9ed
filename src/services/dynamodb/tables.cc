// SPDX-License-Identifier: Apache-2.0

// Operations on tables and their tags.

#include <algorithm>

#include "base/ids.h"
#include "model/errors.h"
#include "services/dynamodb/create_table.h"
#include "services/dynamodb/dynamodb_service.h"
#include "services/dynamodb/table_definition.h"
#include "services/dynamodb/table_description.h"
#include "services/dynamodb/update_table.h"
#include "store/key.h"

namespace gust::dynamodb {
namespace {

constexpr size_t kMaxTables = 2500;  // DynamoDB guide, "Quotas": tables per account and region
constexpr int64_t kListLimit = 100;
constexpr size_t kListBytes = 16 << 20;  // more than a page of records can have, tags included

uint64_t random_number() {
  uint64_t n = 0;
  for (char c : random_bytes(sizeof n)) n = n << 8 | static_cast<unsigned char>(c);
  return n;
}

Result<size_t> count_tables(store::View& view, const std::string& prefix) {
  size_t n = 0;
  for (std::string from = prefix;;) {
    const auto rows = TRY(view.scan(store::Space::Meta, from, store::prefix_end(prefix), kMaxTables));
    if (rows.empty()) return n;
    n += rows.size();
    from = rows.back().key + '\0';
  }
}

Value described(const Table& table, std::string_view member, const TableState& state) {
  Value output = Value::map();
  output.set(member, describe(table, state));
  return output;
}

model::ApiError in_use(std::string text) { return model::api_error("ResourceInUseException", std::move(text)); }

// A mutation that changes one table's record: what was asked, and what came of it (set anew on each run).
struct TableChange {
  model::Identity identity;
  std::string name;
  std::optional<model::ApiError> problem;
  std::optional<Table> table;
  TableUpdate update;  // UpdateTable

  Result<> refused(model::ApiError error) {
    problem = std::move(error);
    return fail(Errc::Conflict, problem->message);
  }
  std::string key() const { return table_key(identity.account, identity.region, name); }
  Result<> read(store::Transaction& transaction) {
    problem.reset();
    table = TRY(read_table(transaction, identity.account, identity.region, name));
    return table ? Result<>() : refused(table_not_found(name));
  }
  Result<> remove(store::Transaction& transaction);
  Result<> apply(store::Transaction& transaction, const Value& input, const UpdateContext& context);
};

Result<> TableChange::remove(store::Transaction& transaction) {
  TRY(read(transaction));
  if (table->protected_from_deletion) {
    return refused(model::validation(
        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."));
  }
  TRY(transaction.erase(store::Space::Meta, key()));
  for (const Index& index : table->indexes) TRY(TableRemoval::mark(transaction, index.keys));
  return TableRemoval::mark(transaction, *table);
}

Result<> TableChange::apply(store::Transaction& transaction, const Value& input, const UpdateContext& context) {
  TRY(read(transaction));
  auto updated = update_table(*table, input, context);
  if (!updated) return refused(std::move(updated.error()));
  update = std::move(*updated);
  if (update.made) TRY(IndexBuild::mark(transaction, update.table, *update.made));
  if (update.gone) TRY(TableRemoval::mark(transaction, update.gone->keys));
  return transaction.put(store::Space::Meta, key(), encode(update.table));
}

}  // namespace

void DynamoDbService::create_table(model::Call& call, const model::Responder& responder) {
  auto made = read_create_table(call.input, call.identity);
  if (!made) return responder.error(std::move(made.error()));
  made->storage = random_number();
  for (Index& index : made->indexes) index.keys.storage = random_number();
  made->created_ms = clock_.unix_ms();
  if (made->on_demand) made->on_demand_ms = made->created_ms;
  auto table = std::make_shared<const Table>(std::move(*made));
  auto problem = std::make_shared<Problem>();
  auto mutation = [table, problem](store::Transaction& transaction) -> Result<> {
    problem->reset();
    const std::string key = table_key(table->account, table->region, table->name);
    if (TRY(transaction.get(store::Space::Meta, key))) {
      *problem = in_use("Table already exists: " + table->name);
      return fail(Errc::Conflict, (*problem)->message);
    }
    if (TRY(count_tables(transaction, table_prefix(table->account, table->region))) >= kMaxTables) {
      *problem =
          model::api_error("LimitExceededException", "Subscriber limit exceeded: There is a limit of 2500 tables per subscriber");
      return fail(Errc::TooLarge, (*problem)->message);
    }
    return transaction.put(store::Space::Meta, key, encode(*table));
  };
  store_.commit(std::move(mutation), [table, problem, responder](Result<> done) {
    if (*problem) return responder.error(std::move(**problem));
    if (!done) return responder.error(model::from_error("dynamodb", done.error()));
    TableState state{.status = "CREATING", .now_ms = table->created_ms};
    for (const Index& index : table->indexes) state.index_statuses.emplace_back(index.name, "CREATING");
    responder.reply(described(*table, "TableDescription", state));
  });
}

void DynamoDbService::delete_table(model::Call& call, const model::Responder& responder) {
  auto name = parse_table_name(call.input["TableName"].as_string(), call.identity);
  if (!name) return responder.error(std::move(name.error()));
  auto change = std::make_shared<TableChange>(TableChange{.identity = call.identity, .name = std::move(name->name)});
  auto mutation = [change](store::Transaction& transaction) { return change->remove(transaction); };
  store_.commit(std::move(mutation), [this, change, responder](Result<> done) {
    if (change->problem) return responder.error(std::move(*change->problem));
    if (!done) return responder.error(model::from_error("dynamodb", done.error()));
    const Table& gone = *change->table;
    TableState state{.status = "DELETING", .now_ms = clock_.unix_ms()};
    for (const Index& index : gone.indexes) state.index_statuses.emplace_back(index.name, "DELETING");
    for (const Index& index : gone.indexes) forget(index.keys);
    forget(gone);
    responder.reply(described(gone, "TableDescription", state));
  });
}

// After the commit that marked them.
void DynamoDbService::forget(const Keys& keys) {
  statistics_.forget(keys);
  removal_.start(keys);
}

void DynamoDbService::update_table(model::Call& call, const model::Responder& responder) {
  auto name = parse_table_name(call.input["TableName"].as_string(), call.identity);
  if (!name) return responder.error(std::move(name.error()));
  if (auto e = check_update_table(call.input)) return responder.error(std::move(*e));
  auto change = std::make_shared<TableChange>(TableChange{.identity = call.identity, .name = std::move(name->name)});
  const UpdateContext context{.storage = random_number(), .now_ms = clock_.unix_ms()};
  auto mutation = [change, context, input = std::move(call.input)](store::Transaction& transaction) {
    return change->apply(transaction, input, context);
  };
  store_.commit(std::move(mutation), [this, change, context, responder](Result<> done) {
    if (change->problem) return responder.error(std::move(*change->problem));
    if (!done) return responder.error(model::from_error("dynamodb", done.error()));
    const TableUpdate& update = change->update;
    TableState state{.status = "UPDATING", .now_ms = context.now_ms};
    for (const std::string& index : update.changed) state.index_statuses.emplace_back(index, "UPDATING");
    if (update.gone) state.index_statuses.emplace_back(update.gone->name, "DELETING");
    if (update.made) builds_.start(*update.made);
    if (update.gone) forget(update.gone->keys);
    responder.reply(described(update.shown, "TableDescription", state));
  });
}

// The table that a member names, for operations on tables.
Api<Table> DynamoDbService::existing(const model::Call& call, std::string_view member) {
  const auto name = parse_table_name(call.input[member].as_string(), call.identity);
  if (!name) return ApiFailure(name.error());
  auto v = view();
  if (!v) return ApiFailure(std::move(v.error()));
  auto table = read_table(**v, call.identity.account, call.identity.region, name->name);
  if (!table) return ApiFailure(model::from_error("dynamodb", table.error()));
  if (!*table) return ApiFailure(table_not_found(name->name));
  return std::move(**table);
}

Api<Value> DynamoDbService::describe_table(const model::Call& call) {
  const auto table = existing(call, "TableName");
  if (!table) return ApiFailure(table.error());
  TableState state{.status = "ACTIVE", .now_ms = clock_.unix_ms()};
  const auto figures = statistics_.of(*table);
  if (!figures) return ApiFailure(model::from_error("dynamodb", figures.error()));
  state.figures = *figures;
  for (const Index& index : table->indexes) {
    if (index.state == Index::State::Creating) state.status = "UPDATING";
    if (index.state != Index::State::Active) builds_.retry();
    // What is being filled would be remembered half full.
    const auto of_index = index.state == Index::State::Active ? statistics_.of(index.keys) : TableFigures();
    if (!of_index) return ApiFailure(model::from_error("dynamodb", of_index.error()));
    state.index_figures.push_back(*of_index);
  }
  return described(*table, "Table", state);
}

// Always disabled: UpdateTimeToLive is refused.
Api<Value> DynamoDbService::describe_time_to_live(const model::Call& call) {
  const auto table = existing(call, "TableName");
  if (!table) return ApiFailure(table.error());
  Value output = Value::map();
  output.set("TimeToLiveDescription", Value::map()).set("TimeToLiveStatus", "DISABLED");
  return output;
}

// Tools read these of every table. What they tell of cannot be switched on: those operations are refused.
Api<Value> DynamoDbService::describe_continuous_backups(const model::Call& call) {
  const auto table = existing(call, "TableName");
  if (!table && table.error().code == "ResourceNotFoundException") {
    return ApiFailure(
        model::api_error("TableNotFoundException", "Table not found: " + std::string(call.input["TableName"].as_string())));
  }
  if (!table) return ApiFailure(table.error());
  Value output = Value::map();
  Value& description = output.set("ContinuousBackupsDescription", Value::map());
  description.set("ContinuousBackupsStatus", "ENABLED");
  description.set("PointInTimeRecoveryDescription", Value::map()).set("PointInTimeRecoveryStatus", "DISABLED");
  return output;
}

Api<Value> DynamoDbService::describe_contributor_insights(const model::Call& call) {
  const auto table = existing(call, "TableName");
  if (!table) return ApiFailure(table.error());
  Value output = Value::map();
  output.set("TableName", table->name);
  if (call.input.has("IndexName")) {
    if (table->index(call.input["IndexName"].as_string()) == nullptr) return ApiFailure(table_not_found());
    output.set("IndexName", call.input["IndexName"]);
  }
  output.set("ContributorInsightsStatus", "DISABLED");
  return output;
}

Api<Value> DynamoDbService::describe_kinesis_streaming_destination(const model::Call& call) {
  const auto table = existing(call, "TableName");
  if (!table) return ApiFailure(table.error());
  Value output = Value::map();
  output.set("TableName", table->name);
  output.set("KinesisDataStreamDestinations", Value::list());
  return output;
}

// Leads back here, by the name that the client used.
Api<Value> DynamoDbService::describe_endpoints(const model::Call& call) {
  if (call.host.empty())
    return ApiFailure(model::not_implemented("dynamodb", "DescribeEndpoints for a client that names no host"));
  Value endpoint = Value::map();
  endpoint.set("Address", call.host);
  endpoint.set("CachePeriodInMinutes", 1440);
  Value output = Value::map();
  output.set("Endpoints", Value::list()).push(std::move(endpoint));
  return output;
}

// DynamoDB guide, "Quotas": the defaults of an account.
Api<Value> DynamoDbService::describe_limits(const model::Call&) {
  Value output = Value::map();
  output.set("AccountMaxReadCapacityUnits", 80'000);
  output.set("AccountMaxWriteCapacityUnits", 80'000);
  output.set("TableMaxReadCapacityUnits", 40'000);
  output.set("TableMaxWriteCapacityUnits", 40'000);
  return output;
}

Api<Value> DynamoDbService::list_tables(const model::Call& call) {
  const std::string prefix = table_prefix(call.identity.account, call.identity.region);
  const std::string_view start = call.input["ExclusiveStartTableName"].as_string();
  const auto limit = static_cast<size_t>(std::clamp<int64_t>(call.input["Limit"].as_int(kListLimit), 1, kListLimit));
  std::string from = prefix;
  if (!start.empty()) from = table_key(call.identity.account, call.identity.region, start) + '\0';
  auto v = view();
  if (!v) return ApiFailure(std::move(v.error()));
  const auto rows = (*v)->scan(store::Space::Meta, from, store::prefix_end(prefix), limit + 1, store::Order::Forward, kListBytes);
  if (!rows) return ApiFailure(model::from_error("dynamodb", rows.error()));
  Value output = Value::map();
  Value& names = output.set("TableNames", Value::list());
  for (size_t i = 0; i < std::min(limit, rows->size()); ++i) {
    const auto table = decode_table((*rows)[i].value);
    if (!table) return ApiFailure(model::from_error("dynamodb", table.error()));
    names.push(table->name);
  }
  if (rows->size() > limit) {
    Value last = names.as_list().back();
    output.set("LastEvaluatedTableName", std::move(last));
  }
  return output;
}

Api<Value> DynamoDbService::list_tags_of_resource(const model::Call& call) {
  const auto table = existing(call, "ResourceArn");
  if (!table) return ApiFailure(table.error());
  Value output = Value::map();
  output.set("Tags", render_tags(table->tags));
  return output;
}

void DynamoDbService::tag_resource(model::Call& call, const model::Responder& responder) {
  change_tags(
      call, [list = call.input["Tags"]](Pairs& tags) { return add_tags(tags, list); }, responder);
}

void DynamoDbService::untag_resource(model::Call& call, const model::Responder& responder) {
  change_tags(
      call,
      [keys = call.input["TagKeys"]](Pairs& tags) -> Problem {
        for (const Value& key : keys.as_list()) {
          std::erase_if(tags, [&key](const auto& tag) { return tag.first == key.as_string(); });
        }
        return std::nullopt;
      },
      responder);
}

void DynamoDbService::change_tags(model::Call& call, std::function<Problem(Pairs&)> change, const model::Responder& responder) {
  auto name = parse_table_name(call.input["ResourceArn"].as_string(), call.identity);
  if (!name) return responder.error(std::move(name.error()));
  auto problem = std::make_shared<Problem>();
  auto mutation = [problem, identity = call.identity, name = std::move(name->name),
                   change = std::move(change)](store::Transaction& transaction) -> Result<> {
    problem->reset();
    auto table = TRY(read_table(transaction, identity.account, identity.region, name));
    *problem = table ? change(table->tags) : table_not_found(name);
    if (*problem) return fail(Errc::Conflict, (*problem)->message);
    return transaction.put(store::Space::Meta, table_key(identity.account, identity.region, name), encode(*table));
  };
  store_.commit(std::move(mutation), [problem, responder](Result<> done) {
    if (*problem) return responder.error(std::move(**problem));
    if (!done) return responder.error(model::from_error("dynamodb", done.error()));
    responder.reply(Value::map());
  });
}

}  // namespace gust::dynamodb
