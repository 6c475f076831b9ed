// SPDX-License-Identifier: Apache-2.0

#include "scaler.h"

#include <algorithm>

#include "jpeg_codec.h"
#include "orientation.h"
#include "os/clock.h"
#include "resample.h"

namespace gust::scaler {
namespace {

// Adds the time between its making and its end to a sum.
class Stopwatch {
 public:
  explicit Stopwatch(int64_t& sum) : sum_(sum), start_(system_clock().monotonic_us()) {}
  ~Stopwatch() { sum_ += system_clock().monotonic_us() - start_; }

 private:
  int64_t& sum_;
  int64_t start_;
};

Size swapped(Size size) { return {size.height, size.width}; }

// Decodes and makes the largest rendition, as it is seen.
Result<Pixels> largest(Decoder& decoder, Size wanted, Output& out) {
  const int orientation = decoder.orientation();
  const Size stored = swaps_sides(orientation) ? swapped(wanted) : wanted;
  const Size picture = decoder.size();
  // Where hardly anything is to be reduced, whole size is as good as it gets.
  const Size least{std::min<uint32_t>(picture.width, stored.width + stored.width / 2),
                   std::min<uint32_t>(picture.height, stored.height + stored.height / 2)};
  int64_t start_us = 0;
  Size decoded;
  {
    Stopwatch watch(start_us);
    decoded = TRY(decoder.start(least));
  }
  out.decode_us += start_us;
  Pixels pixels(wanted);
  Resampler resampler(decoded, stored,
                      [&](const uint32_t* row, uint32_t y) { store_oriented(row, y, stored, orientation, pixels); });
  constexpr uint32_t kBatch = 16;  // rows between two looks at the clock
  std::vector<uint32_t> rows(size_t{kBatch} * decoded.width);
  for (uint32_t y = 0; y < decoded.height; y += kBatch) {
    const uint32_t count = std::min(kBatch, decoded.height - y);
    {
      Stopwatch watch(out.decode_us);
      for (uint32_t i = 0; i < count; ++i) TRY(decoder.read_row(rows.data() + size_t{i} * decoded.width));
    }
    Stopwatch watch(out.resize_us);
    for (uint32_t i = 0; i < count; ++i) resampler.push(rows.data() + size_t{i} * decoded.width);
  }
  TRY(decoder.finish());
  return pixels;
}

Pixels smaller(const Pixels& from, Size size) {
  Pixels out(size);
  Resampler resampler(from.size(), size, [&](const uint32_t* row, uint32_t y) { std::copy(row, row + size.width, out.row(y)); });
  for (uint32_t y = 0; y < from.size().height; ++y) resampler.push(from.row(y));
  return out;
}

}  // namespace

Size rendition_size(Size picture, uint32_t wanted_width) {
  if (wanted_width >= picture.width) return picture;
  uint64_t height = (2 * uint64_t{picture.height} * wanted_width + picture.width) / (2 * uint64_t{picture.width});
  return {wanted_width, static_cast<uint32_t>(std::max<uint64_t>(height, 1))};
}

Result<Output> scale(std::string_view jpeg, const Spec& spec, const Limits& limits) {
  if (spec.widths.empty() || !std::is_sorted(spec.widths.rbegin(), spec.widths.rend()) || spec.widths.back() == 0) {
    return fail(Errc::Invalid, "rendition widths must be given, positive and largest first");
  }
  Decoder decoder;
  TRY(decoder.open(jpeg, limits));
  Output out;
  out.orientation = decoder.orientation();
  out.progressive = decoder.progressive();
  out.grey = decoder.grey();
  const Size seen = swaps_sides(out.orientation) ? swapped(decoder.size()) : decoder.size();
  out.width = seen.width;
  out.height = seen.height;
  Pixels pixels;
  for (uint32_t width : spec.widths) {
    const Size size = rendition_size(seen, width);
    if (pixels.size().width == 0) {
      pixels = TRY(largest(decoder, size, out));
    } else if (!(pixels.size() == size)) {
      Stopwatch watch(out.resize_us);
      pixels = smaller(pixels, size);
    } else {
      out.renditions.push_back(out.renditions.back());  // two widths beyond the picture's own: the same picture
      out.renditions.back().wanted_width = width;
      continue;
    }
    Stopwatch watch(out.encode_us);
    out.renditions.push_back(
        {width, size.width, size.height, TRY(encode(pixels, {spec.quality, out.grey ? Colour::Grey : Colour::Rgb}))});
  }
  return out;
}

}  // namespace gust::scaler
