// SPDX-License-Identifier: Apache-2.0

#include "services/s3/bucket_policy.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/encoding.h"
#include "base/json.h"
#include "model/errors.h"
#include "services/s3/policy_actions.h"

namespace gust::s3 {
namespace {

using model::ApiError;
using Problem = std::optional<ApiError>;

constexpr json::Limits kLimits{.depth = 16, .bytes = kMaxPolicy, .nodes = 8192};
constexpr std::string_view kArn = "arn:aws:s3:::";

ApiError malformed(std::string message) { return model::api_error("MalformedPolicy", std::move(message)); }

bool contains(std::initializer_list<std::string_view> list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// What may be one text or a list of at least one; false: neither.
bool texts_of(const Value& value, std::vector<std::string_view>& out) {
  if (value.is_string()) {
    out.push_back(value.as_string());
  } else {
    for (const Value& v : value.as_list()) {
      if (!v.is_string()) return false;
      out.push_back(v.as_string());
    }
  }
  return !out.empty();
}

bool is_account(std::string_view text) { return text.size() == 12 && text.find_first_not_of("0123456789") == text.npos; }

// Whether someone of that account is named; whether he exists is not asked.
bool is_aws_principal(std::string_view text) {
  if (text == "*" || is_account(text)) return true;
  if (text.starts_with("arn:aws:iam::cloudfront:user/")) return true;
  const bool sts = text.starts_with("arn:aws:sts::");
  if (!sts && !text.starts_with("arn:aws:iam::")) return false;
  text.remove_prefix(13);
  if (text.size() < 14 || !is_account(text.substr(0, 12)) || text[12] != ':' || text.find('*') != text.npos) return false;
  text.remove_prefix(13);
  if (sts) return text.starts_with("assumed-role/") || text.starts_with("federated-user/");
  return text == "root" || text.starts_with("user/") || text.starts_with("role/");
}

bool is_principal(std::string_view kind, std::string_view text) {
  if (kind == "AWS") return is_aws_principal(text);
  if (kind == "Service") return text.size() > 14 && text.ends_with(".amazonaws.com") && text.find('*') == text.npos;
  if (kind == "CanonicalUser") return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
  return kind == "Federated" && !text.empty();
}

bool is_condition_operator(std::string_view name) {
  for (const std::string_view quantifier : {"ForAllValues:", "ForAnyValue:"}) {
    if (name.starts_with(quantifier)) name.remove_prefix(quantifier.size());
  }
  if (name == "Null") return true;
  if (name.ends_with("IfExists")) name.remove_suffix(8);
  return contains({"StringEquals",
                   "StringNotEquals",
                   "StringEqualsIgnoreCase",
                   "StringNotEqualsIgnoreCase",
                   "StringLike",
                   "StringNotLike",
                   "NumericEquals",
                   "NumericNotEquals",
                   "NumericLessThan",
                   "NumericLessThanEquals",
                   "NumericGreaterThan",
                   "NumericGreaterThanEquals",
                   "DateEquals",
                   "DateNotEquals",
                   "DateLessThan",
                   "DateLessThanEquals",
                   "DateGreaterThan",
                   "DateGreaterThanEquals",
                   "Bool",
                   "BinaryEquals",
                   "IpAddress",
                   "NotIpAddress",
                   "ArnEquals",
                   "ArnNotEquals",
                   "ArnLike",
                   "ArnNotLike"},
                  name);
}

// A network that is not most of the internet: the prefix has at least 8 bits (of IPv6: 32).
bool is_narrow_network(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == text.npos) return true;
  const auto bits = parse_uint(text.substr(slash + 1));
  return bits && *bits >= (text.find(':') == text.npos ? 8u : 32u);
}

// Whether the operator holds only for the listed values of a key that tells callers apart.
bool narrows(std::string_view name, std::string_view key, const Value& values) {
  if (!contains({"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike", "IpAddress"}, name))
    return false;
  if (!contains({"aws:sourceip", "aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner", "aws:sourceaccount",
                 "aws:principalorgid", "aws:principalarn", "aws:principalaccount", "aws:userid",
                 "s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:dataaccesspointarn", "s3:dataaccesspointaccount"},
                lower(key))) {
    return false;
  }
  std::vector<std::string_view> texts;
  if (!texts_of(values, texts)) return false;
  return std::all_of(texts.begin(), texts.end(), [&](std::string_view text) {
    if (name == "IpAddress") return is_narrow_network(text);
    return text.find_first_of("*?$") == text.npos;
  });
}

// ${...} has no value for who did not sign: `as` stands for it.
std::string replace_variables(std::string_view pattern, std::string_view as) {
  std::string out;
  for (size_t at = 0; at < pattern.size();) {
    const size_t start = pattern.find("${", at), end = start == pattern.npos ? start : pattern.find('}', start);
    out.append(pattern.substr(at, end == pattern.npos ? pattern.npos : start - at));
    if (end == pattern.npos) break;
    out.append(as);
    at = end + 1;
  }
  return out;
}

}  // namespace

class PolicyParser {
 public:
  explicit PolicyParser(std::string_view bucket) : bucket_(bucket) {}

