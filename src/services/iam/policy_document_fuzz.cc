// SPDX-License-Identifier: Apache-2.0

// Policy documents as strangers send them: what is taken as one kind of policy is never taken as the other, since one must and
// the other must not name principals.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/log.h"
#include "services/iam/policy_document.h"

using namespace gust;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const bool identity = !iam::wrong_with_policy(text, iam::PolicyKind::Identity);
  const bool trust = !iam::wrong_with_policy(text, iam::PolicyKind::Trust);
  GUST_CHECK(!identity || !trust);
  GUST_CHECK(iam::policy_size(text) <= size);
#ifdef GUST_PLANTED_BUG
  if (identity && iam::policy_size(text) < size) std::abort();  // white space
#endif
  return 0;
}
