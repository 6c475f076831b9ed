// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/table_statistics.h"

#include "services/dynamodb/encoded_item.h"
#include "services/dynamodb/item_key.h"

namespace gust::dynamodb {
namespace {

constexpr int64_t kMaxAgeUs = 6LL * 3600 * 1'000'000;
constexpr size_t kPageRows = 1000, kPageBytes = 1 << 20;

// Adds one page; `from` becomes where the next one starts, or empty after the last.
Result<> count_page(store::Store& store, std::string& from, const std::string& to, TableFigures& figures) {
  auto view = TRY(store.read());
  const auto rows = TRY(view->scan(store::Space::Item, from, to, kPageRows, store::Order::Forward, kPageBytes));
  view.reset();
  size_t bytes = 0;
  for (const store::Row& row : rows) {
    bytes += row.value.size();
    ++figures.items;
    figures.bytes += static_cast<int64_t>(TRY(EncodedItem::read(row.value)).size());
  }
  const bool last = rows.size() < kPageRows && bytes < kPageBytes;
  from = last ? std::string() : rows.back().key + '\0';
  return {};
}

}  // namespace

Result<TableFigures> TableStatistics::of(const Keys& keys) {
  KeyRange items = all_items(keys);
  TableFigures figures;
  TRY(count_page(store_, items.from, items.to, figures));
  if (items.from.empty()) return figures;
  const int64_t now = clock_.unix_us();
  {
    // Set before counting, so that several callers do not count at once: until then they get the page's figures.
    std::lock_guard lock(mutex_);
    const auto [entry, added] = counted_.try_emplace(keys.storage, Counted{figures, now});
    if (!added && now - entry->second.at_us < kMaxAgeUs) return entry->second.figures;
    entry->second.at_us = now;
  }
  while (!items.from.empty()) TRY(count_page(store_, items.from, items.to, figures));
  std::lock_guard lock(mutex_);
  counted_[keys.storage] = {figures, now};
  return figures;
}

void TableStatistics::forget(const Keys& keys) {
  std::lock_guard lock(mutex_);
  counted_.erase(keys.storage);
}

}  // namespace gust::dynamodb