  Problem document(const Value& policy, BucketPolicy& out) {
    for (const auto& [name, value] : policy.as_map()) {
      if (!contains({"Version", "Id", "Statement"}, name)) return malformed("Unknown field " + name);
    }
    if (const Value* version = policy.find("Version")) {
      if (!contains({"2012-10-17", "2008-10-17"}, version->as_string())) {
        return malformed("The policy must contain a valid version string");
      }
    }
    if (policy.has("Id") && !policy["Id"].is_string()) return malformed("Invalid policy syntax.");
    const Value* statements = policy.find("Statement");
    if (statements == nullptr) return malformed("Missing required field Statement");
    if (statements->is_map()) return statement(*statements, out);
    if (!statements->is_list()) return malformed("Invalid policy syntax.");
    if (statements->size() == 0) return malformed("Could not parse the policy: Statement is empty!");
    for (const Value& v : statements->as_list()) {
      if (Problem p = statement(v, out)) return p;
    }
    return std::nullopt;
  }

 private:
  using Statement = BucketPolicy::Statement;

  Problem statement(const Value& v, BucketPolicy& out) {
    if (!v.is_map()) return malformed("Invalid policy syntax.");
    Statement s;
    for (auto check : {&PolicyParser::fields, &PolicyParser::effect, &PolicyParser::principal, &PolicyParser::actions,
                       &PolicyParser::resources, &PolicyParser::conditions}) {
      if (Problem p = (this->*check)(v, s)) return p;
    }
    out.statements_.push_back(std::move(s));
    return std::nullopt;
  }

  Problem fields(const Value& v, Statement&) {
    for (const auto& [name, value] : v.as_map()) {
      if (!contains({"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"},
                    name)) {
        return malformed("Unknown field " + name);
      }
    }
    if (const Value* sid = v.find("Sid")) {
      if (!sid->is_string()) return malformed("Invalid policy syntax.");
      if (!sid->as_string().empty() && !sids_.emplace(sid->as_string()).second) {
        return malformed("Statement IDs (SID) in a single policy must be unique.");
      }
    }
    for (const std::string field : {"Principal", "Action", "Resource"}) {
      if (v.has(field) && v.has("Not" + field)) return malformed("Invalid policy syntax.");
      if (!v.has(field) && !v.has("Not" + field)) return malformed("Missing required field " + field);
    }
    return std::nullopt;
  }

  Problem effect(const Value& v, Statement& s) {
    const Value* effect = v.find("Effect");
    if (effect == nullptr) return malformed("Missing required field Effect");
    s.allow = effect->as_string() == "Allow";
    if (s.allow || effect->as_string() == "Deny") return std::nullopt;
    return malformed("Invalid effect: " + std::string(effect->as_string()));
  }

  Problem principal(const Value& v, Statement& s) {
    const bool inverted = v.has("NotPrincipal");
    const Value& who = v[inverted ? "NotPrincipal" : "Principal"];
    bool anybody = who.is_string() && who.as_string() == "*";
    if (!anybody && (!who.is_map() || who.size() == 0)) return malformed("Invalid principal in policy");
    for (const auto& [kind, value] : who.as_map()) {
      std::vector<std::string_view> named;
      if (!texts_of(value, named)) return malformed("Invalid principal in policy");
      for (const std::string_view one : named) {
        if (!is_principal(kind, one)) {
          ApiError e = malformed("Invalid principal in policy");
          e.members.set("Detail", "\"" + kind + "\" : \"" + std::string(one) + "\"");
          return e;
        }
        anybody = anybody || (kind == "AWS" && one == "*");
      }
    }
    s.anybody = anybody != inverted;
    return std::nullopt;
  }

  Problem actions(const Value& v, Statement& s) {
    s.not_action = v.has("NotAction");
    std::vector<std::string_view> named;
    if (!texts_of(v[s.not_action ? "NotAction" : "Action"], named)) return malformed("Policy has invalid action");
    for (const std::string_view one : named) {
      s.actions.push_back(lower(one));
      const uint8_t kinds = resources_of(s.actions.back());
      if (kinds == kNoResource) return malformed("Policy has invalid action");
      action_kinds_.push_back(kinds);
    }
    return std::nullopt;
  }

