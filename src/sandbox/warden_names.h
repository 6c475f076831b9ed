// SPDX-License-Identifier: Apache-2.0

#pragma once

// How the warden names its control groups: gust-STATEHASH-BOOTID/PID-NUMBER. The state directory has one owner at a time
// (the supervisor's lock), so another boot's groups of the same state are nobody's.

#include <cstdint>
#include <cstdio>
#include <string>

#include "sandbox/warden_process.h"

namespace gust::sandbox {

inline std::string parent_prefix(const WardenConfig& config) {
  uint64_t hash = 14695981039346656037ull;  // FNV-1a: only has to tell apart the instances on one host
  for (char c : config.state_directory) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  char text[32];
  std::snprintf(text, sizeof text, "gust-%08x-", static_cast<unsigned>(hash ^ hash >> 32));
  return text;
}
inline std::string parent_name(const WardenConfig& config) { return parent_prefix(config) + config.boot_id; }

}  // namespace gust::sandbox
