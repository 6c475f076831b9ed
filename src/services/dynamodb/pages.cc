// SPDX-License-Identifier: Apache-2.0

// Query and Scan: one page of a range of items.

#include <algorithm>

#include "model/errors.h"
#include "services/dynamodb/dynamodb_service.h"
#include "services/dynamodb/encoded_item.h"
#include "services/dynamodb/page_request.h"

namespace gust::dynamodb {
namespace {

constexpr size_t kPageBytes = 1 << 20;  // DynamoDB guide, "Quotas": Query and Scan result sets
constexpr size_t kChunkRows = 1000;

// Reads one page.
class PageReader {
 public:
  PageReader(store::View& view, const PageRequest& request, const Table& table, PageSource source)
      : view_(view), request_(request), table_(table), source_(std::move(source)) {}
  Result<Value> read();

 private:
  Result<bool> take(const store::Row& row);
  Result<std::string> whole_item(const store::Row& row);
  Result<Item> last_key() const;
  void add_capacity(Value& output) const;

  store::View& view_;
  const PageRequest& request_;
  const Table& table_;
  PageSource source_;
  Value items_ = Value::list();
  size_t count_ = 0, scanned_ = 0, bytes_ = 0;
  double fetched_units_ = 0;
  std::string last_;  // the last row that was taken
  bool full_ = false;
};

// The table's row of an index's row.
Result<std::string> PageReader::whole_item(const store::Row& row) {
  const EncodedItem entry = TRY(EncodedItem::read(row.value));
  const EncodedAttribute* hash = entry.find(table_.hash.name);
  const EncodedAttribute* range = table_.range ? entry.find(table_.range->name) : nullptr;
  if (hash == nullptr || (table_.range && range == nullptr)) return fail(Errc::Invalid, "a damaged row of an index");
  std::string key = partition_of(table_, hash->key_text());
  if (range != nullptr) key += part_of_key(range->key_text());
  auto item = TRY(view_.get(store::Space::Item, key));
  if (!item) return fail(Errc::Invalid, "an index has a row that its table has not");
  return std::move(*item);
}

// False: the page is full. As DynamoDB, the item that passes the megabyte belongs to it.
Result<bool> PageReader::take(const store::Row& row) {
  size_t size = 0;
  bool passes = true;
  Value document;
  if (!request_.filter && !request_.count_only && !source_.fetch) {
    document = TRY(projected_document(row.value, request_.projection, size));
  } else if (request_.filter) {
    const Item item = TRY(decode_item(row.value));
    size = size_of(item);
    passes = holds(*request_.filter, item);
    if (passes && !request_.count_only && !source_.fetch) {
      document = to_value(request_.projection ? project(item, *request_.projection) : item);
    }
  } else {
    size = TRY(EncodedItem::read(row.value)).size();
  }
  if (passes && source_.fetch) {
    size_t whole = 0;
    const std::string item = TRY(whole_item(row));
    document = TRY(projected_document(item, request_.projection, whole));
    fetched_units_ += read_units(whole, request_.consistency);
  }
  bytes_ += size;
  ++scanned_;
  count_ += passes;
  if (passes && !request_.count_only) items_.push(std::move(document));
  return scanned_ < request_.limit && bytes_ < kPageBytes;
}

Result<Item> PageReader::last_key() const {
  const Item item = TRY(decode_item(last_));
  Item key = key_attributes(table_, item);
  if (source_.index == nullptr) return key;
  const Item of_index = key_attributes(*source_.keys, item);
  for (const Member& m : of_index.members()) key.set(m.name, m.value);
  return key;
}

void PageReader::add_capacity(Value& output) const {
  if (request_.report == Report::None) return;
  const double units = read_units(bytes_, request_.consistency);
  Consumed consumed{.name = request_.table.given};
  if (source_.index == nullptr) {
    consumed.table = units;
  } else {
    consumed.table = fetched_units_;
    auto& list = source_.index->kind == Index::Kind::Local ? consumed.local : consumed.global;
    list.emplace_back(source_.index->name, units);
  }
  output.set("ConsumedCapacity", consumed_capacity(consumed, request_.report));
}

Result<Value> PageReader::read() {
  KeyRange& range = source_.range;
  while (!full_) {
    const size_t rest = std::min(kChunkRows, request_.limit - scanned_);
    auto rows = TRY(view_.scan(store::Space::Item, range.from, range.to, rest, request_.order, kPageBytes));
    if (rows.empty()) break;
    size_t read = 0;
    const bool fewer = rows.size() < rest;
    for (store::Row& row : rows) {
      read += row.value.size();
      full_ = !TRY(take(row));
      if (!full_) continue;
      last_ = std::move(row.value);
      break;
    }
    if (fewer && read < kPageBytes) break;
    if (request_.order == store::Order::Forward) {
      range.from = rows.back().key + '\0';
    } else {
      range.to = rows.back().key;
    }
  }
  Value output = Value::map();
  if (!request_.count_only) output.set("Items", std::move(items_));
  output.set("Count", static_cast<long long>(count_));
  output.set("ScannedCount", static_cast<long long>(scanned_));
  if (full_) output.set("LastEvaluatedKey", to_value(TRY(last_key())));
  add_capacity(output);
  return output;
}

}  // namespace

Api<Value> DynamoDbService::page(const model::Call& call, PageVerb verb) {
  const auto request = read_page_request(call.input, verb, call.identity);
  if (!request) return ApiFailure(request.error());
  auto v = view();
  if (!v) return ApiFailure(std::move(v.error()));
  const auto table = table_of(**v, request->table, call.identity);
  if (!table) return ApiFailure(table.error());
  auto source = find_source(*request, **table);
  if (!source) return ApiFailure(std::move(source.error()));
  auto answer = PageReader(**v, *request, **table, std::move(*source)).read();
  if (!answer) return ApiFailure(model::from_error("dynamodb", answer.error()));
  return std::move(*answer);
}

Api<Value> DynamoDbService::query(const model::Call& call) { return page(call, PageVerb::Query); }
Api<Value> DynamoDbService::scan(const model::Call& call) { return page(call, PageVerb::Scan); }

}  // namespace gust::dynamodb
