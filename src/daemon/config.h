// SPDX-License-Identifier: Apache-2.0

#pragma once

// The configuration of `gust serve`: one table (kSettings in config.cc) makes the TOML file's parser, the environment
// variables, the flags, `--help` and docs/config.md. Order of precedence: flag, environment, file, default.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gust::daemon {

struct Config {
  std::string listen;
  std::string state;
  bool ephemeral = false;
  bool dev = false;
  std::string account;
  std::string region;
  int64_t uid_base = 0;
  std::string runtimes;
  int64_t memory_budget_mb = 0;
  int64_t max_concurrency = 0;
  std::string cpu_admission;
  double clock_scale = 1;
  std::string allowed_hosts;
  std::string allowed_origins;
  bool sigv2_presign = false;
  bool trust_forwarded = false;
  int64_t async_backlog_mb = 0;
  int64_t log_function_mb = 0;
  int64_t log_total_mb = 0;
  int64_t workers = 0;
  std::string log_level;
};

struct LoadedConfig {
  Config config;
  bool help = false;
  bool markdown = false;  // the help as docs/config.md
};

// Reads `serve`'s arguments (after the verb), the environment (GUST_...) and the file that --config or GUST_CONFIG names.
// Errors: Invalid, naming the setting, where it came from, and for an unknown name the nearest known one.
Result<LoadedConfig> load_config(const std::vector<std::string>& arguments, const char* const* environment);

std::string config_help();      // text of `gust serve --help`
std::string config_markdown();  // docs/config.md; a test compares

}  // namespace gust::daemon
