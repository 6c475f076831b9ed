// SPDX-License-Identifier: Apache-2.0

#pragma once

// A function as the router sees it: an immutable record. An update makes a new record and swaps it in.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gust::invoke {

struct Function {
  std::string account, region, name;
  std::string version = "$LATEST";
  std::string arn;  // unqualified
  std::string revision_id;
  std::string runtime;  // "provided.al2023"
  std::string handler;
  std::string role;
  std::string code;  // directory name under STATE/code: hex SHA-256 of the zip
  uint32_t memory_mb = 128;
  uint32_t timeout_s = 3;
  uint32_t tmp_mb = 512;
  std::vector<std::pair<std::string, std::string>> environment;
  int64_t reserved_concurrency = -1;  // -1: none
  uint32_t max_retries = 2;           // of async events after a function error
  uint32_t max_event_age_s = 21600;
  std::string log_group;  // "/aws/lambda/NAME"
  uint64_t epoch = 0;     // deployment epoch
};
using FunctionPtr = std::shared_ptr<const Function>;

// CPUs of a function: memory / 1769 vCPU (AWS Lambda guide, "Configure function memory"), in thousandths.
inline uint32_t cpu_milli(uint32_t memory_mb) { return static_cast<uint32_t>((uint64_t{memory_mb} * 1000 + 884) / 1769); }
// CPUs that a function sees: 2 up to 3008 MB, then as AWS shows (experiment: A10).
inline uint32_t visible_cpus(uint32_t memory_mb) {
  return memory_mb <= 3008 ? 2 : memory_mb <= 5307 ? 3 : memory_mb <= 7076 ? 4 : memory_mb <= 8845 ? 5 : 6;
}

}  // namespace gust::invoke
