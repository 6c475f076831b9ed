// SPDX-License-Identifier: Apache-2.0

#pragma once

// When uploads arrive: bursts of a few within a fraction of a second, pauses between them, as people upload. Seeded: the
// same arguments give the same times. Open loop: times do not depend on how fast anything answers.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gust::experiment {

struct ArrivalOptions {
  double mean_gap_us = 400'000;  // between two uploads, over all
  double mean_burst = 3;         // uploads in a burst
  double burst_gap_us = 80'000;  // between two uploads of one burst
};

// `count` offsets in microseconds, ascending, the first one 0; the last one is close to count * mean_gap.
std::vector<int64_t> arrivals(size_t count, uint64_t seed, const ArrivalOptions& options);

}  // namespace gust::experiment
