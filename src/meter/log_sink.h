// SPDX-License-Identifier: Apache-2.0

#pragma once

// Function output and platform lines into plain files below the state directory: logs/FUNCTION/YYYY-MM-DD.log, one line =
// `ISO-time TAB environment TAB request-id TAB text` (format 1; a newline inside the text is written as the two characters
// \n, a backslash as \\). Writing happens on a thread of its own, woken at most every 20 ms.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace gust::meter {

struct LogLimits {
  uint64_t function_bytes = 1ull << 30;  // per function; the oldest day goes first
  uint64_t total_bytes = 10ull << 30;
};

class LogSink {
 public:
  LogSink(std::string directory, LogLimits limits);
  ~LogSink();  // writes what it holds
  // Any thread; copies, never blocks for the disk. `text` without newline at its end.
  void line(std::string_view function, int64_t unix_us, std::string_view environment, std::string_view request_id,
            std::string_view text);
  // One line as is into another file of the state directory (executions).
  void record(std::string_view file_prefix, int64_t unix_us, std::string_view json_line);
  void flush();  // blocks until everything so far is in the files (not synced)

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gust::meter
