// SPDX-License-Identifier: Apache-2.0

#include "experiment/arrivals.h"

#include "experiment/random.h"

namespace gust::experiment {

std::vector<int64_t> arrivals(size_t count, uint64_t seed, const ArrivalOptions& options) {
  Random random(seed ^ 0xa5a5a5a5);
  std::vector<double> at;
  double now = 0;
  while (at.size() < count) {
    if (!at.empty()) now += random.exponential(options.mean_gap_us * options.mean_burst);
    do {  // a burst: geometric size
      at.push_back(now);
      now += random.exponential(options.burst_gap_us);
    } while (at.size() < count && random.uniform() > 1 / options.mean_burst);
  }
  // A small sample's length is a matter of luck, and with it the load; stretched to the length that was asked for.
  double wanted = options.mean_gap_us * static_cast<double>(count - (count > 0));
  double stretch = count > 1 && at.back() > 0 ? wanted / at.back() : 1;
  std::vector<int64_t> out;
  out.reserve(count);
  for (double t : at) out.push_back(static_cast<int64_t>(t * stretch));
  return out;
}

}  // namespace gust::experiment
