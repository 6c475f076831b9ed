// SPDX-License-Identifier: Apache-2.0

#include "services/s3/lifecycle.h"

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "model/errors.h"

namespace gust::s3 {
namespace {

using model::api_error;
using model::invalid_argument;
using Problem = std::optional<model::ApiError>;

constexpr size_t kMostRules = 1000, kMaxId = 255;
constexpr int64_t kDay = 86'400'000;

Problem positive(const Value& action, std::string_view member, std::string_view of) {
  const Value* days = action.find(member);
  if (days == nullptr || days->as_int() > 0) return std::nullopt;
  return invalid_argument("'" + std::string(member) + "' for " + std::string(of) + " action must be a positive integer", member,
                          std::to_string(days->as_int()));
}

Problem midnight(const Value& action) {
  const Value* date = action.find("Date");
  if (date == nullptr || date->as_timestamp().unix_ms % kDay == 0) return std::nullopt;
  return invalid_argument("'Date' must be at midnight GMT", "Date", iso8601(date->as_timestamp().unix_ms));
}

Problem check_expiration(const Value& rule) {
  const Value* expiration = rule.find("Expiration");
  if (expiration == nullptr) return std::nullopt;
  if (expiration->size() != 1) return model::malformed_xml();
  if (Problem p = positive(*expiration, "Days", "Expiration")) return p;
  return midnight(*expiration);
}

Problem check_noncurrent(const Value& rule) {
  if (const Value* v = rule.find("NoncurrentVersionExpiration")) {
    if (v->size() == 0) return model::malformed_xml();
    if (Problem p = positive(*v, "NoncurrentDays", "NoncurrentVersionExpiration")) return p;
  }
  for (const Value& v : rule["NoncurrentVersionTransitions"].as_list()) {
    if (!v.has("StorageClass")) return model::malformed_xml();
    if (Problem p = positive(v, "NoncurrentDays", "NoncurrentVersionTransition")) return p;
  }
  return std::nullopt;
}

Problem check_transitions(const Value& rule) {
  for (const Value& v : rule["Transitions"].as_list()) {
    if (!v.has("StorageClass") || v.has("Date") == v.has("Days")) return model::malformed_xml();
    if (v["Days"].as_int() < 0) {
      return invalid_argument("'Days' for Transition action must be nonnegative", "Days", std::to_string(v["Days"].as_int()));
    }
    if (Problem p = midnight(v)) return p;
  }
  return std::nullopt;
}

Problem check_upload(const Value& rule) {
  const Value* v = rule.find("AbortIncompleteMultipartUpload");
  if (v == nullptr) return std::nullopt;
  if (!v->has("DaysAfterInitiation")) return model::malformed_xml();
  return positive(*v, "DaysAfterInitiation", "AbortIncompleteMultipartUpload");
}

Problem check_filter(const Value& rule) {
  if (rule.has("Filter") == rule.has("Prefix")) return model::malformed_xml();  // one of them, and only one
  const Value& filter = rule["Filter"];
  if (filter.size() > 1) return model::malformed_xml();
  std::set<std::string_view> keys;
  for (const Value& tag : filter["And"]["Tags"].as_list()) {
    if (!keys.insert(tag["Key"].as_string()).second) {
      return api_error("InvalidRequest", "Duplicate Tag Keys are not allowed.");
    }
  }
  return std::nullopt;
}

bool has_action(const Value& rule) {
  for (const char* action : {"Expiration", "Transitions", "NoncurrentVersionTransitions", "NoncurrentVersionExpiration",
                             "AbortIncompleteMultipartUpload"}) {
    if (rule.has(action)) return true;
  }
  return false;
}

Problem check_rule(const Value& rule) {
  if (rule["ID"].as_string().size() > kMaxId) {
    return invalid_argument("ID length should not exceed allowed limit of 255", "ID", rule["ID"].as_string());
  }
  for (const auto check : {check_filter, check_expiration, check_transitions, check_noncurrent, check_upload}) {
    if (Problem p = check(rule)) return p;
  }
  if (!has_action(rule)) return api_error("InvalidRequest", "At least one action needs to be specified in a rule");
  return std::nullopt;
}

// JSON, in which documents are stored, has no dates.
Value with_text_date(Value action) {
  if (const Value* date = action.find("Date")) action.set("Date", iso8601(date->as_timestamp().unix_ms));
  return action;
}

Value completed(Value rule) {
  if (rule["ID"].as_string().empty()) rule.set("ID", new_uuid());
  if (rule.has("Expiration")) rule.set("Expiration", with_text_date(rule["Expiration"]));
  if (rule.has("Transitions")) {
    Value transitions = Value::list();
    for (const Value& v : rule["Transitions"].as_list()) transitions.push(with_text_date(v));
    rule.set("Transitions", std::move(transitions));
  }
  return rule;
}

}  // namespace

tl::expected<Value, model::ApiError> accept_lifecycle(const Value& configuration) {
  const Value& rules = configuration["Rules"];
  if (rules.size() == 0 || rules.size() > kMostRules) return tl::unexpected(model::malformed_xml());
  Value kept = Value::list();
  std::set<std::string> ids;
  for (const Value& rule : rules.as_list()) {
    if (Problem p = check_rule(rule)) return tl::unexpected(std::move(*p));
    kept.push(completed(rule));
    const std::string id(kept.as_list().back()["ID"].as_string());
    if (!ids.insert(id).second) {
      return tl::unexpected(invalid_argument("Rule ID must be unique. Found same ID for more than one rule", "ID", id));
    }
  }
  Value out = Value::map();
  out.set("Rules", std::move(kept));
  return out;
}

}  // namespace gust::s3
