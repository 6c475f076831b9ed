// SPDX-License-Identifier: Apache-2.0

#include "gateway/post_policy.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/json.h"
#include "model/errors.h"

namespace gust::gateway {
namespace {

using model::api_error;
using model::ApiError;

constexpr json::Limits kLimits{8, 32 << 10, 2000};
// What carries the proof itself, and the file.
constexpr std::string_view kExempt[] = {"x-amz-signature", "signature", "awsaccesskeyid", "policy", "file"};

ApiError invalid_policy(std::string text) { return api_error("InvalidPolicyDocument", "Invalid Policy: " + std::move(text)); }
ApiError against_policy(std::string text) {
  return api_error("AccessDenied", "Invalid according to Policy: " + std::move(text), 403);
}

struct Condition {
  std::string_view operation;  // "eq", "starts-with"
  std::string name;            // lower case, without '$'
  std::string shown_name;
  std::string value;
};

struct Policy {
  int64_t expires_ms = 0;
  std::vector<Condition> conditions;
  LengthRange length;
};

// A dollar that is meant as one is written "\$" in a policy.
std::string unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '$') continue;
    out += text[i];
  }
  return out;
}

std::optional<uint64_t> bound(const Value& v) {
  if (v.is_int() && v.as_int() >= 0) return static_cast<uint64_t>(v.as_int());
  if (!v.is_string()) return std::nullopt;
  auto n = parse_uint(v.as_string());
  return n ? std::optional(*n) : std::nullopt;
}

std::optional<ApiError> read_simple(const Value& v, Policy& policy) {
  if (v.size() != 1) {
    return invalid_policy("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.");
  }
  const auto& [name, value] = v.as_map().front();
  if (!value.is_string()) return invalid_policy("Invalid Simple-Condition: value must be a string.");
  policy.conditions.push_back({"eq", lower(name), name, unescaped(value.as_string())});
  return std::nullopt;
}

std::optional<ApiError> read_list(const Value& v, Policy& policy) {
  const Value::List& list = v.as_list();
  if (list.size() != 3) return invalid_policy("Invalid Condition: wrong number of arguments.");
  std::string operation = lower(list[0].as_string());
  if (operation == "content-length-range") {
    auto min = bound(list[1]), max = bound(list[2]);
    if (!min || !max) return invalid_policy("Invalid content-length-range: arguments must be non-negative integers.");
    policy.length = {*min, *max};
    return std::nullopt;
  }
  if (operation != "eq" && operation != "starts-with") {
    return invalid_policy("Invalid Condition: unknown operation '" + to_utf8(operation) + "'.");
  }
  std::string_view name = list[1].as_string();
  if (!list[1].is_string() || !list[2].is_string() || name.size() < 2 || name[0] != '$') {
    return invalid_policy("Invalid Condition: expected [\"" + operation + "\", \"$field\", \"value\"].");
  }
  name.remove_prefix(1);
  policy.conditions.push_back(
      {operation == "eq" ? "eq" : "starts-with", lower(name), std::string(name), unescaped(list[2].as_string())});
  return std::nullopt;
}

tl::expected<Policy, ApiError> read_policy(std::string_view text) {
  auto document = json::parse(text, kLimits);
  if (!document || !document->is_map()) return tl::unexpected(invalid_policy("Invalid JSON."));
  const Value &expiration = (*document)["expiration"], &conditions = (*document)["conditions"];
  if (expiration.is_null()) return tl::unexpected(invalid_policy("Policy missing expiration."));
  if (conditions.is_null()) return tl::unexpected(invalid_policy("Policy missing conditions."));
  auto expires = parse_iso8601(expiration.as_string());
  if (!expires) {
    return tl::unexpected(invalid_policy("Invalid 'expiration' value: '" + to_utf8(expiration.as_string()) + "'"));
  }
  if (!conditions.is_list()) return tl::unexpected(invalid_policy("Invalid 'conditions' value: must be a List."));
  Policy policy;
  policy.expires_ms = *expires;
  for (const Value& v : conditions.as_list()) {
    auto error = v.is_map()    ? read_simple(v, policy)
                 : v.is_list() ? read_list(v, policy)
                               : std::optional(invalid_policy("Invalid Condition: must be a List or an Object."));
    if (error) return tl::unexpected(std::move(*error));
  }
  return policy;
}

bool holds(const Condition& c, std::string_view value) {
  if (c.operation == "eq") return value == c.value;
  if (c.name != "content-type") return value.starts_with(c.value);
  // A list of types: each of them.
  while (true) {
    size_t end = std::min(value.find(','), value.size());
    if (!trim(value.substr(0, end)).starts_with(c.value)) return false;
    if (end == value.size()) return true;
    value.remove_prefix(end + 1);
  }
}

bool exempt(std::string_view lower_name) {
  return lower_name.starts_with("x-ignore-") ||
         std::find(std::begin(kExempt), std::end(kExempt), lower_name) != std::end(kExempt);
}

bool covered(const Policy& policy, std::string_view lower_name) {
  return exempt(lower_name) || std::any_of(policy.conditions.begin(), policy.conditions.end(),
                                           [&](const Condition& c) { return c.name == lower_name; });
}

}  // namespace

const std::string* find_field(const FormFields& fields, std::string_view name) {
  auto at = std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return equal_ignoring_case(f.first, name); });
  return at == fields.end() ? nullptr : &at->second;
}

tl::expected<LengthRange, ApiError> check_policy(std::string_view policy_base64, const FormFields& fields,
                                                 std::string_view bucket, int64_t now_ms) {
  auto text = base64_decode(policy_base64);
  if (!text) return tl::unexpected(invalid_policy("Invalid Base64 Encoding."));
  auto policy = read_policy(*text);
  if (!policy) return tl::unexpected(std::move(policy.error()));
  if (policy->expires_ms <= now_ms) return tl::unexpected(against_policy("Policy expired."));
  for (const Condition& c : policy->conditions) {
    const std::string* field = find_field(fields, c.name);
    std::string_view value = c.name == "bucket" ? bucket : field ? std::string_view(*field) : std::string_view();
    if (holds(c, value)) continue;
    return tl::unexpected(against_policy("Policy Condition failed: [\"" + std::string(c.operation) + "\", \"$" +
                                         to_utf8(c.shown_name) + "\", \"" + to_utf8(c.value) + "\"]"));
  }
  std::string extra = covered(*policy, "bucket") ? "" : "bucket";
  for (const auto& [name, value] : fields) {
    if (covered(*policy, lower(name)) || extra.size() > 1000) continue;
    extra.append(extra.empty() ? "" : ", ").append(to_utf8(name));
  }
  if (!extra.empty()) return tl::unexpected(against_policy("Extra input fields: " + extra));
  return policy->length;
}

}  // namespace gust::gateway
