// SPDX-License-Identifier: Apache-2.0

#pragma once

// The event loop: readiness of descriptors, timers and posted work on one thread. Boost.Asio inside loop.cc only.
// Everything but post() and stop() must be called on the loop's thread (or before run()). Callbacks run on that thread,
// one at a time, and must not block.

#include <cstdint>
#include <functional>
#include <memory>

namespace gust::net {

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void run();                             // until stop(); keeps running without work
  void stop();                            // any thread
  void post(std::function<void()> task);  // any thread; run in order of posting
  bool in_thread() const;                 // whether the caller is the thread inside run()

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// One-shot timer; start() again replaces. The callback is not called after cancel() or destruction.
class Timer {
 public:
  explicit Timer(Loop& loop);
  ~Timer();
  Timer(Timer&&) noexcept;
  Timer& operator=(Timer&&) noexcept;
  void start(int64_t after_us, std::function<void()> callback);
  void cancel();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// Readiness of a descriptor that somebody else owns and must outlive the watch (release happens in the destructor, the
// descriptor is not closed). Each wait is one-shot: call again to be told again. Sockets, pipes, pidfds, eventfds.
class Watch {
 public:
  Watch(Loop& loop, int fd);
  ~Watch();
  Watch(Watch&&) noexcept;
  Watch& operator=(Watch&&) noexcept;
  void when_readable(std::function<void()> callback);
  void when_writable(std::function<void()> callback);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace gust::net
