// SPDX-License-Identifier: Apache-2.0

#pragma once

// A generator whose numbers are the same on every compiler and library (the distributions of <random> are not), so that a
// seed names one experiment for ever. SplitMix64 (Steele, Lea, Flood 2014).

#include <cmath>
#include <cstdint>

namespace gust::experiment {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }  // [0, 1)
  uint64_t below(uint64_t n) { return n ? next() % n : 0; }                 // bias below 2^-40 for our sizes
  double between(double low, double high) { return low + (high - low) * uniform(); }
  double exponential(double mean) { return -mean * std::log1p(-uniform()); }

 private:
  uint64_t state_;
};

}  // namespace gust::experiment
