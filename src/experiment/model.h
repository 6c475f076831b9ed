// SPDX-License-Identifier: Apache-2.0

#pragma once

// What the experiment is about: arms, uploads, and one record of each of its four sources - what was sent (replay log),
// what ran (meter), what was written down (table rows), what came out (bucket listing).

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/value.h"

namespace gust::experiment {

struct Arm {
  enum class Kind { Function, Service };
  std::string name;  // "fn-1728": part of keys and rows
  Kind kind = Kind::Function;
  uint32_t memory_mb = 0;     // of a function
  std::string instance_type;  // of a service
  double vcpus = 0;           // what it may use
  std::string resource() const {
    return kind == Kind::Function ? "image-scaler-" + std::to_string(memory_mb) : "image-scaler-" + dashed();
  }

 private:
  std::string dashed() const {
    std::string out = instance_type;
    for (char& c : out) c = c == '.' ? '-' : c;
    return out;
  }
};

// "fn-512" and the like, "svc-c4.large". Invalid for anything else.
Result<Arm> parse_arm(std::string_view name);
std::vector<Arm> default_arms();  // fn-512, fn-1728, fn-3008, svc-c4.large

std::string sequence_text(uint64_t sequence);  // "000042"
std::string upload_key(const std::string& run, const std::string& arm, uint64_t sequence);
std::string rendition_key(const std::string& run, const std::string& arm, uint64_t sequence, uint32_t width);
inline constexpr uint32_t kRenditionWidths[] = {1920, 1024, 512, 160};

// One PUT of the replay, times in microseconds of the wall clock.
struct Sent {
  std::string arm, key, etag, error;  // error: empty where it was acknowledged
  uint64_t sequence = 0, bytes = 0;
  int64_t scheduled_us = 0, sent_us = 0, done_us = 0;
  Value to_value() const;
};
Result<Sent> sent_of(const Value& line);

// One row of the table.
struct Row {
  std::string arm, key, status, request_id, error_type, error, format;
  uint64_t sequence = 0;
  int attempt = 0;
  bool first_call = false;
  int64_t start_us = 0, end_us = 0;
  double download_ms = 0, decode_ms = 0, resize_ms = 0, upload_ms = 0, overall_ms = 0, queue_ms = 0;
  uint64_t bytes_in = 0, width = 0, height = 0, renditions = 0;
};
Result<Row> row_of(const Value& item);  // an item as DynamoDB returns it

// Who waits longer than this part of its time for a CPU that its quota grants has others in its way.
inline constexpr double kContendedShare = 0.05;

// One execution of a function, as the meter wrote it.
struct Executed {
  std::string request_id, function, outcome, error_type, cold_cause;
  uint32_t attempt = 1, memory_mb = 0;
  int64_t started_us = 0, duration_us = 0, init_us = 0, queue_us = 0;
  uint64_t cpu_us = 0, run_delay_us = 0, throttled_us = 0, memory_peak_bytes = 0;
  uint64_t waited_us() const { return run_delay_us - (run_delay_us < throttled_us ? run_delay_us : throttled_us); }
  bool contended() const { return static_cast<double>(waited_us()) > kContendedShare * static_cast<double>(duration_us); }
};
Result<Executed> executed_of(const Value& line);

struct Records {
  std::vector<Sent> sent;
  std::vector<Executed> executed;
  std::vector<Row> rows;
  std::vector<std::string> rendition_keys;
};

// What was measured of an always-on service, all its blocks together.
struct ServiceRun {
  double on_seconds = 0, cpu_seconds = 0;
  double run_delay_seconds = 0;    // runnable, not throttled, without a CPU; of all its threads; -1: not known
  uint64_t memory_peak_bytes = 0;  // 0: not known
};

}  // namespace gust::experiment
