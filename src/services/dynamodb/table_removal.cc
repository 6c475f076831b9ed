// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/table_removal.h"

#include "base/log.h"
#include "services/dynamodb/item_key.h"
#include "store/key.h"

namespace gust::dynamodb {
namespace {

constexpr size_t kRowsPerBatch = 256, kBytesPerBatch = 1 << 20, kMarksPerPage = 1000;
constexpr std::string_view kMark = "dynamodb-table";

// The mark's value is where the items' keys start.
std::string mark_key(const Keys& keys) {
  return store::Key().text(keys.account).text(keys.region).text(kMark).number(keys.storage).bytes();
}

bool is_mark(std::string_view key) {
  store::KeyReader reader(key);
  if (!reader.text() || !reader.text()) return false;
  const auto kind = reader.text();
  return kind && *kind == kMark;
}

}  // namespace

struct TableRemoval::Batch {
  std::string mark, from, to;
};

Result<> TableRemoval::mark(store::Transaction& transaction, const Keys& keys) {
  return transaction.put(store::Space::Garbage, mark_key(keys), all_items(keys).from);
}

void TableRemoval::start(const Keys& keys) {
  const KeyRange items = all_items(keys);
  next(store_, ending_, std::make_shared<const Batch>(Batch{mark_key(keys), items.from, items.to}));
}

Result<> TableRemoval::resume() {
  std::string from;
  for (;;) {
    auto view = TRY(store_.read());
    const auto rows = TRY(view->scan(store::Space::Garbage, from, "", kMarksPerPage));
    view.reset();
    if (rows.empty()) return {};
    from = rows.back().key + '\0';
    for (const store::Row& row : rows) {
      if (!is_mark(row.key)) continue;
      next(store_, ending_, std::make_shared<const Batch>(Batch{row.key, row.value, store::prefix_end(row.value)}));
    }
  }
}

void TableRemoval::next(store::Store& store, std::shared_ptr<std::atomic<bool>> ending, std::shared_ptr<const Batch> batch) {
  auto more = std::make_shared<bool>();
  auto mutation = [batch, more](store::Transaction& transaction) -> Result<> {
    const auto rows =
        TRY(transaction.scan(store::Space::Item, batch->from, batch->to, kRowsPerBatch, store::Order::Forward, kBytesPerBatch));
    for (const store::Row& row : rows) TRY(transaction.erase(store::Space::Item, row.key));
    *more = !rows.empty();
    return *more ? Result<>() : transaction.erase(store::Space::Garbage, batch->mark);
  };
  store.commit(std::move(mutation), [&store, ending, batch, more](Result<> done) {
    if (!done) {
      log::warning("dynamodb", "the rows of a deleted table or index stay until the next start",
                   {{"error", done.error().message}});
    } else if (*more && !*ending) {
      next(store, ending, batch);
    }
  });
}

}  // namespace gust::dynamodb
