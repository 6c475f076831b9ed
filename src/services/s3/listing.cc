// SPDX-License-Identifier: Apache-2.0

#include "services/s3/listing.h"

#include <algorithm>

#include "store/key.h"

namespace gust::s3 {
namespace {

constexpr size_t kScanBytes = 4 << 20;
// Rows of one scan where a whole "directory" may have to be skipped after the first of them.
constexpr size_t kDelimitedScan = 100;

class Lister {
 public:
  explicit Lister(const ListQuery& query) : query_(query), skip_(query.after_prefix) {
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
    const auto rows = TRY(view->scan(store::Space::Object, from_, end_, wanted, store::Order::Forward, kScanBytes));
    view.reset();
    size_t bytes = 0;
    for (const store::Row& row : rows) {
      bytes += row.value.size();
      if (!TRY(take(row))) return false;
    }
    if (rows.size() < wanted && bytes < kScanBytes) return false;
    const std::string last = key_of(rows.back().key, query_.bucket);
    const bool skipping = !skip_.empty() && last.starts_with(skip_);
    from_ = object_key(query_.bucket, skipping ? store::prefix_end(skip_) : last + '\0');
    return true;
  }

  // False where the page is full.
  Result<bool> take(const store::Row& row) {
    std::string key = key_of(row.key, query_.bucket);
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
      page_.objects.emplace_back(std::move(key), TRY(decode_object(row.value)));
    }
    return true;
  }

  const ListQuery& query_;
  std::string skip_, from_, end_;
  ListPage page_;
};

}  // namespace

std::string common_prefix(std::string_view key, std::string_view prefix, std::string_view delimiter) {
  if (delimiter.empty()) return {};
  const size_t at = key.find(delimiter, prefix.size());
  return at == key.npos ? std::string() : std::string(key.substr(0, at + delimiter.size()));
}

Result<ListPage> list_objects(store::Store& store, const ListQuery& query) { return Lister(query).run(store); }

}  // namespace gust::s3
