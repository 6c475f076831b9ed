// SPDX-License-Identifier: Apache-2.0

#pragma once

// Whether a text is a policy that IAM would take (IAM JSON policy grammar). Grammar only: nothing is evaluated. Pure, any
// thread.

#include <optional>
#include <string>
#include <string_view>

namespace gust::iam {

enum class PolicyKind { Identity, Trust };

// What IAM answers with MalformedPolicyDocument; nullopt: it is one.
std::optional<std::string> wrong_with_policy(std::string_view document, PolicyKind kind);

size_t policy_size(std::string_view document);  // as IAM counts it: without white space

}  // namespace gust::iam
