// SPDX-License-Identifier: Apache-2.0

// Roles, service-linked ones included.

#include <algorithm>

#include "base/encoding.h"
#include "base/ids.h"
#include "services/iam/page.h"
#include "services/iam/policies.h"
#include "services/iam/policy_document.h"
#include "services/iam/principals.h"

namespace gust::iam {
namespace {

constexpr size_t kMostRoles = 1000, kMostTrustBytes = 2048;  // quotas of IAM; AWS raises them on request
constexpr int64_t kSessionSeconds = 3600;
constexpr std::string_view kLinkedPath = "/aws-service-role/";

bool is_linked(const Value& role) { return role["Path"].as_string().starts_with(kLinkedPath); }

Result<Value> get_own_role(Request& request) {
  Value role = TRY(get(request, kRole));
  if (is_linked(role)) {
    return request.refuse("UnmodifiableEntity",
                          "Cannot perform the operation on the protected role '" + std::string(role["Name"].as_string()) +
                              "' - this role is only modifiable by AWS",
                          400);
  }
  return role;
}

Result<> check_trust_size(Request& request, std::string_view member) {
  if (policy_size(request.input()[member].as_string()) <= kMostTrustBytes) return {};
  return request.limit_exceeded("Cannot exceed quota for ACLSizePerRole: " + std::to_string(kMostTrustBytes));
}

Value answer(const Value& role) {
  Value out = Value::map();
  out.set("Role", role_output(role, Detail::Full));
  return out;
}

Result<Value> create_role(Request& request) {
  const std::string path = request.text("Path"), boundary = request.text("PermissionsBoundary");
  if (path.starts_with(kLinkedPath)) {
    return request.validation_error("The path " + path + " is reserved for service-linked roles.");
  }
  TRY(check_trust_size(request, "AssumeRolePolicyDocument"));
  Value role = TRY(make(request, kRole, path, kMostRoles));
  if (!boundary.empty()) TRY(check_attachable(request, boundary));
  role.set("Trust", request.input()["AssumeRolePolicyDocument"]);
  role.set("Description", request.text("Description"));
  role.set("MaxSession", request.input()["MaxSessionDuration"].as_int(kSessionSeconds));
  role.set("Boundary", boundary);
  TRY(save(request, kRole, role));
  return answer(role);
}

Result<Value> get_role(Request& request) { return answer(TRY(get(request, kRole))); }

Result<Value> list_roles(Request& request) {
  return page_of_rows(request, "Roles", kRole, [](const Value& role) { return role_output(role, Detail::Listed); });
}

Result<Value> update_role(Request& request) {
  Value role = TRY(get_own_role(request));
  if (request.input().has("Description")) role.set("Description", request.text("Description"));
  if (request.input().has("MaxSessionDuration")) role.set("MaxSession", request.input()["MaxSessionDuration"]);
  TRY(save(request, kRole, role));
  return Value::map();
}

Result<Value> update_role_description(Request& request) {
  Value role = TRY(get_own_role(request));
  role.set("Description", request.text("Description"));
  TRY(save(request, kRole, role));
  return answer(role);
}

Result<Value> update_assume_role_policy(Request& request) {
  TRY(check_trust_size(request, "PolicyDocument"));
  Value role = TRY(get_own_role(request));
  role.set("Trust", request.input()["PolicyDocument"]);
  TRY(save(request, kRole, role));
  return Value::map();
}

Result<Value> delete_role(Request& request) {
  const Value role = TRY(get_own_role(request));
  if (role["Profiles"].size() > 0) {
    return request.delete_conflict("Cannot delete entity, must remove roles from instance profile first.");
  }
  TRY(check_no_policies(request, role));
  TRY(erase(request, kRole, role));
  return Value::map();
}

// "replicator.lambda.amazonaws.com" -> "AWSServiceRoleForLambdaReplicator", as most services name theirs.
std::string linked_name(std::string_view service) {
  std::string name;
  std::string_view rest = service.substr(0, service.find(".amazonaws."));
  while (!rest.empty()) {
    const size_t dot = std::min(rest.find('.'), rest.size());
    std::string label;
    for (char c : rest.substr(0, dot)) {
      if (c == '-') continue;
      label += label.empty() && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    name.insert(0, label);
    rest.remove_prefix(std::min(dot + 1, rest.size()));
  }
  return "AWSServiceRoleFor" + name;
}

Result<Value> create_service_linked_role(Request& request) {
  const std::string service = request.text("AWSServiceName"), suffix = request.text("CustomSuffix");
  const size_t end = service.find(".amazonaws.com");
  if (end == 0 || end == service.npos) {
    return request.invalid_input("Invalid AWSServiceName: " + service + ". It must be the name of a service.");
  }
  const std::string name = linked_name(service) + (suffix.empty() ? "" : "_" + suffix);
  Value role = TRY(find(request, kRole, name));
  if (!role.is_null()) {
    return request.invalid_input("Service role name " + name + " has been taken in this account, please try a different suffix.");
  }
  if (TRY(count_rows(request.view, row_prefix(request.account(), kRole))) >= kMostRoles) {
    return request.limit_exceeded("Cannot exceed quota for RolesPerAccount: " + std::to_string(kMostRoles));
  }
  const std::string path = std::string(kLinkedPath) + service + "/";
  role = Value::map();
  role.set("Name", name);
  role.set("Path", path);
  role.set("Id", new_iam_id(kRole.id_prefix));
  role.set("Arn", arn_of(request.account(), kRole, path, name));
  role.set("Created", request.now_ms / 1000 * 1000);
  role.set("Trust", R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":")" + service +
                        R"("},"Action":"sts:AssumeRole"}]})");
  role.set("Description", request.text("Description"));
  role.set("MaxSession", kSessionSeconds);
  TRY(save(request, kRole, role));
  return answer(role);
}

