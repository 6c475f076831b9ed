// SPDX-License-Identifier: Apache-2.0

#include "store/memory/memory_store.h"

#include <array>
#include <map>
#include <mutex>
#include <utility>

namespace gust::store {
namespace {

using Map = std::map<std::string, std::string, std::less<>>;
using Spaces = std::array<Map, kSpaces>;

size_t index_of(Space space) { return static_cast<size_t>(space) - 1; }

std::optional<std::string> get_from(const Spaces& spaces, Space space, std::string_view key) {
  const Map& map = spaces[index_of(space)];
  auto it = map.find(key);
  return it == map.end() ? std::nullopt : std::optional<std::string>(it->second);
}

std::vector<Row> scan_of(const Spaces& spaces, Space space, std::string_view from, std::string_view to, size_t limit, Order order,
                         size_t max_bytes) {
  const Map& map = spaces[index_of(space)];
  std::vector<Row> rows;
  if (limit == 0 || (!to.empty() && from >= to)) return rows;
  auto begin = map.lower_bound(from), end = to.empty() ? map.end() : map.lower_bound(to);
  size_t bytes = 0;
  auto take = [&](const auto& row) {
    rows.push_back({row.first, row.second});
    bytes += row.second.size();
    return rows.size() < limit && bytes < max_bytes;
  };
  if (order == Order::Forward) {
    for (auto it = begin; it != end && take(*it); ++it) {
    }
  } else {
    for (auto it = end; it != begin && take(*std::prev(it)); --it) {
    }
  }
  return rows;
}

class MemoryView final : public View {
 public:
  explicit MemoryView(std::shared_ptr<const Spaces> spaces) : spaces_(std::move(spaces)) {}
  Result<std::optional<std::string>> get(Space space, std::string_view key) override { return get_from(*spaces_, space, key); }
  Result<std::vector<Row>> scan(Space space, std::string_view from, std::string_view to, size_t limit, Order order,
                                size_t max_bytes) override {
    return scan_of(*spaces_, space, from, to, limit, order, max_bytes);
  }

 private:
  std::shared_ptr<const Spaces> spaces_;
};

class MemoryTransaction final : public Transaction {
 public:
  explicit MemoryTransaction(Spaces& spaces) : spaces_(spaces) {}
  Result<std::optional<std::string>> get(Space space, std::string_view key) override { return get_from(spaces_, space, key); }
  Result<std::vector<Row>> scan(Space space, std::string_view from, std::string_view to, size_t limit, Order order,
                                size_t max_bytes) override {
    return scan_of(spaces_, space, from, to, limit, order, max_bytes);
  }
  Result<> put(Space space, std::string_view key, std::string_view value) override {
    if (value.size() > kMaxValueBytes) return value_too_large(value.size());
    remember(space, key);
    spaces_[index_of(space)].insert_or_assign(std::string(key), std::string(value));
    return {};
  }
  Result<> erase(Space space, std::string_view key) override {
    remember(space, key);
    Map& map = spaces_[index_of(space)];
    if (auto it = map.find(key); it != map.end()) map.erase(it);
    return {};
  }
  void undo() {
    for (auto it = before_.rbegin(); it != before_.rend(); ++it) {
      Map& map = spaces_[index_of(it->space)];
      if (it->value) {
        map.insert_or_assign(it->key, *it->value);
      } else {
        map.erase(it->key);
      }
    }
  }

 private:
  struct Before {
    Space space;
    std::string key;
    std::optional<std::string> value;
  };
  void remember(Space space, std::string_view key) {
    before_.push_back({space, std::string(key), get_from(spaces_, space, key)});
  }

  Spaces& spaces_;
  std::vector<Before> before_;
};

class MemoryStore final : public Store {
 public:
  void commit(Mutation mutation, Done done) override {
    Result<> result;
    {
      std::lock_guard lock(mutex_);
      // Views keep what they saw.
      if (std::exchange(viewed_, false)) spaces_ = std::make_shared<Spaces>(*spaces_);
      MemoryTransaction transaction(*spaces_);
      result = mutation(transaction);
      if (!result) transaction.undo();
    }
    done(std::move(result));
  }
  Result<std::unique_ptr<View>> read() override {
    std::lock_guard lock(mutex_);
    viewed_ = true;
    return std::make_unique<MemoryView>(spaces_);
  }

 private:
  std::mutex mutex_;
  bool viewed_ = false;
  std::shared_ptr<Spaces> spaces_ = std::make_shared<Spaces>();
};

}  // namespace

std::unique_ptr<Store> make_memory_store() { return std::make_unique<MemoryStore>(); }

}  // namespace gust::store
