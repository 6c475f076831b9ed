// SPDX-License-Identifier: Apache-2.0

#include "net/worker_pool.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace gust::net {

struct WorkerPool::Impl {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> queue;
  std::vector<std::thread> threads;
  size_t max_queued = 0;
  bool ending = false;

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [this] { return ending || !queue.empty(); });
      if (queue.empty()) return;
      std::function<void()> task = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      task();
      task = nullptr;  // what it captured goes before the lock is taken again
      lock.lock();
    }
  }
};

WorkerPool::WorkerPool(const char* name, size_t threads, size_t max_queued) : impl_(std::make_unique<Impl>()) {
  impl_->max_queued = max_queued;
  for (size_t i = 0; i < threads; ++i) {
    impl_->threads.emplace_back([impl = impl_.get()] { impl->run(); });
    pthread_setname_np(impl_->threads.back().native_handle(), std::string(name).substr(0, 15).c_str());
  }
}

WorkerPool::~WorkerPool() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->ending = true;
  }
  impl_->wake.notify_all();
  for (std::thread& thread : impl_->threads) thread.join();
}

bool WorkerPool::submit(std::function<void()> task) {
  {
    std::lock_guard lock(impl_->mutex);
    if (impl_->ending || impl_->queue.size() >= impl_->max_queued) return false;
    impl_->queue.push_back(std::move(task));
  }
  impl_->wake.notify_one();
  return true;
}

}  // namespace gust::net
