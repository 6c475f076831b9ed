// SPDX-License-Identifier: Apache-2.0

#pragma once

// What CreateFunction and UpdateFunctionConfiguration may set: checked beyond the model's constraints, with AWS's texts, and
// written into a record. What is modelled but not built is refused by name. Pure functions.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"
#include "model/service.h"
#include "services/lambda/record.h"

namespace gust::lambda {

struct Rules {
  std::vector<std::string> runtimes = {"provided.al2", "provided.al2023"};  // installed here
  std::string architecture = "x86_64";                                      // of this machine
  uint32_t max_memory_mb = 10240;                                           // AWS Lambda guide, "Lambda quotas"
  uint32_t max_timeout_s = 900;
  uint32_t account_concurrency = 1000, least_unreserved = 100;
};

inline constexpr size_t kMaxEnvironment = 4096;  // bytes of all variables together

// Members with an effect that is not built: NotImplemented naming operation and member.
std::optional<model::ApiError> refuse_unbuilt(std::string_view operation, const Value& input);

// Sets what the input has; what it leaves out stays. An error leaves the record half changed: work on a copy.
std::optional<model::ApiError> apply_settings(const Value& input, const Rules& rules, Record& record);
std::optional<model::ApiError> apply_architectures(const Value& input, const Rules& rules, Record& record);
std::optional<model::ApiError> check_environment(const Pairs& environment);

}  // namespace gust::lambda