  // The bucket itself or what is in it; nothing of another one.
  uint8_t kinds_of(std::string_view resource) const {
    if (!resource.starts_with(kArn)) return kNoResource;
    resource.remove_prefix(kArn.size());
    if (!resource.starts_with(bucket_)) return kNoResource;
    resource.remove_prefix(bucket_.size());
    if (resource.empty()) return kBucketResource;
    if (resource.front() == '/') return kObjectResource;
    return resource.front() == '*' || resource.front() == '?' ? kBucketResource | kObjectResource : kNoResource;
  }

  Problem resources(const Value& v, Statement& s) {
    s.not_resource = v.has("NotResource");
    std::vector<std::string_view> named;
    if (!texts_of(v[s.not_resource ? "NotResource" : "Resource"], named)) return malformed("Policy has invalid resource");
    uint8_t kinds = kNoResource;
    for (const std::string_view one : named) {
      const uint8_t kind = kinds_of(one);
      if (kind == kNoResource) return malformed("Policy has invalid resource");
      kinds |= kind;
      // To be on the safe side, a Deny applies to all that a variable could stand for and an Allow to none of it.
      const bool has_variable = one.find("${") != one.npos;
      if (!has_variable) s.resources.emplace_back(one);
      else if (s.allow == s.not_resource) s.resources.push_back(replace_variables(one, "*"));
    }
    for (const uint8_t action : std::exchange(action_kinds_, {})) {
      if (s.not_action || s.not_resource || (action & kinds) != 0) continue;
      return malformed("Action does not apply to any resource(s) in statement");
    }
    return std::nullopt;
  }

  Problem conditions(const Value& v, Statement& s) {
    const Value* conditions = v.find("Condition");
    if (conditions == nullptr) return std::nullopt;
    if (!conditions->is_map()) return malformed("Invalid policy syntax.");
    s.conditional = conditions->size() > 0;
    for (const auto& [name, keys] : conditions->as_map()) {
      if (!is_condition_operator(name)) return malformed("Invalid Condition type : " + name);
      if (!keys.is_map() || keys.size() == 0) return malformed("Invalid policy syntax.");
      for (const auto& [key, values] : keys.as_map()) {
        const std::string small = lower(key);
        if (!small.starts_with("aws:") && !small.starts_with("s3:")) return malformed("Policy has an invalid condition key");
        if (values.is_map() || values.is_null()) return malformed("Invalid policy syntax.");
        for (const Value& one : values.as_list()) {
          if (one.is_map() || one.is_list() || one.is_null()) return malformed("Invalid policy syntax.");
        }
        s.narrowed = s.narrowed || narrows(name, key, values);
      }
    }
    return std::nullopt;
  }

  std::string_view bucket_;
  std::set<std::string> sids_;
  std::vector<uint8_t> action_kinds_;  // of the statement that is being read
};

ApiError policy_too_large() { return model::api_error("PolicyTooLarge", "Policy exceeds the maximum allowed document size."); }

tl::expected<BucketPolicy, ApiError> BucketPolicy::parse(std::string_view text, std::string_view bucket) {
  if (text.size() > kMaxPolicy) return tl::unexpected(policy_too_large());
  if (!text.starts_with('{')) {
    return tl::unexpected(malformed("Policies must be valid JSON and the first byte must be '{'"));
  }
  const auto document = json::parse(text, kLimits);
  if (!document || !document->is_map()) return tl::unexpected(malformed("This policy contains invalid Json"));
  BucketPolicy policy;
  if (Problem p = PolicyParser(bucket).document(*document, policy)) return tl::unexpected(std::move(*p));
  return policy;
}

bool BucketPolicy::Statement::applies(std::string_view action, std::string_view resource) const {
  const auto any = [](const std::vector<std::string>& patterns, std::string_view text) {
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& p) { return wildcard_match(p, text); });
  };
  return any(actions, action) != not_action && any(resources, resource) != not_resource;
}

bool BucketPolicy::lets_anybody(std::string_view action, std::string_view bucket, std::string_view key) const {
  const std::string small = lower(action);
  std::string resource(kArn);
  resource.append(bucket);
  if (!key.empty()) resource.append("/").append(key);
  bool allowed = false;
  for (const Statement& s : statements_) {
    if (!s.anybody || (s.allow && s.conditional) || !s.applies(small, resource)) continue;
    if (!s.allow) return false;
    allowed = true;
  }
  return allowed;
}

bool BucketPolicy::is_public() const {
  return std::any_of(statements_.begin(), statements_.end(),
                     [](const Statement& s) { return s.allow && s.anybody && !s.narrowed; });
}

}  // namespace gust::s3
