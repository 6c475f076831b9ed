// SPDX-License-Identifier: Apache-2.0

#pragma once

// The policies that AWS manages, as far as templates name them: arn:aws:iam::aws:policy/... The documents are our own, after
// what AWS says that each is for; they are shown, and will be evaluated with all others. Immutable, any thread.

#include <span>
#include <string>
#include <string_view>

namespace gust::iam {

struct AwsPolicy {
  std::string_view path, name, description;
  std::string_view actions;  // separated by spaces; all on every resource
  std::string arn() const { return "arn:aws:iam::aws:policy" + std::string(path) + std::string(name); }
  std::string document() const;
  std::string id() const;  // "ANPA..."
};

inline constexpr std::string_view kAwsPolicyArns = "arn:aws:iam::aws:policy/";

std::span<const AwsPolicy> aws_policies();
const AwsPolicy* find_aws_policy(std::string_view arn);  // null where we know none of that name

}  // namespace gust::iam
