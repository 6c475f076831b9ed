// SPDX-License-Identifier: Apache-2.0

#include "store/fault_point.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

namespace gust::store {
namespace {

constexpr useconds_t kPauseUs = 30'000;

struct Armed {
  std::string name;
  std::atomic<int> left{0};
  Armed() {
    const char* setting = std::getenv("GUST_FAULT_POINT");
    if (!setting) return;
    name = setting;
    left = 1;
    if (size_t colon = name.rfind(':'); colon != std::string::npos) {
      left = std::atoi(name.c_str() + colon + 1);
      name.resize(colon);
    }
  }
};

}  // namespace

void fault_point(std::string_view name) {
  static Armed armed;
  if (armed.name.empty() || armed.name != name) [[likely]]
    return;
  if (armed.left.fetch_sub(1) != 1) return;
  usleep(kPauseUs);
  kill(getpid(), SIGKILL);
}

}  // namespace gust::store
