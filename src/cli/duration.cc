// SPDX-License-Identifier: Apache-2.0

#include "cli/duration.h"

#include <string>

#include "base/encoding.h"

namespace gust::cli {

Result<int64_t> parse_duration(std::string_view text) {
  constexpr uint64_t kMost = 10ull * 366 * 86'400'000;
  constexpr std::pair<std::string_view, uint64_t> kUnits[] = {
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  for (const auto& [unit, factor] : kUnits) {
    if (!text.ends_with(unit)) continue;
    const auto number = parse_uint(text.substr(0, text.size() - unit.size()));
    if (number && *number <= kMost / factor) return static_cast<int64_t>(*number * factor);
  }
  return fail(Errc::Invalid, "'" + std::string(text.substr(0, 40)) +
                                 "' is no length of time: write a number and ms, s, m, h or d, "
                                 "such as 90s or 10m");
}

}  // namespace gust::cli
