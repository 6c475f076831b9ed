// SPDX-License-Identifier: Apache-2.0

#pragma once

// The environment of a function's process, as AWS sets it (lambda/latest/dg/configuration-envvars.html, and what the
// runtime interface clients need).

#include <string>
#include <utility>
#include <vector>

namespace gust::runtime {

struct EnvironmentInput {
  std::string function_name, version, handler, region, account, role, log_group, log_stream, runtime;
  unsigned memory_mb = 128;
  std::string access_key_id, secret_access_key, session_token;
  std::vector<std::pair<std::string, std::string>> user;  // the function's own variables
};

// NAME=value; the user's win where AWS lets them (TZ, LANG, PATH, AWS_ENDPOINT_URL ...).
std::vector<std::string> environment_variables(const EnvironmentInput& input);

}  // namespace gust::runtime
