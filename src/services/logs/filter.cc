// SPDX-License-Identifier: Apache-2.0

#include "services/logs/filter.h"

#include <algorithm>

namespace gust::logs {

Result<Filter> Filter::parse(std::string_view pattern) {
  Filter filter;
  size_t at = 0;
  while ((at = pattern.find_first_not_of(" \t\n", at)) != pattern.npos) {
    std::vector<std::string>* list = &filter.all_;
    if (pattern[at] == '{' || pattern[at] == '[' || pattern[at] == '%') {
      return fail(Errc::Unsupported, "JSON, field and regular expression patterns");
    }
    if ((pattern[at] == '-' || pattern[at] == '?') && at + 1 < pattern.size()) {
      list = pattern[at] == '-' ? &filter.none_ : &filter.any_;
      ++at;
    }
    size_t end = 0, next = 0;
    if (pattern[at] == '"') {
      end = pattern.find('"', ++at);
      if (end == pattern.npos) return fail(Errc::Invalid, "Invalid character(s) in term");
      next = end + 1;
    } else {
      next = end = std::min(pattern.find_first_of(" \t\n", at), pattern.size());
    }
    if (end > at) list->emplace_back(pattern.substr(at, end - at));
    at = next;
  }
  return filter;
}

bool Filter::matches(std::string_view message) const {
  const auto occurs = [message](const std::string& term) { return message.find(term) != message.npos; };
  return std::all_of(all_.begin(), all_.end(), occurs) && std::none_of(none_.begin(), none_.end(), occurs) &&
         (any_.empty() || std::any_of(any_.begin(), any_.end(), occurs));
}

}  // namespace gust::logs
