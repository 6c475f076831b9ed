// SPDX-License-Identifier: Apache-2.0

#pragma once

// Managed policies: those of the account, as rows with Description, Default ("v1"), Next (number of the next version), Updated
// and Versions (list of Id, Document, Created, newest last), and AWS's (aws_policies.h).

#include "services/iam/records.h"

namespace gust::iam {

// The account's policy of that ARN, to be changed or looked at: "Policy ARN was not found."; those of AWS are not ours.
Result<Value> get_local_policy(Request& request, std::string_view arn);
// Whether it can be attached: NoSuchEntity where there is no such policy.
Result<> check_attachable(Request& request, std::string_view arn);
std::string_view policy_name(std::string_view arn);  // what is behind the last slash
// The members of an answer.
Result<Value> policy_output(Request& request, const Value& policy, bool with_details);

}  // namespace gust::iam
