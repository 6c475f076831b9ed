// SPDX-License-Identifier: Apache-2.0

// BatchGetItem reads from one view, BatchWriteItem is one mutation: all of it happens or, after an error, nothing.

#include <algorithm>
#include <set>

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

// DynamoDB API reference: BatchGetItem, BatchWriteItem.
constexpr size_t kMaxReads = 100, kMaxWrites = 25, kMaxAnswerBytes = 16 << 20;

ApiFailure invalid(std::string text) { return ApiFailure(model::validation(std::move(text))); }

// ---- reading

struct TableRead {
  TableName table;
  std::vector<Item> keys;
  Projection projection;
  Consistency consistency = Consistency::Eventual;
};

Api<TableRead> read_request(std::string_view table, const Value& request, const model::Identity& identity) {
  if (auto e = legacy::check_mixed(request)) return ApiFailure(std::move(*e));
  auto name = parse_table_name(table, identity);
  if (!name) return ApiFailure(std::move(name.error()));
  TableRead out{.table = std::move(*name), .consistency = consistency(request)};
  auto projection = read_projection(request);
  if (!projection) return ApiFailure(std::move(projection.error()));
  out.projection = std::move(*projection);
  for (const Value& key : request["Keys"].as_list()) {
    auto item = parse_item(key);
    if (!item) return ApiFailure(std::move(item.error()));
    out.keys.push_back(std::move(*item));
  }
  return out;
}

Api<std::vector<std::string>> row_keys(const Table& table, const std::vector<Item>& keys) {
  std::vector<std::string> out;
  std::set<std::string_view> seen;
  out.reserve(keys.size());
  for (const Item& item : keys) {
    auto key = key_of_key(table, item);
    if (!key) return ApiFailure(std::move(key.error()));
    out.push_back(std::move(*key));
    if (!seen.insert(out.back()).second) return invalid("Provided list of item keys contains duplicates");
  }
  return out;
}

struct TableAnswer {
  Value items = Value::list();
  Value unread = Value::list();  // keys
  double units = 0;
};

// `rest`: bytes of items that the whole answer may still take.
Result<TableAnswer> read_items(store::View& view, const TableRead& request, const std::vector<std::string>& keys, size_t& rest) {
  TableAnswer out;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (rest == 0) {
      out.unread.push(to_value(request.keys[i]));
      continue;
    }
    const auto row = TRY(view.get(store::Space::Item, keys[i]));
    size_t size = 0;
    if (row) {
      out.items.push(TRY(projected_document(*row, request.projection, size)));
    }
    out.units += read_units(size, request.consistency);
    rest -= std::min(rest, size);
  }
  return out;
}

// ---- writing

struct OneWrite {
  bool put = false;
  Item item;          // or the key
  std::string bytes;  // of put
};
struct TableWrites {
  TableName table;
  std::vector<OneWrite> writes;
};

Api<OneWrite> read_write(const Value& request) {
  const bool put = request.has("PutRequest");
  if (put == request.has("DeleteRequest")) {
    return invalid(
        put ? "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
            : "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
  }
  auto item = parse_item(put ? request["PutRequest"]["Item"] : request["DeleteRequest"]["Key"]);
  if (!item) return ApiFailure(std::move(item.error()));
  OneWrite out{.put = put, .item = std::move(*item)};
  if (put && size_of(out.item) > kMaxItemBytes) return invalid("Item size has exceeded the maximum allowed size");
  if (put) encode(out.item, out.bytes);
  return out;
}

// A BatchWriteItem: what was asked, and what its mutation found (set anew on each run).
struct Batch {
  model::Identity identity;
  std::vector<TableWrites> tables;
  Report report = Report::None;
  Value metrics;  // ItemCollectionMetrics; null: not wanted
  std::shared_ptr<TableCache> cache;
  Problem problem;
  std::vector<Consumed> consumed;  // by table

  Result<> run(store::Transaction& transaction);
  Value answer() const;

 private:
  Result<> run(store::Transaction& transaction, const TableWrites& table);
  Result<> write(store::Transaction& transaction, const Table& table, const OneWrite& w, const std::string& key);
  Result<> refused(model::ApiError error) {
    problem = std::move(error);
    return fail(Errc::Conflict, problem->message);
  }
};

Result<> Batch::run(store::Transaction& transaction) {
  problem.reset(), consumed.clear();
  for (const TableWrites& table : tables) TRY(run(transaction, table));
  return {};
}

Result<> Batch::run(store::Transaction& transaction, const TableWrites& t) {
  const auto table = TRY(cache->read(transaction, identity, t.table.name));
  if (!table) return refused(table_not_found());
  consumed.push_back({.name = t.table.given});
  std::set<std::string> seen;
  for (const OneWrite& w : t.writes) {
    const auto key = w.put ? key_of_item(*table, w.item) : key_of_key(*table, w.item);
    if (!key) return refused(key.error());
    if (!seen.insert(*key).second) return refused(model::validation("Provided list of item keys contains duplicates"));
    TRY(write(transaction, *table, w, *key));
  }
  return {};
}

Result<> Batch::write(store::Transaction& transaction, const Table& table, const OneWrite& w, const std::string& key) {
  if (table.indexes.empty() && report == Report::None) {
    return w.put ? transaction.put(store::Space::Item, key, w.bytes) : transaction.erase(store::Space::Item, key);
  }
  const auto row = TRY(transaction.get(store::Space::Item, key));
  const EncodedItem old_item = row ? TRY(EncodedItem::read(*row)) : EncodedItem();
  const EncodedItem new_item = w.put ? TRY(EncodedItem::read(w.bytes)) : EncodedItem();
  if (w.put) {
    if (auto e = check_index_keys(table, new_item, nullptr)) return refused(std::move(*e));
  }
  const RowChange change{.key = key, .before = row ? &old_item : nullptr, .after = w.put ? &new_item : nullptr};
  return write_row(transaction, table, change, report == Report::None ? nullptr : &consumed.back());
}

Value Batch::answer() const {
  Value output = Value::map();
  output.set("UnprocessedItems", Value::map());
  if (!metrics.is_null()) output.set("ItemCollectionMetrics", metrics);
  if (report == Report::None) return output;
  Value& list = output.set("ConsumedCapacity", Value::list());
  for (const Consumed& c : consumed) list.push(consumed_capacity(c, report));
  return output;
}

Api<std::shared_ptr<Batch>> read_batch(const model::Call& call) {
  auto batch = std::make_shared<Batch>();
  batch->identity = call.identity;
  batch->report = capacity_report(call.input);
  size_t count = 0;
  std::set<std::string> names;
  for (const auto& [table, writes] : call.input["RequestItems"].as_map()) {
    auto name = parse_table_name(table, call.identity);
    if (!name) return ApiFailure(std::move(name.error()));
    if (!names.insert(name->name).second) return invalid("Provided list of tables contains duplicates");
    TableWrites t{.table = std::move(*name)};
    count += writes.size();
    if (count > kMaxWrites) return invalid("Too many items requested for the BatchWriteItem call");
    for (const Value& request : writes.as_list()) {
      auto write = read_write(request);
      if (!write) return ApiFailure(std::move(write.error()));
      t.writes.push_back(std::move(*write));
    }
    batch->tables.push_back(std::move(t));
  }
  return batch;
}

}  // namespace

