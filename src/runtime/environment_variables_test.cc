// SPDX-License-Identifier: Apache-2.0

#include "runtime/environment_variables.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace gust::runtime {
namespace {

EnvironmentInput example() {
  return {.function_name = "f",
          .version = "$LATEST",
          .handler = "index.handler",
          .region = "eu-central-1",
          .account = "000000000000",
          .role = "arn:aws:iam::000000000000:role/r",
          .log_group = "/aws/lambda/f",
          .log_stream = "2026/11/23/[$LATEST]abc",
          .runtime = "provided.al2023",
          .memory_mb = 512,
          .access_key_id = "ASIA",
          .secret_access_key = "secret",
          .session_token = "token",
          .user = {}};
}

std::string value_of(const std::vector<std::string>& all, const std::string& name) {
  std::string found = "(none)";
  for (const std::string& v : all) {
    if (!v.starts_with(name + "=")) continue;
    EXPECT_EQ(found, "(none)") << name << " twice";
    found = v.substr(name.size() + 1);
  }
  return found;
}

TEST(EnvironmentVariables, AreThoseOfAws) {
  auto all = environment_variables(example());
  EXPECT_EQ(value_of(all, "_HANDLER"), "index.handler");
  EXPECT_EQ(value_of(all, "LAMBDA_TASK_ROOT"), "/var/task");
  EXPECT_EQ(value_of(all, "AWS_LAMBDA_RUNTIME_API"), "127.0.0.1:9001");
  EXPECT_EQ(value_of(all, "AWS_LAMBDA_FUNCTION_NAME"), "f");
  EXPECT_EQ(value_of(all, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), "512");
  EXPECT_EQ(value_of(all, "AWS_LAMBDA_LOG_STREAM_NAME"), "2026/11/23/[$LATEST]abc");
  EXPECT_EQ(value_of(all, "AWS_REGION"), "eu-central-1");
  EXPECT_EQ(value_of(all, "AWS_SESSION_TOKEN"), "token");
  EXPECT_EQ(value_of(all, "AWS_EXECUTION_ENV"), "(none)");
  auto managed = example();
  managed.runtime = "python3.11";
  EXPECT_EQ(value_of(environment_variables(managed), "AWS_EXECUTION_ENV"), "AWS_Lambda_python3.11");
}

TEST(EnvironmentVariables, TheFunctionsOwnWinAndAreAdded) {
  auto in = example();
  in.user = {{"TZ", "Europe/Berlin"}, {"BUCKET", "b=c"}, {"EMPTY", ""}};
  auto all = environment_variables(in);
  EXPECT_EQ(value_of(all, "TZ"), "Europe/Berlin");
  EXPECT_EQ(value_of(all, "BUCKET"), "b=c");
  EXPECT_EQ(value_of(all, "EMPTY"), "");
  EXPECT_EQ(value_of(environment_variables(example()), "TZ"), ":UTC");
}

}  // namespace
}  // namespace gust::runtime
