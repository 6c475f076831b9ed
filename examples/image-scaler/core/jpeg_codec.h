// SPDX-License-Identifier: Apache-2.0

#pragma once

// libjpeg-turbo behind two classes whose methods return errors: its longjmp never crosses an object with a destructor.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "pixels.h"
#include "scaler.h"

namespace gust::scaler {

// Reads one JPEG out of memory, row by row. The bytes must outlive it.
class Decoder {
 public:
  Decoder();
  ~Decoder();
  // Reads the headers and refuses what cannot or must not be decoded.
  Result<> open(std::string_view jpeg, const Limits& limits);
  Size size() const;  // as it lies in the file
  int orientation() const;
  bool progressive() const;
  bool grey() const;
  // Starts decoding at the smallest M/8 that gives at least `least` in both directions (whole size where none does).
  Result<Size> start(Size least);
  Result<> read_row(uint32_t* row);
  Result<> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

enum class Colour { Rgb, Grey };
struct Crop {
  uint32_t x = 0, y = 0;
  Size size;
};
struct EncodeOptions {
  int quality = 82;
  Colour colour = Colour::Rgb;
  bool progressive = false;
  std::string_view exif;  // content of an APP1 segment to write, "Exif\0\0..."; empty: none
};
Result<std::string> encode(const Pixels& pixels, const Crop& crop, const EncodeOptions& options);
inline Result<std::string> encode(const Pixels& pixels, const EncodeOptions& options) {
  return encode(pixels, {0, 0, pixels.size()}, options);
}

}  // namespace gust::scaler
