// SPDX-License-Identifier: Apache-2.0

#pragma once

// Sends uploads when they are due, whatever the system does (open loop): enough threads that a slow answer delays nobody
// else's upload, and the schedule's time is recorded beside the real one.

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "experiment/model.h"
#include "gust/aws.h"

namespace gust::experiment {

struct Due {
  int64_t at_us = 0;  // after the start of the replay
  uint64_t sequence = 0;
  const std::string* content = nullptr;
};

struct ReplayOptions {
  aws::Config aws;
  std::string bucket, run, arm;
  int threads = 16;
  std::function<void(const Sent&)> on_sent;  // one thread at a time
  const std::atomic<bool>* stop = nullptr;   // set: nothing more is sent
};

// Blocks until everything due was sent and answered. `schedule` must be in order of time.
std::vector<Sent> replay(const std::vector<Due>& schedule, const ReplayOptions& options);

}  // namespace gust::experiment
