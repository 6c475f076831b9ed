// SPDX-License-Identifier: Apache-2.0

#pragma once

// What answers say of users, groups, roles and instance profiles.

#include "services/iam/records.h"

namespace gust::iam {

// Lists leave out tags and permissions boundary, as AWS's do.
enum class Detail { Listed, Full };
Value user_output(const Value& user, Detail detail);
Value group_output(const Value& group);
Value role_output(const Value& role, Detail detail);

// The user that a call is about: the named one, or the caller's own.
Result<std::string> user_name(Request& request);
// DeleteConflict where policies are left.
Result<> check_no_policies(Request& request, const Value& entity);

}  // namespace gust::iam
