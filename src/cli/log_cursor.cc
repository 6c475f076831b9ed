// SPDX-License-Identifier: Apache-2.0

#include "cli/log_cursor.h"

#include <algorithm>

namespace gust::cli {

bool LogCursor::take(const std::string& id, int64_t timestamp_ms) {
  newest_ms_ = std::max(newest_ms_, timestamp_ms);
  return seen_.emplace(id, timestamp_ms).second;
}

int64_t LogCursor::next_start_ms() {
  const int64_t start = std::max(first_ms_, newest_ms_ - kOverlapMs);
  std::erase_if(seen_, [start](const auto& event) { return event.second < start; });
  return start;
}

}  // namespace gust::cli
