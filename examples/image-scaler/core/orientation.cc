// SPDX-License-Identifier: Apache-2.0

#include "orientation.h"

namespace gust::scaler {
namespace {

constexpr std::string_view kExif("Exif\0\0", 6);
constexpr uint16_t kOrientationTag = 0x0112;  // CIPA DC-008 (Exif 2.32), table 4

// Numbers of a TIFF structure; reading past the end gives 0.
struct Tiff {
  std::string_view bytes;
  bool little;
  uint32_t number(size_t at, int size) const {
    if (at + static_cast<size_t>(size) > bytes.size()) return 0;
    uint32_t out = 0;
    for (int i = 0; i < size; ++i) {
      uint32_t byte = static_cast<uint8_t>(bytes[at + static_cast<size_t>(little ? size - 1 - i : i)]);
      out = out << 8 | byte;
    }
    return out;
  }
};

}  // namespace

int exif_orientation(std::string_view app1) {
  if (!app1.starts_with(kExif)) return 1;
  Tiff tiff{app1.substr(kExif.size()), false};
  if (tiff.bytes.starts_with("II")) tiff.little = true;
  else if (!tiff.bytes.starts_with("MM")) return 1;
  if (tiff.number(2, 2) != 42) return 1;
  size_t directory = tiff.number(4, 4);
  uint32_t entries = tiff.number(directory, 2);
  for (uint32_t i = 0; i < entries; ++i) {
    size_t at = directory + 2 + size_t{i} * 12;
    if (at + 12 > tiff.bytes.size()) return 1;
    if (tiff.number(at, 2) != kOrientationTag) continue;
    uint32_t value = tiff.number(at + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

void store_oriented(const uint32_t* row, uint32_t y, Size stored, int orientation, Pixels& out) {
  const uint32_t w = stored.width, last_y = stored.height - 1;
  switch (orientation) {
    default: {
      uint32_t* to = out.row(y);
      for (uint32_t x = 0; x < w; ++x) to[x] = row[x];
      break;
    }
    case 2: {
      uint32_t* to = out.row(y);
      for (uint32_t x = 0; x < w; ++x) to[w - 1 - x] = row[x];
      break;
    }
    case 3: {
      uint32_t* to = out.row(last_y - y);
      for (uint32_t x = 0; x < w; ++x) to[w - 1 - x] = row[x];
      break;
    }
    case 4: {
      uint32_t* to = out.row(last_y - y);
      for (uint32_t x = 0; x < w; ++x) to[x] = row[x];
      break;
    }
    case 5:
      for (uint32_t x = 0; x < w; ++x) out.row(x)[y] = row[x];
      break;
    case 6:
      for (uint32_t x = 0; x < w; ++x) out.row(x)[last_y - y] = row[x];
      break;
    case 7:
      for (uint32_t x = 0; x < w; ++x) out.row(w - 1 - x)[last_y - y] = row[x];
      break;
    case 8:
      for (uint32_t x = 0; x < w; ++x) out.row(w - 1 - x)[y] = row[x];
      break;
  }
}

}  // namespace gust::scaler
