// SPDX-License-Identifier: Apache-2.0

// Users: rows with Keys (list of Id, Secret, Status, Created) and Groups (list of names) beside what all have.

#include <algorithm>

#include "base/encoding.h"
#include "services/iam/page.h"
#include "services/iam/policies.h"
#include "services/iam/principals.h"

namespace gust::iam {
namespace {

constexpr size_t kMostUsers = 5000;  // quota of IAM

Value answer(const Value& user) {
  Value out = Value::map();
  out.set("User", user_output(user, Detail::Full));
  return out;
}

Result<Value> create_user(Request& request) {
  const std::string boundary = request.text("PermissionsBoundary");
  Value user = TRY(make(request, kUser, request.text("Path"), kMostUsers));
  if (!boundary.empty()) TRY(check_attachable(request, boundary));
  user.set("Boundary", boundary);
  TRY(mark_account(request));
  TRY(save(request, kUser, user));
  return answer(user);
}

Result<Value> get_user(Request& request) {
  const model::Identity& caller = request.call.identity;
  if (!request.input().has("UserName") && caller.principal_arn.ends_with(":root")) {
    Value root = Value::map();  // has neither name nor path
    root.set("UserId", caller.account);
    root.set("Arn", caller.principal_arn);
    Value out = Value::map();
    out.set("User", std::move(root));
    return out;
  }
  const std::string name = TRY(user_name(request));
  return answer(TRY(get(request, kUser, name)));
}

Result<Value> list_users(Request& request) {
  return page_of_rows(request, "Users", kUser, [](const Value& user) { return user_output(user, Detail::Listed); });
}

// A group's list of members follows the user's name.
Result<> rename_in_groups(Request& request, const Value& user, std::string_view name) {
  for (const Value& group_name : user["Groups"].as_list()) {
    Value group = TRY(get(request, kGroup, group_name.as_string()));
    for (Value& member : group.set("Users", group["Users"]).list_ref()) {
      if (member == user["Name"]) member = Value(name);
    }
    TRY(save(request, kGroup, group));
  }
  for (const Value& arn : user["Attached"].as_list()) {
    const auto key = [&](std::string_view n) { return attachment_key(request.account(), arn.as_string(), kUser, n); };
    TRY(request.transaction->erase(store::Space::Meta, key(user["Name"].as_string())));
    TRY(request.transaction->put(store::Space::Meta, key(name), name));
  }
  return {};
}

Result<Value> update_user(Request& request) {
  Value user = TRY(get(request, kUser));
  const std::string name =
      request.input().has("NewUserName") ? request.text("NewUserName") : std::string(user["Name"].as_string());
  const std::string path = request.input().has("NewPath") ? request.text("NewPath") : std::string(user["Path"].as_string());
  if (!equal_ignoring_case(name, user["Name"].as_string())) {
    const Value other = TRY(find(request, kUser, name));
    if (!other.is_null()) return request.already_exists("User with name " + name + " already exists.");
  }
  TRY(rename_in_groups(request, user, name));
  TRY(erase(request, kUser, user));
  user.set("Name", name);
  user.set("Path", path);
  user.set("Arn", arn_of(request.account(), kUser, path, name));
  TRY(save(request, kUser, user));
  return Value::map();
}

Result<Value> delete_user(Request& request) {
  const Value user = TRY(get(request, kUser));
  if (user["Keys"].size() > 0) return request.delete_conflict("Cannot delete entity, must delete access keys first.");
  if (user["Groups"].size() > 0) return request.delete_conflict("Cannot delete entity, must remove users from group first.");
  TRY(check_no_policies(request, user));
  TRY(erase(request, kUser, user));
  return Value::map();
}

}  // namespace

Value user_output(const Value& user, Detail detail) {
  Value out = Value::map();
  out.set("Path", user["Path"]);
  out.set("UserName", user["Name"]);
  out.set("UserId", user["Id"]);
  out.set("Arn", user["Arn"]);
  out.set("CreateDate", timestamp(user["Created"]));
  if (detail == Detail::Listed) return out;
  if (!user["Boundary"].as_string().empty()) {
    Value boundary = Value::map();
    boundary.set("PermissionsBoundaryType", "Policy");
    boundary.set("PermissionsBoundaryArn", user["Boundary"]);
    out.set("PermissionsBoundary", std::move(boundary));
  }
  if (user["Tags"].size() > 0) out.set("Tags", user["Tags"]);
  return out;
}

Result<std::string> user_name(Request& request) {
  if (request.input().has("UserName")) return request.text("UserName");
  const std::string& caller = request.call.identity.principal_arn;
  if (caller.starts_with("arn:aws:iam::") && caller.find(":user/") != caller.npos) return caller.substr(caller.rfind('/') + 1);
  return request.validation_error("Must specify userName when calling with non-User credentials");
}

Result<> check_no_policies(Request& request, const Value& entity) {
  if (entity["Attached"].size() > 0) return request.delete_conflict("Cannot delete entity, must detach all policies first.");
  if (entity["Inline"].size() > 0) return request.delete_conflict("Cannot delete entity, must delete policies first.");
  return {};
}

std::vector<Operation> user_operations() {
  return {{"CreateUser", Access::Writes, create_user},
          {"GetUser", Access::Reads, get_user},
          {"ListUsers", Access::Reads, list_users},
          {"UpdateUser", Access::Writes, update_user},
          {"DeleteUser", Access::Writes, delete_user}};
}

}  // namespace gust::iam
