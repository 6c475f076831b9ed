// SPDX-License-Identifier: Apache-2.0

// Operations on one item.

#include "model/errors.h"
#include "services/dynamodb/capacity.h"
#include "services/dynamodb/dynamodb_service.h"
#include "services/dynamodb/item_key.h"

namespace gust::dynamodb {
namespace {

using Problem = std::optional<model::ApiError>;
using model::validation;

Problem refuse_legacy(const model::Call& call) {
  return refuse(call.operation, call.input, {"Expected", "ConditionalOperator", "AttributeUpdates", "AttributesToGet"});
}

Problem too_large(std::string_view what) {
  return validation(std::string(what).append(" has exceeded the maximum allowed size"));
}

Problem check_updated(const Item& item) {
  if (size_of(item) > kMaxItemBytes) return too_large("Item size to update");
  if (!within_depth(item)) {
    return validation(
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit");
  }
  return std::nullopt;
}

// One PutItem, DeleteItem or UpdateItem: what was asked, and what its mutation found (set anew on each run).
struct ItemWrite {
  enum class Kind { Put, Delete, Update };
  Kind kind = Kind::Put;
  model::Identity identity;
  TableName table;
  Item item;          // Put: the whole; else the key
  std::string bytes;  // Put: encoded
  std::optional<Condition> condition;
  std::optional<Update> update;
  std::string returns;           // ReturnValues
  bool item_on_failure = false;  // ReturnValuesOnConditionCheckFailure ALL_OLD
  Report report = Report::None;

  Problem problem;
  std::optional<Item> before, after;

  bool reads_old() const { return kind == Kind::Update || condition || returns == "ALL_OLD" || report != Report::None; }
  Result<> run(store::Transaction& transaction);
  Value answer() const;

 private:
  Result<> refused(model::ApiError error) {
    problem = std::move(error);
    return fail(Errc::Conflict, problem->message);
  }
  Result<> run_update(store::Transaction& transaction, const Table& schema, const std::string& key);
};

Result<> ItemWrite::run(store::Transaction& transaction) {
  problem.reset(), before.reset(), after.reset();
  const auto schema = TRY(read_table(transaction, identity.account, identity.region, table.name));
  if (!schema) return refused(table_not_found());
  const auto key = kind == Kind::Put ? key_of_item(*schema, item) : key_of_key(*schema, item);
  if (!key) return refused(key.error());
  if (reads_old()) {
    const auto row = TRY(transaction.get(store::Space::Item, *key));
    if (row) before = TRY(decode_item(*row));
  }
  if (condition && !holds(*condition, before ? *before : Item())) {
    auto error = model::api_error("ConditionalCheckFailedException", "The conditional request failed");
    if (item_on_failure && before) error.members.set("Item", to_value(*before));
    return refused(std::move(error));
  }
  if (kind == Kind::Put) return transaction.put(store::Space::Item, *key, bytes);
  if (kind == Kind::Delete) return transaction.erase(store::Space::Item, *key);
  return run_update(transaction, *schema, *key);
}

Result<> ItemWrite::run_update(store::Transaction& transaction, const Table& schema, const std::string& key) {
  after = before ? *before : item;
  if (update) {
    for (const Path* path : update->paths()) {
      if (!schema.is_key(path->steps[0].name)) continue;
      return refused(validation("One or more parameter values were invalid: Cannot update attribute " + path->steps[0].name +
                                ". This attribute is part of the key"));
    }
    auto updated = apply(*update, *after);
    if (!updated) return refused(std::move(updated.error()));
    after = std::move(*updated);
  }
  if (auto e = check_updated(*after)) return refused(std::move(*e));
  std::string encoded;
  encode(*after, encoded);
  return transaction.put(store::Space::Item, key, encoded);
}

Value ItemWrite::answer() const {
  Value output = Value::map();
  const std::optional<Item>& source = returns == "ALL_NEW" || returns == "UPDATED_NEW" ? after : before;
  if (source && (returns == "ALL_OLD" || returns == "ALL_NEW")) output.set("Attributes", to_value(*source));
  if (source && update && returns.starts_with("UPDATED_")) {
    std::vector<Path> paths;
    for (const Path* path : update->paths()) paths.push_back(*path);
    const Item updated = project(*source, paths);
    if (!updated.empty()) output.set("Attributes", to_value(updated));
  }
  if (report == Report::None) return output;
  const size_t size = kind == Kind::Put ? size_of(item) : after ? size_of(*after) : 0;
  output.set("ConsumedCapacity", consumed_capacity({table.given, write_units(before ? size_of(*before) : 0, size)}, report));
  return output;
}

// What the three have in common. `item`: the member that holds the item or its key.
Api<std::shared_ptr<ItemWrite>> read_write(const model::Call& call, ItemWrite::Kind kind, std::string_view item) {
  if (auto e = refuse_legacy(call)) return ApiFailure(std::move(*e));
  auto write = std::make_shared<ItemWrite>();
  write->kind = kind;
  write->identity = call.identity;
  auto name = parse_table_name(call.input["TableName"].as_string(), call.identity);
  if (!name) return ApiFailure(std::move(name.error()));
  write->table = std::move(*name);
  write->returns = call.input["ReturnValues"].as_string("NONE");
  if (kind != ItemWrite::Kind::Update && write->returns != "NONE" && write->returns != "ALL_OLD") {
    return ApiFailure(validation("ReturnValues can only be ALL_OLD or NONE"));
  }
  write->item_on_failure = call.input["ReturnValuesOnConditionCheckFailure"].as_string() == "ALL_OLD";
  write->report = capacity_report(call.input);
  auto placeholders = kind == ItemWrite::Kind::Update
                          ? Placeholders::read(call.input, {"UpdateExpression", "ConditionExpression"})
                          : Placeholders::read(call.input, {"ConditionExpression"});
  if (!placeholders) return ApiFailure(std::move(placeholders.error()));
  auto content = parse_item(call.input[item]);
  if (!content) return ApiFailure(std::move(content.error()));
  write->item = std::move(*content);
  if (kind == ItemWrite::Kind::Update && call.input.has("UpdateExpression")) {
    auto update = parse_update(call.input["UpdateExpression"].as_string(), *placeholders);
    if (!update) return ApiFailure(std::move(update.error()));
    write->update = std::move(*update);
  }
  if (call.input.has("ConditionExpression")) {
    auto condition = parse_condition("ConditionExpression", call.input["ConditionExpression"].as_string(), *placeholders);
    if (!condition) return ApiFailure(std::move(condition.error()));
    write->condition = std::move(*condition);
  }
  if (auto e = placeholders->unused()) return ApiFailure(std::move(*e));
  return write;
}

void commit(store::Store& store, std::shared_ptr<ItemWrite> write, const model::Responder& responder) {
  store.commit([write](store::Transaction& transaction) { return write->run(transaction); },
               [write, responder](Result<> done) {
                 if (write->problem) return responder.error(std::move(*write->problem));
                 if (!done) return responder.error(model::from_error("dynamodb", done.error()));
                 responder.reply(write->answer());
               });
}

}  // namespace

void DynamoDbService::put_item(model::Call& call, const model::Responder& responder) {
  auto write = read_write(call, ItemWrite::Kind::Put, "Item");
  if (!write) return responder.error(std::move(write.error()));
  if (size_of((*write)->item) > kMaxItemBytes) return responder.error(*too_large("Item size"));
  encode((*write)->item, (*write)->bytes);
  commit(store_, std::move(*write), responder);
}

void DynamoDbService::delete_item(model::Call& call, const model::Responder& responder) {
  auto write = read_write(call, ItemWrite::Kind::Delete, "Key");
  if (!write) return responder.error(std::move(write.error()));
  commit(store_, std::move(*write), responder);
}

void DynamoDbService::update_item(model::Call& call, const model::Responder& responder) {
  auto write = read_write(call, ItemWrite::Kind::Update, "Key");
  if (!write) return responder.error(std::move(write.error()));
  commit(store_, std::move(*write), responder);
}

Api<Value> DynamoDbService::get_item(const model::Call& call) {
  const Value& input = call.input;
  if (auto e = refuse_legacy(call)) return ApiFailure(std::move(*e));
  const auto name = parse_table_name(input["TableName"].as_string(), call.identity);
  if (!name) return ApiFailure(name.error());
  auto placeholders = Placeholders::read(input, {"ProjectionExpression"});
  if (!placeholders) return ApiFailure(std::move(placeholders.error()));
  std::optional<std::vector<Path>> paths;
  if (input.has("ProjectionExpression")) {
    auto parsed = parse_projection(input["ProjectionExpression"].as_string(), *placeholders);
    if (!parsed) return ApiFailure(std::move(parsed.error()));
    paths = std::move(*parsed);
  }
  if (auto e = placeholders->unused()) return ApiFailure(std::move(*e));
  const auto key_item = parse_item(input["Key"]);
  if (!key_item) return ApiFailure(key_item.error());

  auto v = view();
  if (!v) return ApiFailure(std::move(v.error()));
  const auto table = table_of(**v, *name, call.identity);
  if (!table) return ApiFailure(table.error());
  const auto key = key_of_key(*table, *key_item);
  if (!key) return ApiFailure(key.error());
  const auto row = (*v)->get(store::Space::Item, *key);
  if (!row) return ApiFailure(model::from_error("dynamodb", row.error()));
  v->reset();

  Value output = Value::map();
  size_t size = 0;
  if (*row) {
    const auto item = decode_item(**row);
    if (!item) return ApiFailure(model::from_error("dynamodb", item.error()));
    size = size_of(*item);
    output.set("Item", to_value(paths ? project(*item, *paths) : *item));
  }
  if (const Report report = capacity_report(input); report != Report::None) {
    output.set("ConsumedCapacity", consumed_capacity({name->given, read_units(size, consistency(input))}, report));
  }
  return output;
}

}  // namespace gust::dynamodb
