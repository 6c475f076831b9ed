// SPDX-License-Identifier: Apache-2.0

#include "cli/context.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>

#include "cli/verbs.h"
#include "os/files.h"

namespace gust::cli {
namespace {

class ContextTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/gust-context-XXXXXX";
    ASSERT_TRUE(mkdtemp(name));
    state_ = name;
    set_["GUST_STATE"] = state_;
  }
  void TearDown() override { ASSERT_TRUE(files::remove_tree(state_)); }

  Result<Context> make(const Globals& globals = {}) {
    return make_context(globals, [this](const char* name) { return set_[name]; });
  }
  void write_key() {
    ASSERT_TRUE(files::write(
        state_ + "/credentials.json",
        R"({"version":1,"keys":[{"access_key_id":"AKIAFILE","secret_access_key":"s'ecret","account":"123456789012"}]})"));
  }

  std::string state_;
  std::map<std::string, std::string> set_;
};

}  // namespace

TEST_F(ContextTest, EndpointAndRegionByPrecedence) {
  EXPECT_EQ(make()->aws.endpoint, "http://127.0.0.1:4566");
  EXPECT_EQ(make()->aws.region, "us-east-1");
  set_["AWS_ENDPOINT_URL"] = "http://a:1/";
  set_["AWS_DEFAULT_REGION"] = "eu-west-1";
  EXPECT_EQ(make()->aws.endpoint, "http://a:1");
  EXPECT_EQ(make()->aws.region, "eu-west-1");
  set_["GUST_ENDPOINT"] = "http://b:2";
  set_["AWS_REGION"] = "eu-central-1";
  EXPECT_EQ(make()->aws.endpoint, "http://b:2");
  EXPECT_EQ(make()->aws.region, "eu-central-1");
  const auto given = make({.endpoint = "http://c:3", .region = "sa-east-1"});
  EXPECT_EQ(given->aws.endpoint, "http://c:3");
  EXPECT_EQ(given->aws.region, "sa-east-1");
  EXPECT_EQ(make({.endpoint = "c:3"}).error().code, Errc::Invalid);
}

TEST_F(ContextTest, KeyOfTheEnvironmentThenOfTheFileThenTest) {
  EXPECT_EQ(make()->aws.credentials.access_key_id, "test");
  write_key();
  const auto from_file = make();
  EXPECT_EQ(from_file->aws.credentials.access_key_id, "AKIAFILE");
  EXPECT_EQ(from_file->account, "123456789012");
  set_["AWS_ACCESS_KEY_ID"] = "AKIAENV";
  EXPECT_EQ(make()->aws.credentials.access_key_id, "AKIAFILE");  // half a key is none
  set_["AWS_SECRET_ACCESS_KEY"] = "x";
  set_["AWS_SESSION_TOKEN"] = "t";
  EXPECT_EQ(make()->aws.credentials.access_key_id, "AKIAENV");
  EXPECT_EQ(make()->aws.credentials.session_token, "t");
}

TEST_F(ContextTest, ABrokenCredentialsFileIsNamed) {
  for (const char* text : {"", "{", "[]", R"({"keys":[]})"}) {
    ASSERT_TRUE(files::write(state_ + "/credentials.json", text));
    const auto context = make();
    ASSERT_FALSE(context) << text;
    EXPECT_NE(context.error().message.find(state_ + "/credentials.json"), std::string::npos);
  }
}

TEST_F(ContextTest, AShellReadsBackWhatEnvPrints) {
  write_key();
  const std::string script =
      environment_text(*make(), true) +
      "printf '%s|' \"$AWS_ENDPOINT_URL\" \"$AWS_REGION\" "
      "\"$AWS_DEFAULT_REGION\" \"$AWS_ACCESS_KEY_ID\" \"$AWS_SECRET_ACCESS_KEY\" \"${AWS_SESSION_TOKEN-unset}\"";
  ASSERT_TRUE(files::write(state_ + "/script", script));
  FILE* shell = popen(("AWS_SESSION_TOKEN=left-over sh " + state_ + "/script").c_str(), "r");
  ASSERT_TRUE(shell);
  char line[512] = "";
  ASSERT_TRUE(fgets(line, sizeof line, shell));
  pclose(shell);
  EXPECT_STREQ(line, "http://127.0.0.1:4566|us-east-1|us-east-1|AKIAFILE|s'ecret|unset|");
}

TEST_F(ContextTest, NobodyThereSaysWhatToStart) {
  const auto context = make({.endpoint = "http://127.0.0.1:1"});
  const auto answer = ask_gust(*context, "/_gust/ps");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::Unavailable);
  EXPECT_NE(answer.error().message.find("gust serve"), std::string::npos) << answer.error().message;
}

}  // namespace gust::cli
