// SPDX-License-Identifier: Apache-2.0

#include "services/iam/policy_document.h"

#include <algorithm>
#include <vector>

#include "base/encoding.h"
#include "base/json.h"

namespace gust::iam {
namespace {

using Wrong = std::optional<std::string>;

constexpr json::Limits kLimits{.depth = 20, .bytes = 256 << 10, .nodes = 20'000};
constexpr std::string_view kSyntax = "Syntax errors in policy.";
constexpr std::string_view kPolicyMembers[] = {"Version", "Id", "Statement"};
constexpr std::string_view kStatementMembers[] = {"Sid",       "Effect",   "Principal",   "NotPrincipal", "Action",
                                                  "NotAction", "Resource", "NotResource", "Condition"};

bool known(std::string_view name, const auto& names) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// One text or a list of at least one.
bool is_texts(const Value& value) {
  if (!value.is_list()) return value.is_string();
  return value.size() > 0 &&
         std::all_of(value.as_list().begin(), value.as_list().end(), [](const Value& v) { return v.is_string(); });
}

std::vector<std::string_view> texts(const Value& value) {
  std::vector<std::string_view> out;
  if (value.is_string()) out.push_back(value.as_string());
  for (const Value& v : value.as_list()) out.push_back(v.as_string());
  return out;
}

Wrong wrong_actions(const Value& actions, PolicyKind kind) {
  if (!is_texts(actions)) return std::string(kSyntax);
  for (std::string_view action : texts(actions)) {
    const size_t colon = action.find(':');
    if (action != "*" && (colon == action.npos || colon == 0)) {
      return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
    }
    if (kind == PolicyKind::Trust && !equal_ignoring_case(action.substr(0, 4), "sts:")) {
      return "AssumeRole policy may only specify STS AssumeRole actions.";
    }
  }
  return std::nullopt;
}

Wrong wrong_resources(const Value& resources) {
  if (!is_texts(resources)) return std::string(kSyntax);
  for (std::string_view resource : texts(resources)) {
    if (resource == "*") continue;
    if (!resource.starts_with("arn:")) return "Resource " + std::string(resource) + " must be in ARN format or \"*\".";
    if (std::count(resource.begin(), resource.end(), ':') < 5 && resource.find('*') == resource.npos) {
      return "The policy failed legacy parsing";
    }
  }
  return std::nullopt;
}

bool is_aws_principal(std::string_view text) {
  if (text == "*") return true;
  if (text.size() == 12 && text.find_first_not_of("0123456789") == text.npos) return true;
  if (text.starts_with("AIDA") || text.starts_with("AROA")) return true;  // what became of an ARN whose owner is gone
  return (text.starts_with("arn:aws:iam::") || text.starts_with("arn:aws:sts::")) &&
         std::count(text.begin(), text.end(), ':') >= 5 && text.find('*') == text.npos;
}

Wrong wrong_principal(const Value& principal) {
  if (principal.is_string()) {
    if (principal.as_string() == "*") return std::nullopt;
    return "Invalid principal in policy: \"STAR\":\"" + std::string(principal.as_string()) + "\"";
  }
  if (!principal.is_map() || principal.size() == 0) return std::string(kSyntax);
  for (const auto& [type, value] : principal.as_map()) {
    if (type != "AWS" && type != "Service" && type != "Federated" && type != "CanonicalUser") return std::string(kSyntax);
    if (!is_texts(value)) return std::string(kSyntax);
    for (std::string_view text : texts(value)) {
      const bool good = type == "AWS"       ? is_aws_principal(text)
                        : type == "Service" ? text.find('.') != text.npos && text.find('*') == text.npos
                                            : !text.empty();
      if (!good) return "Invalid principal in policy: \"" + type + "\":\"" + std::string(text) + "\"";
    }
  }
  return std::nullopt;
}

Wrong wrong_condition(const Value& condition) {
  if (condition.is_null()) return std::nullopt;
  if (!condition.is_map()) return std::string(kSyntax);
  for (const auto& [name, keys] : condition.as_map()) {
    if (!keys.is_map() || keys.size() == 0) return std::string(kSyntax);
    for (const auto& [key, value] : keys.as_map()) {
      const bool scalar = value.is_string() || value.is_bool() || value.is_number();
      if (key.find(':') == key.npos) return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
      if (!scalar && !value.is_list()) return std::string(kSyntax);
    }
  }
  return std::nullopt;
}

Wrong wrong_statement(const Value& s, PolicyKind kind) {
  if (!s.is_map()) return std::string(kSyntax);
  for (const auto& [name, value] : s.as_map()) {
    if (!known(name, kStatementMembers)) return std::string(kSyntax);
  }
  const std::string_view effect = s["Effect"].as_string();
  if (effect != "Allow" && effect != "Deny") return std::string(kSyntax);
  if (s.has("Sid") && !s["Sid"].is_string()) return std::string(kSyntax);
  if (s.has("Action") && s.has("NotAction")) return std::string(kSyntax);
  if (s.has("Resource") && s.has("NotResource")) return std::string(kSyntax);
  const bool principal = s.has("Principal") || s.has("NotPrincipal"), resource = s.has("Resource") || s.has("NotResource");
  if (kind == PolicyKind::Identity && principal) return "Policy document should not specify a principal.";
  if (kind == PolicyKind::Trust && resource) return "Has prohibited field Resource";
  if (kind == PolicyKind::Trust && !principal) return "Missing required field Principal";
  if (!s.has("Action") && !s.has("NotAction")) {
    return kind == PolicyKind::Trust ? "Missing required field Action" : "Policy statement must contain actions.";
  }
  if (auto wrong = wrong_actions(s.has("Action") ? s["Action"] : s["NotAction"], kind)) return wrong;
  if (kind == PolicyKind::Identity && !resource) return "Policy statement must contain resources.";
  if (resource) {
    if (auto wrong = wrong_resources(s.has("Resource") ? s["Resource"] : s["NotResource"])) return wrong;
  }
  if (principal) {
    if (auto wrong = wrong_principal(s.has("Principal") ? s["Principal"] : s["NotPrincipal"])) return wrong;
  }
  return wrong_condition(s["Condition"]);
}

}  // namespace

std::optional<std::string> wrong_with_policy(std::string_view document, PolicyKind kind) {
  auto policy = json::parse(document, kLimits);
  if (!policy) return kind == PolicyKind::Trust ? "This policy contains invalid Json" : std::string(kSyntax);
  if (!policy->is_map()) return std::string(kSyntax);
  for (const auto& [name, value] : policy->as_map()) {
    if (!known(name, kPolicyMembers)) return std::string(kSyntax);
  }
  const Value& version = (*policy)["Version"];
  const bool current = version.as_string() == "2012-10-17";
  if (!version.is_null() && !current && version.as_string() != "2008-10-17") return std::string(kSyntax);
  if (kind == PolicyKind::Identity && !current) return "Policy document must be version 2012-10-17 or greater.";
  const Value& statements = (*policy)["Statement"];
  if (statements.is_null()) return std::string(kSyntax);
  const Value::List list = statements.is_list() ? statements.as_list() : Value::List{statements};
  if (list.empty()) return std::string(kSyntax);
  std::vector<std::string_view> sids;
  for (const Value& statement : list) {
    if (auto wrong = wrong_statement(statement, kind)) return wrong;
    const std::string_view sid = statement["Sid"].as_string();
    if (!sid.empty() && std::find(sids.begin(), sids.end(), sid) != sids.end()) {
      return "Statement IDs (SID) in a single policy must be unique.";
    }
    sids.push_back(sid);
  }
  return std::nullopt;
}

size_t policy_size(std::string_view document) {
  return static_cast<size_t>(
      std::count_if(document.begin(), document.end(), [](char c) { return c != ' ' && c != '\t' && c != '\n' && c != '\r'; }));
}

}  // namespace gust::iam
