// SPDX-License-Identifier: Apache-2.0

#pragma once

// Every way in which Lambda lets a caller name a function: NAME, NAME:QUALIFIER, ACCOUNT:function:NAME[:QUALIFIER],
// function:NAME, REGION:ACCOUNT:function:NAME and the whole ARN (service model, shape FunctionName).

#include <optional>
#include <string>
#include <string_view>

namespace gust::lambda {

struct FunctionName {
  std::string account, region, name;
  std::string qualifier;  // empty where none was given

  std::string arn() const;            // unqualified
  std::string qualified_arn() const;  // with the qualifier where there is one
};

// Parts that the text leaves out come from the caller's own account and region. nullopt: not a function name.
std::optional<FunctionName> parse_function_name(std::string_view text, std::string_view account, std::string_view region);

}  // namespace gust::lambda
