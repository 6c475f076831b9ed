// SPDX-License-Identifier: Apache-2.0

#pragma once

// A bucket policy: what S3 refuses, whether it is public, and what it lets everybody do (S3 User Guide, "Bucket policies for
// Amazon S3"; "Blocking public access", "The meaning of public"). Other callers are not judged by it yet. Pure; bounded by
// the policy's size.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "model/service.h"

namespace gust::s3 {

inline constexpr size_t kMaxPolicy = 20 << 10;  // bytes of text

model::ApiError policy_too_large();

class BucketPolicy {
 public:
  // S3's checks of a policy that is put on this bucket; the error is S3's.
  static tl::expected<BucketPolicy, model::ApiError> parse(std::string_view text, std::string_view bucket);

  // Whether everybody may do it: a statement without Condition allows it and none denies it. A Deny with a Condition counts
  // as if the condition held, because what it asks for (TLS, addresses) is not looked at.
  bool lets_anybody(std::string_view action, std::string_view bucket, std::string_view key) const;
  // Whether a statement gives everybody something without narrowing that to fixed accounts, networks or resources.
  bool is_public() const;

 private:
  struct Statement {
    bool allow = false;
    bool anybody = false;      // its (Not)Principal takes in who did not sign
    bool conditional = false;  // has a Condition
    bool narrowed = false;     // that holds only for a fixed set of callers
    bool not_action = false, not_resource = false;
    std::vector<std::string> actions, resources;  // actions in lower case
    bool applies(std::string_view action, std::string_view resource) const;
  };
  friend class PolicyParser;

  std::vector<Statement> statements_;
};

}  // namespace gust::s3
