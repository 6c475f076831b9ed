// SPDX-License-Identifier: Apache-2.0

#pragma once

// Function output and platform lines into plain files below the state directory: logs/FUNCTION/YYYY-MM-DD.log (lines as
// meter/log_format.h), and records into PREFIX-YYYY-MM-DD.jsonl. Writing happens on a thread of its own, woken at most every
// 20 ms. These files are no part of the store: they are not synced, and a full disk costs log lines, nothing else.
//
// A function's files may take function_bytes, all functions' together total_bytes: whole days go, the oldest first. Where
// today alone is over a limit, its lines are dropped, which one line says. Records of one prefix may take function_bytes
// too, but today's are never dropped. Files of an earlier process count.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace gust::meter {

struct LogLimits {
  uint64_t function_bytes = 1ull << 30;
  uint64_t total_bytes = 10ull << 30;
};

class LogSink {
 public:
  LogSink(std::string directory, LogLimits limits);
  ~LogSink();  // writes what it holds
  // Any thread; copies, never blocks for the disk. `text` without newline at its end. `function` is safe as a file name.
  void line(std::string_view function, int64_t unix_us, std::string_view environment, std::string_view request_id,
            std::string_view text);
  // One line as is into another file of the state directory (executions).
  void record(std::string_view file_prefix, int64_t unix_us, std::string_view json_line);
  void flush();  // blocks until everything so far is in the files (not synced)
  // The disk lags behind by more than 32 MiB: whoever reads output from a pipe stops until this is over. Lines beyond
  // 64 MiB are dropped and counted. Any thread.
  bool full() const;
  uint64_t dropped() const;  // lines, for want of memory or over a limit

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gust::meter
