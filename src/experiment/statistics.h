// SPDX-License-Identifier: Apache-2.0

#pragma once

// Statistics of a sample, small and exact enough to be checked by hand. Pure functions.

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace gust::experiment {

struct Interval {
  double low = 0, high = 0;
};

struct Summary {
  size_t n = 0;
  double mean = 0, sd = 0, least = 0, most = 0;  // sd: of the sample (n - 1)
  double p50 = 0, p90 = 0, p95 = 0, p99 = 0;
  Interval mean_ci;  // 95 %, bootstrap percentiles
};

// Linear interpolation between order statistics (Hyndman and Fan 1996, definition 7: what numpy and R do).
// `sorted` must be ascending; 0 where it is empty. q in [0, 1].
double quantile(const std::vector<double>& sorted, double q);

// Percentile bootstrap of the mean, 95 %; the same seed gives the same interval.
Interval bootstrap_mean(const std::vector<double>& sample, uint64_t seed, int resamples = 2000);

Summary summarize(std::vector<double> sample, uint64_t seed = 1);

// How many times `a` is `b`, pair by pair: the geometric mean of a/b with its 95 % interval. Pairs with a value of 0 or
// less are left out; n is what is left.
struct Ratio {
  size_t n = 0;
  double mean = 1;
  Interval ci{1, 1};
};
Ratio paired_ratio(const std::vector<std::pair<double, double>>& pairs, uint64_t seed = 1);

}  // namespace gust::experiment
