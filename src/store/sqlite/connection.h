// SPDX-License-Identifier: Apache-2.0

#pragma once

// One SQLite connection with its prepared statements, and the store's reads and writes on it. One thread at a time.

#include <sqlite3.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/sqlite/sqlite_store.h"
#include "store/store.h"

namespace gust::store {

// SQLITE_FULL and NOMEM -> Exhausted, BUSY and LOCKED -> Unavailable, else Io; with SQLite's own text.
Error sqlite_error(sqlite3* db, std::string_view what);

class Connection {
 public:
  enum class Role { Writer, Reader };
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  Result<> open(const std::string& path, const SqliteOptions& options, Role role);
  Result<> run(const std::string& sql);  // not prepared: for what is rare
  // The first column of the first row, or null where there is none.
  Result<std::optional<int64_t>> number(const std::string& sql);

  enum class Plain { Begin, BeginRead, Commit, Rollback, Savepoint, Release, RollbackTo };
  Result<> plain(Plain which);
  bool in_transaction() const { return !sqlite3_get_autocommit(db_); }

  enum class Verb { Get, Put, Erase, Forward, ForwardTo, Backward, BackwardTo };
  Result<sqlite3_stmt*> statement(Space space, Verb verb);

  struct Checkpoint {
    int pages = 0, copied = 0;  // in the log; of those in the file now
  };
  // Waits for nobody; -1 pages where another one is under way.
  Result<Checkpoint> checkpoint(int mode);

  sqlite3* db() { return db_; }

 private:
  Result<> prepare(sqlite3_stmt*& statement, const char* sql);

  sqlite3* db_ = nullptr;
  std::array<std::array<sqlite3_stmt*, 7>, kSpaces> statements_{};
  std::array<sqlite3_stmt*, 7> plain_{};
};

class SqliteTransaction final : public Transaction {
 public:
  explicit SqliteTransaction(Connection& connection) : connection_(connection) {}
  Result<std::optional<std::string>> get(Space space, std::string_view key) override;
  Result<std::vector<Row>> scan(Space space, std::string_view from, std::string_view to, size_t limit, Order order,
                                size_t max_bytes) override;
  Result<> put(Space space, std::string_view key, std::string_view value) override;
  Result<> erase(Space space, std::string_view key) override;

 private:
  Connection& connection_;
};

}  // namespace gust::store
