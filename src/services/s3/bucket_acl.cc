// SPDX-License-Identifier: Apache-2.0

#include "services/s3/bucket_acl.h"

#include <algorithm>
#include <string>

#include "model/errors.h"
#include "services/s3/bucket.h"
#include "services/s3/document_rows.h"
#include "services/s3/request.h"

namespace gust::s3 {
namespace {

using model::api_error;

struct GrantHeader {
  const char *member, *wire;
};
constexpr GrantHeader kGrants[] = {{"GrantFullControl", "x-amz-grant-full-control"},
                                   {"GrantRead", "x-amz-grant-read"},
                                   {"GrantReadACP", "x-amz-grant-read-acp"},
                                   {"GrantWrite", "x-amz-grant-write"},
                                   {"GrantWriteACP", "x-amz-grant-write-acp"}};

bool contains(std::initializer_list<std::string_view> list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

Problem missing_header() {
  model::ApiError e = api_error("MissingSecurityHeader", "Your request was missing a required header");
  e.members.set("MissingHeaderName", "x-amz-acl");
  return e;
}

// id="OWNER" and nobody else.
bool grants_owner(std::string_view header, const std::string& owner) {
  return header == "id=" + owner || header == "id=\"" + owner + "\"";
}

// One FULL_CONTROL for the owner, which is what every list here says.
bool is_owners_list(const Value& policy, const std::string& owner) {
  const Value::List& grants = policy["Grants"].as_list();
  return grants.size() == 1 && grants[0]["Permission"].as_string() == "FULL_CONTROL" &&
         grants[0]["Grantee"]["Type"].as_string() == "CanonicalUser" && grants[0]["Grantee"]["ID"].as_string() == owner;
}

bool has_grants(const Value& input) {
  return std::any_of(std::begin(kGrants), std::end(kGrants), [&](const GrantHeader& g) { return input.has(g.member); });
}

// The one form in which a list is given; the others are refused beside it.
Problem check_forms(const AclRequest& request) {
  const bool canned = request.input.has("ACL"), grants = has_grants(request.input);
  const bool document = request.input.has("AccessControlPolicy");
  if (canned && grants) {
    return api_error("InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed");
  }
  if (document && (canned || grants)) return api_error("UnexpectedContent", "This request does not support content");
  if (request.use == AclUse::PutList && !canned && !grants && !document) return missing_header();
  return std::nullopt;
}

// What in the request says more than that the owner has everything; empty: nothing does.
std::string beyond_owner(const AclRequest& request, const std::string& owner) {
  const std::string_view canned = request.input["ACL"].as_string();
  if (!canned.empty() && !contains({"private", "bucket-owner-full-control", "bucket-owner-read"}, canned)) {
    return "x-amz-acl=" + std::string(canned);
  }
  for (const GrantHeader& g : kGrants) {
    const Value* grant = request.input.find(g.member);
    if (grant == nullptr) continue;
    if (std::string_view(g.member) != "GrantFullControl" || !grants_owner(grant->as_string(), owner)) return g.wire;
  }
  const Value* policy = request.input.find("AccessControlPolicy");
  return policy != nullptr && !is_owners_list(*policy, owner) ? "AccessControlPolicy" : std::string();
}

bool is_public(const Value& input) {
  if (contains({"public-read", "public-read-write", "authenticated-read"}, input["ACL"].as_string())) return true;
  constexpr std::string_view kEverybody = "http://acs.amazonaws.com/groups/global/";
  for (const GrantHeader& g : kGrants) {
    if (input[g.member].as_string().find(kEverybody) != std::string_view::npos) return true;
  }
  for (const Value& grant : input["AccessControlPolicy"]["Grants"].as_list()) {
    if (grant["Grantee"]["URI"].as_string().starts_with(kEverybody)) return true;
  }
  return false;
}

Problem check_document(const Value& input, const std::string& owner) {
  const Value* policy = input.find("AccessControlPolicy");
  if (policy == nullptr) return std::nullopt;
  if (!policy->has("Owner") || !policy->has("Grants")) {
    return api_error("MalformedACLError",
                     "The XML you provided was not well-formed or did not validate against our published schema");
  }
  if ((*policy)["Owner"]["ID"].as_string() != owner) return access_denied();
  return std::nullopt;
}

}  // namespace

Result<AclsAre> acls_of(store::View& view, std::string_view bucket) {
  const auto controls = TRY(read_document(view, bucket, kOwnership));
  if (!controls) return AclsAre::Off;
  // Without ownership controls the writer of an object owns it.
  if (controls->is_null() || (*controls)["Rules"].size() == 0) return AclsAre::On;
  const std::string_view ownership = (*controls)["Rules"].as_list().front()["ObjectOwnership"].as_string();
  return ownership == "BucketOwnerEnforced" ? AclsAre::Off : AclsAre::On;
}

Result<Problem> check_acl(store::View& view, std::string_view bucket, const AclRequest& request) {
  if (Problem p = check_forms(request)) return p;
  const std::string owner = canonical_user(request.account);
  if (Problem p = check_document(request.input, owner)) return p;
  const std::string more = beyond_owner(request, owner);
  if (TRY(acls_of(view, bucket)) == AclsAre::Off) {
    const std::string_view canned = request.input["ACL"].as_string();
    const bool accepted = canned != "bucket-owner-read" && (request.use == AclUse::WithObject || canned != "private");
    if (more.empty() && accepted) return Problem();
    return Problem(api_error("AccessControlListNotSupported", "The bucket does not allow ACLs"));
  }
  if (more.empty()) return Problem();
  const auto block = TRY(read_document(view, bucket, kPublicAccess));
  if (is_public(request.input) && (!block || (*block)["BlockPublicAcls"].as_bool())) return Problem(access_denied());
  return Problem(model::not_implemented("s3", std::string(request.operation) + " with " + more));
}

Value acl_of(std::string_view account) {
  Value out = Value::map(), grantee = Value::map(), grant = Value::map();
  out.set("Owner", Value::map()).set("ID", canonical_user(account));
  grantee.set("ID", canonical_user(account));
  grantee.set("Type", "CanonicalUser");
  grant.set("Grantee", std::move(grantee));
  grant.set("Permission", "FULL_CONTROL");
  out.set("Grants", Value::list()).push(std::move(grant));
  return out;
}

}  // namespace gust::s3
