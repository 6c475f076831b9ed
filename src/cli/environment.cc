// SPDX-License-Identifier: Apache-2.0

// `gust env` and `gust aws`: the environment in which AWS's own tools talk to Gust.

#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/json.h"
#include "cli/output.h"
#include "cli/verbs.h"

namespace gust::cli {
namespace {

Pairs variables_of(const Context& context) {
  const auto& key = context.aws.credentials;
  Pairs out = {{"AWS_ENDPOINT_URL", context.aws.endpoint},
               {"AWS_REGION", context.aws.region},
               {"AWS_DEFAULT_REGION", context.aws.region},
               {"AWS_ACCESS_KEY_ID", key.access_key_id},
               {"AWS_SECRET_ACCESS_KEY", key.secret_access_key}};
  if (!key.session_token.empty()) out.emplace_back("AWS_SESSION_TOKEN", key.session_token);
  return out;
}

}  // namespace

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string environment_text(const Context& context, bool token_is_set) {
  std::string out;
  for (const auto& [name, value] : variables_of(context)) out += "export " + name + "=" + quoted(value) + "\n";
  // Left over from another account it would be sent with our key.
  if (token_is_set && context.aws.credentials.session_token.empty()) out += "unset AWS_SESSION_TOKEN\n";
  return out;
}

int print_environment(const Context& context) {
  if (!context.json) {
    print(environment_text(context, !variable("AWS_SESSION_TOKEN").empty()));
    return kOk;
  }
  Value out = Value::map();
  for (const auto& [name, value] : variables_of(context)) out.set(name, value);
  print(json::write_pretty(out) + "\n");
  return kOk;
}

int run_aws(const Context& context, const std::vector<std::string>& arguments) {
  for (const auto& [name, value] : variables_of(context)) setenv(name.c_str(), value.c_str(), 1);
  if (context.aws.credentials.session_token.empty()) unsetenv("AWS_SESSION_TOKEN");
  setenv("AWS_EC2_METADATA_DISABLED", "true", 1);  // nothing of this comes from a cloud's metadata service
  // Debian 12's AWS CLI (2.9) does not know AWS_ENDPOINT_URL. The last of several such options wins: the user's own.
  std::vector<std::string> words = {"aws", "--endpoint-url", context.aws.endpoint};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  execvp("aws", pointers.data());
  if (errno == ENOENT) {
    return failed(
        {Errc::NotFound, "the AWS CLI is not installed: 'apt install awscli', or 'pip install awscli', then try again"});
  }
  return failed(errno_error("run aws", errno));
}

}  // namespace gust::cli
