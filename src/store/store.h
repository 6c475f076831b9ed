// SPDX-License-Identifier: Apache-2.0

#pragma once

// The transactional store: ordered maps of byte strings ("spaces") that commit together. One engine today (sqlite/), an
// in-memory oracle for the conformance suite, more later; nothing above this interface knows which.
//
// Keys start with what the caller wants to be ordered by, first of all (account, region): build them with store/key.h.
// Values are opaque, at most 1 MiB; larger things are files (blob/).

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gust::store {

// Where a key lives. The numbers are on disk: never reuse one.
enum class Space : uint8_t {
  Meta = 1,     // buckets, tables, functions, policies, configuration documents
  Object = 2,   // S3 object rows
  Body = 3,     // S3 object bodies up to 64 KiB
  Item = 4,     // DynamoDB items
  Event = 5,    // async invocations: due-time index and payload
  Garbage = 6,  // files to be deleted, bounded deletions under way
};
inline constexpr uint8_t kSpaces = 6;

inline constexpr size_t kMaxValueBytes = 1 << 20;

struct Row {
  std::string key, value;
};
enum class Order { Forward, Backward };

// Read access. A view is consistent in itself and must be short-lived (one page of results): it holds back checkpoints.
class View {
 public:
  virtual ~View() = default;
  virtual Result<std::optional<std::string>> get(Space space, std::string_view key) = 0;
  // Rows with from <= key < to (empty `to`: no bound), at most `limit` rows and about `max_bytes` of values (at least one
  // row), in key order.
  virtual Result<std::vector<Row>> scan(Space space, std::string_view from, std::string_view to, size_t limit,
                                        Order order = Order::Forward, size_t max_bytes = 4 << 20) = 0;
};

// Inside a mutation: reads see the batch so far, this mutation's writes included.
class Transaction : public View {
 public:
  virtual Result<> put(Space space, std::string_view key, std::string_view value) = 0;
  virtual Result<> erase(Space space, std::string_view key) = 0;
};

// A pure function of what it reads: it may be run again (another engine's compare-and-swap), so it must not touch anything
// but the transaction and variables that it sets anew on each run. An error undoes this mutation alone.
using Mutation = std::function<Result<>(Transaction&)>;
// Called exactly once, after COMMIT (then the mutation is on disk and survives power loss) or after the failure, on the
// store's writer thread: must be short, and must not call read().
using Done = std::function<void(Result<>)>;

Failure value_too_large(size_t bytes);  // what put() of any engine answers beyond kMaxValueBytes

class Store {
 public:
  virtual ~Store() = default;
  // Any thread, never blocks for the disk. Mutations commit in the order of calls, many per COMMIT. Where more than
  // `max_queued` wait, `done` gets Unavailable at once.
  virtual void commit(Mutation mutation, Done done) = 0;
  Result<> commit_and_wait(Mutation mutation);  // blocking; not on the writer thread
  // A consistent view of everything committed. Any thread but the writer's; blocking (may touch the disk).
  virtual Result<std::unique_ptr<View>> read() = 0;
};

}  // namespace gust::store
