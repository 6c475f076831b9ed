// SPDX-License-Identifier: Apache-2.0

#pragma once

// A picture in memory: four bytes per pixel (R, G, B, unused), so that one pixel is one vector of four.

#include <cstdint>
#include <memory>

#include "scaler.h"

namespace gust::scaler {

class Pixels {
 public:
  Pixels() = default;
  // Not initialised: whoever makes one writes every pixel.
  explicit Pixels(Size size) : size_(size), data_(new uint32_t[uint64_t{size.width} * size.height]) {}
  Size size() const { return size_; }
  uint32_t* row(uint32_t y) { return data_.get() + uint64_t{y} * size_.width; }
  const uint32_t* row(uint32_t y) const { return data_.get() + uint64_t{y} * size_.width; }

 private:
  Size size_;
  std::unique_ptr<uint32_t[]> data_;
};

}  // namespace gust::scaler
