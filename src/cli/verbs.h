// SPDX-License-Identifier: Apache-2.0

#pragma once

// One function for each verb, called by cli.cc with checked options; each returns the command's exit status.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cli/context.h"

namespace gust::cli {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// environment.cc
std::string environment_text(const Context& context, bool token_is_set);  // lines for `eval`, quoted for sh
std::string quoted(const std::string& text);                              // for sh
int print_environment(const Context& context);
int run_aws(const Context& context, const std::vector<std::string>& arguments);  // returns only where it failed

// deploy.cc
struct DeployOptions {
  std::string directory, name, role;
  uint32_t memory_mb = 0, timeout_s = 0;  // 0: as it is, or the service's default
  Pairs environment;                      // all of the function's variables; empty: as they are
};
int deploy(const Context& context, const DeployOptions& options);

// invoke.cc
struct InvokeOptions {
  std::string function, data, file;  // file "-": standard input; neither: "{}"
  bool has_data = false, async = false, log = false;
};
int invoke(const Context& context, const InvokeOptions& options);

// logs.cc
struct LogsOptions {
  std::string name, filter;
  int64_t since_ms = 0;
  uint64_t limit = 0;  // the last so many; 0: all
  bool follow = false;
};
int logs(const Context& context, const LogsOptions& options);

// inspect.cc
std::string services_text(const Value::List& services);  // as /_gust/services lists them
int ps(const Context& context);
int explain(const Context& context, const std::string& function_or_arn);
int events(const Context& context);

// compat.cc
std::string compat_page(const Value& compat);  // docs/aws-differences.md out of GET /_gust/compat
int compat(const Context& context, const std::string& service, bool markdown);

// service.cc
struct ServiceOptions {
  std::string name, instance_type, directory;
  Pairs environment;
  std::vector<std::string> command;  // empty: found in the directory
};
int service_run(const Context& context, const ServiceOptions& options);
int service_list(const Context& context);
int service_stop(const Context& context, const std::string& name);

// ca.cc
int print_ca(const Context& context, bool certificate_only);

// doctor.cc
int doctor(bool json);

}  // namespace gust::cli
