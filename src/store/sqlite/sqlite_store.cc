// SPDX-License-Identifier: Apache-2.0

#include "store/sqlite/sqlite_store.h"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"
#include "store/fault_point.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/schema.h"

namespace gust::store {
namespace {

constexpr size_t kIdleReaders = 8;
constexpr int kGatePagesFactor = 16;  // x checkpoint_pages of log: then new views wait until it could start anew
constexpr auto kGateWait = std::chrono::milliseconds(500);

// Reader connections. Every view comes from here, so that the writer can let the log end when it has grown too long.
class Readers {
 public:
  Readers(const std::string& path, const SqliteOptions& options) : path_(path), options_(options) {}

  Result<std::unique_ptr<Connection>> take() {
    std::unique_lock lock(mutex_);
    // Bounded: a thread that opens a second view while it holds one must not wait for itself.
    changed_.wait_for(lock, kGateWait, [this] { return !closed_; });
    ++open_;
    if (!idle_.empty()) {
      auto reader = std::move(idle_.back());
      idle_.pop_back();
      return reader;
    }
    lock.unlock();
    auto reader = std::make_unique<Connection>();
    auto opened = reader->open(path_, options_, Connection::Role::Reader);
    if (opened) return reader;
    give_back(nullptr);
    return Failure(std::move(opened).error());
  }

  void give_back(std::unique_ptr<Connection> reader) {
    std::lock_guard lock(mutex_);
    --open_;
    if (reader && idle_.size() < kIdleReaders) idle_.push_back(std::move(reader));
    if (closed_) changed_.notify_all();
  }

  void close_gate() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    changed_.wait_for(lock, kGateWait / 2, [this] { return open_ == 0; });
  }
  void open_gate() {
    std::lock_guard lock(mutex_);
    closed_ = false;
    changed_.notify_all();
  }

 private:
  const std::string& path_;
  const SqliteOptions& options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Connection>> idle_;
  size_t open_ = 0;
  bool closed_ = false;
};

class PooledView final : public View {
 public:
  PooledView(Readers& readers, std::unique_ptr<Connection> connection)
      : readers_(readers), connection_(std::move(connection)), transaction_(*connection_) {}
  ~PooledView() override {
    const bool good = !connection_->in_transaction() || connection_->plain(Connection::Plain::Commit);
    if (!good) connection_.reset();
    readers_.give_back(std::move(connection_));
  }
  Result<> begin() {
    TRY(connection_->plain(Connection::Plain::BeginRead));
    // BEGIN alone takes no snapshot: the first read does (sqlite.org/lang_transaction.html).
    TRY(transaction_.get(Space::Garbage, ""));
    return {};
  }
  Result<std::optional<std::string>> get(Space space, std::string_view key) override { return transaction_.get(space, key); }
  Result<std::vector<Row>> scan(Space space, std::string_view from, std::string_view to, size_t limit, Order order,
                                size_t max_bytes) override {
    return transaction_.scan(space, from, to, limit, order, max_bytes);
  }

 private:
  Readers& readers_;
  std::unique_ptr<Connection> connection_;
  SqliteTransaction transaction_;
};

class SqliteStore final : public Store {
 public:
  SqliteStore(std::string path, SqliteOptions options) : path_(std::move(path)), options_(options), readers_(path_, options_) {}

  Result<> open() {
    TRY(writer_.open(path_, options_, Connection::Role::Writer));
    TRY(migrate(writer_, path_, schema_steps()));
    TRY(checkpointer_.open(path_, options_, Connection::Role::Reader));
    sqlite3_wal_hook(writer_.db(), &SqliteStore::on_wal, this);
    writer_thread_ = std::thread([this] { write_loop(); });
    pthread_setname_np(writer_thread_.native_handle(), "store-writer");
    checkpoint_thread_ = std::thread([this] { checkpoint_loop(); });
    pthread_setname_np(checkpoint_thread_.native_handle(), "store-checkpt");
    return {};
  }

  ~SqliteStore() override {
    {
      std::lock_guard lock(mutex_);
      ending_ = true;
    }
    wake_.notify_all();
    checkpoint_wake_.notify_all();
    if (writer_thread_.joinable()) writer_thread_.join();
    if (checkpoint_thread_.joinable()) checkpoint_thread_.join();
  }

  void commit(Mutation mutation, Done done) override {
    {
      std::lock_guard lock(mutex_);
      if (queue_.size() < options_.max_queued && !ending_) {
        queue_.push_back({std::move(mutation), std::move(done), {}});
        if (queue_.size() == 1) wake_.notify_one();
        return;
      }
    }
    done(fail(Errc::Unavailable, "too many writes are waiting; try again"));
  }

  Result<std::unique_ptr<View>> read() override {
    auto view = std::make_unique<PooledView>(readers_, TRY(readers_.take()));
    TRY(view->begin());
    return view;
  }

