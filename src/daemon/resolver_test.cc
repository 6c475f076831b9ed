// SPDX-License-Identifier: Apache-2.0

#include "daemon/resolver.h"

#include <gtest/gtest.h>

namespace gust::daemon {
namespace {

std::string query(const std::vector<std::string>& labels, uint8_t type, uint8_t flags = 1) {
  std::string out("\x12\x34", 2);
  out += static_cast<char>(flags);
  out += std::string("\0\0\1\0\0\0\0\0\0", 9);
  for (const std::string& label : labels) out += static_cast<char>(label.size()) + label;
  out += std::string("\0\0", 2);
  out += static_cast<char>(type);
  return out += std::string("\0\1", 2);
}
int code(const std::string& answer) { return answer[3] & 0x0f; }
int answers(const std::string& answer) { return answer[7]; }

TEST(Resolver, NamesUnderLocalhostAreTheGateway) {
  for (const auto& labels : {std::vector<std::string>{"localhost"}, {"bucket", "localhost"}, {"b", "s3", "LocalHost"}}) {
    const std::string answer = answer_dns(query(labels, 1));
    ASSERT_GT(answer.size(), 12u);
    EXPECT_EQ(answer.substr(0, 2), "\x12\x34");
    EXPECT_EQ(code(answer), 0);
    EXPECT_EQ(answers(answer), 1);
    EXPECT_EQ(answer.substr(answer.size() - 4), std::string("\x7f\0\0\1", 4));
  }
  const std::string aaaa = answer_dns(query({"bucket", "localhost"}, 28));
  EXPECT_EQ(code(aaaa), 0);
  EXPECT_EQ(answers(aaaa), 0);
}

TEST(Resolver, OtherNamesDoNotExist) {
  for (const auto& labels : {std::vector<std::string>{"example", "com"}, {"notlocalhost"}, {}}) {
    EXPECT_EQ(code(answer_dns(query(labels, 1))), 3);
  }
}

TEST(Resolver, WhatIsNoQueryGetsNoHarm) {
  const std::string whole = query({"bucket", "localhost"}, 1);
  EXPECT_EQ(answer_dns(whole.substr(0, 11)), "");
  EXPECT_EQ(answer_dns(query({"localhost"}, 1, 0x80)), "");  // a response: answering it could loop
  for (size_t n = 12; n < whole.size(); ++n) EXPECT_EQ(code(answer_dns(whole.substr(0, n))), 1) << n;
  EXPECT_EQ(code(answer_dns(query({std::string(64, 'a'), "localhost"}, 1))), 1);
  EXPECT_EQ(answer_dns(std::string(513, 'x')), "");
  EXPECT_EQ(code(answer_dns(query({"localhost"}, 1, 0x11))), 4);
  EXPECT_EQ(code(answer_dns(whole)), 0);  // the control
}

}  // namespace
}  // namespace gust::daemon
