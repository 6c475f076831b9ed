// SPDX-License-Identifier: Apache-2.0

#include "experiment/format.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gust::experiment {
namespace {

TEST(Format, Numbers) {
  EXPECT_EQ(fixed(3.14159, 2), "3.14");
  EXPECT_EQ(fixed(-0.001, 2), "0.00");
  EXPECT_EQ(fixed(NAN, 2), "-");
  EXPECT_EQ(fixed(1e300, 2), "-");
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999.6), "1 000");
  EXPECT_EQ(grouped(60'696), "60 696");
  EXPECT_EQ(grouped(1'023'110), "1 023 110");
  EXPECT_EQ(grouped(-12'345), "-12 345");
  EXPECT_EQ(short_count(999), "999");
  EXPECT_EQ(short_count(1000), "1 k");
  EXPECT_EQ(short_count(60'696), "61 k");
  EXPECT_EQ(short_count(1'500'000), "1.5 M");
  EXPECT_EQ(short_count(1e6), "1 M");
}

TEST(Format, TimesMoneyAndSizes) {
  EXPECT_EQ(milliseconds(8.42), "8.4 ms");
  EXPECT_EQ(milliseconds(213.4), "213 ms");
  EXPECT_EQ(milliseconds(4021), "4.02 s");
  EXPECT_EQ(money(998.64), "998.64");
  EXPECT_EQ(money(0.16177), "0.162");
  EXPECT_EQ(money(0.0041), "0.00410");
  EXPECT_EQ(money(0), "0.00");
  EXPECT_EQ(money(0.0000143), "0.0000143");
  EXPECT_EQ(money(0.000000834), "0.000000834");
  EXPECT_EQ(megabytes(48 << 20), "48 MB");
  EXPECT_EQ(percent(0.123), "12 %");
  EXPECT_EQ(percent(0.0123, 1), "1.2 %");
  EXPECT_EQ(plural(1, "upload"), "1 upload");
  EXPECT_EQ(plural(2529, "upload"), "2 529 uploads");
}

}  // namespace
}  // namespace gust::experiment
