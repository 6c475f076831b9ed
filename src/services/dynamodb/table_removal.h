// SPDX-License-Identifier: Apache-2.0

#pragma once

// Removes the rows of deleted tables and indexes: batch after batch, each a commit of its own, so that other writes get
// between them. A row of Space::Garbage says that the rows under a storage number are to go; it is written by the commit that
// deletes the table or index and goes with the last batch. A crash or an error leaves it, and the next resume() goes on.

#include <atomic>
#include <memory>

#include "services/dynamodb/table.h"
#include "store/store.h"

namespace gust::dynamodb {

class TableRemoval {
 public:
  // The store must outlive this and everything committed to it.
  explicit TableRemoval(store::Store& store) : store_(store) {}
  ~TableRemoval() { *ending_ = true; }
  TableRemoval(const TableRemoval&) = delete;
  TableRemoval& operator=(const TableRemoval&) = delete;

  // Inside the mutation that deletes the table or index.
  static Result<> mark(store::Transaction& transaction, const Keys& keys);
  // After that mutation's commit; any thread, the writer's too. Returns at once.
  void start(const Keys& keys);
  // Goes on with everything that is marked. Blocking for the reading of the marks alone; before serving.
  Result<> resume();

 private:
  struct Batch;
  static void next(store::Store& store, std::shared_ptr<std::atomic<bool>> ending, std::shared_ptr<const Batch> batch);

  store::Store& store_;
  const std::shared_ptr<std::atomic<bool>> ending_ = std::make_shared<std::atomic<bool>>(false);  // outlives this in callbacks
};

}  // namespace gust::dynamodb
