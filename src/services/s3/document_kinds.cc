// SPDX-License-Identifier: Apache-2.0

#include "services/s3/document_kinds.h"

#include <utility>

#include "model/errors.h"
#include "services/s3/bucket_policy.h"
#include "services/s3/cors.h"
#include "services/s3/document_rows.h"
#include "services/s3/lifecycle.h"
#include "services/s3/tag_set.h"

namespace gust::s3 {
namespace {

using model::api_error;
using model::ApiError;
using Accepted = tl::expected<Value, ApiError>;

Value list_of(Value value) {
  Value out = Value::list();
  out.push(std::move(value));
  return out;
}

// What a bucket has that was never given the document.
Value default_encryption() {
  Value rule = one("ApplyServerSideEncryptionByDefault", one("SSEAlgorithm", "AES256"));
  rule.set("BucketKeyEnabled", false);
  return one("Rules", list_of(std::move(rule)));
}
Value default_ownership() { return ownership_controls("BucketOwnerEnforced"); }
constexpr const char* kBlocks[] = {"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"};
Value default_public_access() {
  Value out = Value::map();
  for (const char* block : kBlocks) out.set(block, true);
  return out;
}

Accepted accept_encryption(const model::Call&, const Value& document) {
  const Value::List& rules = document["Rules"].as_list();
  if (rules.size() != 1) return tl::unexpected(model::malformed_xml());
  Value rule = rules[0];
  // A rule may be about nothing but what is blocked.
  if (!rule.has("ApplyServerSideEncryptionByDefault") && rule.has("BlockedEncryptionTypes")) {
    rule.set("ApplyServerSideEncryptionByDefault", one("SSEAlgorithm", "AES256"));
  }
  const Value encryption = rule["ApplyServerSideEncryptionByDefault"];
  if (!encryption.has("SSEAlgorithm") || encryption["SSEAlgorithm"].as_string() == "aws:fsx") {
    return tl::unexpected(model::malformed_xml());
  }
  if (encryption.has("KMSMasterKeyID") && encryption["SSEAlgorithm"].as_string() == "AES256") {
    ApiError e = api_error("InvalidArgument",
                           "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse");
    e.members.set("ArgumentName", "ApplyServerSideEncryptionByDefault");
    return tl::unexpected(std::move(e));
  }
  if (!rule.has("BucketKeyEnabled")) rule.set("BucketKeyEnabled", false);
  return one("Rules", list_of(std::move(rule)));
}

Accepted accept_ownership(const model::Call&, const Value& document) {
  if (document["Rules"].size() != 1) return tl::unexpected(model::malformed_xml());
  return document;
}

Accepted accept_public_access(const model::Call&, const Value& document) {
  if (document.size() == 0) {
    return tl::unexpected(api_error("InvalidRequest", "Must specify at least one configuration."));
  }
  Value out = Value::map();
  for (const char* block : kBlocks) out.set(block, document[block].as_bool());
  return out;
}

Accepted accept_cors(const model::Call&, const Value& document) {
  if (Problem p = check_cors(document)) return tl::unexpected(std::move(*p));
  return document;
}

Accepted accept_tagging(const model::Call&, const Value& document) {
  if (Problem p = check_tags(document["TagSet"], Tagged::Bucket)) return tl::unexpected(std::move(*p));
  return document;
}

Accepted accept_lifecycle_of(const model::Call& call, const Value& document) {
  Accepted kept = accept_lifecycle(document);
  if (kept) kept->set(kMinimumSize, call.input[kMinimumSize].as_string("all_storage_classes_128K"));
  return kept;
}

Accepted accept_policy(const model::Call& call, const Value&) {
  if (call.payload.size() > kMaxPolicy) return tl::unexpected(policy_too_large());  // it may be a file by now
  auto policy = BucketPolicy::parse(call.payload.bytes, call.input["Bucket"].as_string());
  if (!policy) return tl::unexpected(std::move(policy.error()));
  return Value(call.payload.bytes);
}

constexpr DocumentKind kKinds[] = {
    {kPolicy, "PutBucketPolicy", "GetBucketPolicy", "DeleteBucketPolicy", "Policy", Output::HasDocument, accept_policy,
     "NoSuchBucketPolicy", "The bucket policy does not exist", nullptr, 204},
    {kCors, "PutBucketCors", "GetBucketCors", "DeleteBucketCors", "CORSConfiguration", Output::IsDocument, accept_cors,
     "NoSuchCORSConfiguration", "The CORS configuration does not exist", nullptr},
    {kEncryption, "PutBucketEncryption", "GetBucketEncryption", "DeleteBucketEncryption", "ServerSideEncryptionConfiguration",
     Output::HasDocument, accept_encryption, "ServerSideEncryptionConfigurationNotFoundError",
     "The server side encryption configuration was not found", default_encryption},
    {kOwnership, "PutBucketOwnershipControls", "GetBucketOwnershipControls", "DeleteBucketOwnershipControls", "OwnershipControls",
     Output::HasDocument, accept_ownership, "OwnershipControlsNotFoundError", "The bucket ownership controls were not found",
     default_ownership},
    {kPublicAccess, "PutPublicAccessBlock", "GetPublicAccessBlock", "DeletePublicAccessBlock", "PublicAccessBlockConfiguration",
     Output::HasDocument, accept_public_access, "NoSuchPublicAccessBlockConfiguration",
     "The public access block configuration was not found", default_public_access},
    {kTagging, "PutBucketTagging", "GetBucketTagging", "DeleteBucketTagging", "Tagging", Output::IsDocument, accept_tagging,
     "NoSuchTagSet", "The TagSet does not exist", nullptr, 204},
    {kLifecycle, "PutBucketLifecycleConfiguration", "GetBucketLifecycleConfiguration", "DeleteBucketLifecycle",
     "LifecycleConfiguration", Output::IsDocument, accept_lifecycle_of, "NoSuchLifecycleConfiguration",
     "The lifecycle configuration does not exist", nullptr},
};

Value nothing() { return Value::map(); }
Value empty_list() { return one("IsTruncated", false); }
Value owner_pays() { return one("Payer", "BucketOwner"); }

constexpr std::string_view kNoConfiguration = "NoSuchConfiguration", kNoneThere = "The specified configuration does not exist.";
constexpr Absent kAbsent[] = {
    {"GetBucketWebsite", "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"},
    {"GetBucketReplication", "ReplicationConfigurationNotFoundError", "The replication configuration was not found"},
    {"GetObjectLockConfiguration", "ObjectLockConfigurationNotFoundError",
     "Object Lock configuration does not exist for this bucket"},
    {"DeleteBucketWebsite", {}, {}, nothing},
    {"DeleteBucketReplication", {}, {}, nothing},
    {"GetBucketAccelerateConfiguration", {}, {}, nothing},
    {"GetBucketLogging", {}, {}, nothing},
    {"GetBucketRequestPayment", {}, {}, owner_pays},
    {"PutBucketLogging", {}, {}, nothing},         // checked: asks for none
    {"PutBucketRequestPayment", {}, {}, nothing},  // checked: the owner pays
    {"ListBucketAnalyticsConfigurations", {}, {}, empty_list},
    {"ListBucketIntelligentTieringConfigurations", {}, {}, empty_list},
    {"ListBucketInventoryConfigurations", {}, {}, empty_list},
    {"ListBucketMetricsConfigurations", {}, {}, empty_list},
    {"GetBucketAnalyticsConfiguration", kNoConfiguration, kNoneThere},
    {"GetBucketIntelligentTieringConfiguration", kNoConfiguration, kNoneThere},
    {"GetBucketInventoryConfiguration", kNoConfiguration, kNoneThere},
    {"GetBucketMetricsConfiguration", kNoConfiguration, kNoneThere},
    {"DeleteBucketAnalyticsConfiguration", kNoConfiguration, kNoneThere},
    {"DeleteBucketIntelligentTieringConfiguration", kNoConfiguration, kNoneThere},
    {"DeleteBucketInventoryConfiguration", kNoConfiguration, kNoneThere},
    {"DeleteBucketMetricsConfiguration", kNoConfiguration, kNoneThere},
};
}  // namespace

const DocumentKind* find_kind(std::string_view DocumentKind::*verb, std::string_view operation) {
  for (const DocumentKind& kind : kKinds) {
    if (kind.*verb == operation) return &kind;
  }
  return nullptr;
}

const Absent* find_absent(std::string_view operation) {
  for (const Absent& a : kAbsent) {
    if (a.operation == operation) return &a;
  }
  return nullptr;
}

Value one(std::string_view member, Value value) {
  Value out = Value::map();
  out.set(member, std::move(value));
  return out;
}

Value ownership_controls(std::string_view object_ownership) {
  return one("Rules", list_of(one("ObjectOwnership", object_ownership)));
}
Value tagging(const Value& tag_set) { return one("TagSet", tag_set); }

}  // namespace gust::s3
