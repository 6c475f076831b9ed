// SPDX-License-Identifier: Apache-2.0

#include "experiment/format.h"

#include <charconv>
#include <cmath>

namespace gust::experiment {

std::string fixed(double value, int digits) {
  char text[64];  // values are times, counts and prices: far below 1e40
  if (!std::isfinite(value) || std::abs(value) > 1e40) return "-";
  auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, digits).ptr;
  std::string out(text, end);
  if (out[0] == '-' && out.find_first_not_of("-0.") == std::string::npos) out.erase(0, 1);
  return out;
}

std::string grouped(double value) {
  std::string digits = fixed(value, 0);
  size_t least = digits.starts_with('-') ? 1 : 0;
  for (size_t at = digits.size(); at > least + 3;) digits.insert(at -= 3, " ");
  return digits;
}

std::string short_count(double value) {
  const bool millions = value >= 999'500;
  if (value < 999.5) return fixed(value, 0);
  std::string out = fixed(value / (millions ? 1e6 : 1e3), value < (millions ? 9.95e6 : 9.95e3) ? 1 : 0);
  if (out.ends_with(".0")) out.resize(out.size() - 2);
  return out + (millions ? " M" : " k");
}

std::string milliseconds(double ms) {
  if (ms >= 999.5) return fixed(ms / 1000, 2) + " s";
  return fixed(ms, ms < 9.95 ? 1 : 0) + " ms";
}

std::string money(double usd) {
  if (usd >= 1 || usd <= 0) return fixed(usd, 2);
  int digits = 2 - static_cast<int>(std::floor(std::log10(usd)));
  return fixed(usd, digits < 2 ? 2 : digits);
}

std::string megabytes(uint64_t bytes) { return fixed(static_cast<double>(bytes) / 1048576, 0) + " MB"; }
std::string percent(double share, int digits) { return fixed(share * 100, digits) + " %"; }
std::string plural(size_t n, const char* noun) { return grouped(static_cast<double>(n)) + " " + noun + (n == 1 ? "" : "s"); }

}  // namespace gust::experiment
