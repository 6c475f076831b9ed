// SPDX-License-Identifier: Apache-2.0

#include "os/clock.h"

#include <time.h>

namespace gust {
namespace {

int64_t read_us(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return t.tv_sec * 1'000'000 + t.tv_nsec / 1000;
}

class SystemClock final : public Clock {
 public:
  int64_t unix_us() const override { return read_us(CLOCK_REALTIME); }
  int64_t monotonic_us() const override { return read_us(CLOCK_MONOTONIC); }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace gust
