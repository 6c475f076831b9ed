// SPDX-License-Identifier: Apache-2.0

// Groups: rows with Users (list of names, sorted) beside what all have.

#include <algorithm>

#include "base/encoding.h"
#include "services/iam/page.h"
#include "services/iam/principals.h"

namespace gust::iam {
namespace {

constexpr size_t kMostGroups = 300, kMostGroupsOfUser = 10;  // quotas of IAM

std::string text_of(const Value& value) { return std::string(value.as_string()); }

bool contains(const Value& list, std::string_view name) {
  return std::any_of(list.as_list().begin(), list.as_list().end(),
                     [name](const Value& v) { return equal_ignoring_case(v.as_string(), name); });
}

void insert(Value& entity, std::string_view member, const Value& name) {
  Value::List& list = entity.set(member, entity[member]).list_ref();
  list.insert(std::upper_bound(list.begin(), list.end(), name,
                               [](const Value& a, const Value& b) { return a.as_string() < b.as_string(); }),
              name);
}

void remove(Value& entity, std::string_view member, std::string_view name) {
  std::erase_if(entity.set(member, entity[member]).list_ref(),
                [name](const Value& v) { return equal_ignoring_case(v.as_string(), name); });
}

Result<Value> create_group(Request& request) {
  Value group = TRY(make(request, kGroup, request.text("Path"), kMostGroups));
  TRY(save(request, kGroup, group));
  Value out = Value::map();
  out.set("Group", group_output(group));
  return out;
}

Result<Value> get_group(Request& request) {
  const Value group = TRY(get(request, kGroup));
  Value::List users;
  for (const Value& name : group["Users"].as_list()) {
    const Value user = TRY(get(request, kUser, name.as_string()));
    users.push_back(user_output(user, Detail::Listed));
  }
  Value out = TRY(page_of(request, "Users", std::move(users), [](const Value& user) { return text_of(user["UserName"]); }));
  out.set("Group", group_output(group));
  return out;
}

Result<Value> delete_group(Request& request) {
  const Value group = TRY(get(request, kGroup));
  if (group["Users"].size() > 0) return request.delete_conflict("Cannot delete entity, must remove users from group first.");
  TRY(check_no_policies(request, group));
  TRY(erase(request, kGroup, group));
  return Value::map();
}

Result<Value> list_groups(Request& request) {
  return page_of_rows(request, "Groups", kGroup, [](const Value& group) { return group_output(group); });
}

Result<Value> list_groups_for_user(Request& request) {
  const Value user = TRY(get(request, kUser));
  Value::List groups;
  for (const Value& name : user["Groups"].as_list()) {
    const Value group = TRY(get(request, kGroup, name.as_string()));
    groups.push_back(group_output(group));
  }
  return page_of(request, "Groups", std::move(groups), [](const Value& group) { return text_of(group["GroupName"]); });
}

Result<Value> add_user_to_group(Request& request) {
  Value group = TRY(get(request, kGroup));
  Value user = TRY(get(request, kUser));
  if (contains(user["Groups"], group["Name"].as_string())) return Value::map();
  if (user["Groups"].size() >= kMostGroupsOfUser) {
    return request.limit_exceeded("Cannot exceed quota for GroupsPerUser: " + std::to_string(kMostGroupsOfUser));
  }
  insert(user, "Groups", group["Name"]);
  insert(group, "Users", user["Name"]);
  TRY(save(request, kUser, user));
  TRY(save(request, kGroup, group));
  return Value::map();
}

Result<Value> remove_user_from_group(Request& request) {
  Value group = TRY(get(request, kGroup));
  Value user = TRY(get(request, kUser));
  remove(user, "Groups", group["Name"].as_string());
  remove(group, "Users", user["Name"].as_string());
  TRY(save(request, kUser, user));
  TRY(save(request, kGroup, group));
  return Value::map();
}

}  // namespace

Value group_output(const Value& group) {
  Value out = Value::map();
  out.set("Path", group["Path"]);
  out.set("GroupName", group["Name"]);
  out.set("GroupId", group["Id"]);
  out.set("Arn", group["Arn"]);
  out.set("CreateDate", timestamp(group["Created"]));
  return out;
}

std::vector<Operation> group_operations() {
  return {{"CreateGroup", Access::Writes, create_group},
          {"GetGroup", Access::Reads, get_group},
          {"DeleteGroup", Access::Writes, delete_group},
          {"ListGroups", Access::Reads, list_groups},
          {"ListGroupsForUser", Access::Reads, list_groups_for_user},
          {"AddUserToGroup", Access::Writes, add_user_to_group},
          {"RemoveUserFromGroup", Access::Writes, remove_user_from_group}};
}

}  // namespace gust::iam
