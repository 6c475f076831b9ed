// SPDX-License-Identifier: Apache-2.0

#pragma once

// Separable Lanczos-3 reduction of four-byte pixels, fed row by row: memory is a ring of rows of the output's width,
// whatever the input's height. Scalar code in vectors of four (one pixel), which every x86-64 and arm64 has.

#include <cstdint>
#include <functional>
#include <vector>

#include "scaler.h"

namespace gust::scaler {

class Resampler {
 public:
  using Sink = std::function<void(const uint32_t* row, uint32_t y)>;
  // `to` must not be larger than `from` in either direction.
  Resampler(Size from, Size to, Sink sink);
  void push(const uint32_t* row);  // rows from top to bottom; calls the sink for every output row that is complete

 private:
  using Pixel [[gnu::vector_size(16)]] = float;
  // For each output position: which inputs, with which weights (adding up to 1).
  struct Taps {
    std::vector<uint32_t> first;
    std::vector<uint32_t> offset;  // into weights; one more than positions
    std::vector<float> weights;
    uint32_t most = 0;
  };
  static Taps make_taps(uint32_t from, uint32_t to);
  void shrink_row(const uint32_t* row, Pixel* out);
  void emit();

  Size from_, to_;
  Sink sink_;
  Taps across_, down_;
  std::vector<Pixel> input_;  // one input row as floats
  std::vector<Pixel> ring_;   // down_.most rows of the output's width
  std::vector<uint32_t> output_;
  uint32_t pushed_ = 0, emitted_ = 0;
};

}  // namespace gust::scaler
