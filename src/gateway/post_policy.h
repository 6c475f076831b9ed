// SPDX-License-Identifier: Apache-2.0

#pragma once

// The policy of a browser's POST form ("Creating a POST Policy", Amazon S3 API reference): base64 of a JSON document that
// says until when it holds and what each field may be. Pure functions. A policy is part of a form's fields, so at most 20 KB.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/service.h"

namespace gust::gateway {

using FormFields = std::vector<std::pair<std::string, std::string>>;  // in order; names as they were sent

// First of that name (case does not matter), or null.
const std::string* find_field(const FormFields& fields, std::string_view name);

struct LengthRange {  // of the file, in bytes
  uint64_t min = 0;
  std::optional<uint64_t> max;
};

// Whether the policy allows these fields for this bucket now. Errors: AccessDenied "Invalid according to Policy: ...",
// InvalidPolicyDocument "Invalid Policy: ...".
tl::expected<LengthRange, model::ApiError> check_policy(std::string_view policy_base64, const FormFields& fields,
                                                        std::string_view bucket, int64_t now_ms);

}  // namespace gust::gateway
