// SPDX-License-Identifier: Apache-2.0

#include "experiment/arrivals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace gust::experiment {
namespace {

TEST(Arrivals, StartAtZeroAscendAndFillTheTimeThatWasAskedFor) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    std::vector<int64_t> at = arrivals(60, seed, {});
    ASSERT_EQ(at.size(), 60u);
    EXPECT_EQ(at.front(), 0);
    EXPECT_TRUE(std::is_sorted(at.begin(), at.end()));
    EXPECT_NEAR(static_cast<double>(at.back()), 59 * 400'000.0, 2);
  }
}

TEST(Arrivals, OneSeedGivesOneSchedule) {
  EXPECT_EQ(arrivals(100, 7, {}), arrivals(100, 7, {}));
  EXPECT_NE(arrivals(100, 7, {}), arrivals(100, 8, {}));
}

// Poisson arrivals have gaps whose deviation is their mean; bursts have more.
TEST(Arrivals, AreBurstier) {
  std::vector<int64_t> at = arrivals(5000, 3, {});
  double sum = 0, squares = 0;
  for (size_t i = 1; i < at.size(); ++i) {
    const auto gap = static_cast<double>(at[i] - at[i - 1]);
    sum += gap;
    squares += gap * gap;
  }
  const double n = static_cast<double>(at.size() - 1), mean = sum / n, deviation = std::sqrt(squares / n - mean * mean);
  EXPECT_GT(deviation / mean, 1.3);
}

TEST(Arrivals, NoneAndOne) {
  EXPECT_TRUE(arrivals(0, 1, {}).empty());
  EXPECT_EQ(arrivals(1, 1, {}), std::vector<int64_t>{0});
}

}  // namespace
}  // namespace gust::experiment
