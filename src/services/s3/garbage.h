// SPDX-License-Identifier: Apache-2.0

#pragma once

// Body files that no row names any more. Their ids are written to Space::Garbage in the transaction that forgets them; here
// they are removed after its commit, on disk threads, and then struck off. What a crash leaves is done at the next start.
// Thread-safe. Must outlive everything that runs on the pool and on the store.

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "blob/blob_store.h"
#include "net/worker_pool.h"
#include "store/store.h"

namespace gust::s3 {

class Garbage {
 public:
  Garbage(store::Store& store, net::WorkerPool& disk, blob::BlobStore& blobs) : store_(store), disk_(disk), blobs_(blobs) {}

  // Inside the mutation that takes the last name of the file away.
  static Result<> note(store::Transaction& transaction, std::string_view id);
  // After its commit. Never blocks.
  void remove(std::vector<std::string> ids);
  // At start: finishes what was noted, then removes files without a mark of use. Blocking.
  Result<> finish();

 private:
  void run();
  Result<> remove_noted();
  Result<> remove_unmarked();

  store::Store& store_;
  net::WorkerPool& disk_;
  blob::BlobStore& blobs_;
  std::mutex mutex_;
  std::vector<std::string> waiting_;
  bool running_ = false;  // a task of ours is on the pool
};

}  // namespace gust::s3
