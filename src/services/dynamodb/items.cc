// SPDX-License-Identifier: Apache-2.0

// Operations on one item.

#include "model/errors.h"
#include "services/dynamodb/capacity.h"
#include "services/dynamodb/dynamodb_service.h"
#include "services/dynamodb/encoded_item.h"
#include "services/dynamodb/index_entries.h"
#include "services/dynamodb/item_collection.h"
#include "services/dynamodb/item_key.h"
#include "services/dynamodb/key_paths.h"
#include "services/dynamodb/legacy.h"
#include "services/dynamodb/projection.h"

namespace gust::dynamodb {
namespace {

using Problem = std::optional<model::ApiError>;
using model::validation;

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
  Value metrics;  // ItemCollectionMetrics; null: not wanted
  std::shared_ptr<TableCache> tables;

  Problem problem;
  std::optional<Item> before, after;
  Consumed consumed;

  Result<> run(store::Transaction& transaction);
  Value answer() const;

 private:
  Result<> refused(model::ApiError error) {
    problem = std::move(error);
    return fail(Errc::Conflict, problem->message);
  }
  bool needs_before() const { return kind == Kind::Update || condition || returns == "ALL_OLD"; }
  Problem check_paths(const Table& schema) const;
  Result<> change(store::Transaction& transaction, const Table& schema, const std::string& key,
                  const std::optional<std::string>& row);
  Problem make_updated();
  bool removes_only() const;
  Result<> store(store::Transaction& transaction, const Table& schema, const std::string& key,
                 const std::optional<std::string>& row, const std::string* encoded);
};

Result<> ItemWrite::run(store::Transaction& transaction) {
  problem.reset(), before.reset(), after.reset(), consumed = {.name = table.given};
  const auto schema = TRY(tables->read(transaction, identity, table.name));
  if (!schema) return refused(table_not_found());
  const auto key = kind == Kind::Put ? key_of_item(*schema, item) : key_of_key(*schema, item);
  if (!key) return refused(key.error());
  if (auto e = check_paths(*schema)) return refused(std::move(*e));
  std::optional<std::string> row;
  if (needs_before() || report != Report::None || !schema->indexes.empty()) {
    row = TRY(transaction.get(store::Space::Item, *key));
  }
  if (row && needs_before()) before = TRY(decode_item(*row));
  return change(transaction, *schema, *key, row);
}

Problem ItemWrite::check_paths(const Table& schema) const {
  if (condition) {
    if (auto e = check_key_paths(schema, *condition)) return e;
  }
  if (!update) return std::nullopt;
  for (const Path* path : update->paths()) {
    if (schema.is_key(path->steps[0].name)) {
      return validation("One or more parameter values were invalid: Cannot update attribute " + path->steps[0].name +
                        ". This attribute is part of the key");
    }
    if (auto e = check_key_path(schema, *path)) return e;
  }
  return std::nullopt;
}

Result<> ItemWrite::change(store::Transaction& transaction, const Table& schema, const std::string& key,
                           const std::optional<std::string>& row) {
  if (condition && !holds(*condition, before ? *before : Item())) {
    auto error = model::api_error("ConditionalCheckFailedException", "The conditional request failed");
    if (item_on_failure && before) error.members.set("Item", to_value(*before));
    return refused(std::move(error));
  }
  if (kind == Kind::Delete) return store(transaction, schema, key, row, nullptr);
  if (kind == Kind::Put) return store(transaction, schema, key, row, &bytes);
  if (auto e = make_updated()) return refused(std::move(*e));
  if (!before && removes_only()) {
    after.reset();
    consumed.table = write_units(0, 0);
    return {};
  }
  std::string encoded;
  encode(*after, encoded);
  return store(transaction, schema, key, row, &encoded);
}

// As DynamoDB: an update that only takes away does not make the item that is not there.
bool ItemWrite::removes_only() const {
  return update && update->sets.empty() && update->adds.empty() && !(update->removes.empty() && update->deletes.empty());
}

Problem ItemWrite::make_updated() {
  after = before ? *before : item;
  if (update) {
    auto updated = apply(*update, *after);
    if (!updated) return std::move(updated.error());
    after = std::move(*updated);
  }
  return check_updated(*after);
}

// Most tables have no index and most requests no report: then there is nothing to look into.
Result<> ItemWrite::store(store::Transaction& transaction, const Table& schema, const std::string& key,
                          const std::optional<std::string>& row, const std::string* encoded) {
  if (schema.indexes.empty() && report == Report::None) {
    return encoded ? transaction.put(store::Space::Item, key, *encoded) : transaction.erase(store::Space::Item, key);
  }
  const EncodedItem old_item = row ? TRY(EncodedItem::read(*row)) : EncodedItem();
  const EncodedItem new_item = encoded ? TRY(EncodedItem::read(*encoded)) : EncodedItem();
  if (encoded != nullptr) {
    if (auto e = check_index_keys(schema, new_item, kind == Kind::Put ? nullptr : &old_item)) {
      return refused(std::move(*e));
    }
  }
  const RowChange row_change{.key = key, .before = row ? &old_item : nullptr, .after = encoded ? &new_item : nullptr};
  return write_row(transaction, schema, row_change, report == Report::None ? nullptr : &consumed);
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
  if (report != Report::None) output.set("ConsumedCapacity", consumed_capacity(consumed, report));
  if (!metrics.is_null()) output.set("ItemCollectionMetrics", metrics);
  return output;
}

Problem read_update(const Value& input, Placeholders& placeholders, ItemWrite& write) {
  auto legacy_update = legacy::attribute_updates(input);
  if (!legacy_update) return std::move(legacy_update.error());
  write.update = std::move(*legacy_update);
  if (!input.has("UpdateExpression")) return std::nullopt;
  auto update = parse_update(input["UpdateExpression"].as_string(), placeholders);
  if (!update) return std::move(update.error());
  write.update = std::move(*update);
  return std::nullopt;
}

Problem read_condition(const Value& input, Placeholders& placeholders, ItemWrite& write) {
  auto expected = legacy::expected(input);
  if (!expected) return std::move(expected.error());
  write.condition = std::move(*expected);
  if (!input.has("ConditionExpression")) return std::nullopt;
  auto condition = parse_condition("ConditionExpression", input["ConditionExpression"].as_string(), placeholders);
  if (!condition) return std::move(condition.error());
  write.condition = std::move(*condition);
  return std::nullopt;
}

// What the three have in common. `item`: the member that holds the item or its key.
Api<std::shared_ptr<ItemWrite>> read_write(const model::Call& call, ItemWrite::Kind kind, std::string_view item) {
  const Value& input = call.input;
  if (auto e = legacy::check_mixed(input)) return ApiFailure(std::move(*e));
  auto write = std::make_shared<ItemWrite>();
  write->kind = kind;
  write->identity = call.identity;
  auto name = parse_table_name(input["TableName"].as_string(), call.identity);
  if (!name) return ApiFailure(std::move(name.error()));
  write->table = std::move(*name);
  write->returns = input["ReturnValues"].as_string("NONE");
  if (kind != ItemWrite::Kind::Update && write->returns != "NONE" && write->returns != "ALL_OLD") {
    return ApiFailure(validation("ReturnValues can only be ALL_OLD or NONE"));
  }
  write->item_on_failure = input["ReturnValuesOnConditionCheckFailure"].as_string() == "ALL_OLD";
  write->report = capacity_report(input);
  auto placeholders = kind == ItemWrite::Kind::Update ? Placeholders::read(input, {"UpdateExpression", "ConditionExpression"})
                                                      : Placeholders::read(input, {"ConditionExpression"});
  if (!placeholders) return ApiFailure(std::move(placeholders.error()));
  auto content = parse_item(input[item]);
  if (!content) return ApiFailure(std::move(content.error()));
  write->item = std::move(*content);
  if (kind == ItemWrite::Kind::Update) {
    if (auto e = read_update(input, *placeholders, *write)) return ApiFailure(std::move(*e));
  }
  if (auto e = read_condition(input, *placeholders, *write)) return ApiFailure(std::move(*e));
  if (auto e = placeholders->unused()) return ApiFailure(std::move(*e));
  return write;
}

}  // namespace