Result<Value> delete_service_linked_role(Request& request) {
  const Value role = TRY(get(request, kRole));
  if (!is_linked(role)) return request.no_such_entity("The role " + request.text("RoleName") + " is not a service-linked role.");
  TRY(erase(request, kRole, role));
  std::string task = "task";
  task.append(role["Path"].as_string()).append(role["Name"].as_string()).append("/").append(new_uuid());
  Value out = Value::map();
  out.set("DeletionTaskId", task);
  return out;
}

// The deletion was done with the call that made the task.
Result<Value> get_deletion_status(Request& request) {
  const std::string task = request.text("DeletionTaskId");
  const std::string start = "task" + std::string(kLinkedPath);
  const size_t id = task.rfind('/');
  if (!task.starts_with(start) || !is_uuid(std::string_view(task).substr(id + 1))) {
    return request.invalid_input("The deletion task id " + task + " is invalid.");
  }
  Value out = Value::map();
  out.set("Status", "SUCCEEDED");
  return out;
}

}  // namespace

Value role_output(const Value& role, Detail detail) {
  Value out = Value::map();
  out.set("Path", role["Path"]);
  out.set("RoleName", role["Name"]);
  out.set("RoleId", role["Id"]);
  out.set("Arn", role["Arn"]);
  out.set("CreateDate", timestamp(role["Created"]));
  out.set("AssumeRolePolicyDocument", percent_encode(role["Trust"].as_string(), Slash::Encode));
  if (!role["Description"].as_string().empty()) out.set("Description", role["Description"]);
  out.set("MaxSessionDuration", role["MaxSession"]);
  if (detail == Detail::Listed) return out;
  if (!role["Boundary"].as_string().empty()) {
    Value boundary = Value::map();
    boundary.set("PermissionsBoundaryType", "Policy");
    boundary.set("PermissionsBoundaryArn", role["Boundary"]);
    out.set("PermissionsBoundary", std::move(boundary));
  }
  if (role["Tags"].size() > 0) out.set("Tags", role["Tags"]);
  out.set("RoleLastUsed", Value::map());
  return out;
}

std::vector<Operation> role_operations() {
  return {{"CreateRole", Access::Writes, create_role},
          {"GetRole", Access::Reads, get_role},
          {"ListRoles", Access::Reads, list_roles},
          {"UpdateRole", Access::Writes, update_role},
          {"UpdateRoleDescription", Access::Writes, update_role_description},
          {"UpdateAssumeRolePolicy", Access::Writes, update_assume_role_policy},
          {"DeleteRole", Access::Writes, delete_role},
          {"CreateServiceLinkedRole", Access::Writes, create_service_linked_role},
          {"DeleteServiceLinkedRole", Access::Writes, delete_service_linked_role},
          {"GetServiceLinkedRoleDeletionStatus", Access::Reads, get_deletion_status}};
}

}  // namespace gust::iam
