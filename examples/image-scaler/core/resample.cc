// SPDX-License-Identifier: Apache-2.0

#include "resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

namespace gust::scaler {
namespace {

constexpr double kLobes = 3;

double lanczos(double x) {
  x = std::fabs(x);
  if (x < 1e-9) return 1;
  if (x >= kLobes) return 0;
  double p = x * std::numbers::pi;
  return kLobes * std::sin(p) * std::sin(p / kLobes) / (p * p);
}

}  // namespace

Resampler::Taps Resampler::make_taps(uint32_t from, uint32_t to) {
  Taps taps;
  const double ratio = static_cast<double>(from) / to;
  const double reach = kLobes * ratio;
  taps.offset.push_back(0);
  for (uint32_t i = 0; i < to; ++i) {
    const double centre = (i + 0.5) * ratio - 0.5;
    auto first = static_cast<int64_t>(std::ceil(centre - reach)), last = static_cast<int64_t>(std::floor(centre + reach));
    first = std::max<int64_t>(first, 0);
    last = std::min<int64_t>(last, int64_t{from} - 1);
    double sum = 0;
    for (int64_t j = first; j <= last; ++j) sum += lanczos((static_cast<double>(j) - centre) / ratio);
    for (int64_t j = first; j <= last; ++j) {
      taps.weights.push_back(static_cast<float>(lanczos((static_cast<double>(j) - centre) / ratio) / sum));
    }
    taps.first.push_back(static_cast<uint32_t>(first));
    taps.offset.push_back(static_cast<uint32_t>(taps.weights.size()));
    taps.most = std::max(taps.most, static_cast<uint32_t>(last - first + 1));
  }
  return taps;
}

Resampler::Resampler(Size from, Size to, Sink sink)
    : from_(from),
      to_(to),
      sink_(std::move(sink)),
      across_(make_taps(from.width, to.width)),
      down_(make_taps(from.height, to.height)),
      input_(from.width),
      ring_(size_t{down_.most} * to.width),
      output_(to.width) {}

void Resampler::shrink_row(const uint32_t* row, Pixel* out) {
  typedef uint8_t Bytes __attribute__((vector_size(4)));
  Pixel* in = input_.data();
  for (uint32_t x = 0; x < from_.width; ++x) {
    Bytes bytes;
    std::memcpy(&bytes, row + x, 4);
    in[x] = __builtin_convertvector(bytes, Pixel);
  }
  if (from_.width == to_.width) {
    std::memcpy(out, in, sizeof(Pixel) * to_.width);
    return;
  }
  const float* weights = across_.weights.data();
  for (uint32_t x = 0; x < to_.width; ++x) {
    const Pixel* from = in + across_.first[x];
    const float* w = weights + across_.offset[x];
    const uint32_t count = across_.offset[x + 1] - across_.offset[x];
    Pixel even{}, odd{};  // two sums, so that one addition need not wait for the one before
    uint32_t k = 0;
    for (; k + 1 < count; k += 2) {
      even += from[k] * w[k];
      odd += from[k + 1] * w[k + 1];
    }
    if (k < count) even += from[k] * w[k];
    out[x] = even + odd;
  }
}

void Resampler::push(const uint32_t* row) {
  shrink_row(row, ring_.data() + size_t{pushed_ % down_.most} * to_.width);
  ++pushed_;
  while (emitted_ < to_.height) {
    const uint32_t count = down_.offset[emitted_ + 1] - down_.offset[emitted_];
    if (down_.first[emitted_] + count > pushed_) return;
    emit();
  }
}

void Resampler::emit() {
  typedef int32_t Integers __attribute__((vector_size(16)));
  typedef uint8_t Bytes __attribute__((vector_size(4)));
  const uint32_t y = emitted_++;
  const float* w = down_.weights.data() + down_.offset[y];
  const uint32_t count = down_.offset[y + 1] - down_.offset[y];
  std::vector<const Pixel*> rows(count);
  for (uint32_t k = 0; k < count; ++k) rows[k] = ring_.data() + size_t{(down_.first[y] + k) % down_.most} * to_.width;
  const Pixel low = {0, 0, 0, 0}, high = {255, 255, 255, 255};
  for (uint32_t x = 0; x < to_.width; ++x) {
    Pixel sum = {0.5f, 0.5f, 0.5f, 0.5f};
    for (uint32_t k = 0; k < count; ++k) sum += rows[k][x] * w[k];
    sum = sum < low ? low : sum;
    sum = sum > high ? high : sum;
    Bytes bytes = __builtin_convertvector(__builtin_convertvector(sum, Integers), Bytes);
    std::memcpy(output_.data() + x, &bytes, 4);
  }
  sink_(output_.data(), y);
}

}  // namespace gust::scaler
