// SPDX-License-Identifier: Apache-2.0

#include "services/s3/listing.h"

#include <algorithm>

#include "model/errors.h"
#include "services/s3/checksum.h"
#include "services/s3/event_document.h"
#include "store/key.h"

namespace gust::s3 {
namespace {

constexpr size_t kScanBytes = 4 << 20;
// Rows of one scan where a whole "directory" may have to be skipped after the first of them.
constexpr size_t kDelimitedScan = 100;

class Lister {
 public:
  explicit Lister(const ListQuery& query)
      : query_(query), row_prefix_(object_prefix(query.bucket).size()), skip_(query.after_prefix) {
    std::string from = query.prefix;
    if (!query.after.empty()) from = std::max(from, query.after + '\0');
    if (!skip_.empty()) from = std::max(from, store::prefix_end(skip_));
    from_ = object_key(query.bucket, from);
    end_ = store::prefix_end(object_key(query.bucket, query.prefix));
  }

  Result<ListPage> run(store::Store& store) {
    bool more = query_.limit > 0;
    while (more) more = TRY(scan(store));
    return std::move(page_);
  }

 private:
  // Whether there may be more rows that this page wants.
  Result<bool> scan(store::Store& store) {
    const size_t wanted = query_.delimiter.empty() ? query_.limit + 1 - page_.count() : kDelimitedScan;
    auto view = TRY(store.read());
    auto rows = TRY(view->scan(store::Space::Object, from_, end_, wanted, store::Order::Forward, kScanBytes));
    view.reset();
    if (rows.empty()) return false;
    const std::string last = rows.back().key.substr(row_prefix_);
    page_.objects.reserve(page_.objects.size() + rows.size());
    size_t bytes = 0;
    for (store::Row& row : rows) {
      bytes += row.value.size();
      if (!take(row)) return false;
    }
    if (rows.size() < wanted && bytes < kScanBytes) return false;
    const bool skipping = !skip_.empty() && last.starts_with(skip_);
    from_ = object_key(query_.bucket, skipping ? store::prefix_end(skip_) : last + '\0');
    return true;
  }

  // False where the page is full.
  bool take(store::Row& row) {
    const std::string_view key = std::string_view(row.key).substr(row_prefix_);
    if (!skip_.empty() && key.starts_with(skip_)) return true;
    if (page_.count() == query_.limit) {
      page_.truncated = true;
      return false;
    }
    std::string shared = common_prefix(key, query_.prefix, query_.delimiter);
    page_.last_is_prefix = !shared.empty();
    if (page_.last_is_prefix) {
      page_.last = skip_ = shared;
      page_.prefixes.push_back(std::move(shared));
    } else {
      page_.last = key;
      row.key.erase(0, row_prefix_);
      page_.objects.emplace_back(std::move(row.key), std::move(row.value));
    }
    return true;
  }

  const ListQuery& query_;
  const size_t row_prefix_;  // bytes of a row's key in front of the object's
  std::string skip_, from_, end_;
  ListPage page_;
};

}  // namespace

std::string common_prefix(std::string_view key, std::string_view prefix, std::string_view delimiter) {
  if (delimiter.empty()) return {};
  const size_t at = key.find(delimiter, prefix.size());
  return at == key.npos ? std::string() : std::string(key.substr(0, at + delimiter.size()));
}

std::optional<model::ApiError> check_encoding(const Value& input) {
  const Value* type = input.find("EncodingType");
  if (type == nullptr || type->as_string() == "url") return std::nullopt;
  return model::invalid_argument("Invalid Encoding Method specified in Request", "encoding-type", type->as_string());
}

Value KeyText::operator()(std::string_view key) const { return encoded_ ? Value(form_encode(key)) : Value(key); }

Value KeyText::common_prefixes(const std::vector<std::string>& prefixes) const {
  Value list = Value::list();
  for (const std::string& prefix : prefixes) {
    Value v = Value::map();
    v.set("Prefix", (*this)(prefix));
    list.push(std::move(v));
  }
  return list;
}

void KeyText::echo(const Value& input, Value& output) const {
  output.set("Prefix", (*this)(input["Prefix"].as_string()));
  const std::string_view delimiter = input["Delimiter"].as_string();
  if (!delimiter.empty()) output.set("Delimiter", (*this)(delimiter));
  if (encoded_) output.set("EncodingType", "url");
}

// Without looking for members of these names: there are none, and pages have a thousand of these.
void list_members(const Summary& object, Value& entry) {
  Value::Map& members = entry.map_ref();
  members.emplace_back("LastModified", Timestamp{whole_seconds(object.modified_ms)});
  members.emplace_back("ETag", quoted_tag(object.md5, object.parts));
  if (!object.checksum_algorithm.empty()) {
    members.emplace_back("ChecksumAlgorithm", Value::list()).second.push(object.checksum_algorithm);
    members.emplace_back("ChecksumType", checksum_type(object.checksum_of_checksums));
  }
  members.emplace_back("Size", static_cast<unsigned long>(object.size));
  members.emplace_back("StorageClass", object.storage_class);
}

Result<ListPage> list_objects(store::Store& store, const ListQuery& query) { return Lister(query).run(store); }

}  // namespace gust::s3
