// SPDX-License-Identifier: Apache-2.0

#include "experiment/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "experiment/random.h"

namespace gust::experiment {
namespace {

double mean_of(const std::vector<double>& sample) {
  return sample.empty() ? 0 : std::accumulate(sample.begin(), sample.end(), 0.0) / static_cast<double>(sample.size());
}

}  // namespace

double quantile(const std::vector<double>& sorted, double q) {
  if (sorted.empty()) return 0;
  double at = std::clamp(q, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  auto below = static_cast<size_t>(at);
  size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

Interval bootstrap_mean(const std::vector<double>& sample, uint64_t seed, int resamples) {
  if (sample.empty()) return {};
  Random random(seed);
  std::vector<double> means;
  means.reserve(static_cast<size_t>(resamples));
  for (int i = 0; i < resamples; ++i) {
    double sum = 0;
    for (size_t k = 0; k < sample.size(); ++k) sum += sample[random.below(sample.size())];
    means.push_back(sum / static_cast<double>(sample.size()));
  }
  std::sort(means.begin(), means.end());
  return {quantile(means, 0.025), quantile(means, 0.975)};
}

Summary summarize(std::vector<double> sample, uint64_t seed) {
  Summary out;
  out.n = sample.size();
  if (sample.empty()) return out;
  out.mean_ci = bootstrap_mean(sample, seed);
  std::sort(sample.begin(), sample.end());
  out.mean = mean_of(sample);
  double squares = 0;
  for (double x : sample) squares += (x - out.mean) * (x - out.mean);
  out.sd = sample.size() > 1 ? std::sqrt(squares / static_cast<double>(sample.size() - 1)) : 0;
  out.least = sample.front();
  out.most = sample.back();
  out.p50 = quantile(sample, 0.5);
  out.p90 = quantile(sample, 0.9);
  out.p95 = quantile(sample, 0.95);
  out.p99 = quantile(sample, 0.99);
  return out;
}

Ratio paired_ratio(const std::vector<std::pair<double, double>>& pairs, uint64_t seed) {
  std::vector<double> logs;
  for (auto [a, b] : pairs) {
    if (a > 0 && b > 0) logs.push_back(std::log(a / b));
  }
  if (logs.empty()) return {};
  Interval ci = bootstrap_mean(logs, seed);
  return {logs.size(), std::exp(mean_of(logs)), {std::exp(ci.low), std::exp(ci.high)}};
}

}  // namespace gust::experiment
