// SPDX-License-Identifier: Apache-2.0

#include "services/sts/trust_policy.h"

#include <algorithm>
#include <functional>

#include "base/encoding.h"
#include "base/json.h"

namespace gust::sts {
namespace {

constexpr json::Limits kLimits{.depth = 20, .bytes = 32 << 10, .nodes = 10'000};

// "*" any text, "?" one character. Linear: on a mismatch only the last star is tried further.
bool glob(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, retry = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      retry = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++retry;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// One text or a list of them.
bool any_of(const Value& value, const std::function<bool(std::string_view)>& test) {
  if (!value.is_list()) return value.is_string() && test(value.as_string());
  return std::any_of(value.as_list().begin(), value.as_list().end(), [&](const Value& v) { return test(v.as_string()); });
}

// "arn:aws:sts::A:assumed-role/R/S" is a session of the role arn:aws:iam::A:role/.../R.
bool is_session_of(std::string_view session_arn, std::string_view account, std::string_view role_arn) {
  const std::string role = "arn:aws:iam::" + std::string(account) + ":role/", session = "arn:aws:sts::" + std::string(account);
  if (!role_arn.starts_with(role)) return false;
  const std::string name(role_arn.substr(role_arn.rfind('/') + 1));
  return session_arn.starts_with(session + ":assumed-role/" + name + "/");
}

bool is_caller(std::string_view principal, const TrustRequest& request) {
  if (principal == "*" || principal == request.caller_arn || principal == request.caller_account) return true;
  if (principal == "arn:aws:iam::" + request.caller_account + ":root") return true;
  if (!request.caller_id.empty() && principal == request.caller_id) return true;
  return is_session_of(request.caller_arn, request.caller_account, principal);
}

bool names_caller(const Value& principal, const TrustRequest& request) {
  const auto caller = [&request](std::string_view text) { return is_caller(text, request); };
  if (principal.is_string()) return principal.as_string() == "*";
  return any_of(principal["AWS"], caller);  // services and federated users do not come by AssumeRole
}

bool names_action(const Value& actions, std::string_view action) {
  const std::string wanted = lower(action);
  return any_of(actions, [&wanted](std::string_view pattern) { return glob(lower(pattern), wanted); });
}

enum class Verdict { Met, NotMet, Unknown };

using Compare = bool (*)(std::string_view wanted, std::string_view actual);
struct Operator {
  std::string_view name;
  Compare compare;
  bool negated;
};
bool same(std::string_view a, std::string_view b) { return a == b; }
bool same_ignoring_case(std::string_view a, std::string_view b) { return equal_ignoring_case(a, b); }
constexpr Operator kOperators[] = {
    {"stringequals", same, false},
    {"stringnotequals", same, true},
    {"stringequalsignorecase", same_ignoring_case, false},
    {"stringnotequalsignorecase", same_ignoring_case, true},
    {"stringlike", glob, false},
    {"stringnotlike", glob, true},
    {"arnequals", glob, false},
    {"arnlike", glob, false},
    {"arnnotequals", glob, true},
    {"arnnotlike", glob, true},
    {"bool", same_ignoring_case, false},
};

const std::string* find_key(const TrustRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.context) {
    if (equal_ignoring_case(key, name)) return &value;
  }
  return nullptr;
}

std::string text_of(const Value& value) {
  if (value.is_bool()) return value.as_bool() ? "true" : "false";
  return value.is_int() ? std::to_string(value.as_int()) : std::string(value.as_string());
}

Verdict test(std::string_view operator_text, std::string_view key, const Value& wanted, const TrustRequest& request) {
  std::string name = lower(operator_text);
  const bool if_exists = name.ends_with("ifexists");
  if (if_exists) name.resize(name.size() - 8);
  const std::string* actual = find_key(request, key);
  const Value::List list = wanted.is_list() ? wanted.as_list() : Value::List{wanted};
  const auto met = [](bool yes) { return yes ? Verdict::Met : Verdict::NotMet; };
  if (name == "null") {
    return met(std::any_of(list.begin(), list.end(), [&](const Value& v) { return text_of(v) == (actual ? "false" : "true"); }));
  }
  const auto* found =
      std::find_if(std::begin(kOperators), std::end(kOperators), [&](const Operator& o) { return o.name == name; });
  if (found == std::end(kOperators)) return Verdict::Unknown;
  if (actual == nullptr) return met(if_exists || found->negated);
  const bool any = std::any_of(list.begin(), list.end(), [&](const Value& v) { return found->compare(text_of(v), *actual); });
  return met(any != found->negated);
}

Verdict conditions(const Value& block, const TrustRequest& request) {
  Verdict all = Verdict::Met;
  for (const auto& [operator_text, keys] : block.as_map()) {
    for (const auto& [key, wanted] : keys.as_map()) {
      const Verdict one = test(operator_text, key, wanted, request);
      if (one == Verdict::NotMet) return one;
      if (one == Verdict::Unknown) all = one;
    }
  }
  return all;
}

}  // namespace

bool trusts(std::string_view document, const TrustRequest& request) {
  auto policy = json::parse(document, kLimits);
  if (!policy) return false;
  const Value& statements = (*policy)["Statement"];
  const Value::List list = statements.is_list() ? statements.as_list() : Value::List{statements};
  bool allowed = false;
  for (const Value& statement : list) {
    const bool deny = statement["Effect"].as_string() == "Deny";
    const bool principal = statement.has("NotPrincipal") ? !names_caller(statement["NotPrincipal"], request)
                                                         : names_caller(statement["Principal"], request);
    const bool action = statement.has("NotAction") ? !names_action(statement["NotAction"], request.action)
                                                   : names_action(statement["Action"], request.action);
    if (!principal || !action) continue;
    const Verdict verdict = conditions(statement["Condition"], request);
    if (deny && verdict != Verdict::NotMet) return false;
    if (statement["Effect"].as_string() == "Allow" && verdict == Verdict::Met) allowed = true;
  }
  return allowed;
}

bool is_policy_json(std::string_view document) {
  auto policy = json::parse(document, kLimits);
  return policy && policy->is_map();
}

}  // namespace gust::sts
