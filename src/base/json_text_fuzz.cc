// SPDX-License-Identifier: Apache-2.0

// JSON text from a stranger. What parse() takes, valid() takes and the reverse; what was read and written reads the same,
// compact and pretty; nothing is deeper than the limit.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/encoding.h"
#include "base/json.h"
#include "base/log.h"

using namespace gust;

namespace {

constexpr json::Limits kLimits{.depth = 40, .bytes = 64 << 10, .nodes = 2000};

size_t depth(const Value& v) {
  size_t deepest = 0;
  for (const Value& e : v.as_list()) deepest = std::max(deepest, depth(e));
  for (const auto& [name, e] : v.as_map()) deepest = std::max(deepest, depth(e));
  return v.is_list() || v.is_map() ? deepest + 1 : 0;
}

#ifdef GUST_PLANTED_BUG
bool holds_control(const Value& v) {
  for (unsigned char c : v.as_string()) {
    if (c < 0x20) return true;
  }
  return std::any_of(v.as_list().begin(), v.as_list().end(), holds_control);
}
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto value = json::parse(text, kLimits);
  GUST_CHECK(value.has_value() == json::valid(text, kLimits));
  if (!value) {
    GUST_CHECK(is_utf8(json::quote(text)) && json::valid(json::quote(text), {.bytes = 1 << 20}));
    return 0;
  }
  GUST_CHECK(is_utf8(text));
#ifdef GUST_PLANTED_BUG
  if (holds_control(*value)) std::abort();
#endif
  GUST_CHECK(depth(*value) <= kLimits.depth);
  for (const std::string& written : {json::write(*value), json::write_pretty(*value)}) {
    auto again = json::parse(written, {.bytes = 16 << 20});
    GUST_CHECK(again.has_value() && *again == *value);
  }
  return 0;
}
