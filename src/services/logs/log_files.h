// SPDX-License-Identifier: Apache-2.0

#pragma once

// Reads the plain log files that meter/log_sink.h writes: STATE/logs/NAME/YYYY-MM-DD.log, one line =
// time TAB environment TAB request TAB escaped text. Blocking, a bounded piece at a time. Thread-safe: no state.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gust::logs {

// A place in a name's lines: a day's file and a byte in it. Text form "2026-11-23:4711".
struct Position {
  std::string day;  // empty: before everything
  uint64_t offset = 0;
  auto operator<=>(const Position&) const = default;
  std::string text() const { return day + ":" + std::to_string(offset); }
};
Result<Position> parse_position(std::string_view text);  // Invalid where it is no position

struct Line {
  Position at, next;  // of this line and of the one behind it
  int64_t unix_ms = 0;
  std::string_view environment, request;
  std::string message;  // unescaped
};
// nullopt-like Invalid for a line that is not of the format (it is skipped by scan()).
Result<Line> parse_line(std::string_view text);

struct Scan {
  Position from;
  std::string last_day;  // "" : none; days behind it are not read
  uint64_t max_bytes = 64 << 20;
  bool complete = true;  // out: false where max_bytes ended it
  Position end;          // out: where to go on
};

class LogFiles {
 public:
  explicit LogFiles(std::string state_directory) : directory_(std::move(state_directory) + "/logs") {}
  Result<std::vector<std::string>> names() const;                        // sorted
  Result<std::vector<std::string>> days(const std::string& name) const;  // sorted; NotFound where there is no such name
  uint64_t bytes(const std::string& name) const;
  // Calls `line` for each whole line from scan.from on; false ends the scan in front of the next line.
  Result<> scan(const std::string& name, Scan& scan, const std::function<bool(const Line&)>& line) const;

 private:
  Result<bool> scan_day(const std::string& path, Scan& scan, uint64_t& read, const std::function<bool(const Line&)>& line) const;
  std::string directory_;
};

bool is_log_name(std::string_view name);  // safe as the name of a directory

}  // namespace gust::logs
