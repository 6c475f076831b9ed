// SPDX-License-Identifier: Apache-2.0

#include "store/sqlite/connection.h"

#include <algorithm>
#include <cstdio>

namespace gust::store {
namespace {

constexpr int64_t kKeptLogBytes = 64 << 20;  // of a restarted log: more than this goes back to the file system

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

}  // namespace

Error sqlite_error(sqlite3* db, std::string_view what) {
  int code = db ? sqlite3_errcode(db) & 0xFF : SQLITE_NOMEM;
  Errc errc = code == SQLITE_FULL || code == SQLITE_NOMEM    ? Errc::Exhausted
              : code == SQLITE_BUSY || code == SQLITE_LOCKED ? Errc::Unavailable
                                                             : Errc::Io;
  return Error{errc, std::string(what) + ": " + (db ? sqlite3_errmsg(db) : "no memory")};
}

Connection::~Connection() {
  for (auto& of_space : statements_) {
    for (sqlite3_stmt* statement : of_space) sqlite3_finalize(statement);
  }
  for (sqlite3_stmt* statement : plain_) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

Result<> Connection::open(const std::string& path, const SqliteOptions& options, Role role) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path.c_str(), &db_, flags, options.vfs) != SQLITE_OK) {
    return Failure(sqlite_error(db_, "open " + path));
  }
  sqlite3_busy_timeout(db_, 10'000);
  TRY(run("PRAGMA journal_mode=WAL"));
  TRY(run(options.sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF"));
  // KiB. Readers are many and the kernel caches the file for them.
  TRY(run(role == Role::Writer ? "PRAGMA cache_size=-8000" : "PRAGMA cache_size=-500"));
  TRY(run("PRAGMA temp_store=MEMORY"));
  TRY(run("PRAGMA journal_size_limit=" + std::to_string(kKeptLogBytes)));
  // Checkpoints happen on their own thread: a commit does not pay for one.
  return run("PRAGMA wal_autocheckpoint=0");
}

Result<> Connection::run(const std::string& sql) {
  if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return Failure(sqlite_error(db_, sql));
  return {};
}

Result<std::optional<int64_t>> Connection::number(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) return Failure(sqlite_error(db_, sql));
  int code = sqlite3_step(statement);
  std::optional<int64_t> value;
  if (code == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL) value = sqlite3_column_int64(statement, 0);
  Result<std::optional<int64_t>> result = value;
  if (code != SQLITE_ROW && code != SQLITE_DONE) result = Failure(sqlite_error(db_, sql));
  sqlite3_finalize(statement);
  return result;
}

Result<> Connection::plain(Plain which) {
  static constexpr const char* kSql[] = {"BEGIN IMMEDIATE", "BEGIN",     "COMMIT",       "ROLLBACK",
                                         "SAVEPOINT m",     "RELEASE m", "ROLLBACK TO m"};
  const size_t index = static_cast<size_t>(which);
  sqlite3_stmt*& statement = plain_[index];
  TRY(prepare(statement, kSql[index]));
  if (sqlite3_step(statement) != SQLITE_DONE) {
    Error error = sqlite_error(db_, kSql[index]);
    sqlite3_reset(statement);
    return Failure(std::move(error));
  }
  sqlite3_reset(statement);
  return {};
}

Result<sqlite3_stmt*> Connection::statement(Space space, Verb verb) {
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
  if (found) return found;
  char sql[160];
  std::snprintf(sql, sizeof sql, kSql[static_cast<size_t>(verb)], static_cast<int>(space));
  TRY(prepare(found, sql));
  return found;
}

Result<> Connection::prepare(sqlite3_stmt*& statement, const char* sql) {
  if (statement) return {};
  if (sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    return Failure(sqlite_error(db_, sql));
  }
  return {};
}

Result<Connection::Checkpoint> Connection::checkpoint(int mode) {
  Checkpoint out;
  int code = sqlite3_wal_checkpoint_v2(db_, nullptr, mode, &out.pages, &out.copied);
  if (code == SQLITE_BUSY) return Checkpoint{-1, -1};
  if (code != SQLITE_OK) return Failure(sqlite_error(db_, "checkpoint"));
  return out;
}

Result<std::optional<std::string>> SqliteTransaction::get(Space space, std::string_view key) {
  Use use{TRY(connection_.statement(space, Connection::Verb::Get))};
  use.bind(1, key);
  int code = sqlite3_step(use.statement);
  if (code == SQLITE_DONE) return std::nullopt;
  if (code != SQLITE_ROW) return Failure(sqlite_error(connection_.db(), "get"));
  return use.column(0);
}

Result<std::vector<Row>> SqliteTransaction::scan(Space space, std::string_view from, std::string_view to, size_t limit,
                                                 Order order, size_t max_bytes) {
  using Verb = Connection::Verb;
  Verb verb =
      order == Order::Forward ? (to.empty() ? Verb::Forward : Verb::ForwardTo) : (to.empty() ? Verb::Backward : Verb::BackwardTo);
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

Result<> SqliteTransaction::put(Space space, std::string_view key, std::string_view value) {
  if (value.size() > kMaxValueBytes) return value_too_large(value.size());
  Use use{TRY(connection_.statement(space, Connection::Verb::Put))};
  use.bind(1, key);
  use.bind(2, value);
  if (sqlite3_step(use.statement) != SQLITE_DONE) return Failure(sqlite_error(connection_.db(), "put"));
  return {};
}

Result<> SqliteTransaction::erase(Space space, std::string_view key) {
  Use use{TRY(connection_.statement(space, Connection::Verb::Erase))};
  use.bind(1, key);
  if (sqlite3_step(use.statement) != SQLITE_DONE) return Failure(sqlite_error(connection_.db(), "erase"));
  return {};
}

}  // namespace gust::store
