// SPDX-License-Identifier: Apache-2.0

#pragma once

// EXIF orientation: read from an APP1 segment, applied to pixels while they are stored.

#include <cstdint>
#include <string_view>

#include "pixels.h"
#include "scaler.h"

namespace gust::scaler {

// The orientation (1 to 8) in the content of an APP1 marker; 1 where there is none or where it is malformed.
int exif_orientation(std::string_view app1);

inline bool swaps_sides(int orientation) { return orientation >= 5; }

// Stores row `y` of a picture (as it lies in the file) where it belongs in the picture as it is seen.
void store_oriented(const uint32_t* row, uint32_t y, Size stored, int orientation, Pixels& out);

}  // namespace gust::scaler
