// SPDX-License-Identifier: Apache-2.0

// Managed policies at users, groups and roles, and permissions boundaries. An attachment is in the entity's row (Attached) and
// a row of its own, by which the policy knows.

#include <algorithm>

#include "services/iam/page.h"
#include "services/iam/policies.h"
#include "store/key.h"

namespace gust::iam {
namespace {

constexpr size_t kMostAttached = 10;  // quota of IAM: managed policies of one user, group or role

std::string row_of(Request& request, const Kind& kind, std::string_view arn, const Value& entity) {
  return attachment_key(request.account(), arn, kind, entity["Name"].as_string());
}

bool has(const Value& list, std::string_view arn) {
  return std::any_of(list.as_list().begin(), list.as_list().end(), [arn](const Value& v) { return v.as_string() == arn; });
}

template <const Kind& kind>
Result<Value> attach(Request& request) {
  const std::string arn = request.text("PolicyArn");
  Value entity = TRY(get(request, kind));
  TRY(check_attachable(request, arn));
  if (has(entity["Attached"], arn)) return Value::map();
  if (entity["Attached"].size() >= kMostAttached) {
    return request.limit_exceeded("Cannot exceed quota for PoliciesPer" + std::string(kind.title) + ": " +
                                  std::to_string(kMostAttached));
  }
  entity.set("Attached", entity["Attached"]).push(arn);
  TRY(request.transaction->put(store::Space::Meta, row_of(request, kind, arn, entity), entity["Name"].as_string()));
  TRY(save(request, kind, entity));
  return Value::map();
}

template <const Kind& kind>
Result<Value> detach(Request& request) {
  const std::string arn = request.text("PolicyArn");
  Value entity = TRY(get(request, kind));
  if (!has(entity["Attached"], arn)) return request.no_such_entity("Policy " + arn + " was not found.");
  std::erase_if(entity.set("Attached", entity["Attached"]).list_ref(), [&arn](const Value& v) { return v.as_string() == arn; });
  TRY(request.transaction->erase(store::Space::Meta, row_of(request, kind, arn, entity)));
  TRY(save(request, kind, entity));
  return Value::map();
}

// "arn:aws:iam::aws:policy/service-role/Name" -> "/service-role/"
std::string_view policy_path(std::string_view arn) {
  const size_t start = arn.find(":policy/") + 7;
  return arn.substr(start, arn.rfind('/') + 1 - start);
}

template <const Kind& kind>
Result<Value> list(Request& request) {
  const Value entity = TRY(get(request, kind));
  const std::string path = request.text("PathPrefix");
  Value::List policies;
  for (const Value& arn : entity["Attached"].as_list()) {
    if (!policy_path(arn.as_string()).starts_with(path)) continue;
    Value policy = Value::map();
    policy.set("PolicyName", policy_name(arn.as_string()));
    policy.set("PolicyArn", arn);
    policies.push_back(std::move(policy));
  }
  const auto arn = [](const Value& policy) { return std::string(policy["PolicyArn"].as_string()); };
  std::sort(policies.begin(), policies.end(), [&arn](const Value& a, const Value& b) { return arn(a) < arn(b); });
  return page_of(request, "AttachedPolicies", std::move(policies), arn);
}

struct Attachment {
  const Kind* kind;
  std::string name;
};

Result<std::vector<Attachment>> attachments(Request& request, const std::string& arn) {
  std::vector<Attachment> out;
  const std::string prefix = attachment_prefix(request.account(), arn);
  TRY(each_row(request.view, prefix, prefix, [&](const store::Row& row) -> Result<bool> {
    store::KeyReader reader(std::string_view(row.key).substr(prefix.size()));
    const std::string noun = TRY(reader.text());
    const Kind& kind = noun == kUser.noun ? kUser : noun == kGroup.noun ? kGroup : kRole;
    out.push_back({&kind, row.value});
    return true;
  }));
  return out;
}

Result<Value> list_entities(Request& request) {
  const std::string arn = request.text("PolicyArn"), filter = request.text("EntityFilter"), path = request.text("PathPrefix");
  TRY(check_attachable(request, arn));
  Value::List all;
  for (const Attachment& a : TRY(attachments(request, arn))) {
    const std::string_view wanted = a.kind->title;
    if (!filter.empty() && filter != wanted) continue;
    const Value entity = TRY(get(request, *a.kind, a.name));
    if (!entity["Path"].as_string().starts_with(path)) continue;
    Value found = Value::map();
    found.set(a.kind->name_member, entity["Name"]);
    found.set(std::string(a.kind->title) + "Id", entity["Id"]);
    found.set("Order", std::string(a.kind->noun) + "/" + a.name);
    all.push_back(std::move(found));
  }
  Value page = TRY(page_of(request, "All", std::move(all), [](const Value& v) { return std::string(v["Order"].as_string()); }));
  for (const Kind* kind : {&kGroup, &kUser, &kRole}) page.set("Policy" + std::string(kind->title) + "s", Value::list());
  for (Value& found : page.set("All", page["All"]).list_ref()) {
    const std::string title(found.map_ref().front().first == kRole.name_member   ? kRole.title
                            : found.map_ref().front().first == kUser.name_member ? kUser.title
                                                                                 : kGroup.title);
    found.erase("Order");
    const std::string member = "Policy" + title + "s";
    Value list_value = page[member];
    list_value.push(found);
    page.set(member, std::move(list_value));
  }
  page.erase("All");
  return page;
}

template <const Kind& kind>
Result<Value> put_boundary(Request& request) {
  Value entity = TRY(get(request, kind));
  TRY(check_attachable(request, request.text("PermissionsBoundary")));
  entity.set("Boundary", request.text("PermissionsBoundary"));
  TRY(save(request, kind, entity));
  return Value::map();
}

template <const Kind& kind>
Result<Value> delete_boundary(Request& request) {
  Value entity = TRY(get(request, kind));
  entity.set("Boundary", "");
  TRY(save(request, kind, entity));
  return Value::map();
}

}  // namespace

std::vector<Operation> attached_policy_operations() {
  return {{"AttachRolePolicy", Access::Writes, attach<kRole>},
          {"DetachRolePolicy", Access::Writes, detach<kRole>},
          {"ListAttachedRolePolicies", Access::Reads, list<kRole>},
          {"AttachUserPolicy", Access::Writes, attach<kUser>},
          {"DetachUserPolicy", Access::Writes, detach<kUser>},
          {"ListAttachedUserPolicies", Access::Reads, list<kUser>},
          {"AttachGroupPolicy", Access::Writes, attach<kGroup>},
          {"DetachGroupPolicy", Access::Writes, detach<kGroup>},
          {"ListAttachedGroupPolicies", Access::Reads, list<kGroup>},
          {"ListEntitiesForPolicy", Access::Reads, list_entities},
          {"PutRolePermissionsBoundary", Access::Writes, put_boundary<kRole>},
          {"DeleteRolePermissionsBoundary", Access::Writes, delete_boundary<kRole>},
          {"PutUserPermissionsBoundary", Access::Writes, put_boundary<kUser>},
          {"DeleteUserPermissionsBoundary", Access::Writes, delete_boundary<kUser>}};
}

}  // namespace gust::iam
