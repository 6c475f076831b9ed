// SPDX-License-Identifier: Apache-2.0

#include "store/memory/memory_store.h"

#include <array>
#include <map>
#include <mutex>

namespace gust::store {
namespace {

using Map = std::map<std::string, std::string, std::less<>>;
using Spaces = std::array<Map, kSpaces>;

size_t index_of(Space space) { return static_cast<size_t>(space) - 1; }

class MemoryView : public Transaction {
 public:
  explicit MemoryView(Spaces spaces) : spaces_(std::move(spaces)) {}
  Result<std::optional<std::string>> get(Space space, std::string_view key) override {
    const Map& map = spaces_[index_of(space)];
    auto it = map.find(key);
    return it == map.end() ? std::nullopt : std::optional<std::string>(it->second);
  }
  Result<std::vector<Row>> scan(Space space, std::string_view from, std::string_view to, size_t limit, Order order,
                                size_t max_bytes) override {
    const Map& map = spaces_[index_of(space)];
    auto begin = map.lower_bound(from), end = to.empty() ? map.end() : map.lower_bound(to);
    std::vector<Row> rows;
    size_t bytes = 0;
    auto take = [&](const auto& row) {
      rows.push_back({row.first, row.second});
      bytes += row.second.size();
      return rows.size() < limit && bytes < max_bytes;
    };
    if (limit == 0 || (!to.empty() && from >= to)) return rows;
    if (order == Order::Forward) {
      for (auto it = begin; it != end && take(*it); ++it) {
      }
    } else {
      for (auto it = end; it != begin && take(*std::prev(it)); --it) {
      }
    }
    return rows;
  }
  Result<> put(Space space, std::string_view key, std::string_view value) override {
    spaces_[index_of(space)].insert_or_assign(std::string(key), std::string(value));
    return {};
  }
  Result<> erase(Space space, std::string_view key) override {
    Map& map = spaces_[index_of(space)];
    if (auto it = map.find(key); it != map.end()) map.erase(it);
    return {};
  }
  Spaces take() { return std::move(spaces_); }

 private:
  Spaces spaces_;
};

class MemoryStore final : public Store {
 public:
  void commit(Mutation mutation, Done done) override {
    Result<> result;
    {
      std::lock_guard lock(mutex_);
      MemoryView copy(spaces_);
      result = mutation(copy);
      if (result) spaces_ = copy.take();
    }
    done(std::move(result));
  }
  Result<std::unique_ptr<View>> read() override {
    std::lock_guard lock(mutex_);
    return std::make_unique<MemoryView>(spaces_);
  }

 private:
  std::mutex mutex_;
  Spaces spaces_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store() { return std::make_unique<MemoryStore>(); }

}  // namespace gust::store
