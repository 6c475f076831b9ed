// SPDX-License-Identifier: Apache-2.0

#pragma once

// Whether a role's trust policy lets somebody assume it (IAM User Guide, "Policy evaluation logic"; an explicit Deny wins).
// A condition operator that is not known here never lets anybody in: Allow does not apply, Deny does. Pure, any thread.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gust::sts {

struct TrustRequest {
  std::string action;  // "sts:AssumeRole"
  std::string caller_arn, caller_account, caller_id;
  // Condition keys in lower case, e.g. "sts:externalid". Those that are not here are absent.
  std::vector<std::pair<std::string, std::string>> context;
};

// `document`: the policy's JSON; a damaged one trusts nobody.
bool trusts(std::string_view document, const TrustRequest& request);

// Whether that is a JSON object, as a session policy must be.
bool is_policy_json(std::string_view document);

}  // namespace gust::sts
