// SPDX-License-Identifier: Apache-2.0

// Configuration documents of buckets: what is refused, kept and given back, and what strangers may do by them.

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "model/errors.h"
#include "services/s3/bucket.h"
#include "services/s3/bucket_acl.h"
#include "services/s3/bucket_documents.h"
#include "services/s3/bucket_policy.h"
#include "services/s3/policy_actions.h"
#include "services/s3/tag_set.h"
#include "store/memory/memory_store.h"

namespace gust::s3 {
namespace {

Value map(std::initializer_list<std::pair<const char*, Value>> members) {
  Value v = Value::map();
  for (const auto& [name, value] : members) v.set(name, value);
  return v;
}
Value list(std::initializer_list<Value> elements) { return Value(Value::List(elements)); }

struct Outcome {
  std::optional<model::Reply> reply;
  std::optional<model::ApiError> error;
  std::string code() const { return error ? error->code : "none"; }
  std::string message() const { return error ? error->message : "none"; }
};

class Sink : public model::Responder::Sink {
 public:
  void reply(model::Reply reply) override { promise.set_value({std::move(reply), std::nullopt}); }
  void error(model::ApiError error) override { promise.set_value({std::nullopt, std::move(error)}); }
  std::promise<Outcome> promise;
};

class Documents : public testing::Test {
 protected:
  void SetUp() override { make_bucket("bucket"); }

  void make_bucket(const std::string& name, std::string_view ownership = {}) {
    Bucket bucket;
    bucket.name = name;
    bucket.account = identity_.account;
    bucket.region = identity_.region;
    ASSERT_TRUE(store_->commit_and_wait([&](store::Transaction& t) -> Result<> {
      TRY(BucketDocuments::create(t, name, ownership));
      return t.put(store::Space::Meta, bucket_key(name), encode(bucket));
    }));
  }
  void delete_bucket(const std::string& name) {
    ASSERT_TRUE(store_->commit_and_wait([&](store::Transaction& t) -> Result<> {
      TRY(BucketDocuments::erase_all(t, name));
      return t.erase(store::Space::Meta, bucket_key(name));
    }));
    documents_.forget(name);
  }

  Outcome call(std::string_view operation, Value input = Value::map(), std::string payload = {}) {
    if (!input.has("Bucket")) input.set("Bucket", "bucket");
    auto sink = std::make_shared<Sink>();
    auto future = sink->promise.get_future();
    model::Call c;
    c.operation = operation;
    c.input = std::move(input);
    c.payload.bytes = std::move(payload);
    c.identity = identity_;
    documents_.call(std::move(c), model::Responder(sink));
    return future.get();
  }
  Value get(std::string_view operation) {
    const Outcome got = call(operation);
    return got.reply ? got.reply->output : Value(got.code());
  }
  Outcome put_policy(const std::string& text, const std::string& bucket = "bucket") {
    return call("PutBucketPolicy", map({{"Bucket", bucket}}), text);
  }
  Outcome put_cors(Value rule) { return call("PutBucketCors", map({{"CORSConfiguration", map({{"CORSRules", list({rule})}})}})); }
  void open_to_public() {
    Value blocks = Value::map();
    for (const char* b : {"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"})
      blocks.set(b, false);
    ASSERT_TRUE(call("PutPublicAccessBlock", map({{"PublicAccessBlockConfiguration", blocks}})).reply);
  }

