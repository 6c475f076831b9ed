// SPDX-License-Identifier: Apache-2.0

#pragma once

// Evaluation of a function's resource policy. Only Allow statements exist (AddPermission makes no others). Thread-safe.

#include <optional>
#include <string>
#include <string_view>

#include "services/lambda/record.h"

namespace gust::lambda {

struct Principal {
  enum class Kind { Anybody, Service, Account };
  Kind kind = Kind::Anybody;
  std::string text;  // "s3.amazonaws.com" or an ARN
};
// What AddPermission's Principal means: "*", a service, an account's number or an ARN; nullopt: none of these.
std::optional<Principal> parse_principal(std::string_view text);

// IAM's wild cards: * any run of characters, ? one. Linear in pattern times text.
bool matches(std::string_view pattern, std::string_view text);

// Whether the service may invoke (action lambda:InvokeFunction). A condition that the request has no value for fails.
bool allows_service(const Record& record, std::string_view principal, std::string_view source_arn,
                    std::string_view source_account);

}  // namespace gust::lambda
