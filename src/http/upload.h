// SPDX-License-Identifier: Apache-2.0

#pragma once

// A request body on its way in: kept in memory, or from BodyPlan::memory bytes on written to a file by disk threads, one
// task at a time, so that no loop waits for a disk. Loop thread only, but for the tasks that it submits itself.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "crypto/hash.h"
#include "http/server.h"

namespace gust::http {

class Upload : public std::enable_shared_from_this<Upload> {
 public:
  Upload(net::Loop& loop, net::WorkerPool* disk, BodyPlan plan);
  ~Upload();  // unlinks the file unless the body was taken

  enum class Verdict { Ok, TooLarge };
  Verdict append(std::string_view bytes);
  bool spooling() const { return spooling_; }
  // More than a disk task can hold is waiting: stop reading until the callback of flush().
  bool congested() const { return spooling_ && pending_.size() > kCongestedBytes; }
  // Writes what waits. `progress` is called on the loop whenever a disk task has ended.
  void pump(std::function<void()> progress);
  bool idle() const { return !writing_ && (pending_.empty() || !spooling_); }
  const std::optional<Error>& error() const { return error_; }
  size_t held() const { return pending_.size(); }  // bytes in memory that no disk task has taken yet
  // The whole body with its digests; only when idle() after the last append.
  Body take();
  const BodyPlan& plan() const { return plan_; }

 private:
  struct State;  // what disk tasks touch
  static constexpr size_t kCongestedBytes = 1 << 20;

  net::Loop& loop_;
  net::WorkerPool* disk_;
  BodyPlan plan_;
  std::string pending_;
  uint64_t received_ = 0;
  bool spooling_ = false, writing_ = false;
  std::shared_ptr<State> state_;
  std::optional<Error> error_;
};

}  // namespace gust::http
