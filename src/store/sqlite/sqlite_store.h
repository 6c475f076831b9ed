// SPDX-License-Identifier: Apache-2.0

#pragma once

// The embedded engine: one SQLite file (WAL, synchronous=FULL), one writer thread with group commit, a savepoint for each
// mutation. What commit()'s done reported as success survives kill -9 and power loss. Where a COMMIT fails (disk full, I/O
// error) every mutation of that batch gets the error; later ones work again as soon as the disk does.
//
// The log is copied back by a thread of its own; the writer itself only copies the little that came in meanwhile, so that
// the log starts anew. The destructor waits until everything queued has been committed; no view may be left by then.

#include <memory>
#include <string>

#include "base/result.h"
#include "store/store.h"

namespace gust::store {

struct SqliteOptions {
  size_t max_queued = 10'000;   // mutations waiting; beyond: Unavailable
  size_t max_batch = 256;       // mutations in one COMMIT
  const char* vfs = nullptr;    // null: the system's
  bool sync = true;             // false only to show that the power-loss tests notice
  int checkpoint_pages = 4000;  // of log (16 MiB): then it is copied back
};

// Opens or makes the file. Errors: Io and Exhausted from the disk, Unsupported where a newer version wrote it.
Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path, SqliteOptions options = {});

}  // namespace gust::store