Api<Value> DynamoDbService::batch_get_item(const model::Call& call) {
  const Value& wanted = call.input["RequestItems"];
  const Report report = capacity_report(call.input);
  size_t count = 0;
  std::set<std::string> names;
  std::vector<TableRead> reads;
  for (const auto& [name, request] : wanted.as_map()) {
    count += request["Keys"].size();
    if (count > kMaxReads) return invalid("Too many items requested for the BatchGetItem call");
    auto read = read_request(name, request, call.identity);
    if (!read) return ApiFailure(std::move(read.error()));
    if (!names.insert(read->table.name).second) return invalid("Provided list of tables contains duplicates");
    reads.push_back(std::move(*read));
  }
  auto v = view();
  if (!v) return ApiFailure(std::move(v.error()));
  Value output = Value::map(), responses = Value::map(), unread = Value::map(), consumed = Value::list();
  size_t rest = kMaxAnswerBytes;
  for (const TableRead& read : reads) {
    const auto table = table_of(**v, read.table, call.identity);
    if (!table) return ApiFailure(table.error());
    const auto keys = row_keys(**table, read.keys);
    if (!keys) return ApiFailure(keys.error());
    if (read.projection) {
      if (auto e = check_key_paths(**table, *read.projection)) return ApiFailure(std::move(*e));
    }
    auto answer = read_items(**v, read, *keys, rest);
    if (!answer) return ApiFailure(model::from_error("dynamodb", answer.error()));
    const std::string& name = read.table.given;
    responses.set(name, std::move(answer->items));
    if (answer->unread.size() > 0) unread.set(name, wanted[name]).set("Keys", std::move(answer->unread));
    if (report != Report::None) consumed.push(consumed_capacity({.name = name, .table = answer->units}, report));
  }
  output.set("Responses", std::move(responses));
  output.set("UnprocessedKeys", std::move(unread));
  if (report != Report::None) output.set("ConsumedCapacity", std::move(consumed));
  return output;
}

// By table, once for each partition.
Api<Value> DynamoDbService::batch_metrics(const model::Call& call) {
  Value all = Value::map();
  for (const auto& [given, writes] : call.input["RequestItems"].as_map()) {
    const auto name = parse_table_name(given, call.identity);
    if (!name) return ApiFailure(name.error());
    Value list = Value::list();
    for (const Value& write : writes.as_list()) {
      const auto item = parse_item(write.has("PutRequest") ? write["PutRequest"]["Item"] : write["DeleteRequest"]["Key"]);
      if (!item) return ApiFailure(item.error());
      auto metrics = metrics_of(*name, *item, call.identity);
      if (!metrics) return metrics;
      const auto same = [&metrics](const Value& v) { return v["ItemCollectionKey"] == (*metrics)["ItemCollectionKey"]; };
      if (metrics->is_null() || std::any_of(list.as_list().begin(), list.as_list().end(), same)) continue;
      list.push(std::move(*metrics));
    }
    if (list.size() > 0) all.set(given, std::move(list));
  }
  return all;
}

void DynamoDbService::batch_write_item(model::Call& call, const model::Responder& responder) {
  auto read = read_batch(call);
  if (!read) return responder.error(std::move(read.error()));
  auto batch = std::move(*read);
  batch->cache = tables_;
  if (wants_collection_metrics(call.input)) {
    auto metrics = batch_metrics(call);
    if (!metrics) return responder.error(std::move(metrics.error()));
    batch->metrics = std::move(*metrics);
  }
  store_.commit([batch](store::Transaction& transaction) { return batch->run(transaction); },
                [batch, responder](Result<> done) {
                  if (batch->problem) return responder.error(std::move(*batch->problem));
                  if (!done) return responder.error(model::from_error("dynamodb", done.error()));
                  responder.reply(batch->answer());
                });
}

}  // namespace gust::dynamodb
