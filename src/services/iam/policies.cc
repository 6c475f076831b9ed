// SPDX-License-Identifier: Apache-2.0

#include "services/iam/policies.h"

#include <algorithm>

#include "base/encoding.h"
#include "services/iam/aws_policies.h"
#include "services/iam/page.h"
#include "services/iam/policy_document.h"

namespace gust::iam {
namespace {

constexpr size_t kMostPolicies = 1500, kMostVersions = 5, kMostPolicyBytes = 6144;  // quotas of IAM
constexpr int64_t kAwsCreated = 1'428'602'465'000;  // of AWS's policies: 2015-04-09, as most of theirs

Result<Value> attachments(Request& request, std::string_view arn) {
  return static_cast<int64_t>(TRY(count_rows(request.view, attachment_prefix(request.account(), arn))));
}

// AWS's policies in the form of our rows.
Value row_of(const AwsPolicy& policy) {
  Value version = Value::map();
  version.set("Id", "v1");
  version.set("Document", policy.document());
  version.set("Created", kAwsCreated);
  Value row = Value::map();
  row.set("Name", policy.name);
  row.set("Path", policy.path);
  row.set("Id", policy.id());
  row.set("Arn", policy.arn());
  row.set("Created", kAwsCreated);
  row.set("Updated", kAwsCreated);
  row.set("Description", policy.description);
  row.set("Default", "v1");
  row.set("Versions", Value::List{std::move(version)});
  return row;
}

Result<Value> get_any_policy(Request& request, const std::string& arn) {
  if (const AwsPolicy* policy = find_aws_policy(arn)) return row_of(*policy);
  return get_local_policy(request, arn);
}

Value version_output(const Value& policy, const Value& version, bool with_document) {
  Value out = Value::map();
  if (with_document) out.set("Document", percent_encode(version["Document"].as_string(), Slash::Encode));
  out.set("VersionId", version["Id"]);
  out.set("IsDefaultVersion", version["Id"] == policy["Default"]);
  out.set("CreateDate", timestamp(version["Created"]));
  return out;
}

const Value* find_version(const Value& policy, std::string_view id) {
  for (const Value& version : policy["Versions"].as_list()) {
    if (version["Id"].as_string() == id) return &version;
  }
  return nullptr;
}

Result<> check_size(Request& request) {
  if (policy_size(request.input()["PolicyDocument"].as_string()) <= kMostPolicyBytes) return {};
  return request.limit_exceeded("Cannot exceed quota for PolicySize: " + std::to_string(kMostPolicyBytes));
}

void add_version(Request& request, Value& policy) {
  const int64_t number = policy["Next"].as_int(1);
  Value version = Value::map();
  version.set("Id", "v" + std::to_string(number));
  version.set("Document", request.input()["PolicyDocument"]);
  version.set("Created", request.now_ms / 1000 * 1000);
  policy.set("Next", number + 1);
  policy.set("Updated", request.now_ms / 1000 * 1000);
  policy.set("Versions", policy["Versions"]).push(std::move(version));
}

Result<Value> create_policy(Request& request) {
  Value policy = TRY(make(request, kPolicy, request.text("Path"), kMostPolicies));
  TRY(check_size(request));
  policy.set("Description", request.text("Description"));
  policy.set("Default", "v1");
  add_version(request, policy);
  TRY(save(request, kPolicy, policy));
  Value out = Value::map();
  Value described = TRY(policy_output(request, policy, true));
  described.erase("Description");  // AWS leaves it out of this answer
  out.set("Policy", std::move(described));
  return out;
}

Result<Value> get_policy(Request& request) {
  const Value policy = TRY(get_any_policy(request, request.text("PolicyArn")));
  Value out = Value::map();
  out.set("Policy", TRY(policy_output(request, policy, true)));
  return out;
}

Result<Value> delete_policy(Request& request) {
  const std::string arn = request.text("PolicyArn");
  const Value policy = TRY(get_local_policy(request, arn));
  const Value attached = TRY(attachments(request, arn));
  if (attached.as_int() > 0) return request.delete_conflict("Cannot delete a policy attached to entities.");
  if (policy["Versions"].size() > 1) {
    return request.delete_conflict(
        "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default "
        "version is deleted with the policy.");
  }
  TRY(erase(request, kPolicy, policy));
  return Value::map();
}

Result<Value> list_policies(Request& request) {
  const std::string scope = request.text("Scope"), path = request.text("PathPrefix");
  const bool only_attached = request.input()["OnlyAttached"].as_bool();
  Value::List rows;
  if (scope != "AWS") {
    const std::string prefix = row_prefix(request.account(), kPolicy);
    TRY(each_row(request.view, prefix, prefix, [&rows](const store::Row& row) -> Result<bool> {
      rows.push_back(TRY(decode_row(row.value)));
      return true;
    }));
  }
  if (scope != "Local") {
    for (const AwsPolicy& policy : aws_policies()) rows.push_back(row_of(policy));
  }
  Value::List out;
  for (const Value& row : rows) {
    if (!row["Path"].as_string().starts_with(path)) continue;
    Value described = TRY(policy_output(request, row, false));
    if (only_attached && described["AttachmentCount"].as_int() == 0) continue;
    out.push_back(std::move(described));
  }
  const auto arn = [](const Value& policy) { return std::string(policy["Arn"].as_string()); };
  std::sort(out.begin(), out.end(), [&arn](const Value& a, const Value& b) { return arn(a) < arn(b); });
  return page_of(request, "Policies", std::move(out), arn);
}

Result<Value> create_policy_version(Request& request) {
  Value policy = TRY(get_local_policy(request, request.text("PolicyArn")));
  TRY(check_size(request));
  if (policy["Versions"].size() >= kMostVersions) {
    return request.limit_exceeded(
        "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.");
  }
  add_version(request, policy);
  const Value version = policy["Versions"].as_list().back();
  if (request.input()["SetAsDefault"].as_bool()) policy.set("Default", version["Id"]);
  TRY(save(request, kPolicy, policy));
  Value out = Value::map();
  out.set("PolicyVersion", version_output(policy, version, false));
  return out;
}

Failure no_version(Request& request) {
  return request.no_such_entity("Policy " + request.text("PolicyArn") + " version " + request.text("VersionId") +
                                " does not exist or is not attachable.");
}

Result<Value> get_policy_version(Request& request) {
  const Value policy = TRY(get_any_policy(request, request.text("PolicyArn")));
  const Value* version = find_version(policy, request.text("VersionId"));
  if (version == nullptr) return no_version(request);
  Value out = Value::map();
  out.set("PolicyVersion", version_output(policy, *version, true));
  return out;
}

Result<Value> set_default_policy_version(Request& request) {
  Value policy = TRY(get_local_policy(request, request.text("PolicyArn")));
  if (find_version(policy, request.text("VersionId")) == nullptr) return no_version(request);
  policy.set("Default", request.text("VersionId"));
  policy.set("Updated", request.now_ms / 1000 * 1000);
  TRY(save(request, kPolicy, policy));
  return Value::map();
}

Result<Value> delete_policy_version(Request& request) {
  Value policy = TRY(get_local_policy(request, request.text("PolicyArn")));
  const std::string id = request.text("VersionId");
  if (find_version(policy, id) == nullptr) return no_version(request);
  if (policy["Default"].as_string() == id) return request.delete_conflict("Cannot delete the default version of a policy.");
  Value::List& versions = policy.set("Versions", policy["Versions"]).list_ref();
  std::erase_if(versions, [&id](const Value& version) { return version["Id"].as_string() == id; });
  TRY(save(request, kPolicy, policy));
  return Value::map();
}

Result<Value> list_policy_versions(Request& request) {
  const Value policy = TRY(get_any_policy(request, request.text("PolicyArn")));
  Value::List out;
  for (const Value& version : policy["Versions"].as_list()) out.push_back(version_output(policy, version, false));
  std::reverse(out.begin(), out.end());  // the newest first
  // Markers compare upwards: what is newest must be least.
  const auto order = [](const Value& v) {
    const int64_t number = parse_int(v["VersionId"].as_string().substr(1)).value_or(0);
    const std::string digits = std::to_string(INT64_MAX - number);
    return digits;
  };
  return page_of(request, "Versions", std::move(out), order);
}

}  // namespace

std::string_view policy_name(std::string_view arn) { return arn.substr(arn.rfind('/') + 1); }

Result<Value> get_local_policy(Request& request, std::string_view arn) {
  const std::string text(arn);
  if (!arn.starts_with("arn:aws:iam::") || arn.find(":policy/") == arn.npos) {
    return request.validation_error("Invalid ARN:  Could not be parsed!");
  }
  if (arn.starts_with(kAwsPolicyArns) && request.transaction != nullptr && find_aws_policy(arn) != nullptr) {
    return request.refuse("AccessDenied",
                          "User: " + request.call.identity.principal_arn + " is not authorized to perform: iam:" +
                              std::string(request.call.operation) + " on resource: policy " + text,
                          403);
  }
  Value policy = TRY(find(request, kPolicy, policy_name(arn)));
  if (policy["Arn"].as_string() != arn) return request.no_such_entity("Policy " + text + " was not found.");
  return policy;
}

Result<> check_attachable(Request& request, std::string_view arn) {
  if (find_aws_policy(arn) != nullptr) return {};
  const Value policy = TRY(find(request, kPolicy, policy_name(arn)));
  if (policy["Arn"].as_string() == arn) return {};
  return request.no_such_entity("Policy " + std::string(arn) + " does not exist or is not attachable.");
}

Result<Value> policy_output(Request& request, const Value& policy, bool with_details) {
  Value out = Value::map();
  out.set("PolicyName", policy["Name"]);
  out.set("PolicyId", policy["Id"]);
  out.set("Arn", policy["Arn"]);
  out.set("Path", policy["Path"]);
  out.set("DefaultVersionId", policy["Default"]);
  out.set("AttachmentCount", TRY(attachments(request, policy["Arn"].as_string())));
  out.set("PermissionsBoundaryUsageCount", 0);
  out.set("IsAttachable", true);
  if (with_details && !policy["Description"].as_string().empty()) out.set("Description", policy["Description"]);
  out.set("CreateDate", timestamp(policy["Created"]));
  out.set("UpdateDate", timestamp(policy["Updated"]));
  if (with_details && policy["Tags"].size() > 0) out.set("Tags", policy["Tags"]);
  return out;
}

std::vector<Operation> managed_policy_operations() {
  return {{"CreatePolicy", Access::Writes, create_policy},
          {"GetPolicy", Access::Reads, get_policy},
          {"DeletePolicy", Access::Writes, delete_policy},
          {"ListPolicies", Access::Reads, list_policies},
          {"CreatePolicyVersion", Access::Writes, create_policy_version},
          {"GetPolicyVersion", Access::Reads, get_policy_version},
          {"SetDefaultPolicyVersion", Access::Writes, set_default_policy_version},
          {"DeletePolicyVersion", Access::Writes, delete_policy_version},
          {"ListPolicyVersions", Access::Reads, list_policy_versions}};
}

}  // namespace gust::iam
