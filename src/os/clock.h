// SPDX-License-Identifier: Apache-2.0

#pragma once

// Time as an interface, so that tests of retries, ages and schedules need no sleep. Implementations are thread-safe.

#include <atomic>
#include <cstdint>

namespace gust {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t unix_us() const = 0;       // wall clock, microseconds since 1970-01-01 UTC; may step
  virtual int64_t monotonic_us() const = 0;  // CLOCK_MONOTONIC, microseconds; the same in every sandbox
  int64_t unix_ms() const { return unix_us() / 1000; }
};

const Clock& system_clock();

class FakeClock : public Clock {
 public:
  explicit FakeClock(int64_t unix_us = 1'700'000'000'000'000) : unix_us_(unix_us) {}
  int64_t unix_us() const override { return unix_us_.load(); }
  int64_t monotonic_us() const override { return unix_us_.load() - 1'600'000'000'000'000; }
  void advance_us(int64_t by) { unix_us_ += by; }

 private:
  std::atomic<int64_t> unix_us_;
};

}  // namespace gust
