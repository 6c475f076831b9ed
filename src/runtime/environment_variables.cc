// SPDX-License-Identifier: Apache-2.0

#include "runtime/environment_variables.h"

#include <algorithm>

namespace gust::runtime {

std::vector<std::string> environment_variables(const EnvironmentInput& in) {
  std::vector<std::pair<std::string, std::string>> all = {
      {"_HANDLER", in.handler},
      {"LAMBDA_TASK_ROOT", "/var/task"},
      {"LAMBDA_RUNTIME_DIR", "/var/runtime"},
      {"AWS_LAMBDA_FUNCTION_NAME", in.function_name},
      {"AWS_LAMBDA_FUNCTION_VERSION", in.version},
      {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", std::to_string(in.memory_mb)},
      {"AWS_LAMBDA_LOG_GROUP_NAME", in.log_group},
      {"AWS_LAMBDA_LOG_STREAM_NAME", in.log_stream},
      {"AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"},
      {"AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"},
      {"AWS_REGION", in.region},
      {"AWS_DEFAULT_REGION", in.region},
      {"AWS_ACCESS_KEY_ID", in.access_key_id},
      {"AWS_SECRET_ACCESS_KEY", in.secret_access_key},
      {"AWS_SESSION_TOKEN", in.session_token},
      {"AWS_ENDPOINT_URL", "http://127.0.0.1:4566"},
      {"AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"},
      {"LANG", "en_US.UTF-8"},
      {"TZ", ":UTC"},
      {"PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"},
      {"LD_LIBRARY_PATH", "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"},
  };
  // AWS_EXECUTION_ENV is absent for provided runtimes, as on AWS.
  if (!in.runtime.starts_with("provided")) all.emplace_back("AWS_EXECUTION_ENV", "AWS_Lambda_" + in.runtime);
  for (const auto& [name, value] : in.user) {
    auto same = std::find_if(all.begin(), all.end(), [&](const auto& v) { return v.first == name; });
    if (same == all.end()) {
      all.emplace_back(name, value);
    } else {
      same->second = value;  // reserved names were refused when the function was made
    }
  }
  std::vector<std::string> out;
  out.reserve(all.size());
  for (const auto& [name, value] : all) out.push_back(name + "=" + value);
  return out;
}

}  // namespace gust::runtime
