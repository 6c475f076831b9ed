// SPDX-License-Identifier: Apache-2.0

#include "store/sqlite/sqlite_store.h"

#include <pthread.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "store/fault_point.h"

namespace gust::store {
namespace {

constexpr int kSchemaVersion = 1;
constexpr int kCheckpointPages = 4000;  // of WAL, 16 MiB: then the checkpoint thread copies back
constexpr size_t kIdleReaders = 16;

Error sqlite_error(sqlite3* db, std::string_view what) {
  int code = db ? sqlite3_errcode(db) & 0xFF : SQLITE_NOMEM;
  Errc errc = code == SQLITE_FULL || code == SQLITE_NOMEM ? Errc::Exhausted
              : code == SQLITE_BUSY || code == SQLITE_LOCKED ? Errc::Unavailable : Errc::Io;
  return Error{errc, std::string(what) + ": " + (db ? sqlite3_errmsg(db) : "no memory")};
}

// A connection with its prepared statements. One thread at a time.
class Connection {
 public:
  ~Connection() {
    for (auto& of_space : statements_) {
      for (sqlite3_stmt* statement : of_space) sqlite3_finalize(statement);
    }
    for (sqlite3_stmt* statement : plain_) sqlite3_finalize(statement);
    sqlite3_close(db_);
  }