 private:
  struct Entry {
    Mutation mutation;
    Done done;
    Result<> result;
  };

  void write_loop();
  void write_batch(std::vector<Entry>& batch);
  Result<> apply(std::vector<Entry>& batch);
  static int on_wal(void* self, sqlite3*, const char*, int pages);
  void finish_checkpoint();
  void checkpoint_loop();
  void copy_back();

  const std::string path_;
  const SqliteOptions options_;
  Readers readers_;
  Connection writer_, checkpointer_;
  std::mutex mutex_;
  std::condition_variable wake_, checkpoint_wake_;
  std::deque<Entry> queue_;
  bool ending_ = false;
  bool checkpoint_due_ = false;       // for the checkpoint thread
  bool rest_due_ = false;             // for the writer, after it
  int log_pages_ = 0, asked_at_ = 0;  // writer thread only
  std::thread writer_thread_, checkpoint_thread_;
};

void SqliteStore::write_loop() {
  std::vector<Entry> batch;
  for (;;) {
    bool rest_due = false;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return ending_ || rest_due_ || !queue_.empty(); });
      rest_due = std::exchange(rest_due_, false);
      if (queue_.empty() && !rest_due) return;
      while (!queue_.empty() && batch.size() < options_.max_batch) {
        batch.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
    }
    if (rest_due) finish_checkpoint();
    if (!batch.empty()) write_batch(batch);
    batch.clear();
  }
}

void SqliteStore::write_batch(std::vector<Entry>& batch) {
  auto applied = apply(batch);
  if (!applied) {
    // Nothing of the batch is acknowledged. A disk that is full now may have space later.
    log::error("store", "a batch could not be committed", {{"error", applied.error().message}});
    if (writer_.in_transaction()) (void)writer_.plain(Connection::Plain::Rollback);
    for (Entry& entry : batch) {
      if (entry.result) entry.result = Failure(applied.error());
    }
  }
  fault_point("store.after_commit");
  for (Entry& entry : batch) entry.done(std::move(entry.result));
}

Result<> SqliteStore::apply(std::vector<Entry>& batch) {
  using Plain = Connection::Plain;
  TRY(writer_.plain(Plain::Begin));
  SqliteTransaction transaction(writer_);
  for (Entry& entry : batch) {
    TRY(writer_.plain(Plain::Savepoint));
    entry.result = entry.mutation(transaction);
    // A disk error inside a mutation may have ended the whole transaction.
    if (!writer_.in_transaction()) {
      return entry.result ? fail(Errc::Io, "the transaction was lost") : Result<>(Failure(entry.result.error()));
    }
    if (!entry.result) TRY(writer_.plain(Plain::RollbackTo));
    TRY(writer_.plain(Plain::Release));
  }
  fault_point("store.before_commit");
  return writer_.plain(Plain::Commit);
}

// On the writer thread, after a COMMIT.
int SqliteStore::on_wal(void* self, sqlite3*, const char*, int pages) {
  auto* store = static_cast<SqliteStore*>(self);
  if (pages < store->log_pages_) store->asked_at_ = 0;  // the log started anew
  store->log_pages_ = pages;
  if (pages - store->asked_at_ < store->options_.checkpoint_pages) return SQLITE_OK;
  store->asked_at_ = pages;
  {
    std::lock_guard lock(store->mutex_);
    store->checkpoint_due_ = true;
  }
  store->checkpoint_wake_.notify_one();
  return SQLITE_OK;
}

// Between two batches. While commits go on, a checkpoint beside them never reaches the end of the log, and a log whose end
// was not reached cannot start anew: so the last pages are copied here, where nothing is being added.
void SqliteStore::finish_checkpoint() {
  const bool gate = log_pages_ >= kGatePagesFactor * options_.checkpoint_pages;
  if (gate) readers_.close_gate();
  auto copied = writer_.checkpoint(SQLITE_CHECKPOINT_PASSIVE);
  if (gate) readers_.open_gate();
  if (!copied) log::warning("store", copied.error().message);
}

void SqliteStore::checkpoint_loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    checkpoint_wake_.wait(lock, [this] { return ending_ || checkpoint_due_; });
    if (ending_) return;
    checkpoint_due_ = false;
    lock.unlock();
    copy_back();
    lock.lock();
    rest_due_ = true;
    wake_.notify_one();
  }
}

// The second pass takes what was added during the first one, so that little is left for the writer.
void SqliteStore::copy_back() {
  for (int pass = 0; pass < 2; ++pass) {
    auto done = checkpointer_.checkpoint(SQLITE_CHECKPOINT_PASSIVE);  // waits for nobody
    if (!done) return log::warning("store", done.error().message);
  }
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path, SqliteOptions options) {
  auto store = std::make_unique<SqliteStore>(path, options);
  TRY(store->open());
  return store;
}

}  // namespace gust::store
