// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/index_build.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "services/dynamodb/encoded_item.h"
#include "services/dynamodb/index_entries.h"
#include "services/dynamodb/item_key.h"
#include "store/key.h"

namespace gust::dynamodb {
namespace {

// A batch holds the store's writer for about a millisecond.
constexpr size_t kRowsPerBatch = 64, kBytesPerBatch = 256 << 10, kMarksPerPage = 1000;
constexpr std::string_view kMark = "dynamodb-index";

// The mark's value: the table's name, then the key of the first row that is not taken over yet.
std::string mark_key(const Index& index) {
  return store::Key().text(index.keys.account).text(index.keys.region).text(kMark).number(index.keys.storage).bytes();
}
std::string mark_value(std::string_view table, std::string_view cursor) { return store::Key().text(table).raw(cursor).bytes(); }

struct Mark {
  std::string account, region, table, cursor;
  uint64_t storage = 0;
};

Result<Mark> read_mark(const store::Row& row) {
  store::KeyReader key(row.key), value(row.value);
  Mark mark;
  mark.account = TRY(key.text());
  mark.region = TRY(key.text());
  if (TRY(key.text()) != kMark) return fail(Errc::NotFound, "another mark");
  mark.storage = TRY(key.number());
  mark.table = TRY(value.text());
  mark.cursor = value.rest();
  return mark;
}

Index* unfinished(std::optional<Table>& table, uint64_t storage) {
  if (!table) return nullptr;
  const auto found = std::find_if(table->indexes.begin(), table->indexes.end(), [storage](const Index& i) {
    return i.keys.storage == storage && i.state != Index::State::Active;
  });
  return found == table->indexes.end() ? nullptr : &*found;
}

// True: there is more to do.
Result<bool> take_over(store::Transaction& transaction, const std::string& mark_row) {
  const auto row = TRY(transaction.get(store::Space::Garbage, mark_row));
  if (!row) return false;
  const Mark mark = TRY(read_mark({mark_row, *row}));
  auto table = TRY(read_table(transaction, mark.account, mark.region, mark.table));
  Index* index = unfinished(table, mark.storage);
  if (index == nullptr) {
    TRY(transaction.erase(store::Space::Garbage, mark_row));
    return false;
  }
  const KeyRange items = all_items(*table);
  const std::string& from = mark.cursor.empty() ? items.from : mark.cursor;
  const auto rows =
      TRY(transaction.scan(store::Space::Item, from, items.to, kRowsPerBatch, store::Order::Forward, kBytesPerBatch));
  for (const store::Row& item : rows) {
    const auto entry = entry_of(*index, *table, item.key, TRY(EncodedItem::read(item.value)));
    if (entry) TRY(transaction.put(store::Space::Item, entry->key, entry->value));
  }
  const Index::State before = index->state;
  index->state = rows.empty() ? Index::State::Active : Index::State::Backfilling;
  if (index->state != before) {
    TRY(transaction.put(store::Space::Meta, table_key(table->account, table->region, table->name), encode(*table)));
  }
  if (rows.empty()) {
    TRY(transaction.erase(store::Space::Garbage, mark_row));
    return false;
  }
  TRY(transaction.put(store::Space::Garbage, mark_row, mark_value(mark.table, rows.back().key + '\0')));
  return true;
}

}  // namespace

IndexBuild::~IndexBuild() {
  std::lock_guard lock(state_->mutex);
  state_->ending = true;
}

Result<> IndexBuild::mark(store::Transaction& transaction, const Table& table, const Index& index) {
  return transaction.put(store::Space::Garbage, mark_key(index), mark_value(table.name, ""));
}

void IndexBuild::start(const Index& index) { next(store_, state_, mark_key(index)); }

Result<> IndexBuild::resume() {
  std::string from;
  for (;;) {
    auto view = TRY(store_.read());
    const auto rows = TRY(view->scan(store::Space::Garbage, from, "", kMarksPerPage));
    view.reset();
    if (rows.empty()) return {};
    from = rows.back().key + '\0';
    for (const store::Row& row : rows) {
      if (read_mark(row)) next(store_, state_, row.key);
    }
  }
}

void IndexBuild::retry() {
  std::unique_lock lock(state_->mutex);
  const std::vector<std::string> marks = std::exchange(state_->stopped, {});
  lock.unlock();
  for (const std::string& mark : marks) next(store_, state_, mark);
}

void IndexBuild::next(store::Store& store, std::shared_ptr<State> state, const std::string& mark) {
  auto more = std::make_shared<bool>();
  auto mutation = [mark, more](store::Transaction& transaction) -> Result<> {
    *more = TRY(take_over(transaction, mark));
    return {};
  };
  store.commit(std::move(mutation), [&store, state, mark, more](Result<> done) {
    std::unique_lock lock(state->mutex);
    if (state->ending) return;
    if (!done) {
      log::warning("dynamodb", "the filling of an index is stopped for now", {{"error", done.error().message}});
      return state->stopped.push_back(mark);
    }
    lock.unlock();
    if (*more) next(store, state, mark);
  });
}

}  // namespace gust::dynamodb