// Commits what was read, and answers. `read`: an ItemWrite or why there is none.
template <class Operation>
void DynamoDbService::commit_write(const model::Call& call, Api<std::shared_ptr<Operation>> read,
                                   const model::Responder& responder) {
  if (!read) return responder.error(std::move(read.error()));
  const std::shared_ptr<Operation> write = std::move(*read);
  write->tables = tables_;
  if (wants_collection_metrics(call.input)) {
    auto metrics = metrics_of(write->table, write->item, call.identity);
    if (!metrics) return responder.error(std::move(metrics.error()));
    write->metrics = std::move(*metrics);
  }
  store_.commit([write](store::Transaction& transaction) { return write->run(transaction); },
                [write, responder](Result<> done) {
                  if (write->problem) return responder.error(std::move(*write->problem));
                  if (!done) return responder.error(model::from_error("dynamodb", done.error()));
                  responder.reply(write->answer());
                });
}

void DynamoDbService::put_item(model::Call& call, const model::Responder& responder) {
  auto write = read_write(call, ItemWrite::Kind::Put, "Item");
  if (write) {
    if (size_of((*write)->item) > kMaxItemBytes) return responder.error(*too_large("Item size"));
    encode((*write)->item, (*write)->bytes);
  }
  commit_write(call, std::move(write), responder);
}

