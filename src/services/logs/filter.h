// SPDX-License-Identifier: Apache-2.0

#pragma once

// CloudWatch Logs' filter patterns, as far as they are lists of terms: all plain terms must occur, none of those with "-",
// and one of those with "?" where there are any. "quoted phrases" are terms. Case matters.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gust::logs {

class Filter {
 public:
  // Unsupported for JSON ({...}), field ([...]) and regular expression (%...%) patterns; Invalid for an open quote.
  static Result<Filter> parse(std::string_view pattern);
  bool matches(std::string_view message) const;

 private:
  std::vector<std::string> all_, none_, any_;
};

}  // namespace gust::logs
