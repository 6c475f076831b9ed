// SPDX-License-Identifier: Apache-2.0

#include "base/log.h"

#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "base/encoding.h"
#include "base/ids.h"

namespace gust {
namespace log {
namespace {
std::atomic<Level> least_level{Level::Info};
}

void set_level(Level least) { least_level = least; }

void write(Level level, std::string_view area, std::string_view text, std::initializer_list<Field> fields) {
  if (level < least_level.load(std::memory_order_relaxed)) return;
  static constexpr std::string_view kNames[] = {"DEBUG", "INFO", "WARN", "ERROR"};
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  std::string line = iso8601(now.tv_sec * 1000 + now.tv_nsec / 1000000);
  line.append(" ").append(kNames[static_cast<int>(level)]).append(" ").append(area).append(": ");
  line += escape_terminal(text);
  for (const Field& field : fields) {
    line.append(" ").append(field.name).append("=").append(escape_terminal(field.value));
  }
  line += '\n';
  // A log line that cannot be written has nowhere else to go.
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace log

void check_failed(const char* condition, const char* file, int line) {
  log::error("check", "failed", {{"condition", condition}, {"at", std::string(file) + ":" + std::to_string(line)}});
  std::abort();
}

}  // namespace gust
