// SPDX-License-Identifier: Apache-2.0

#include "services/s3/garbage.h"

#include "base/log.h"
#include "services/s3/object.h"
#include "store/key.h"

namespace gust::s3 {
namespace {

constexpr size_t kPage = 1000;

std::string prefix() { return store::Key().text("s3").bytes(); }
std::string row_key(std::string_view id) { return store::Key().text("s3").raw(id).bytes(); }

store::Mutation strike_off(std::vector<std::string> ids) {
  return [ids = std::move(ids)](store::Transaction& transaction) -> Result<> {
    for (const std::string& id : ids) TRY(transaction.erase(store::Space::Garbage, row_key(id)));
    return {};
  };
}

// The marks of files in use, page by page, beside files that come in the same order.
class Marks {
 public:
  explicit Marks(store::Store& store) : store_(store), from_(file_mark_prefix()), end_(store::prefix_end(from_)) {}
  // The first mark that is not less than `id`; empty at the end.
  Result<std::string> at_least(const std::string& id) {
    for (;;) {
      for (; next_ < page_.size(); ++next_) {
        if (page_[next_] >= id) return page_[next_];
      }
      if (ended_) return std::string();
      TRY(read());
    }
  }

 private:
  Result<> read() {
    auto view = TRY(store_.read());
    const auto rows = TRY(view->scan(store::Space::Body, from_, end_, kPage));
    page_.clear();
    next_ = 0;
    for (const store::Row& row : rows) page_.push_back(TRY(file_of_mark(row.key)));
    ended_ = rows.empty();
    if (!rows.empty()) from_ = rows.back().key + '\0';
    return {};
  }

  store::Store& store_;
  std::string from_, end_;
  std::vector<std::string> page_;
  size_t next_ = 0;
  bool ended_ = false;
};

}  // namespace

Result<> Garbage::note(store::Transaction& transaction, std::string_view id) {
  TRY(transaction.erase(store::Space::Body, file_mark(id)));
  return transaction.put(store::Space::Garbage, row_key(id), "");
}

void Garbage::remove(std::vector<std::string> ids) {
  if (ids.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    waiting_.insert(waiting_.end(), std::make_move_iterator(ids.begin()), std::make_move_iterator(ids.end()));
    if (running_) return;
    running_ = true;
  }
  if (disk_.submit([this] { run(); })) return;
  const std::lock_guard lock(mutex_);
  running_ = false;  // the next removal takes them along, or the next start
}

void Garbage::run() {
  for (;;) {
    std::vector<std::string> ids;
    {
      const std::lock_guard lock(mutex_);
      ids.swap(waiting_);
      if (ids.empty()) {
        running_ = false;
        return;
      }
    }
    std::erase_if(ids, [this](const std::string& id) {
      const auto removed = blobs_.remove(id);
      if (!removed) log::warning("s3", "body file stays until the next start", {{"id", id}, {"error", removed.error().message}});
      return !removed;
    });
    // A file that a power loss brings back has no mark: the next start removes it.
    if (!ids.empty()) store_.commit(strike_off(std::move(ids)), [](Result<>) {});
  }
}

Result<> Garbage::finish() {
  TRY(remove_noted());
  return remove_unmarked();
}

Result<> Garbage::remove_noted() {
  for (std::string from = prefix();;) {
    std::vector<std::string> ids;
    {
      auto view = TRY(store_.read());
      for (const store::Row& row : TRY(view->scan(store::Space::Garbage, from, store::prefix_end(prefix()), kPage))) {
        ids.push_back(row.key.substr(prefix().size()));
      }
    }
    if (ids.empty()) return {};
    from = row_key(ids.back()) + '\0';
    for (const std::string& id : ids) TRY(blobs_.remove(id));
    TRY(store_.commit_and_wait(strike_off(std::move(ids))));
  }
}

Result<> Garbage::remove_unmarked() {
  Marks marks(store_);
  size_t removed = 0;
  TRY(blobs_.each([&](const std::string& id) -> Result<> {
    if (TRY(marks.at_least(id)) == id) return {};
    ++removed;
    return blobs_.remove(id);
  }));
  if (removed > 0) log::info("s3", "removed body files that no object names", {{"files", std::to_string(removed)}});
  return {};
}

}  // namespace gust::s3
