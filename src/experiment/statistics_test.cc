// SPDX-License-Identifier: Apache-2.0

#include "experiment/statistics.h"

#include <gtest/gtest.h>

#include "experiment/random.h"

namespace gust::experiment {
namespace {

TEST(Statistics, KnownValues) {
  // numpy: x = [1, 2, 3, 4, 10]; mean 4, std(ddof=1) 3.5355339, quantiles .5 .9 .95 .99 = 3, 7.6, 8.8, 9.76
  Summary s = summarize({10, 3, 1, 2, 4});
  EXPECT_EQ(s.n, 5u);
  EXPECT_DOUBLE_EQ(s.mean, 4);
  EXPECT_NEAR(s.sd, 3.5355339059, 1e-9);
  EXPECT_DOUBLE_EQ(s.p50, 3);
  EXPECT_NEAR(s.p90, 7.6, 1e-12);
  EXPECT_NEAR(s.p95, 8.8, 1e-12);
  EXPECT_NEAR(s.p99, 9.76, 1e-12);
  EXPECT_DOUBLE_EQ(s.least, 1);
  EXPECT_DOUBLE_EQ(s.most, 10);
}

TEST(Statistics, NothingAndOneValue) {
  EXPECT_EQ(summarize({}).n, 0u);
  Summary one = summarize({7});
  EXPECT_DOUBLE_EQ(one.mean, 7);
  EXPECT_DOUBLE_EQ(one.sd, 0);
  EXPECT_DOUBLE_EQ(one.p95, 7);
  EXPECT_DOUBLE_EQ(one.mean_ci.low, 7);
}

TEST(Statistics, TheBootstrapIntervalCoversTheMeanAboutNineteenTimesInTwenty) {
  Random random(11);
  int covered = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<double> sample;
    for (int i = 0; i < 60; ++i) sample.push_back(random.exponential(3));
    Interval ci = bootstrap_mean(sample, static_cast<uint64_t>(round), 400);
    if (ci.low <= 3 && 3 <= ci.high) ++covered;
  }
  EXPECT_GE(covered, 170);
  EXPECT_LE(covered, 199);
}

TEST(Statistics, OneSeedGivesOneInterval) {
  std::vector<double> sample = {1, 5, 2, 8, 3, 9, 4};
  Interval a = bootstrap_mean(sample, 5), b = bootstrap_mean(sample, 5);
  EXPECT_EQ(a.low, b.low);
  EXPECT_EQ(a.high, b.high);
  EXPECT_LT(a.low, a.high);
}

}  // namespace
}  // namespace gust::experiment
