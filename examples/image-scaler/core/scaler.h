// SPDX-License-Identifier: Apache-2.0

#pragma once

// The image scaler: one JPEG in, several smaller JPEGs out. What functions and services of the main job share.
//
// One decode with DCT scaling (M/8) to at least 1.5 times the largest rendition, then a tree: each rendition is made from
// the next larger one with a separable Lanczos-3 filter. EXIF orientation is applied while the largest rendition is
// written; all metadata is left out (a colour profile too: pictures are taken as sRGB). Nothing is enlarged: a rendition
// wider than the picture has the picture's own width. Heights are rounded half up from the picture's own dimensions.
//
// Input comes from strangers: bytes, pixels, memory and progressive scans are limited before and while decoding. Errors:
// Unsupported (not a JPEG, CMYK), TooLarge (a limit), Invalid (corrupt or cut off). Thread-safe: no state.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gust::scaler {

struct Limits {
  uint64_t bytes = 64 << 20;      // of the upload
  uint64_t pixels = 100'000'000;  // width x height
  uint64_t memory = 700 << 20;    // of the decoder (a progressive picture holds all its coefficients: 6 bytes/pixel)
  uint32_t scans = 200;           // of a progressive picture
};

struct Spec {
  std::vector<uint32_t> widths = {1920, 1024, 512, 160};  // largest first
  int quality = 82;
};

struct Rendition {
  uint32_t wanted_width = 0;  // as in the Spec: what the output is named after
  uint32_t width = 0, height = 0;
  std::string jpeg;
};

struct Output {
  uint32_t width = 0, height = 0;  // of the picture as it is seen (orientation applied)
  int orientation = 1;             // EXIF, 1 to 8
  bool progressive = false, grey = false;
  std::vector<Rendition> renditions;
  int64_t decode_us = 0, resize_us = 0, encode_us = 0;
};

Result<Output> scale(std::string_view jpeg, const Spec& spec = {}, const Limits& limits = {});

struct Size {
  uint32_t width = 0, height = 0;
  bool operator==(const Size&) const = default;
};
// What a rendition of this width measures: never enlarged, height rounded half up, at least 1.
Size rendition_size(Size picture, uint32_t wanted_width);

}  // namespace gust::scaler
