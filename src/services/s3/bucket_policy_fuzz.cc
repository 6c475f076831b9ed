// SPDX-License-Identifier: Apache-2.0

// A bucket policy from a stranger: parsing ends with a policy or with S3's error, judging ends, and only what is public lets
// everybody in.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/log.h"
#include "services/s3/bucket_policy.h"

using namespace gust;
using namespace gust::s3;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto policy = BucketPolicy::parse(text, "bucket");
  if (!policy) {
    GUST_CHECK(policy.error().code == "MalformedPolicy" || policy.error().code == "PolicyTooLarge");
    GUST_CHECK(!policy.error().message.empty());
    return 0;
  }
  GUST_CHECK(size <= kMaxPolicy);
#ifdef GUST_PLANTED_BUG
  if (text.find_first_of(" \t\r\n") != text.npos) std::abort();  // white space
#endif
  for (const char* action : {"s3:GetObject", "s3:PutObject", "s3:ListBucket"}) {
    for (const char* key : {"", "a/b.txt", "${aws:username}/*"}) {
      const bool lets = policy->lets_anybody(action, "bucket", key);
      GUST_CHECK(!lets || policy->is_public());
    }
  }
  return 0;
}
