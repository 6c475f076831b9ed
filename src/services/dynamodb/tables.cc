// SPDX-License-Identifier: Apache-2.0

// Operations on tables and their tags.

#include <algorithm>

#include "base/ids.h"
#include "model/errors.h"
#include "services/dynamodb/create_table.h"
#include "services/dynamodb/dynamodb_service.h"
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

Value described(const Table& table, std::string_view member, std::string_view status, TableFigures figures) {
  Value output = Value::map();
  output.set(member, describe(table, status, figures));
  return output;
}

}  // namespace

void DynamoDbService::create_table(model::Call& call, const model::Responder& responder) {
  auto made = read_create_table(call.input, call.identity);
  if (!made) return responder.error(std::move(made.error()));
  made->id = new_uuid();
  made->storage = random_number();
  made->created_ms = clock_.unix_ms();
  auto table = std::make_shared<const Table>(std::move(*made));
  auto problem = std::make_shared<Problem>();
  auto mutation = [table, problem](store::Transaction& transaction) -> Result<> {
    problem->reset();
    const std::string key = table_key(table->account, table->region, table->name);
    if (TRY(transaction.get(store::Space::Meta, key))) {
      *problem = model::api_error("ResourceInUseException", "Table already exists: " + table->name);
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
    responder.reply(described(*table, "TableDescription", "CREATING", {}));
  });
}

void DynamoDbService::delete_table(model::Call& call, const model::Responder& responder) {
  auto name = parse_table_name(call.input["TableName"].as_string(), call.identity);
  if (!name) return responder.error(std::move(name.error()));
  struct State {
    std::string account, region, name;
    std::optional<Table> table;
  };
  auto state = std::make_shared<State>(State{call.identity.account, call.identity.region, std::move(name->name), {}});
  auto mutation = [state](store::Transaction& transaction) -> Result<> {
    state->table = TRY(read_table(transaction, state->account, state->region, state->name));
    if (!state->table) return fail(Errc::NotFound, "no table " + state->name);
    TRY(transaction.erase(store::Space::Meta, table_key(state->account, state->region, state->name)));
    return TableRemoval::mark(transaction, *state->table);
  };
  store_.commit(std::move(mutation), [this, state, responder](Result<> done) {
    if (!done && done.error().code == Errc::NotFound) return responder.error(table_not_found(state->name));
    if (!done) return responder.error(model::from_error("dynamodb", done.error()));
    statistics_.forget(*state->table);
    responder.reply(described(*state->table, "TableDescription", "DELETING", {}));
    removal_.start(*state->table);
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
  const auto figures = statistics_.of(*table);
  if (!figures) return ApiFailure(model::from_error("dynamodb", figures.error()));
  return described(*table, "Table", "ACTIVE", *figures);
}

// Always disabled: UpdateTimeToLive is refused.
Api<Value> DynamoDbService::describe_time_to_live(const model::Call& call) {
  const auto table = existing(call, "TableName");
  if (!table) return ApiFailure(table.error());
  Value output = Value::map();
  output.set("TimeToLiveDescription", Value::map()).set("TimeToLiveStatus", "DISABLED");
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
