// SPDX-License-Identifier: Apache-2.0

#pragma once

// Fills a new global secondary index from its table: batch after batch, each a commit of its own, so that other writes get
// between them; those keep the index themselves (index_entries.h). A row of Space::Garbage holds how far it has come; it is
// written by the commit that makes the index and goes with the one that makes it active. A crash leaves it, and the next
// resume() goes on; after an error retry() does. An index or table that is deleted meanwhile ends it.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "services/dynamodb/table.h"
#include "store/store.h"

namespace gust::dynamodb {

class IndexBuild {
 public:
  // The store must outlive this and everything committed to it.
  explicit IndexBuild(store::Store& store) : store_(store) {}
  ~IndexBuild();
  IndexBuild(const IndexBuild&) = delete;
  IndexBuild& operator=(const IndexBuild&) = delete;

  // Inside the mutation that makes the index, which is Creating.
  static Result<> mark(store::Transaction& transaction, const Table& table, const Index& index);
  // After that mutation's commit; any thread, the writer's too. Returns at once.
  void start(const Index& index);
  // Goes on with everything that is marked. Blocking for the reading of the marks alone; before serving.
  Result<> resume();
  // Tries again what an error has stopped: whoever waits for an index describes its table now and then. Returns at once.
  void retry();

 private:
  struct State {  // outlives this in callbacks
    std::mutex mutex;
    bool ending = false;
    std::vector<std::string> stopped;  // marks
  };
  static void next(store::Store& store, std::shared_ptr<State> state, const std::string& mark);

  store::Store& store_;
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace gust::dynamodb
