// SPDX-License-Identifier: Apache-2.0

#include "net/loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <thread>

namespace gust::net {

namespace asio = boost::asio;

struct Loop::Impl {
  // One thread runs it, but post() comes from any: the concurrency hint must stay safe.
  asio::io_context context;
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(context);
  std::thread::id thread;
};

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;

void Loop::run() {
  impl_->thread = std::this_thread::get_id();
  impl_->context.run();
  impl_->context.restart();  // so that it can run again
  impl_->thread = {};
}

void Loop::stop() { impl_->context.stop(); }
void Loop::post(std::function<void()> task) { asio::post(impl_->context, std::move(task)); }
bool Loop::in_thread() const { return impl_->thread == std::this_thread::get_id(); }

struct Timer::Impl {
  explicit Impl(asio::io_context& context) : timer(context) {}
  asio::steady_timer timer;
  uint64_t generation = 0;  // a wait that had already completed when it was cancelled must stay silent
};

Timer::Timer(Loop& loop) : impl_(std::make_shared<Impl>(loop.impl().context)) {}
Timer::~Timer() {
  if (impl_) cancel();
}
Timer::Timer(Timer&&) noexcept = default;
Timer& Timer::operator=(Timer&& other) noexcept {
  if (impl_ && impl_ != other.impl_) cancel();
  impl_ = std::move(other.impl_);
  return *this;
}

void Timer::start(int64_t after_us, std::function<void()> callback) {
  uint64_t generation = ++impl_->generation;
  impl_->timer.expires_after(std::chrono::microseconds(after_us));
  impl_->timer.async_wait([impl = impl_, generation, call = std::move(callback)](const boost::system::error_code& error) {
    if (!error && impl->generation == generation) call();
  });
}

void Timer::cancel() {
  ++impl_->generation;
  impl_->timer.cancel();
}

struct Watch::Impl {
  Impl(asio::io_context& context, int fd) : descriptor(context, fd) {}
  asio::posix::stream_descriptor descriptor;
  bool dead = false;
};

Watch::Watch(Loop& loop, int fd) : impl_(std::make_shared<Impl>(loop.impl().context, fd)) {}

Watch::~Watch() {
  if (!impl_) return;
  impl_->dead = true;
  impl_->descriptor.release();  // cancels the waits, leaves the descriptor open
}
Watch::Watch(Watch&&) noexcept = default;
Watch& Watch::operator=(Watch&& other) noexcept {
  if (impl_ && impl_ != other.impl_) {
    impl_->dead = true;
    impl_->descriptor.release();
  }
  impl_ = std::move(other.impl_);
  return *this;
}

void Watch::when_readable(std::function<void()> callback) {
  impl_->descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                               [impl = impl_, call = std::move(callback)](const boost::system::error_code& error) {
                                 if (!error && !impl->dead) call();
                               });
}

void Watch::when_writable(std::function<void()> callback) {
  impl_->descriptor.async_wait(asio::posix::descriptor_base::wait_write,
                               [impl = impl_, call = std::move(callback)](const boost::system::error_code& error) {
                                 if (!error && !impl->dead) call();
                               });
}

}  // namespace gust::net
