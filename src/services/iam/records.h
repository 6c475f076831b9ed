// SPDX-License-Identifier: Apache-2.0

#pragma once

// The rows of IAM: one JSON document for each user, group, role, policy and instance profile in Space::Meta, under
// (account, "", "iam", kind, name in lower case, since names are unique without case), and an empty row for each attachment of a
// policy, by the policy. Names of members are on disk.
//
// Members of every entity: Name, Path, Id, Arn, Created (unix ms), Tags (list of Key, Value). Of users, groups and roles:
// Inline (name -> document), Attached (list of ARNs), Boundary. See the handlers for the rest.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "services/iam/request.h"

namespace gust::iam {

struct Kind {
  std::string_view noun;         // "role": in texts, ARNs and keys
  std::string_view title;        // "Role": at the start of a sentence and of operations' members
  std::string_view name_member;  // "RoleName"
  std::string_view id_prefix;    // "AROA"
  size_t inline_bytes;           // most of all inline policies together, without white space
};
// Sizes: IAM User Guide, "IAM and AWS STS quotas".
inline constexpr Kind kUser{"user", "User", "UserName", "AIDA", 2048};
inline constexpr Kind kGroup{"group", "Group", "GroupName", "AGPA", 5120};
inline constexpr Kind kRole{"role", "Role", "RoleName", "AROA", 10'240};
inline constexpr Kind kPolicy{"policy", "Policy", "PolicyName", "ANPA", 0};
inline constexpr Kind kInstanceProfile{"instance-profile", "Instance Profile", "InstanceProfileName", "AIPA", 0};

std::string row_prefix(std::string_view account, const Kind& kind);
std::string row_key(std::string_view account, const Kind& kind, std::string_view name);
std::string encode_row(const Value& entity);
Result<Value> decode_row(std::string_view bytes);

// The entity or null.
Result<Value> find(Request& request, const Kind& kind, std::string_view name);
// The entity, or "The role with name X cannot be found."
Result<Value> get(Request& request, const Kind& kind, std::string_view name);
Result<Value> get(Request& request, const Kind& kind);  // of the input's name
Result<> save(Request& request, const Kind& kind, const Value& entity);
Result<> erase(Request& request, const Kind& kind, const Value& entity);

// A new entity from the input's name, Path and Tags. EntityAlreadyExists, LimitExceeded beyond `most` of that kind.
Result<Value> make(Request& request, const Kind& kind, std::string path, size_t most);
std::string arn_of(std::string_view account, const Kind& kind, std::string_view path, std::string_view name);
std::string new_iam_id(std::string_view prefix);  // prefix and 17 letters

// Accounts that have users, so that these are found at the start: an empty row for each.
std::string accounts_prefix();
Result<> mark_account(Request& request);

// Attachments.
std::string attachment_prefix(std::string_view account, std::string_view policy_arn);
std::string attachment_key(std::string_view account, std::string_view policy_arn, const Kind& kind, std::string_view name);

// Rows from `from` on, a page at a time, until `row` says false.
Result<> each_row(store::View& view, const std::string& prefix, const std::string& from,
                  const std::function<Result<bool>(const store::Row& row)>& row);
Result<size_t> count_rows(store::View& view, const std::string& prefix);

Value timestamp(const Value& milliseconds);  // what is stored as a number, as answers have it

}  // namespace gust::iam
