// SPDX-License-Identifier: Apache-2.0

#pragma once

// Which log events are new when the same time is asked for again and again. Each poll starts a little before the newest
// event seen, because events become visible late and not in order; their ids tell what was shown already. Pure.

#include <cstdint>
#include <map>
#include <string>

namespace gust::cli {

class LogCursor {
 public:
  static constexpr int64_t kOverlapMs = 10'000;
  explicit LogCursor(int64_t start_ms) : first_ms_(start_ms), newest_ms_(start_ms) {}

  bool take(const std::string& id, int64_t timestamp_ms);  // whether it is new; remembers it
  // startTime of the next poll. Forgets ids that it cannot return.
  int64_t next_start_ms();
  size_t remembered() const { return seen_.size(); }

 private:
  int64_t first_ms_, newest_ms_;
  std::map<std::string, int64_t> seen_;
};

}  // namespace gust::cli
