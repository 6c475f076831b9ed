// SPDX-License-Identifier: Apache-2.0

#pragma once

// A request body on its way in: through the plan's filter, kept in memory, or from BodyPlan::memory bytes on written to a
// file by disk threads, one task at a time, so that no loop waits for a disk. Filters and digests of spooled bodies run on
// the disk threads too. Loop thread only, but for the tasks that it submits itself.

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

  // TooLarge: more than plan.limit or plan.wire_limit. After a refusal() bytes are dropped.
  enum class Verdict { Ok, TooLarge };
  Verdict append(std::string_view bytes);
  void end();  // no bytes follow; before the last pump
  bool spooling() const { return spooling_; }
  // More than a disk task can hold is waiting: stop reading until the callback of pump().
  bool congested() const { return spooling_ && held() > kCongestedBytes; }
  // Writes what waits. `progress` is called on the loop whenever a disk task has ended.
  void pump(std::function<void()> progress);
  bool idle() const { return !writing_ && !work_waits(); }
  const std::optional<Error>& error() const { return error_; }
  // The filter refused, or a limit was passed on a disk thread: answer this. Look after append, end and progress.
  std::optional<Response> refusal() const { return refusal_; }
  size_t held() const { return pending_.size() + raw_.size(); }  // bytes in memory that no disk task has taken yet
  // The whole body with its digests; only when idle() after end(), without error or refusal.
  Body take();
  const BodyPlan& plan() const { return plan_; }

 private:
  struct State;  // what disk tasks touch
  struct Batch;  // what one of them works on
  static constexpr size_t kCongestedBytes = 512 << 10;

  bool work_waits() const { return spooling_ && (held() > 0 || finish_waits_); }
  void after(std::shared_ptr<Batch> batch);

  net::Loop& loop_;
  net::WorkerPool* disk_;
  BodyPlan plan_;
  std::string pending_;            // decoded
  std::string raw_;                // for the filter, once that runs on disk threads
  std::string spare_, spare_raw_;  // buffers of the last task, to be used again
  uint64_t wire_ = 0;
  bool spooling_ = false, writing_ = false, finish_waits_ = false;
  std::shared_ptr<State> state_;
  std::optional<Error> error_;
  std::optional<Response> refusal_;
};

}  // namespace gust::http
