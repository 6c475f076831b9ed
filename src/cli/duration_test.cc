// SPDX-License-Identifier: Apache-2.0

#include "cli/duration.h"

#include <gtest/gtest.h>

namespace gust::cli {

TEST(Duration, NumbersWithAUnit) {
  const std::pair<const char*, int64_t> cases[] = {
      {"500ms", 500}, {"90s", 90'000}, {"10m", 600'000}, {"2h", 7'200'000}, {"1d", 86'400'000}};
  for (const auto& [text, expected] : cases) {
    ASSERT_TRUE(parse_duration(text)) << text;
    EXPECT_EQ(*parse_duration(text), expected) << text;
  }
}

TEST(Duration, EverythingElseIsRefusedWithAnExample) {
  for (const char* text : {"", "10", "m", "ten m", "-5m", "1.5h", "10 m", "5M", "99999999999999999999d", "4000d"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message.find("10m"), std::string::npos);
  }
}

}  // namespace gust::cli
