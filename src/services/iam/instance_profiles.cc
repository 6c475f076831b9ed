// SPDX-License-Identifier: Apache-2.0

// Instance profiles: rows with Role (one name) beside what all have; a role's row has Profiles (list of names).

#include <algorithm>

#include "base/encoding.h"
#include "services/iam/page.h"
#include "services/iam/principals.h"

namespace gust::iam {
namespace {

constexpr size_t kMostProfiles = 1000;  // quota of IAM

std::string name_of(const Value& profile) { return std::string(profile["InstanceProfileName"].as_string()); }

Result<Value> output(Request& request, const Value& profile, Detail detail) {
  Value out = Value::map();
  out.set("Path", profile["Path"]);
  out.set("InstanceProfileName", profile["Name"]);
  out.set("InstanceProfileId", profile["Id"]);
  out.set("Arn", profile["Arn"]);
  out.set("CreateDate", timestamp(profile["Created"]));
  Value roles = Value::list();
  if (!profile["Role"].as_string().empty()) {
    const Value role = TRY(get(request, kRole, profile["Role"].as_string()));
    roles.push(role_output(role, Detail::Listed));
  }
  out.set("Roles", std::move(roles));
  if (detail == Detail::Full && profile["Tags"].size() > 0) out.set("Tags", profile["Tags"]);
  return out;
}

Result<Value> answer(Request& request, const Value& profile) {
  Value out = Value::map();
  out.set("InstanceProfile", TRY(output(request, profile, Detail::Full)));
  return out;
}

Result<Value> create(Request& request) {
  Value profile = TRY(make(request, kInstanceProfile, request.text("Path"), kMostProfiles));
  TRY(save(request, kInstanceProfile, profile));
  return answer(request, profile);
}

Result<Value> get_profile(Request& request) { return answer(request, TRY(get(request, kInstanceProfile))); }

Result<Value> remove(Request& request) {
  const Value profile = TRY(get(request, kInstanceProfile));
  if (!profile["Role"].as_string().empty()) {
    return request.delete_conflict("Cannot delete entity, must remove roles from instance profile first.");
  }
  TRY(erase(request, kInstanceProfile, profile));
  return Value::map();
}

Result<Value> list(Request& request) {
  Value page = TRY(page_of_rows(request, "InstanceProfiles", kInstanceProfile, [](const Value& row) { return row; }));
  Value::List described;
  for (const Value& profile : page["InstanceProfiles"].as_list())
    described.push_back(TRY(output(request, profile, Detail::Listed)));
  page.set("InstanceProfiles", std::move(described));
  return page;
}

Result<Value> list_for_role(Request& request) {
  const Value role = TRY(get(request, kRole));
  Value::List profiles;
  for (const Value& name : role["Profiles"].as_list()) {
    const Value profile = TRY(get(request, kInstanceProfile, name.as_string()));
    profiles.push_back(TRY(output(request, profile, Detail::Listed)));
  }
  std::sort(profiles.begin(), profiles.end(), [](const Value& a, const Value& b) { return name_of(a) < name_of(b); });
  return page_of(request, "InstanceProfiles", std::move(profiles), name_of);
}

Result<Value> add_role(Request& request) {
  Value profile = TRY(get(request, kInstanceProfile));
  Value role = TRY(get(request, kRole));
  if (!profile["Role"].as_string().empty()) {
    return request.limit_exceeded("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
  }
  profile.set("Role", role["Name"]);
  role.set("Profiles", role["Profiles"]).push(profile["Name"]);
  TRY(save(request, kInstanceProfile, profile));
  TRY(save(request, kRole, role));
  return Value::map();
}

Result<Value> remove_role(Request& request) {
  Value profile = TRY(get(request, kInstanceProfile));
  Value role = TRY(get(request, kRole));
  if (!equal_ignoring_case(profile["Role"].as_string(), role["Name"].as_string())) {
    return request.no_such_entity("The role with name " + request.text("RoleName") + " cannot be found.");
  }
  profile.set("Role", "");
  std::erase_if(role.set("Profiles", role["Profiles"]).list_ref(),
                [&profile](const Value& name) { return name == profile["Name"]; });
  TRY(save(request, kInstanceProfile, profile));
  TRY(save(request, kRole, role));
  return Value::map();
}

}  // namespace

std::vector<Operation> instance_profile_operations() {
  return {{"CreateInstanceProfile", Access::Writes, create},
          {"GetInstanceProfile", Access::Reads, get_profile},
          {"DeleteInstanceProfile", Access::Writes, remove},
          {"ListInstanceProfiles", Access::Reads, list},
          {"ListInstanceProfilesForRole", Access::Reads, list_for_role},
          {"AddRoleToInstanceProfile", Access::Writes, add_role},
          {"RemoveRoleFromInstanceProfile", Access::Writes, remove_role}};
}

}  // namespace gust::iam