void DynamoDbService::delete_item(model::Call& call, const model::Responder& responder) {
  commit_write(call, read_write(call, ItemWrite::Kind::Delete, "Key"), responder);
}

void DynamoDbService::update_item(model::Call& call, const model::Responder& responder) {
  commit_write(call, read_write(call, ItemWrite::Kind::Update, "Key"), responder);
}

// Null where the table has no local index, or the item no such key (then the write says so).
Api<Value> DynamoDbService::metrics_of(const TableName& name, const Item& item, const model::Identity& identity) {
  auto v = view();
  if (!v) return ApiFailure(std::move(v.error()));
  const auto table = table_of(**v, name, identity);
  if (!table) return ApiFailure(table.error());
  const Attribute* hash = item.find((*table)->hash.name);
  if (!(*table)->has_local_indexes() || hash == nullptr || hash->type != (*table)->hash.type) return Value();
  auto metrics = collection_metrics(**v, **table, item);
  if (!metrics) return ApiFailure(model::from_error("dynamodb", metrics.error()));
  return std::move(*metrics);
}

Api<Value> DynamoDbService::get_item(const model::Call& call) {
  const Value& input = call.input;
  if (auto e = legacy::check_mixed(input)) return ApiFailure(std::move(*e));
  const auto name = parse_table_name(input["TableName"].as_string(), call.identity);
  if (!name) return ApiFailure(name.error());
  auto paths = read_projection(input);
  if (!paths) return ApiFailure(std::move(paths.error()));
  const auto key_item = parse_item(input["Key"]);
  if (!key_item) return ApiFailure(key_item.error());

  auto v = view();
  if (!v) return ApiFailure(std::move(v.error()));
  const auto table = table_of(**v, *name, call.identity);
  if (!table) return ApiFailure(table.error());
  const auto key = key_of_key(**table, *key_item);
  if (!key) return ApiFailure(key.error());
  if (*paths) {
    if (auto e = check_key_paths(**table, **paths)) return ApiFailure(std::move(*e));
  }
  const auto row = (*v)->get(store::Space::Item, *key);
  if (!row) return ApiFailure(model::from_error("dynamodb", row.error()));
  v->reset();

  Value output = Value::map();
  size_t size = 0;
  if (*row) {
    auto document = projected_document(**row, *paths, size);
    if (!document) return ApiFailure(model::from_error("dynamodb", document.error()));
    output.set("Item", std::move(*document));
  }
  if (const Report report = capacity_report(input); report != Report::None) {
    output.set("ConsumedCapacity",
               consumed_capacity({.name = name->given, .table = read_units(size, consistency(input))}, report));
  }
  return output;
}

}  // namespace gust::dynamodb
