// SPDX-License-Identifier: Apache-2.0

#pragma once

// The image scaler as an always-on server: lists its input prefix every few seconds and works through what is new, in
// batches, with a few threads. It knows nothing but the public S3 API.
//
// Progress is an object in the same bucket: a marker (everything before it is done) and the keys beyond it that are done.
// The marker moves only past keys that are older than a grace time, because uploads finish in another order than their
// names'. After a crash in the middle of a batch the rows say what was done: nothing is skipped, nothing recorded twice.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "image-scaler/job/job.h"

namespace gust::scaler {

struct PollerOptions {
  std::string bucket, prefix, progress_key;
  JobOptions job;
  aws::Config aws;
  int workers = 2;
  int batch = 25;
  int64_t poll_us = 5'000'000;
  int64_t grace_us = 120'000'000;
};

class Poller {
 public:
  explicit Poller(PollerOptions options);
  ~Poller();
  // Reads the progress of an earlier life. Errors: the bucket or table cannot be read.
  Result<> resume();
  // One poll: lists, works, saves. Returns how many objects were worked through.
  Result<size_t> poll_once();
  // Until `stop`: what was begun is finished first.
  void run(const std::atomic<bool>& stop);
  bool is_done(const std::string& key) const { return key <= marker_ || done_.contains(key); }

 private:
  Result<std::vector<aws::ObjectInfo>> list_new();
  void work_through(const std::vector<aws::ObjectInfo>& batch);
  void advance_marker();
  Result<> save();
  void worker();

  PollerOptions options_;
  aws::Client client_;
  std::string marker_;
  std::set<std::string> done_;
  std::set<std::string> seen_old_;  // listed and older than the grace time
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable work_, idle_;
  std::deque<aws::ObjectInfo> queue_;  // guarded by mutex_, as are the next three
  std::vector<std::string> finished_;
  size_t busy_ = 0;
  bool stopping_ = false;
  std::atomic<bool> first_{true};
};

}  // namespace gust::scaler
