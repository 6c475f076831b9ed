// SPDX-License-Identifier: Apache-2.0

#include "gateway/credentials.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "os/files.h"

namespace gust::gateway {
namespace {

TEST(Credentials, a_root_key_is_made_once_and_read_again) {
  char directory[] = "/tmp/gust-credentials-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  std::string path = std::string(directory) + "/credentials.json";
  auto made = load_or_create_credentials(path, "123456789012");
  ASSERT_TRUE(made.has_value()) << made.error().message;
  ASSERT_EQ(made->size(), 1u);
  EXPECT_TRUE(made->at(0).access_key_id.starts_with("AKIA"));
  EXPECT_EQ(made->at(0).access_key_id.size(), 20u);
  EXPECT_EQ(made->at(0).secret_access_key.size(), 40u);
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  auto again = load_or_create_credentials(path, "123456789012");
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->at(0).secret_access_key, made->at(0).secret_access_key);
  EXPECT_EQ(again->at(0).principal_arn, "arn:aws:iam::123456789012:root");
  ASSERT_TRUE(files::write(path, "{}"));
  EXPECT_FALSE(load_or_create_credentials(path, "123456789012").has_value());
  EXPECT_TRUE(files::remove_tree(directory).has_value());
}

}  // namespace
}  // namespace gust::gateway
