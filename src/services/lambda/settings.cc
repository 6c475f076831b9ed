// SPDX-License-Identifier: Apache-2.0

#include "services/lambda/settings.h"

#include <algorithm>
#include <array>

#include "model/errors.h"
#include "services/lambda/policy_document.h"

namespace gust::lambda {
namespace {

using model::ApiError;
using model::invalid_parameter_value;
using Problem = std::optional<ApiError>;

constexpr std::string_view kEnvironmentPrefix =
    "Lambda was unable to configure your environment variables because the environment variables you have provided ";

// AWS Lambda guide, "Defined runtime environment variables": those that a function may not set.
constexpr std::array<std::string_view, 19> kReserved = {"_HANDLER",
                                                        "_X_AMZN_TRACE_ID",
                                                        "AWS_DEFAULT_REGION",
                                                        "AWS_REGION",
                                                        "AWS_EXECUTION_ENV",
                                                        "AWS_LAMBDA_FUNCTION_NAME",
                                                        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                                                        "AWS_LAMBDA_FUNCTION_VERSION",
                                                        "AWS_LAMBDA_INITIALIZATION_TYPE",
                                                        "AWS_LAMBDA_LOG_GROUP_NAME",
                                                        "AWS_LAMBDA_LOG_STREAM_NAME",
                                                        "AWS_ACCESS_KEY",
                                                        "AWS_ACCESS_KEY_ID",
                                                        "AWS_SECRET_ACCESS_KEY",
                                                        "AWS_SESSION_TOKEN",
                                                        "AWS_LAMBDA_RUNTIME_API",
                                                        "LAMBDA_TASK_ROOT",
                                                        "LAMBDA_RUNTIME_DIR",
                                                        "AWS_LAMBDA_MAX_CONCURRENCY"};

bool is_variable_name(std::string_view name) {  // [a-zA-Z][a-zA-Z0-9_]+
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return name.size() >= 2 && letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

std::string join(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out.append(out.empty() ? "" : ", ").append(name);
  return out;
}

Problem check_runtime(std::string_view runtime, const Rules& rules) {
  if (std::find(rules.runtimes.begin(), rules.runtimes.end(), runtime) != rules.runtimes.end()) return std::nullopt;
  return invalid_parameter_value("The runtime parameter of " + std::string(runtime) +
                                 " is not supported by this server. Installed runtimes: " + join(rules.runtimes) + ".");
}

Problem check_range(std::string_view member, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return std::nullopt;
  const bool low = value < least;
  return invalid_parameter_value("'" + std::string(member) + "' value failed to satisfy constraint: Member must have value " +
                                 (low ? "greater" : "less") + " than or equal to " + std::to_string(low ? least : most));
}

Problem apply_sizes(const Value& input, const Rules& rules, Record& record) {
  if (const Value* v = input.find("Timeout")) {
    if (auto e = check_range("Timeout", v->as_int(), 1, rules.max_timeout_s)) return e;
    record.timeout_s = static_cast<uint32_t>(v->as_int());
  }
  if (const Value* v = input.find("MemorySize")) {
    if (auto e = check_range("MemorySize", v->as_int(), 128, rules.max_memory_mb)) return e;
    record.memory_mb = static_cast<uint32_t>(v->as_int());
  }
  if (const Value* v = input["EphemeralStorage"].find("Size")) {
    if (auto e = check_range("EphemeralStorage.Size", v->as_int(), 512, 10240)) return e;
    record.tmp_mb = static_cast<uint32_t>(v->as_int());
  }
  return std::nullopt;
}

Problem apply_environment(const Value& input, Record& record) {
  if (!input.has("Environment")) return std::nullopt;
  Pairs environment;
  for (const auto& [name, value] : input["Environment"]["Variables"].as_map()) {
    environment.emplace_back(name, std::string(value.as_string()));
  }
  if (auto e = check_environment(environment)) return e;
  record.has_environment = !environment.empty();
  record.environment = std::move(environment);
  return std::nullopt;
}

// The log group and format cannot be chosen yet; saying what holds anyway is no error.
Problem check_logging(const Value& logging, std::string_view function) {
  const std::string group = "/aws/lambda/" + std::string(function);
  if (logging["LogFormat"].as_string("Text") != "Text") {
    return model::not_implemented("lambda", "LoggingConfig.LogFormat JSON");
  }
  if (logging["LogGroup"].as_string(group) != group) {
    return model::not_implemented("lambda", "LoggingConfig.LogGroup of one's own");
  }
  return std::nullopt;
}

}  // namespace

Problem check_environment(const Pairs& environment) {
  std::vector<std::string> reserved;
  for (const auto& [name, value] : environment) {
    if (std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end()) {
      reserved.push_back(name);
    } else if (!is_variable_name(name)) {
      return model::validation(
          "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: "
          "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: "
          "[a-zA-Z]([a-zA-Z0-9_])+]");
    } else if (value.find('\0') != value.npos) {
      return invalid_parameter_value("Environment variable " + name + " contains a NUL character.");
    }
  }
  if (!reserved.empty()) {
    return invalid_parameter_value(std::string(kEnvironmentPrefix) +
                                   "contains reserved keys that are currently not supported for modification. "
                                   "Reserved keys used in this request: " +
                                   join(reserved));
  }
  const std::string measured = environment_text(environment);
  if (measured.size() > kMaxEnvironment) {
    return invalid_parameter_value(std::string(kEnvironmentPrefix) + "exceeded the 4KB limit. String measured: " + measured);
  }
  return std::nullopt;
}

Problem refuse_unbuilt(std::string_view operation, const Value& input) {
  const auto refuse = [&](std::string_view what) {
    return model::not_implemented("lambda", std::string(operation) + " with " + std::string(what));
  };
  if (input["Layers"].size() != 0) return refuse("Layers");
  if (input["FileSystemConfigs"].size() != 0) return refuse("FileSystemConfigs");
  if (input["VpcConfig"]["SubnetIds"].size() != 0 || input["VpcConfig"]["SecurityGroupIds"].size() != 0)
    return refuse("VpcConfig");
  if (!input["DeadLetterConfig"]["TargetArn"].as_string().empty()) return refuse("DeadLetterConfig");
  if (!input["KMSKeyArn"].as_string().empty()) return refuse("KMSKeyArn");
  if (!input["CodeSigningConfigArn"].as_string().empty()) return refuse("CodeSigningConfigArn");
  if (input["PackageType"].as_string("Zip") != "Zip") return refuse("PackageType Image");
  if (input["ImageConfig"].size() != 0) return refuse("ImageConfig");
  if (input["Publish"].as_bool()) return refuse("Publish");
  if (input["TracingConfig"]["Mode"].as_string("PassThrough") != "PassThrough") return refuse("TracingConfig Active");
  if (input["SnapStart"]["ApplyOn"].as_string("None") != "None") return refuse("SnapStart");
  for (const char* member : {"CapacityProviderConfig", "DurableConfig", "TenancyConfig", "PublishTo", "SourceKMSKeyArn"}) {
    if (input.has(member)) return refuse(member);
  }
  return std::nullopt;
}

Problem apply_architectures(const Value& input, const Rules& rules, Record& record) {
  const Value::List& list = input["Architectures"].as_list();
  if (list.empty()) return std::nullopt;
  const std::string_view wanted = list[0].as_string();
  if (list.size() != 1 || wanted != rules.architecture) {
    return invalid_parameter_value("This server runs functions of architecture " + rules.architecture + " only.");
  }
  record.architecture = wanted;
  return std::nullopt;
}

Problem apply_settings(const Value& input, const Rules& rules, Record& record) {
  if (auto e = check_logging(input["LoggingConfig"], record.name)) return e;
  if (const Value* v = input.find("Runtime")) {
    if (auto e = check_runtime(v->as_string(), rules)) return e;
    record.runtime = v->as_string();
  }
  if (auto e = apply_sizes(input, rules, record)) return e;
  if (auto e = apply_environment(input, record)) return e;
  if (const Value* v = input.find("Handler")) record.handler = v->as_string();
  if (const Value* v = input.find("Role")) record.role = v->as_string();
  if (const Value* v = input.find("Description")) record.description = v->as_string();
  return std::nullopt;
}

}  // namespace gust::lambda
