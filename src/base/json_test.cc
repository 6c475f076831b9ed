// SPDX-License-Identifier: Apache-2.0

#include "base/json.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace gust {
namespace {

TEST(Json, NumbersKeepTheirValue) {
  const std::pair<const char*, Value> cases[] = {{"0", 0},
                                                 {"-0", 0},
                                                 {"9223372036854775807", INT64_MAX},
                                                 {"-9223372036854775808", INT64_MIN},
                                                 {"9223372036854775808", 9223372036854775808.0},
                                                 {"1.5", 1.5},
                                                 {"0e9", 0.0},
                                                 {"-0.0e-99", -0.0},
                                                 {"1e-400", 0.0},
                                                 {"0.1", 0.1},
                                                 {"123456789012345678901234567890", 123456789012345678901234567890.0},
                                                 {"1.7976931348623157e308", 1.7976931348623157e308},
                                                 {"4.9406564584124654e-324", 4.9406564584124654e-324}};
  for (const auto& [text, wanted] : cases) {
    auto value = json::parse(text);
    ASSERT_TRUE(value) << text << ": " << value.error().message;
    EXPECT_EQ(*value, wanted) << text;
    EXPECT_TRUE(json::valid(text)) << text;
  }
}

TEST(Json, WhatIsNoJsonIsRefused) {
  const std::string cases[] = {"",
                               "01",
                               "+1",
                               "1.",
                               ".5",
                               "1e",
                               "1e400",
                               "4333373331e304",
                               "-1e400",
                               "nan",
                               "[1,]",
                               "{\"a\"}",
                               "{a:1}",
                               "'a'",
                               "[1] 2",
                               "\"\x01\"",
                               "\"\\ud800\"",
                               "\"\\udc00\"",
                               "{\"\\udc00\":1}",
                               "\"\xff\"",
                               "\xEF"
                               "1",
                               "\xEF\xBB"
                               "1",
                               std::string("1\0", 2),
                               std::string("1\0x", 3),
                               "\xff"};
  for (const std::string& text : cases) {
    EXPECT_FALSE(json::parse(text)) << escape_terminal(text);
    EXPECT_FALSE(json::valid(text)) << escape_terminal(text);
  }
  EXPECT_EQ(json::parse("\"\\ud83d\\ude00\""), Value("😀"));
  EXPECT_EQ(json::parse("\xEF\xBB\xBF"
                        "1"),
            Value(1));  // a byte order mark
}

TEST(Json, DepthLengthAndNumberOfValuesHaveLimits) {
  const std::string nested = "[[[[1]]]]";
  EXPECT_TRUE(json::parse(nested, {.depth = 4}));
  EXPECT_EQ(json::parse(nested, {.depth = 3}).error().code, Errc::TooLarge);
  EXPECT_TRUE(json::valid(nested, {.depth = 4}));
  EXPECT_FALSE(json::valid(nested, {.depth = 3}));
  EXPECT_EQ(json::parse(nested, {.bytes = 8}).error().code, Errc::TooLarge);
  const std::string flat = R"({"a":[1,2],"b":{}})";
  EXPECT_TRUE(json::parse(flat, {.nodes = 5}));
  EXPECT_EQ(json::parse(flat, {.nodes = 4}).error().code, Errc::TooLarge);
  EXPECT_TRUE(json::valid(flat, {.nodes = 4}));  // nothing is built
  EXPECT_EQ(json::parse(std::string(1'000'000, '[')).error().code, Errc::TooLarge);
}

TEST(Json, TheLastOfEqualNamesWins) { EXPECT_EQ(json::write(*json::parse(R"({"a":1,"b":2,"a":3})")), R"({"b":2,"a":3})"); }

TEST(Json, WhatIsWrittenIsAlwaysJson) {
  Value v = Value::map();
  v.set("k\xff", "a\xC3\x28z\"\n\x01");
  EXPECT_EQ(json::write(v), "{\"k\xEF\xBF\xBD\":\"a\xEF\xBF\xBD(z\\\"\\n\\u0001\"}");
  EXPECT_TRUE(json::valid(json::write(v)));
  EXPECT_EQ(json::quote("é"), "\"é\"");
}

}  // namespace
}  // namespace gust
