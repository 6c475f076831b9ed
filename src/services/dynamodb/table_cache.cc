// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/table_cache.h"

namespace gust::dynamodb {

Result<std::shared_ptr<const Table>> TableCache::read(store::View& view, const model::Identity& identity, std::string_view name) {
  std::string key = table_key(identity.account, identity.region, name);
  auto row = TRY(view.get(store::Space::Meta, key));
  if (!row) return std::shared_ptr<const Table>();
  {
    std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found != entries_.end() && found->second.bytes == *row) return found->second.table;
  }
  auto table = std::make_shared<const Table>(TRY(decode_table(*row)));
  std::lock_guard lock(mutex_);
  if (entries_.size() >= kMaxTables) entries_.clear();
  entries_.insert_or_assign(std::move(key), Entry{std::move(*row), table});
  return table;
}

}  // namespace gust::dynamodb
