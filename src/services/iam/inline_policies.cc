// SPDX-License-Identifier: Apache-2.0

// Policies that are part of a user, a group or a role.

#include <algorithm>

#include "base/encoding.h"
#include "services/iam/page.h"
#include "services/iam/policy_document.h"
#include "services/iam/records.h"

namespace gust::iam {
namespace {

Failure not_found(Request& request, const Kind& kind) {
  return request.no_such_entity("The " + std::string(kind.noun) + " policy with name " + request.text("PolicyName") +
                                " cannot be found.");
}

template <const Kind& kind>
Result<Value> put(Request& request) {
  Value entity = TRY(get(request, kind));
  Value& policies = entity.set("Inline", entity["Inline"].is_map() ? entity["Inline"] : Value::map());
  policies.set(request.text("PolicyName"), request.text("PolicyDocument"));
  size_t bytes = 0;
  for (const auto& [name, document] : policies.as_map()) bytes += policy_size(document.as_string());
  if (bytes > kind.inline_bytes) {
    return request.limit_exceeded("Maximum policy size of " + std::to_string(kind.inline_bytes) + " bytes exceeded for " +
                                  std::string(kind.noun) + " " + std::string(entity["Name"].as_string()));
  }
  TRY(save(request, kind, entity));
  return Value::map();
}

template <const Kind& kind>
Result<Value> get_policy(Request& request) {
  const Value entity = TRY(get(request, kind));
  const Value* document = entity["Inline"].find(request.text("PolicyName"));
  if (document == nullptr) return not_found(request, kind);
  Value out = Value::map();
  out.set(kind.name_member, entity["Name"]);
  out.set("PolicyName", request.text("PolicyName"));
  out.set("PolicyDocument", percent_encode(document->as_string(), Slash::Encode));
  return out;
}

template <const Kind& kind>
Result<Value> remove(Request& request) {
  Value entity = TRY(get(request, kind));
  if (!entity.set("Inline", entity["Inline"]).erase(request.text("PolicyName"))) return not_found(request, kind);
  TRY(save(request, kind, entity));
  return Value::map();
}

template <const Kind& kind>
Result<Value> list(Request& request) {
  const Value entity = TRY(get(request, kind));
  Value::List names;
  for (const auto& [name, document] : entity["Inline"].as_map()) names.emplace_back(name);
  std::sort(names.begin(), names.end(), [](const Value& a, const Value& b) { return a.as_string() < b.as_string(); });
  return page_of(request, "PolicyNames", std::move(names), [](const Value& name) { return std::string(name.as_string()); });
}

}  // namespace

std::vector<Operation> inline_policy_operations() {
  return {{"PutRolePolicy", Access::Writes, put<kRole>},         {"GetRolePolicy", Access::Reads, get_policy<kRole>},
          {"DeleteRolePolicy", Access::Writes, remove<kRole>},   {"ListRolePolicies", Access::Reads, list<kRole>},
          {"PutUserPolicy", Access::Writes, put<kUser>},         {"GetUserPolicy", Access::Reads, get_policy<kUser>},
          {"DeleteUserPolicy", Access::Writes, remove<kUser>},   {"ListUserPolicies", Access::Reads, list<kUser>},
          {"PutGroupPolicy", Access::Writes, put<kGroup>},       {"GetGroupPolicy", Access::Reads, get_policy<kGroup>},
          {"DeleteGroupPolicy", Access::Writes, remove<kGroup>}, {"ListGroupPolicies", Access::Reads, list<kGroup>}};
}

}  // namespace gust::iam
