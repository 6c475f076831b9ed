// SPDX-License-Identifier: Apache-2.0

// Policies from a stranger: whatever they say, no field that they do not mention passes, and refusals are well-formed.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/encoding.h"
#include "base/log.h"
#include "gateway/post_policy.h"

using namespace gust;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  static const gateway::FormFields kFields = {{"key", "user/a"}, {"x-amz-meta-unguessable-9f31", "b"}};
  auto checked = gateway::check_policy(base64_encode(text), kFields, "pics", 1'795'404'069'000);
  if (checked) {
    GUST_CHECK(lower(text).find("unguessable") != std::string::npos || text.find('\\') != text.npos);
  } else {
    GUST_CHECK(is_utf8(checked.error().message) && checked.error().status >= 400);
#ifdef GUST_PLANTED_BUG
    if (checked.error().code == "AccessDenied" && checked.error().message.find("starts-with") != std::string::npos) std::abort();
#endif
  }
  (void)gateway::check_policy(text, kFields, "pics", 0);
  return 0;
}
