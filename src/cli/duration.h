// SPDX-License-Identifier: Apache-2.0

#pragma once

// Lengths of time as people write them: a number and ms, s, m, h or d ("90s", "10m"). Pure.

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace gust::cli {

// Milliseconds. Invalid where it is not of that form or more than ten years.
Result<int64_t> parse_duration(std::string_view text);

}  // namespace gust::cli
