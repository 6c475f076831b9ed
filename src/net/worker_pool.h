// SPDX-License-Identifier: Apache-2.0

#pragma once

// A bounded set of threads for synchronous work (service handlers, disk transfers). Thread-safe.

#include <cstddef>
#include <functional>
#include <memory>

namespace gust::net {

class WorkerPool {
 public:
  WorkerPool(const char* name, size_t threads, size_t max_queued);
  ~WorkerPool();                            // finishes what is queued
  bool submit(std::function<void()> task);  // false: the queue is full, nothing was taken

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gust::net