  Result<> open(const std::string& path, const SqliteOptions& options) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path.c_str(), &db_, flags, options.vfs) != SQLITE_OK) {
      return Failure(sqlite_error(db_, "open " + path));
    }
    sqlite3_busy_timeout(db_, 10'000);
    TRY(run("PRAGMA journal_mode=WAL"));
    TRY(run(options.sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF"));
    TRY(run("PRAGMA cache_size=-8000"));
    // Checkpoints happen on their own thread (6a of the design): a commit never pays for one.
    return run("PRAGMA wal_autocheckpoint=0");
  }

  Result<> run(const char* sql) {
    if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return Failure(sqlite_error(db_, sql));
    return {};
  }

  enum class Plain { Begin, BeginRead, Commit, Rollback, Savepoint, Release, RollbackTo };
  Result<> plain(Plain which) {
    static constexpr const char* kSql[] = {"BEGIN IMMEDIATE", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT m", "RELEASE m", "ROLLBACK TO m"};
    sqlite3_stmt*& statement = plain_[static_cast<size_t>(which)];
    TRY(prepare(statement, kSql[static_cast<size_t>(which)]));
    int code = sqlite3_step(statement);
    if (code != SQLITE_DONE) {
      Error error = sqlite_error(db_, kSql[static_cast<size_t>(which)]);
      sqlite3_reset(statement);
      return Failure(std::move(error));
    }
    sqlite3_reset(statement);
    return {};
  }

  enum class Verb { Get, Put, Erase, Forward, ForwardTo, Backward, BackwardTo };
  Result<sqlite3_stmt*> statement(Space space, Verb verb) {
    static constexpr const char* kSql[] = {
        "SELECT v FROM s%d WHERE k=?1",
        "INSERT INTO s%d(k,v) VALUES(?1,?2) ON CONFLICT(k) DO UPDATE SET v=excluded.v",
        "DELETE FROM s%d WHERE k=?1",
        "SELECT k,v FROM s%d WHERE k>=?1 ORDER BY k LIMIT ?3",
        "SELECT k,v FROM s%d WHERE k>=?1 AND k<?2 ORDER BY k LIMIT ?3",
        "SELECT k,v FROM s%d WHERE k>=?1 ORDER BY k DESC LIMIT ?3",
        "SELECT k,v FROM s%d WHERE k>=?1 AND k<?2 ORDER BY k DESC LIMIT ?3",
    };
    sqlite3_stmt*& found = statements_[static_cast<size_t>(space) - 1][static_cast<size_t>(verb)];
    char sql[160];
    std::snprintf(sql, sizeof sql, kSql[static_cast<size_t>(verb)], static_cast<int>(space));
    TRY(prepare(found, sql));
    return found;
  }

  sqlite3* db() { return db_; }

 private:
  Result<> prepare(sqlite3_stmt*& statement, const char* sql) {
    if (statement) return {};
    if (sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
      return Failure(sqlite_error(db_, sql));
    }
    return {};
  }

  sqlite3* db_ = nullptr;
  std::array<std::array<sqlite3_stmt*, 7>, kSpaces> statements_{};
  std::array<sqlite3_stmt*, 7> plain_{};
};

// Resets a statement whatever way its use ends.
struct Use {
  sqlite3_stmt* statement;
  ~Use() {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
  }
  void bind(int index, std::string_view bytes) {
    // A null pointer would bind NULL, also for an empty text.
    sqlite3_bind_blob64(statement, index, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_STATIC);
  }
  std::string column(int index) const {
    const void* bytes = sqlite3_column_blob(statement, index);
    return {static_cast<const char*>(bytes), static_cast<size_t>(sqlite3_column_bytes(statement, index))};
  }
};

class SqliteTransaction final : public Transaction {
 public:
  explicit SqliteTransaction(Connection& connection) : connection_(connection) {}

  Result<std::optional<std::string>> get(Space space, std::string_view key) override {
    Use use{TRY(connection_.statement(space, Connection::Verb::Get))};
    use.bind(1, key);
    int code = sqlite3_step(use.statement);
    if (code == SQLITE_DONE) return std::nullopt;
    if (code != SQLITE_ROW) return Failure(sqlite_error(connection_.db(), "get"));
    return use.column(0);
  }

  Result<std::vector<Row>> scan(Space space, std::string_view from, std::string_view to, size_t limit, Order order,
                                size_t max_bytes) override {
    using Verb = Connection::Verb;
    Verb verb = order == Order::Forward ? (to.empty() ? Verb::Forward : Verb::ForwardTo)
                                        : (to.empty() ? Verb::Backward : Verb::BackwardTo);
    Use use{TRY(connection_.statement(space, verb))};
    use.bind(1, from);
    if (!to.empty()) use.bind(2, to);
    sqlite3_bind_int64(use.statement, 3, static_cast<int64_t>(std::min<size_t>(limit, INT64_MAX)));
    std::vector<Row> rows;
    size_t bytes = 0;
    int code = SQLITE_DONE;
    while ((rows.empty() || bytes < max_bytes) && (code = sqlite3_step(use.statement)) == SQLITE_ROW) {
      rows.push_back({use.column(0), use.column(1)});
      bytes += rows.back().value.size();
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE) return Failure(sqlite_error(connection_.db(), "scan"));
    return rows;
  }

  Result<> put(Space space, std::string_view key, std::string_view value) override {
    if (value.size() > 1 << 20) return fail(Errc::TooLarge, "a store value of more than 1 MiB");
    Use use{TRY(connection_.statement(space, Connection::Verb::Put))};
    use.bind(1, key);
    use.bind(2, value);
    return finish(use, "put");
  }

  Result<> erase(Space space, std::string_view key) override {
    Use use{TRY(connection_.statement(space, Connection::Verb::Erase))};
    use.bind(1, key);
    return finish(use, "erase");
  }

 private:
  Result<> finish(Use& use, std::string_view what) {
    if (sqlite3_step(use.statement) != SQLITE_DONE) return Failure(sqlite_error(connection_.db(), what));
    return {};
  }

  Connection& connection_;
};

class SqliteStore final : public Store {
 public:
  SqliteStore(std::string path, SqliteOptions options) : path_(std::move(path)), options_(options) {}

  Result<> open() {
    TRY(writer_.open(path_, options_));
    TRY(migrate());
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

  Result<std::unique_ptr<View>> read() override;

 private:
  struct Entry {
    Mutation mutation;
    Done done;
    Result<> result;
  };
  friend class PooledView;

  Result<> migrate();
  void write_loop();
  void write_batch(std::vector<Entry>& batch);
  Result<> apply(std::vector<Entry>& batch);
  static int on_wal(void* self, sqlite3*, const char*, int pages);
  void checkpoint_loop();
  void give_back(std::unique_ptr<Connection> reader);

  std::string path_;
  SqliteOptions options_;
  Connection writer_;
  std::mutex mutex_;
  std::condition_variable wake_, checkpoint_wake_;
  std::deque<Entry> queue_;
  bool ending_ = false, checkpoint_due_ = false;
  std::mutex readers_mutex_;
  std::vector<std::unique_ptr<Connection>> readers_;
  std::thread writer_thread_, checkpoint_thread_;
};

class PooledView final : public View {
 public:
  PooledView(SqliteStore& store, std::unique_ptr<Connection> connection)
      : store_(store), connection_(std::move(connection)), transaction_(*connection_) {}
  ~PooledView() override {
    if (connection_->plain(Connection::Plain::Commit)) store_.give_back(std::move(connection_));
  }
  Result<std::optional<std::string>> get(Space space, std::string_view key) override { return transaction_.get(space, key); }
  Result<std::vector<Row>> scan(Space space, std::string_view from, std::string_view to, size_t limit, Order order,
                                size_t max_bytes) override {
    return transaction_.scan(space, from, to, limit, order, max_bytes);
  }

 private:
  SqliteStore& store_;
  std::unique_ptr<Connection> connection_;
  SqliteTransaction transaction_;
};

Result<std::unique_ptr<View>> SqliteStore::read() {
  std::unique_ptr<Connection> reader;
  {
    std::lock_guard lock(readers_mutex_);
    if (!readers_.empty()) {
      reader = std::move(readers_.back());
      readers_.pop_back();
    }
  }
  if (!reader) {
    reader = std::make_unique<Connection>();
    TRY(reader->open(path_, options_));
  }
  TRY(reader->plain(Connection::Plain::BeginRead));
  auto view = std::make_unique<PooledView>(*this, std::move(reader));
  // BEGIN alone takes no snapshot: the first read does (sqlite.org/lang_transaction.html).
  TRY(view->get(Space::Garbage, ""));
  return view;
}

void SqliteStore::give_back(std::unique_ptr<Connection> reader) {
  std::lock_guard lock(readers_mutex_);
  if (readers_.size() < kIdleReaders) readers_.push_back(std::move(reader));
}

Result<> SqliteStore::migrate() {
  TRY(writer_.run("CREATE TABLE IF NOT EXISTS schema_version(version INTEGER NOT NULL)"));
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(writer_.db(), "SELECT max(version) FROM schema_version", -1, &statement, nullptr) != SQLITE_OK) {
    return Failure(sqlite_error(writer_.db(), "schema version"));
  }
  int version = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int(statement, 0) : 0;
  sqlite3_finalize(statement);
  if (version > kSchemaVersion) {
    return fail(Errc::Unsupported, path_ + " was written by a newer version of Gust (schema " + std::to_string(version) +
                                       ", this one knows " + std::to_string(kSchemaVersion) + "); use that version");
  }
  if (version == kSchemaVersion) return {};
  TRY(writer_.run("BEGIN IMMEDIATE"));
  for (int space = 1; space <= kSpaces; ++space) {
    std::string table = "s" + std::to_string(space);
    // A rowid table with an index: 17 us a row of 1 KiB against 50 for WITHOUT ROWID, whose large records overflow.
    TRY(writer_.run(("CREATE TABLE " + table + "(id INTEGER PRIMARY KEY, k BLOB NOT NULL, v BLOB NOT NULL)").c_str()));
    TRY(writer_.run(("CREATE UNIQUE INDEX " + table + "k ON " + table + "(k)").c_str()));
  }
  TRY(writer_.run(("INSERT INTO schema_version VALUES(" + std::to_string(kSchemaVersion) + ")").c_str()));
  return writer_.run("COMMIT");
}

void SqliteStore::write_loop() {
  for (;;) {
    std::vector<Entry> batch;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return ending_ || !queue_.empty(); });
      if (queue_.empty()) return;
      while (!queue_.empty() && batch.size() < options_.max_batch) {
        batch.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
    }
    write_batch(batch);
  }
}

void SqliteStore::write_batch(std::vector<Entry>& batch) {
  auto applied = apply(batch);
  if (!applied) {
    // Nothing of the batch is on disk: nobody hears a success. A disk that is full now may have space later.
    log::error("store", "a batch could not be committed", {{"error", applied.error().message}});
    if (!sqlite3_get_autocommit(writer_.db())) (void)writer_.plain(Connection::Plain::Rollback);
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
    if (sqlite3_get_autocommit(writer_.db())) {
      return fail(Errc::Io, entry.result ? "transaction lost" : entry.result.error().message);
    }
    if (!entry.result) TRY(writer_.plain(Plain::RollbackTo));
    TRY(writer_.plain(Plain::Release));
  }
  fault_point("store.before_commit");
  return writer_.plain(Plain::Commit);
}

int SqliteStore::on_wal(void* self, sqlite3*, const char*, int pages) {
  if (pages < kCheckpointPages) return SQLITE_OK;
  auto* store = static_cast<SqliteStore*>(self);
  {
    std::lock_guard lock(store->mutex_);
    store->checkpoint_due_ = true;
  }
  store->checkpoint_wake_.notify_one();
  return SQLITE_OK;
}

void SqliteStore::checkpoint_loop() {
  Connection connection;
  if (auto opened = connection.open(path_, options_); !opened) {
    log::error("store", "no checkpoints: the file could not be opened again", {{"error", opened.error().message}});
    return;
  }
  std::unique_lock lock(mutex_);
  for (;;) {
    checkpoint_wake_.wait(lock, [this] { return ending_ || checkpoint_due_; });
    if (ending_) return;
    checkpoint_due_ = false;
    lock.unlock();
    // PASSIVE waits for nobody: what a reader still needs is copied the next time.
    int code = sqlite3_wal_checkpoint_v2(connection.db(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    if (code != SQLITE_OK && code != SQLITE_BUSY) {
      log::warning("store", sqlite_error(connection.db(), "checkpoint").message);
    }
    lock.lock();
  }
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path, SqliteOptions options) {
  auto store = std::make_unique<SqliteStore>(path, options);
  TRY(store->open());
  return store;
}

}  // namespace gust::store