  std::unique_ptr<store::Store> store_ = store::make_memory_store();
  BucketDocuments documents_{*store_};
  model::Identity identity_{.principal_arn = "arn:aws:iam::000000000000:root"};
};

std::string statement(std::string_view more, std::string_view effect = "Allow") {
  return "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"" + std::string(effect) + "\"," + std::string(more) + "}]}";
}
const std::string kPublicRead = statement(R"("Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*")");

// ---- what a new bucket answers

TEST_F(Documents, NewBucketsHaveWhatAwsGivesThem) {
  const Value encryption = get("GetBucketEncryption")["ServerSideEncryptionConfiguration"]["Rules"].as_list().at(0);
  EXPECT_EQ(encryption["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"].as_string(), "AES256");
  EXPECT_EQ(encryption["BucketKeyEnabled"], Value(false));
  EXPECT_EQ(get("GetBucketOwnershipControls")["OwnershipControls"]["Rules"].as_list().at(0)["ObjectOwnership"].as_string(),
            "BucketOwnerEnforced");
  const Value blocks = get("GetPublicAccessBlock")["PublicAccessBlockConfiguration"];
  EXPECT_EQ(
      blocks,
      map({{"BlockPublicAcls", true}, {"IgnorePublicAcls", true}, {"BlockPublicPolicy", true}, {"RestrictPublicBuckets", true}}));
  EXPECT_EQ(get("GetBucketRequestPayment"), map({{"Payer", "BucketOwner"}}));
  for (const char* empty : {"GetBucketLogging", "GetBucketAccelerateConfiguration"}) EXPECT_EQ(get(empty), Value::map()) << empty;
  for (const char* kind : {"Analytics", "IntelligentTiering", "Inventory", "Metrics"}) {
    EXPECT_EQ(get("ListBucket" + std::string(kind) + "Configurations"), map({{"IsTruncated", false}}));
  }
}

TEST_F(Documents, WhatIsNotThereIsNamedAsS3NamesIt) {
  const std::pair<const char*, const char*> expected[] = {
      {"GetBucketPolicy", "NoSuchBucketPolicy"},
      {"GetBucketPolicyStatus", "NoSuchBucketPolicy"},
      {"GetBucketCors", "NoSuchCORSConfiguration"},
      {"GetBucketWebsite", "NoSuchWebsiteConfiguration"},
      {"GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration"},
      {"GetBucketReplication", "ReplicationConfigurationNotFoundError"},
      {"GetObjectLockConfiguration", "ObjectLockConfigurationNotFoundError"},
      {"GetBucketTagging", "NoSuchTagSet"},
      {"GetBucketMetricsConfiguration", "NoSuchConfiguration"},
  };
  for (const auto& [operation, code] : expected) {
    const Outcome got = call(operation);
    EXPECT_EQ(got.code(), code) << operation;
    ASSERT_TRUE(got.error) << operation;
    EXPECT_EQ(got.error->status, 404) << operation;
    EXPECT_EQ(got.error->members["BucketName"].as_string(), "bucket") << operation;
    EXPECT_FALSE(got.error->message.empty());
  }
}

TEST_F(Documents, EveryOperationAsksForTheBucketFirst) {
  for (const char* operation : {"GetBucketPolicy", "DeleteBucketCors", "PutBucketPolicy", "PutBucketTagging", "GetBucketLogging",
                                "GetBucketAcl", "PutBucketAcl", "DeleteBucketWebsite"}) {
    EXPECT_EQ(call(operation, map({{"Bucket", "other"}})).code(), "NoSuchBucket") << operation;
  }
  identity_.account = "111111111111";
  for (const char* operation : {"GetBucketPolicy", "DeleteBucketCors", "PutBucketTagging", "GetBucketAcl"}) {
    EXPECT_EQ(call(operation).code(), "AccessDenied") << operation;
  }
}

TEST_F(Documents, WhatWouldHaveAnEffectIsRefusedByName) {
  for (const char* operation : {"PutBucketWebsite", "PutBucketReplication", "PutBucketAccelerateConfiguration",
                                "PutObjectLockConfiguration", "PutBucketInventoryConfiguration"}) {
    EXPECT_FALSE(BucketDocuments::implements(operation)) << operation;
  }
  EXPECT_TRUE(call("PutBucketRequestPayment", map({{"RequestPaymentConfiguration", map({{"Payer", "BucketOwner"}})}})).reply);
  EXPECT_EQ(call("PutBucketRequestPayment", map({{"RequestPaymentConfiguration", map({{"Payer", "Requester"}})}})).code(),
            "NotImplemented");
  EXPECT_TRUE(call("PutBucketLogging", map({{"BucketLoggingStatus", Value::map()}})).reply);
  EXPECT_EQ(
      call("PutBucketLogging", map({{"BucketLoggingStatus", map({{"LoggingEnabled", map({{"TargetBucket", "b"}})}})}})).code(),
      "NotImplemented");
}

// ---- put, get, delete

TEST_F(Documents, DocumentsAreKeptReplacedAndDeleted) {
  EXPECT_TRUE(call("PutBucketTagging", map({{"Tagging", map({{"TagSet", list({map({{"Key", "a"}, {"Value", "1"}})})}})}})).reply);
  EXPECT_EQ(get("GetBucketTagging")["TagSet"], list({map({{"Key", "a"}, {"Value", "1"}})}));
  EXPECT_TRUE(call("PutBucketTagging", map({{"Tagging", map({{"TagSet", list({})}})}})).reply);
  EXPECT_EQ(get("GetBucketTagging")["TagSet"].size(), 0u);
  EXPECT_TRUE(call("DeleteBucketTagging").reply);
  EXPECT_TRUE(call("DeleteBucketTagging").reply);
  EXPECT_EQ(call("GetBucketTagging").code(), "NoSuchTagSet");
}

TEST_F(Documents, TheyGoWithTheBucket) {
  ASSERT_TRUE(call("PutBucketTagging", map({{"Tagging", map({{"TagSet", list({map({{"Key", "a"}, {"Value", "1"}})})}})}})).reply);
  make_bucket("bucket2");
  ASSERT_TRUE(call("DeletePublicAccessBlock", map({{"Bucket", "bucket2"}})).reply);
  delete_bucket("bucket");
  make_bucket("bucket");
  EXPECT_EQ(call("GetBucketTagging").code(), "NoSuchTagSet");
  EXPECT_EQ(call("GetPublicAccessBlock", map({{"Bucket", "bucket2"}})).code(), "NoSuchPublicAccessBlockConfiguration");
}

TEST_F(Documents, DefaultsCanBeDeletedAndPutAgain) {
  EXPECT_TRUE(call("DeletePublicAccessBlock").reply);
  EXPECT_EQ(call("GetPublicAccessBlock").code(), "NoSuchPublicAccessBlockConfiguration");
  EXPECT_TRUE(call("PutPublicAccessBlock", map({{"PublicAccessBlockConfiguration", map({{"BlockPublicAcls", true}})}})).reply);
  EXPECT_EQ(get("GetPublicAccessBlock")["PublicAccessBlockConfiguration"]["RestrictPublicBuckets"], Value(false));
  EXPECT_TRUE(call("DeleteBucketOwnershipControls").reply);
  EXPECT_EQ(call("GetBucketOwnershipControls").code(), "OwnershipControlsNotFoundError");
}

TEST_F(Documents, EncryptionCanBeChosenButNotSwitchedOff) {
  const auto put = [&](Value encryption) {
    return call("PutBucketEncryption",
                map({{"ServerSideEncryptionConfiguration",
                      map({{"Rules", list({map({{"ApplyServerSideEncryptionByDefault", std::move(encryption)}})})}})}}));
  };
  EXPECT_TRUE(put(map({{"SSEAlgorithm", "aws:kms"}, {"KMSMasterKeyID", "alias/k"}})).reply);
  const auto algorithm = [&] {
    return std::string(get("GetBucketEncryption")["ServerSideEncryptionConfiguration"]["Rules"]
                           .as_list()
                           .at(0)["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
                           .as_string());
  };
  EXPECT_EQ(algorithm(), "aws:kms");
  EXPECT_EQ(put(map({{"SSEAlgorithm", "AES256"}, {"KMSMasterKeyID", "alias/k"}})).code(), "InvalidArgument");
  EXPECT_EQ(put(Value::map()).code(), "MalformedXML");
  EXPECT_EQ(algorithm(), "aws:kms");
  EXPECT_TRUE(call("DeleteBucketEncryption").reply);
  EXPECT_EQ(algorithm(), "AES256");
  const Value blocked = map({{"BlockedEncryptionTypes", map({{"EncryptionType", list({"SSE-C"})}})}});
  EXPECT_TRUE(call("PutBucketEncryption", map({{"ServerSideEncryptionConfiguration", map({{"Rules", list({blocked})}})}})).reply);
  EXPECT_EQ(algorithm(), "AES256");
}

TEST_F(Documents, PublicAccessBlocksNeedAMember) {
  EXPECT_EQ(call("PutPublicAccessBlock", map({{"PublicAccessBlockConfiguration", Value::map()}})).code(), "InvalidRequest");
}

// ---- tags

Problem tags(std::initializer_list<std::pair<std::string, std::string>> all, Tagged tagged = Tagged::Bucket) {
  Value set = Value::list();
  for (const auto& [key, value] : all) set.push(map({{"Key", key}, {"Value", value}}));
  return check_tags(set, tagged);
}

TEST(Tags, AreCheckedAsS3ChecksThem) {
  EXPECT_FALSE(tags({{"a b_.:/=+-@Ä9", "ß"}, {"b", ""}}));
  EXPECT_FALSE(tags({{std::string(128, 'k'), std::string(256, 'v')}}));
  EXPECT_EQ(tags({{std::string(129, 'k'), "v"}})->message, "The TagKey you have provided is invalid");
  EXPECT_EQ(tags({{"k", std::string(257, 'v')}})->message, "The TagValue you have provided is invalid");
  EXPECT_EQ(tags({{"k?", "v"}})->message, "The TagKey you have provided is invalid");
  EXPECT_EQ(tags({{"k", "v"}, {"k", "w"}})->message, "Cannot provide multiple Tags with the same key");
  EXPECT_EQ(tags({{"aws:k", "v"}})->message, "System tags cannot be added/updated by requester");
  EXPECT_EQ(tags({{"aws:k", "v"}}, Tagged::Object)->message, "Your TagKey cannot be prefixed with aws:");
  EXPECT_EQ(tags({{"k", "v"}, {"k", "v"}})->code, "InvalidTag");
}

TEST(Tags, AreCounted) {
  const auto count = [](size_t n, Tagged tagged) {
    Value set = Value::list();
    for (size_t i = 0; i < n; ++i) set.push(map({{"Key", "k" + std::to_string(i)}, {"Value", "v"}}));
    const Problem p = check_tags(set, tagged);
    return p ? p->code : "none";
  };
  EXPECT_EQ(count(50, Tagged::Bucket), "none");
  EXPECT_EQ(count(51, Tagged::Bucket), "BadRequest");
  EXPECT_EQ(count(10, Tagged::Object), "none");
  EXPECT_EQ(count(11, Tagged::Object), "BadRequest");
}

// ---- lifecycle

TEST_F(Documents, LifecycleRulesAreCheckedAndGivenBack) {
  const auto put = [&](std::initializer_list<Value> rules) {
    return call("PutBucketLifecycleConfiguration", map({{"LifecycleConfiguration", map({{"Rules", list(rules)}})}}));
  };
  const Value prefix = map({{"Prefix", "a/"}});
  const Value good =
      map({{"Status", "Enabled"}, {"Filter", prefix}, {"Expiration", map({{"Date", Timestamp{86'400'000LL * 20'000}}})}});
  const Outcome done = put({good});
  ASSERT_TRUE(done.reply) << done.message();
  EXPECT_EQ(done.reply->output["TransitionDefaultMinimumObjectSize"].as_string(), "all_storage_classes_128K");
  const Value kept = get("GetBucketLifecycleConfiguration");
  EXPECT_EQ(kept["Rules"].as_list().at(0)["Expiration"]["Date"].as_string(), "2024-10-04T00:00:00.000Z");
  EXPECT_FALSE(kept["Rules"].as_list().at(0)["ID"].as_string().empty());
  EXPECT_EQ(kept["TransitionDefaultMinimumObjectSize"].as_string(), "all_storage_classes_128K");

  const auto with = [&](std::string_view member, Value value) {
    Value rule = map({{"ID", "r"}, {"Status", "Enabled"}, {"Filter", prefix}});
    rule.set(member, std::move(value));
    return put({rule});
  };
  EXPECT_TRUE(with("Expiration", map({{"Days", 1}})).reply);
  EXPECT_EQ(with("Expiration", map({{"Days", 0}})).message(), "'Days' for Expiration action must be a positive integer");
  EXPECT_EQ(with("Expiration", map({{"Date", Timestamp{1000}}})).message(), "'Date' must be at midnight GMT");
  EXPECT_EQ(with("Expiration", map({{"Days", 1}, {"ExpiredObjectDeleteMarker", true}})).code(), "MalformedXML");
  EXPECT_EQ(with("NoncurrentVersionExpiration", Value::map()).code(), "MalformedXML");
  EXPECT_TRUE(with("AbortIncompleteMultipartUpload", map({{"DaysAfterInitiation", 1}})).reply);
  EXPECT_EQ(with("Transitions", list({map({{"Days", 1}})})).code(), "MalformedXML");
  EXPECT_EQ(put({map({{"Status", "Enabled"}, {"Filter", prefix}})}).message(),
            "At least one action needs to be specified in a rule");
  EXPECT_EQ(put({map({{"Status", "Enabled"}, {"Expiration", map({{"Days", 1}})}})}).code(), "MalformedXML");
  EXPECT_EQ(put({}).code(), "MalformedXML");
  Value named = good;
  named.set("ID", "same");
  EXPECT_EQ(put({named, named}).message(), "Rule ID must be unique. Found same ID for more than one rule");
}

// ---- ACLs

TEST_F(Documents, TheAclGrantsTheOwnerEverything) {
  const Value acl = get("GetBucketAcl");
  const std::string owner = canonical_user("000000000000");
  EXPECT_EQ(acl["Owner"]["ID"].as_string(), owner);
  ASSERT_EQ(acl["Grants"].size(), 1u);
  EXPECT_EQ(acl["Grants"].as_list()[0]["Permission"].as_string(), "FULL_CONTROL");
  EXPECT_EQ(acl["Grants"].as_list()[0]["Grantee"], map({{"ID", owner}, {"Type", "CanonicalUser"}}));
}

TEST_F(Documents, AclsAreOffUntilOwnershipTurnsThemOn) {
  EXPECT_EQ(call("PutBucketAcl").code(), "MissingSecurityHeader");
  EXPECT_EQ(call("PutBucketAcl", map({{"ACL", "private"}})).code(), "AccessControlListNotSupported");
  EXPECT_EQ(call("PutBucketAcl", map({{"ACL", "public-read"}})).code(), "AccessControlListNotSupported");
  const Value own = get("GetBucketAcl");
  EXPECT_TRUE(call("PutBucketAcl", map({{"AccessControlPolicy", own}})).reply);
  const Value preferred = map({{"Rules", list({map({{"ObjectOwnership", "BucketOwnerPreferred"}})})}});
  ASSERT_TRUE(call("PutBucketOwnershipControls", map({{"OwnershipControls", preferred}})).reply);
  EXPECT_TRUE(call("PutBucketAcl", map({{"ACL", "private"}})).reply);
  EXPECT_EQ(call("PutBucketAcl", map({{"ACL", "public-read"}})).code(), "AccessDenied") << "blocked";
  open_to_public();
  EXPECT_EQ(call("PutBucketAcl", map({{"ACL", "public-read"}})).code(), "NotImplemented");
  EXPECT_EQ(call("PutBucketAcl", map({{"GrantRead", "id=1"}})).code(), "NotImplemented");
  EXPECT_EQ(call("PutBucketAcl", map({{"ACL", "private"}, {"GrantRead", "id=1"}})).code(), "InvalidRequest");
  Value stranger = own;
  stranger.set("Owner", map({{"ID", "somebody"}}));
  EXPECT_EQ(call("PutBucketAcl", map({{"AccessControlPolicy", stranger}})).code(), "AccessDenied");
  EXPECT_EQ(call("PutBucketAcl", map({{"AccessControlPolicy", map({{"Owner", own["Owner"]}})}})).code(), "MalformedACLError");
}

TEST_F(Documents, ObjectsTakeTheOwnersListsWhileAclsAreOff) {
  const auto check = [&](std::string_view acl, AclUse use) {
    const auto view = store_->read();
    const Value input = map({{"ACL", acl}});
    const auto p = check_acl(**view, "bucket", {input, "PutObject", "000000000000", use});
    return *p ? (*p)->code : "none";
  };
  EXPECT_EQ(check("private", AclUse::WithObject), "none");
  EXPECT_EQ(check("bucket-owner-full-control", AclUse::WithObject), "none");
  EXPECT_EQ(check("bucket-owner-read", AclUse::WithObject), "AccessControlListNotSupported");
  EXPECT_EQ(check("public-read", AclUse::WithObject), "AccessControlListNotSupported");
  EXPECT_EQ(check("bucket-owner-full-control", AclUse::PutList), "none");
  EXPECT_EQ(check("private", AclUse::PutList), "AccessControlListNotSupported");
}

// ---- policies

TEST_F(Documents, PoliciesAreGivenBackAsTheyWerePut) {
  open_to_public();
  const std::string spaced = "{ \"Version\" : \"2012-10-17\", " + kPublicRead.substr(kPublicRead.find("\"Statement\""));
  const Outcome done = put_policy(spaced);
  ASSERT_TRUE(done.reply);
  EXPECT_EQ(done.reply->status, 204);
  EXPECT_EQ(get("GetBucketPolicy")["Policy"].as_string(), spaced);
  EXPECT_EQ(get("GetBucketPolicyStatus")["PolicyStatus"]["IsPublic"], Value(true));
  EXPECT_EQ(put_policy("{}").code(), "MalformedPolicy");
  EXPECT_EQ(get("GetBucketPolicy")["Policy"].as_string(), spaced) << "what is refused replaces nothing";
  EXPECT_TRUE(call("DeleteBucketPolicy").reply);
  EXPECT_EQ(call("GetBucketPolicy").code(), "NoSuchBucketPolicy");
}

TEST_F(Documents, PublicPoliciesAreBlockedUnlessTheOwnerAllowsThem) {
  const Outcome blocked = put_policy(kPublicRead);
  EXPECT_EQ(blocked.code(), "AccessDenied");
  EXPECT_NE(blocked.message().find("BlockPublicPolicy"), std::string::npos) << blocked.message();
  EXPECT_TRUE(put_policy(statement(R"("Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bucket/*")", "Deny")).reply);
  EXPECT_TRUE(
      put_policy(statement(R"("Principal":{"AWS":"000000000000"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*")"))
          .reply);
  EXPECT_EQ(get("GetBucketPolicyStatus")["PolicyStatus"]["IsPublic"], Value(false));
  open_to_public();
  EXPECT_TRUE(put_policy(kPublicRead).reply);
}

std::string refusal(const std::string& text) {
  const auto policy = BucketPolicy::parse(text, "bucket");
  return policy ? "none" : policy.error().code == "MalformedPolicy" ? policy.error().message : policy.error().code;
}

TEST(Policy, IsRefusedInS3sWords) {
  const std::string principal = R"("Principal":"*",)", action = R"("Action":"s3:GetObject",)",
                    resource = R"("Resource":"arn:aws:s3:::bucket/*")";
  EXPECT_EQ(refusal(statement(principal + action + resource)), "none");
  EXPECT_EQ(refusal("text"), "Policies must be valid JSON and the first byte must be '{'");
  EXPECT_EQ(refusal(" " + statement(principal + action + resource)),
            "Policies must be valid JSON and the first byte must be '{'");
  EXPECT_EQ(refusal("{"), "This policy contains invalid Json");
  EXPECT_EQ(refusal("{}"), "Missing required field Statement");
  EXPECT_EQ(refusal(R"({"Statement":[]})"), "Could not parse the policy: Statement is empty!");
  EXPECT_EQ(refusal(R"({"Version":"2020-01-01","Statement":[]})"), "The policy must contain a valid version string");
  EXPECT_EQ(refusal(R"({"Statements":[]})"), "Unknown field Statements");
  EXPECT_EQ(refusal(statement(action + resource)), "Missing required field Principal");
  EXPECT_EQ(refusal(statement(principal + resource)), "Missing required field Action");
  EXPECT_EQ(refusal(statement(R"("Principal":"*","Action":"s3:GetObject")")), "Missing required field Resource");
  EXPECT_EQ(refusal(statement(principal + action + resource, "Maybe")), "Invalid effect: Maybe");
  EXPECT_EQ(refusal(statement(R"("Principal":{"AWS":"nobody"},)" + action + resource)), "Invalid principal in policy");
  EXPECT_EQ(refusal(statement(R"("Principal":"arn:aws:iam::000000000000:root",)" + action + resource)),
            "Invalid principal in policy");
  EXPECT_EQ(refusal(statement(principal + R"("Action":"ec2:RunInstances",)" + resource)), "Policy has invalid action");
  EXPECT_EQ(refusal(statement(principal + R"("Action":"s3:NoSuchThing",)" + resource)), "Policy has invalid action");
  EXPECT_EQ(refusal(statement(principal + action + R"("Resource":"arn:aws:s3:::bucket2/*")")), "Policy has invalid resource");
  EXPECT_EQ(refusal(statement(principal + action + R"("Resource":"*")")), "Policy has invalid resource");
  EXPECT_EQ(refusal(statement(principal + R"("Action":"s3:ListBucket",)" + resource)),
            "Action does not apply to any resource(s) in statement");
  EXPECT_EQ(
      refusal(statement(principal +
                        R"("Action":["s3:Get*","s3:LISTBUCKET"],"Resource":["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"])")),
      "none");
  EXPECT_EQ(refusal(statement(principal + action + resource + R"(,"Condition":{"Sometimes":{"aws:SourceIp":"::1"}})")),
            "Invalid Condition type : Sometimes");
  EXPECT_EQ(refusal(statement(principal + action + resource + R"(,"Condition":{"IpAddress":{"who":"::1"}})")),
            "Policy has an invalid condition key");
  EXPECT_EQ(refusal(statement(principal + action + resource + R"(,"Condition":{"IpAddress":{"aws:SourceIp":"::1"}})")), "none");
  EXPECT_EQ(refusal(R"({"Statement":[{"Sid":"a"},{"Sid":"a"}]})"), "Missing required field Principal");
}

TEST(Policy, HasALimitOfSizeAndDepth) {
  const std::string body = statement(R"("Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bucket/*")");
  const std::string full = body.substr(0, body.size() - 1) + std::string(kMaxPolicy - body.size(), ' ') + "}";
  EXPECT_EQ(refusal(full), "none");
  EXPECT_EQ(refusal(full + " "), "PolicyTooLarge");
  std::string deep = "{\"Statement\":";
  for (int i = 0; i < 9000; ++i) deep += '[';
  EXPECT_EQ(refusal(deep), "This policy contains invalid Json");
}

bool lets(const std::string& policy, std::string_view action, std::string_view key) {
  const auto parsed = BucketPolicy::parse(policy, "bucket");
  EXPECT_TRUE(parsed) << policy << ": " << parsed.error().message;
  return parsed && parsed->lets_anybody(action, "bucket", key);
}

TEST(Policy, LetsEverybodyDoWhatAStatementAllows) {
  EXPECT_TRUE(lets(kPublicRead, "s3:GetObject", "a/b"));
  EXPECT_FALSE(lets(kPublicRead, "s3:PutObject", "a/b"));
  EXPECT_FALSE(lets(kPublicRead, "s3:GetObject", "")) << "the bucket itself";
  const std::string some = statement(R"("Principal":{"AWS":["111111111111","*"]},"Action":["s3:get*","s3:ListBucket"],
      "Resource":["arn:aws:s3:::bucket","arn:aws:s3:::bucket/public/?.txt"])");
  EXPECT_TRUE(lets(some, "s3:GetObject", "public/a.txt"));
  EXPECT_FALSE(lets(some, "s3:GetObject", "public/ab.txt"));
  EXPECT_FALSE(lets(some, "s3:GetObject", "private/a.txt"));
  EXPECT_TRUE(lets(some, "s3:ListBucket", ""));
  EXPECT_FALSE(lets(statement(R"("Principal":{"AWS":"111111111111"},"Action":"s3:*","Resource":"arn:aws:s3:::bucket/*")"),
                    "s3:GetObject", "a"));
}

TEST(Policy, ConditionsNeverGrantAndDenyWins) {
  EXPECT_FALSE(lets(statement(R"("Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*",
      "Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}})"),
                    "s3:GetObject", "a"));
  const auto both = [](const std::string& deny) {
    return R"({"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"},{"Effect":"Deny",)" +
           deny + "}]}";
  };
  const std::string secret = both(R"("Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bucket/secret/*")");
  EXPECT_TRUE(lets(secret, "s3:GetObject", "a"));
  EXPECT_FALSE(lets(secret, "s3:GetObject", "secret/a"));
  EXPECT_FALSE(lets(
      both(
          R"("Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bucket/*","Condition":{"Bool":{"aws:SecureTransport":"false"}})"),
      "s3:GetObject", "a"));
  EXPECT_TRUE(lets(both(R"("Principal":{"AWS":"111111111111"},"Action":"s3:*","Resource":"arn:aws:s3:::bucket/*")"),
                   "s3:GetObject", "a"));
  EXPECT_FALSE(lets(both(R"("NotPrincipal":{"AWS":"111111111111"},"Action":"s3:*","Resource":"arn:aws:s3:::bucket/*")"),
                    "s3:GetObject", "a"));
  const std::string all_but = both(R"("Principal":"*","Action":"s3:*","NotResource":"arn:aws:s3:::bucket/open/*")");
  EXPECT_TRUE(lets(all_but, "s3:GetObject", "open/a"));
  EXPECT_FALSE(lets(all_but, "s3:GetObject", "a"));
}

TEST(Policy, VariablesStandForNothingAStrangerHas) {
  const std::string home = R"("Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/${aws:username}/*")";
  EXPECT_FALSE(lets(statement(home), "s3:GetObject", "a/b"));
  EXPECT_FALSE(lets(
      R"({"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"},{"Effect":"Deny",)" +
          home + "}]}",
      "s3:GetObject", "a/b"));
}

TEST(Policy, IsPublicUnlessItIsNarrowed) {
  const auto is_public = [](std::string_view condition) {
    const auto policy = BucketPolicy::parse(
        statement(R"("Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*")" + std::string(condition)),
        "bucket");
    EXPECT_TRUE(policy) << condition;
    return policy && policy->is_public();
  };
  EXPECT_TRUE(is_public(""));
  EXPECT_TRUE(is_public(R"(,"Condition":{"Bool":{"aws:SecureTransport":"true"}})"));
  EXPECT_TRUE(is_public(R"(,"Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/1"}})"));
  EXPECT_TRUE(is_public(R"(,"Condition":{"StringLike":{"aws:SourceVpc":"vpc-*"}})"));
  EXPECT_TRUE(is_public(R"(,"Condition":{"StringEqualsIfExists":{"aws:SourceVpc":"vpc-1"}})"));
  EXPECT_FALSE(is_public(R"(,"Condition":{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","2001:db8::/32"]}})"));
  EXPECT_FALSE(is_public(R"(,"Condition":{"StringEquals":{"aws:SourceVpc":"vpc-1"}})"));
}

TEST(Policy, WildcardsMatchAsIamsDo) {
  EXPECT_TRUE(wildcard_match("*", ""));
  EXPECT_TRUE(wildcard_match("a*b?d", "aXXbcd"));
  EXPECT_FALSE(wildcard_match("a*b?d", "aXXbd"));
  EXPECT_FALSE(wildcard_match("", "a"));
  EXPECT_TRUE(wildcard_match("*a*a*a*", "aaa"));
  EXPECT_FALSE(wildcard_match(std::string(200, '*') + "b", std::string(5000, 'a')));
}

// ---- what the gateway asks

model::CorsRequest page(std::string method, std::vector<std::string> headers = {}, bool preflight = true) {
  return {"bucket", "https://app.example.com", std::move(method), std::move(headers), preflight};
}

std::string header(const std::optional<model::CorsHeaders>& headers, std::string_view name) {
  if (!headers) return "<refused>";
  for (const auto& [n, v] : *headers) {
    if (n == name) return v;
  }
  return "<none>";
}

TEST_F(Documents, CorsNeedsARule) {
  EXPECT_FALSE(documents_.cors(page("PUT")));
  ASSERT_TRUE(put_cors(map({{"AllowedOrigins", list({"https://*.example.com"})},
                            {"AllowedMethods", list({"PUT", "GET"})},
                            {"AllowedHeaders", list({"Content-*", "x-amz-date"})},
                            {"ExposeHeaders", list({"ETag"})},
                            {"MaxAgeSeconds", 300}}))
                  .reply);
  const auto allowed = documents_.cors(page("PUT", {"content-type", "x-amz-date"}));
  EXPECT_EQ(header(allowed, "Access-Control-Allow-Origin"), "https://app.example.com");
  EXPECT_EQ(header(allowed, "Access-Control-Allow-Methods"), "PUT, GET");
  EXPECT_EQ(header(allowed, "Access-Control-Allow-Headers"), "content-type, x-amz-date");
  EXPECT_EQ(header(allowed, "Access-Control-Expose-Headers"), "ETag");
  EXPECT_EQ(header(allowed, "Access-Control-Max-Age"), "300");
  EXPECT_EQ(header(allowed, "Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(header(allowed, "Vary"), "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
  EXPECT_FALSE(documents_.cors(page("PUT", {"content-type", "x-other"})));
  EXPECT_TRUE(documents_.cors(page("PUT", {"x-other"}, false))) << "only a preflight is asked for its headers";
  EXPECT_FALSE(documents_.cors(page("DELETE")));
  auto stranger = page("PUT");
  stranger.origin = "https://app.example.org";
  EXPECT_FALSE(documents_.cors(stranger));
}

TEST_F(Documents, ARefusedPreflightIsToldWhy) {
  EXPECT_EQ(documents_.why_refused("other"), model::CorsRefusal::NoBucket);
  EXPECT_EQ(documents_.why_refused("bucket"), model::CorsRefusal::NotEnabled);
  ASSERT_TRUE(put_cors(map({{"AllowedOrigins", list({"*"})}, {"AllowedMethods", list({"PUT"})}})).reply);
  EXPECT_EQ(documents_.why_refused("bucket"), model::CorsRefusal::NoRule);
  make_bucket("other");
  EXPECT_EQ(documents_.why_refused("other"), model::CorsRefusal::NotEnabled);
}

TEST_F(Documents, TheFirstRuleThatAllowsItAnswers) {
  const Value first = map({{"AllowedOrigins", list({"https://app.example.com"})}, {"AllowedMethods", list({"GET"})}});
  const Value second =
      map({{"AllowedOrigins", list({"*"})}, {"AllowedMethods", list({"GET", "PUT"})}, {"AllowedHeaders", list({"*"})}});
  ASSERT_TRUE(call("PutBucketCors", map({{"CORSConfiguration", map({{"CORSRules", list({first, second})}})}})).reply);
  EXPECT_EQ(header(documents_.cors(page("GET")), "Access-Control-Allow-Origin"), "https://app.example.com");
  const auto any = documents_.cors(page("GET", {"x-custom"}));
  EXPECT_EQ(header(any, "Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(header(any, "Access-Control-Allow-Credentials"), "<none>");
  EXPECT_EQ(header(any, "Access-Control-Allow-Headers"), "x-custom");
}

TEST_F(Documents, RulesFollowTheirDocuments) {
  const Value rule = map({{"AllowedOrigins", list({"*"})}, {"AllowedMethods", list({"PUT"})}});
  ASSERT_TRUE(put_cors(rule).reply);
  EXPECT_TRUE(documents_.cors(page("PUT")));
  ASSERT_TRUE(call("DeleteBucketCors").reply);
  EXPECT_FALSE(documents_.cors(page("PUT")));
  ASSERT_TRUE(put_cors(rule).reply);
  EXPECT_TRUE(documents_.cors(page("PUT")));
  delete_bucket("bucket");
  EXPECT_FALSE(documents_.cors(page("PUT")));
}

TEST_F(Documents, CorsConfigurationsAreRefusedInS3sWords) {
  const auto put = [&](const char* member, Value value) {
    Value rule = map({{"AllowedOrigins", list({"*"})}, {"AllowedMethods", list({"GET"})}});
    rule.set(member, std::move(value));
    return put_cors(rule);
  };
  EXPECT_TRUE(put("ID", "x").reply);
  EXPECT_EQ(put("AllowedMethods", list({"PATCH"})).message(),
            "Found unsupported HTTP method in CORS config. Unsupported method is PATCH");
  EXPECT_EQ(put("AllowedOrigins", list({"*://*"})).message(), "AllowedOrigin \"*://*\" can not have more than one wildcard.");
  EXPECT_EQ(put("AllowedHeaders", list({"a*b*"})).message(), "AllowedHeader \"a*b*\" can not have more than one wildcard.");
  EXPECT_EQ(put("ExposeHeaders", list({"x-*"})).message(),
            "ExposeHeader \"x-*\" contains wildcard. We currently do not support wildcard for ExposeHeader.");
  EXPECT_EQ(put("ExposeHeaders", list({"x\r\nSet-Cookie: a"})).code(), "MalformedXML");
  EXPECT_EQ(put("ID", std::string(256, 'x')).code(), "InvalidArgument");
  Value many = Value::list();
  const Value rule = map({{"AllowedOrigins", list({"*"})}, {"AllowedMethods", list({"GET"})}});
  for (int i = 0; i < 100; ++i) many.push(rule);
  EXPECT_TRUE(call("PutBucketCors", map({{"CORSConfiguration", map({{"CORSRules", many}})}})).reply);
  many.push(rule);
  EXPECT_EQ(call("PutBucketCors", map({{"CORSConfiguration", map({{"CORSRules", many}})}})).code(), "InvalidRequest");
}

TEST_F(Documents, StrangersNeedAPolicyAndNoRestriction) {
  EXPECT_FALSE(documents_.anybody_may("s3:GetObject", "bucket", "a"));
  open_to_public();
  EXPECT_FALSE(documents_.anybody_may("s3:GetObject", "bucket", "a"));
  ASSERT_TRUE(put_policy(kPublicRead).reply);
  EXPECT_TRUE(documents_.anybody_may("s3:GetObject", "bucket", "a"));
  EXPECT_FALSE(documents_.anybody_may("s3:PutObject", "bucket", "a"));
  EXPECT_FALSE(documents_.anybody_may("s3:GetObject", "other", "a"));
  ASSERT_TRUE(
      call("PutPublicAccessBlock", map({{"PublicAccessBlockConfiguration", map({{"RestrictPublicBuckets", true}})}})).reply);
  EXPECT_FALSE(documents_.anybody_may("s3:GetObject", "bucket", "a"));
  ASSERT_TRUE(call("DeletePublicAccessBlock").reply);
  EXPECT_TRUE(documents_.anybody_may("s3:GetObject", "bucket", "a"));
  ASSERT_TRUE(call("DeleteBucketPolicy").reply);
  EXPECT_FALSE(documents_.anybody_may("s3:GetObject", "bucket", "a"));
}

// What is remembered may never be older than the last answered change, however readers and writers meet.
TEST_F(Documents, ReadersNeverSeeRulesOlderThanTheLastAnswer) {
  const Value rule = map({{"AllowedOrigins", list({"*"})}, {"AllowedMethods", list({"PUT"})}});
  std::atomic<bool> stop = false;
  std::thread reader([&] {
    while (!stop) (void)documents_.cors(page("PUT"));
  });
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(put_cors(rule).reply);
    ASSERT_TRUE(documents_.cors(page("PUT")));
    ASSERT_TRUE(call("DeleteBucketCors").reply);
    ASSERT_FALSE(documents_.cors(page("PUT")));
  }
  stop = true;
  reader.join();
}

TEST_F(Documents, ManyBucketsRulesAreForgottenNotKeptForEver) {
  const std::string text(30'000, 'o');
  for (int i = 0; i < 60; ++i) {
    const std::string name = "bucket-" + std::to_string(i);
    make_bucket(name);
    const Value rule = map({{"AllowedOrigins", list({text, "https://app.example.com"})}, {"AllowedMethods", list({"PUT"})}});
    ASSERT_TRUE(call("PutBucketCors", map({{"Bucket", name}, {"CORSConfiguration", map({{"CORSRules", list({rule})}})}})).reply);
    auto request = page("PUT");
    request.bucket = name;
    EXPECT_TRUE(documents_.cors(request));
    request.bucket = "bucket-0";
    EXPECT_TRUE(documents_.cors(request));
  }
}

}  // namespace
}  // namespace gust::s3
