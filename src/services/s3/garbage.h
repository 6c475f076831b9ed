// SPDX-License-Identifier: Apache-2.0

#pragma once

// Body files that no row names any more. Their ids are written to Space::Garbage in the transaction that forgets them, one by
// one or as the manifest of an object that had many; here they are removed after its commit, on disk threads, and then
// struck off, a bounded number in one transaction. So are the unfinished uploads of buckets that were deleted. What a crash
// leaves is done at the next start. Thread-safe. Must outlive everything that runs on the pool and on the store.

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "blob/blob_store.h"
#include "net/worker_pool.h"
#include "store/store.h"

namespace gust::s3 {

// What a mutation has noted; for remove() after its commit.
struct Leftovers {
  std::vector<std::string> files;  // ids
  std::vector<std::string> rows;   // of Space::Garbage, that stand for more than one file
  bool empty() const { return files.empty() && rows.empty(); }
};

class Garbage {
 public:
  Garbage(store::Store& store, net::WorkerPool& disk, blob::BlobStore& blobs) : store_(store), disk_(disk), blobs_(blobs) {}

  // Inside the mutation that takes the last name of the file away.
  static Result<> note(store::Transaction& transaction, std::string_view id);
  // All files of a manifest, which has at least one.
  static Result<> note_files(store::Transaction& transaction, std::string_view manifest, Leftovers& leftovers);
  // The rows of Space::Object under `prefix`: unfinished uploads (multipart.h). Nothing is added under it any more.
  static Result<> note_uploads(store::Transaction& transaction, std::string_view prefix, Leftovers& leftovers);

  // After its commit. Never blocks.
  void remove(Leftovers leftovers);
  // At start: finishes what was noted, then removes files without a mark of use. Blocking.
  Result<> finish();

 private:
  void run();
  void remove_files(std::vector<std::string> ids);
  Result<> remove_row(const std::string& row);
  Result<> remove_uploads(const std::string& prefix);
  Result<> remove_noted();
  Result<> remove_unmarked();

  store::Store& store_;
  net::WorkerPool& disk_;
  blob::BlobStore& blobs_;
  std::mutex mutex_;
  Leftovers waiting_;
  bool running_ = false;  // a task of ours is on the pool
};

}  // namespace gust::s3
