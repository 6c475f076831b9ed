// SPDX-License-Identifier: Apache-2.0

// The service on each engine, called as the gateway calls it.

#include <gtest/gtest.h>

#include <filesystem>
#include <future>

#include "base/encoding.h"
#include "services/iam/aws_policies.h"
#include "services/iam/iam_service.h"
#include "services/iam/policy_document.h"
#include "services/iam/records.h"
#include "store/memory/memory_store.h"
#include "store/sqlite/sqlite_store.h"

namespace gust::iam {
namespace {

constexpr const char* kTrust =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]})";
constexpr const char* kDocument =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]})";

struct Outcome {
  std::optional<model::Reply> reply;
  std::optional<model::ApiError> error;
  const Value& operator[](std::string_view member) const { return reply->output[member]; }
  std::string code() const { return error ? error->code : "none"; }
  std::string message() const { return error ? error->message : "none"; }
};

class Sink : public model::Responder::Sink {
 public:
  void reply(model::Reply reply) override { promise.set_value({std::move(reply), std::nullopt}); }
  void error(model::ApiError error) override { promise.set_value({std::nullopt, std::move(error)}); }
  std::promise<Outcome> promise;
};

Value map(std::initializer_list<std::pair<const char*, Value>> members) {
  Value out = Value::map();
  for (const auto& [name, value] : members) out.set(name, value);
  return out;
}

Value tag(const char* key, const char* value) { return map({{"Key", key}, {"Value", value}}); }

std::vector<std::string> texts(const Value& list, std::string_view member = {}) {
  std::vector<std::string> out;
  for (const Value& v : list.as_list()) out.emplace_back(member.empty() ? v.as_string() : v[member].as_string());
  return out;
}

enum class Engine { Memory, Sqlite };

class Iam : public testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    if (GetParam() == Engine::Memory) {
      store_ = store::make_memory_store();
    } else {
      char name[] = "/tmp/gust-iam-XXXXXX";
      root_ = ::mkdtemp(name);
      store_ = store::open_sqlite_store(root_ + "/gust.db", {.sync = false}).value();
    }
    restart();
  }
  void TearDown() override {
    service_.reset(), store_.reset();
    if (!root_.empty()) std::filesystem::remove_all(root_);
  }
  void restart() {
    service_ = std::make_unique<IamService>(Options{*store_, clock_});
    ASSERT_TRUE(service_->load());
  }
  Outcome call(std::string_view operation, Value input, std::string caller = "arn:aws:iam::111122223333:root") {
    auto sink = std::make_shared<Sink>();
    model::Call c;
    c.operation = operation;
    c.input = std::move(input);
    c.identity.account = account_;
    c.identity.principal_arn = std::move(caller);
    EXPECT_TRUE(service_->implements(operation)) << operation;
    service_->call(std::move(c), model::Responder(sink));
    return sink->promise.get_future().get();
  }
  Outcome ok(std::string_view operation, Value input) {
    Outcome out = call(operation, std::move(input));
    EXPECT_TRUE(out.reply) << operation << ": " << out.code() << ": " << out.message();
    return out;
  }
  void make_role(const char* name) { ok("CreateRole", map({{"RoleName", name}, {"AssumeRolePolicyDocument", kTrust}})); }
  void make_user(const char* name) { ok("CreateUser", map({{"UserName", name}})); }

  FakeClock clock_;
  std::string account_ = "111122223333", root_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<IamService> service_;
};
INSTANTIATE_TEST_SUITE_P(Engines, Iam, testing::Values(Engine::Memory, Engine::Sqlite),
                         [](const auto& info) { return info.param == Engine::Memory ? "memory" : "sqlite"; });

TEST_P(Iam, ARoleIsMadeShownChangedAndRemoved) {
  Outcome made = ok("CreateRole", map({{"RoleName", "Worker"},
                                       {"Path", "/team/"},
                                       {"AssumeRolePolicyDocument", kTrust},
                                       {"Description", "does it"},
                                       {"MaxSessionDuration", 7200},
                                       {"Tags", Value::List{tag("a", "1")}}}));
  const Value& role = made["Role"];
  EXPECT_EQ(role["Arn"].as_string(), "arn:aws:iam::111122223333:role/team/Worker");
  EXPECT_EQ(role["RoleId"].as_string().substr(0, 4), "AROA");
  EXPECT_EQ(role["RoleId"].as_string().size(), 21u);
  EXPECT_EQ(*percent_decode(role["AssumeRolePolicyDocument"].as_string()), kTrust);
  EXPECT_EQ(role["CreateDate"].as_timestamp().unix_ms, clock_.unix_ms());
  restart();
  Outcome shown = ok("GetRole", map({{"RoleName", "worker"}}));  // names are unique without case
  EXPECT_EQ(shown["Role"]["RoleName"].as_string(), "Worker");
  EXPECT_EQ(shown["Role"]["MaxSessionDuration"].as_int(), 7200);
  EXPECT_EQ(shown["Role"]["Tags"].size(), 1u);
  ok("UpdateRole", map({{"RoleName", "Worker"}, {"Description", "better"}, {"MaxSessionDuration", 3600}}));
  shown = ok("GetRole", map({{"RoleName", "Worker"}}));
  EXPECT_EQ(shown["Role"]["Description"].as_string(), "better");
  EXPECT_EQ(shown["Role"]["MaxSessionDuration"].as_int(), 3600);
  auto found = service_->find_role(account_, "Worker");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->arn, "arn:aws:iam::111122223333:role/team/Worker");
  EXPECT_EQ((*found)->trust_policy, kTrust);
  EXPECT_FALSE(*service_->find_role("999999999999", "Worker"));
  ok("DeleteRole", map({{"RoleName", "Worker"}}));
  EXPECT_EQ(call("GetRole", map({{"RoleName", "Worker"}})).message(), "The role with name Worker cannot be found.");
  EXPECT_FALSE(*service_->find_role(account_, "Worker"));
}

TEST_P(Iam, WhatExistsAndWhatDoesNotIsToldInAwssWords) {
  make_role("r");
  make_user("u");
  ok("CreateGroup", map({{"GroupName", "g"}}));
  ok("CreatePolicy", map({{"PolicyName", "p"}, {"PolicyDocument", kDocument}}));
  ok("CreateInstanceProfile", map({{"InstanceProfileName", "i"}}));
  struct Case {
    const char* operation;
    Value input;
    const char *code, *message;
  };
  const Case cases[] = {
      {"CreateRole", map({{"RoleName", "R"}, {"AssumeRolePolicyDocument", kTrust}}), "EntityAlreadyExists",
       "Role with name R already exists."},
      {"CreateUser", map({{"UserName", "u"}}), "EntityAlreadyExists", "User with name u already exists."},
      {"CreateGroup", map({{"GroupName", "g"}}), "EntityAlreadyExists", "Group with name g already exists."},
      {"CreatePolicy", map({{"PolicyName", "p"}, {"PolicyDocument", kDocument}}), "EntityAlreadyExists",
       "A policy called p already exists. Duplicate names are not allowed."},
      {"CreateInstanceProfile", map({{"InstanceProfileName", "i"}}), "EntityAlreadyExists", "Instance Profile i already exists."},
      {"DeleteRole", map({{"RoleName", "x"}}), "NoSuchEntity", "The role with name x cannot be found."},
      {"GetUser", map({{"UserName", "x"}}), "NoSuchEntity", "The user with name x cannot be found."},
      {"GetGroup", map({{"GroupName", "x"}}), "NoSuchEntity", "The group with name x cannot be found."},
      {"GetInstanceProfile", map({{"InstanceProfileName", "x"}}), "NoSuchEntity", "Instance Profile x cannot be found."},
      {"GetRolePolicy", map({{"RoleName", "r"}, {"PolicyName", "x"}}), "NoSuchEntity",
       "The role policy with name x cannot be found."},
      {"DeleteUserPolicy", map({{"UserName", "u"}, {"PolicyName", "x"}}), "NoSuchEntity",
       "The user policy with name x cannot be found."},
      {"GetPolicy", map({{"PolicyArn", "arn:aws:iam::111122223333:policy/x"}}), "NoSuchEntity",
       "Policy arn:aws:iam::111122223333:policy/x was not found."},
      {"GetPolicy", map({{"PolicyArn", "arn:aws:iam::111122223333:policy/path/p"}}), "NoSuchEntity",
       "Policy arn:aws:iam::111122223333:policy/path/p was not found."},
      {"AttachRolePolicy", map({{"RoleName", "r"}, {"PolicyArn", "arn:aws:iam::aws:policy/NoSuch"}}), "NoSuchEntity",
       "Policy arn:aws:iam::aws:policy/NoSuch does not exist or is not attachable."},
      {"DetachRolePolicy", map({{"RoleName", "r"}, {"PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess"}}), "NoSuchEntity",
       "Policy arn:aws:iam::aws:policy/ReadOnlyAccess was not found."},
      {"DeleteAccessKey", map({{"UserName", "u"}, {"AccessKeyId", "AKIAX"}}), "NoSuchEntity",
       "The Access Key with id AKIAX cannot be found."},
  };
  for (const Case& c : cases) {
    const Outcome outcome = call(c.operation, c.input);
    EXPECT_EQ(outcome.code(), c.code) << c.operation;
    EXPECT_EQ(outcome.message(), c.message) << c.operation;
    EXPECT_EQ(outcome.error ? outcome.error->status : 0, std::string(c.code) == "NoSuchEntity" ? 404 : 409) << c.operation;
  }
}

TEST_P(Iam, AccountsDoNotSeeEachOther) {
  make_role("r");
  account_ = "999999999999";
  EXPECT_EQ(call("GetRole", map({{"RoleName", "r"}})).code(), "NoSuchEntity");
  EXPECT_EQ(ok("ListRoles", Value::map())["Roles"].size(), 0u);
  make_role("r");
  account_ = "111122223333";
  EXPECT_EQ(ok("ListRoles", Value::map())["Roles"].size(), 1u);
}

TEST_P(Iam, ListsComeInPagesAndKnowPaths) {
  for (int i = 0; i < 7; ++i) {
    ok("CreateRole", map({{"RoleName", "role-" + std::to_string(i)},
                          {"Path", i % 2 == 0 ? "/even/" : "/odd/"},
                          {"AssumeRolePolicyDocument", kTrust}}));
  }
  std::vector<std::string> seen;
  Value input = map({{"MaxItems", 3}});
  for (int pages = 1;; ++pages) {
    const Outcome page = ok("ListRoles", input);
    for (const std::string& name : texts(page["Roles"], "RoleName")) seen.push_back(name);
    if (!page["IsTruncated"].as_bool()) {
      EXPECT_EQ(pages, 3);
      EXPECT_FALSE(page.reply->output.has("Marker"));
      break;
    }
    input.set("Marker", page["Marker"]);
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"role-0", "role-1", "role-2", "role-3", "role-4", "role-5", "role-6"}));
  EXPECT_EQ(texts(ok("ListRoles", map({{"PathPrefix", "/odd"}}))["Roles"], "RoleName"),
            (std::vector<std::string>{"role-1", "role-3", "role-5"}));
  const Outcome exact = ok("ListRoles", map({{"MaxItems", 7}}));
  EXPECT_FALSE(exact["IsTruncated"].as_bool());
  EXPECT_EQ(call("ListRoles", map({{"Marker", "!"}})).code(), "ValidationError");
}

TEST_P(Iam, InlinePoliciesAreKeptListedAndLimited) {
  make_role("r");
  ok("PutRolePolicy", map({{"RoleName", "r"}, {"PolicyName", "b"}, {"PolicyDocument", kDocument}}));
  ok("PutRolePolicy", map({{"RoleName", "r"}, {"PolicyName", "a"}, {"PolicyDocument", kDocument}}));
  EXPECT_EQ(texts(ok("ListRolePolicies", map({{"RoleName", "r"}}))["PolicyNames"]), (std::vector<std::string>{"a", "b"}));
  restart();
  const Outcome shown = ok("GetRolePolicy", map({{"RoleName", "r"}, {"PolicyName", "a"}}));
  EXPECT_EQ(*percent_decode(shown["PolicyDocument"].as_string()), kDocument);
  EXPECT_EQ(call("DeleteRole", map({{"RoleName", "r"}})).message(), "Cannot delete entity, must delete policies first.");
  ok("DeleteRolePolicy", map({{"RoleName", "r"}, {"PolicyName", "a"}}));
  EXPECT_EQ(texts(ok("ListRolePolicies", map({{"RoleName", "r"}}))["PolicyNames"]), (std::vector<std::string>{"b"}));
  // 2048 characters without white space are what a user may have.
  make_user("u");
  const std::string head = R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":")",
                    tail = R"("}]})";
  auto document = [&](size_t size) {
    return head + "arn:aws:s3:::" + std::string(size - head.size() - tail.size() - 13, 'b') + tail;
  };
  ok("PutUserPolicy", map({{"UserName", "u"}, {"PolicyName", "p"}, {"PolicyDocument", document(2048) + "   \n"}}));
  const Outcome over = call("PutUserPolicy", map({{"UserName", "u"}, {"PolicyName", "p"}, {"PolicyDocument", document(2049)}}));
  EXPECT_EQ(over.message(), "Maximum policy size of 2048 bytes exceeded for user u");
}

TEST_P(Iam, ManagedPoliciesAreAttachedAndKeptFromDeletion) {
  make_role("r");
  make_user("u");
  const std::string arn =
      std::string(ok("CreatePolicy", map({{"PolicyName", "p"}, {"PolicyDocument", kDocument}}))["Policy"]["Arn"].as_string());
  const Value basic("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole");
  ok("AttachRolePolicy", map({{"RoleName", "r"}, {"PolicyArn", arn}}));
  ok("AttachRolePolicy", map({{"RoleName", "r"}, {"PolicyArn", arn}}));  // again: no change
  ok("AttachRolePolicy", map({{"RoleName", "r"}, {"PolicyArn", basic}}));
  ok("AttachUserPolicy", map({{"UserName", "u"}, {"PolicyArn", arn}}));
  EXPECT_EQ(texts(ok("ListAttachedRolePolicies", map({{"RoleName", "r"}}))["AttachedPolicies"], "PolicyName"),
            (std::vector<std::string>{"p", "AWSLambdaBasicExecutionRole"}));
  EXPECT_EQ(ok("ListAttachedRolePolicies", map({{"RoleName", "r"}, {"PathPrefix", "/service-role/"}}))["AttachedPolicies"].size(),
            1u);
  EXPECT_EQ(ok("GetPolicy", map({{"PolicyArn", arn}}))["Policy"]["AttachmentCount"].as_int(), 2);
  const Outcome entities = ok("ListEntitiesForPolicy", map({{"PolicyArn", arn}}));
  EXPECT_EQ(texts(entities["PolicyRoles"], "RoleName"), (std::vector<std::string>{"r"}));
  EXPECT_EQ(texts(entities["PolicyUsers"], "UserName"), (std::vector<std::string>{"u"}));
  EXPECT_EQ(entities["PolicyGroups"].size(), 0u);
  EXPECT_EQ(call("DeletePolicy", map({{"PolicyArn", arn}})).message(), "Cannot delete a policy attached to entities.");
  EXPECT_EQ(call("DeleteRole", map({{"RoleName", "r"}})).message(), "Cannot delete entity, must detach all policies first.");
  ok("DetachRolePolicy", map({{"RoleName", "r"}, {"PolicyArn", arn}}));
  ok("DetachRolePolicy", map({{"RoleName", "r"}, {"PolicyArn", basic}}));
  ok("DetachUserPolicy", map({{"UserName", "u"}, {"PolicyArn", arn}}));
  ok("DeletePolicy", map({{"PolicyArn", arn}}));
  ok("DeleteRole", map({{"RoleName", "r"}}));
}

TEST_P(Iam, APolicyHasUpToFiveVersions) {
  const Value arn = ok("CreatePolicy", map({{"PolicyName", "p"}, {"PolicyDocument", kDocument}}))["Policy"]["Arn"];
  for (int i = 2; i <= 5; ++i) {
    const Outcome made =
        ok("CreatePolicyVersion", map({{"PolicyArn", arn}, {"PolicyDocument", kDocument}, {"SetAsDefault", i == 3}}));
    EXPECT_EQ(made["PolicyVersion"]["VersionId"].as_string(), "v" + std::to_string(i));
    EXPECT_EQ(made["PolicyVersion"]["IsDefaultVersion"].as_bool(), i == 3);
  }
  EXPECT_EQ(call("CreatePolicyVersion", map({{"PolicyArn", arn}, {"PolicyDocument", kDocument}})).code(), "LimitExceeded");
  EXPECT_EQ(texts(ok("ListPolicyVersions", map({{"PolicyArn", arn}}))["Versions"], "VersionId"),
            (std::vector<std::string>{"v5", "v4", "v3", "v2", "v1"}));
  Outcome page = ok("ListPolicyVersions", map({{"PolicyArn", arn}, {"MaxItems", 2}}));
  page = ok("ListPolicyVersions", map({{"PolicyArn", arn}, {"MaxItems", 2}, {"Marker", page["Marker"]}}));
  EXPECT_EQ(texts(page["Versions"], "VersionId"), (std::vector<std::string>{"v3", "v2"}));
  EXPECT_EQ(call("DeletePolicyVersion", map({{"PolicyArn", arn}, {"VersionId", "v3"}})).message(),
            "Cannot delete the default version of a policy.");
  EXPECT_EQ(call("DeletePolicy", map({{"PolicyArn", arn}})).code(), "DeleteConflict");
  for (const char* id : {"v1", "v2", "v4", "v5"}) ok("DeletePolicyVersion", map({{"PolicyArn", arn}, {"VersionId", id}}));
  // Numbers are not used again.
  EXPECT_EQ(ok("CreatePolicyVersion", map({{"PolicyArn", arn}, {"PolicyDocument", kDocument}}))["PolicyVersion"]["VersionId"]
                .as_string(),
            "v6");
  ok("SetDefaultPolicyVersion", map({{"PolicyArn", arn}, {"VersionId", "v6"}}));
  EXPECT_EQ(ok("GetPolicy", map({{"PolicyArn", arn}}))["Policy"]["DefaultVersionId"].as_string(), "v6");
  EXPECT_EQ(call("GetPolicyVersion", map({{"PolicyArn", arn}, {"VersionId", "v1"}})).code(), "NoSuchEntity");
}

TEST_P(Iam, AwssPoliciesCanBeReadAndNotChanged) {
  const Value arn("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole");
  const Outcome policy = ok("GetPolicy", map({{"PolicyArn", arn}}));
  EXPECT_EQ(policy["Policy"]["Path"].as_string(), "/service-role/");
  const Outcome version = ok("GetPolicyVersion", map({{"PolicyArn", arn}, {"VersionId", policy["Policy"]["DefaultVersionId"]}}));
  EXPECT_NE(percent_decode(version["PolicyVersion"]["Document"].as_string())->find("logs:PutLogEvents"), std::string::npos);
  EXPECT_EQ(call("DeletePolicy", map({{"PolicyArn", arn}})).code(), "AccessDenied");
  EXPECT_EQ(call("CreatePolicyVersion", map({{"PolicyArn", arn}, {"PolicyDocument", kDocument}})).code(), "AccessDenied");
  ok("CreatePolicy", map({{"PolicyName", "own"}, {"PolicyDocument", kDocument}}));
  EXPECT_EQ(ok("ListPolicies", map({{"Scope", "Local"}}))["Policies"].size(), 1u);
  EXPECT_EQ(ok("ListPolicies", map({{"Scope", "AWS"}, {"MaxItems", 1000}}))["Policies"].size(), aws_policies().size());
  EXPECT_EQ(ok("ListPolicies", map({{"OnlyAttached", true}}))["Policies"].size(), 0u);
}

TEST_P(Iam, AUsersKeysWorkUntilTheyAreInactiveOrGone) {
  make_user("u");
  const Outcome made = ok("CreateAccessKey", map({{"UserName", "u"}}));
  const std::string id(made["AccessKey"]["AccessKeyId"].as_string());
  EXPECT_EQ(id.substr(0, 4), "AKIA");
  EXPECT_EQ(id.size(), 20u);
  EXPECT_EQ(made["AccessKey"]["SecretAccessKey"].as_string().size(), 40u);
  restart();
  auto credential = service_->access_keys().find(id, "");
  ASSERT_TRUE(credential);
  EXPECT_EQ(credential->secret_access_key, made["AccessKey"]["SecretAccessKey"].as_string());
  EXPECT_EQ(credential->principal_arn, "arn:aws:iam::111122223333:user/u");
  EXPECT_EQ(credential->account, account_);
  EXPECT_EQ(credential->user_id.substr(0, 4), "AIDA");
  EXPECT_FALSE(credential->inactive);
  ok("UpdateAccessKey", map({{"UserName", "u"}, {"AccessKeyId", id}, {"Status", "Inactive"}}));
  EXPECT_TRUE(service_->access_keys().find(id, "")->inactive);
  ok("CreateAccessKey", map({{"UserName", "u"}}));
  EXPECT_EQ(call("CreateAccessKey", map({{"UserName", "u"}})).message(), "Cannot exceed quota for AccessKeysPerUser: 2");
  const Outcome listed = ok("ListAccessKeys", map({{"UserName", "u"}}));
  EXPECT_EQ(listed["AccessKeyMetadata"].size(), 2u);
  EXPECT_FALSE(listed["AccessKeyMetadata"].as_list()[0].has("SecretAccessKey"));
  EXPECT_EQ(call("DeleteUser", map({{"UserName", "u"}})).code(), "DeleteConflict");
  ok("DeleteAccessKey", map({{"UserName", "u"}, {"AccessKeyId", id}}));
  EXPECT_FALSE(service_->access_keys().find(id, ""));
  EXPECT_FALSE(service_->access_keys().find("AKIANOBODY", ""));
}

TEST_P(Iam, AUserWithoutANameInTheCallIsTheCaller) {
  make_user("me");
  const std::string me = "arn:aws:iam::111122223333:user/me";
  EXPECT_EQ(call("GetUser", Value::map(), me)["User"]["UserName"].as_string(), "me");
  EXPECT_TRUE(call("CreateAccessKey", Value::map(), me).reply);
  EXPECT_EQ(call("GetUser", Value::map())["User"]["UserId"].as_string(), account_);  // root
  EXPECT_EQ(call("GetUser", Value::map(), "arn:aws:sts::111122223333:assumed-role/r/s").message(),
            "Must specify userName when calling with non-User credentials");
}

TEST_P(Iam, TheLastUseOfAKeyIsTold) {
  make_user("u");
  const Value id = ok("CreateAccessKey", map({{"UserName", "u"}}))["AccessKey"]["AccessKeyId"];
  EXPECT_EQ(ok("GetAccessKeyLastUsed", map({{"AccessKeyId", id}}))["AccessKeyLastUsed"]["ServiceName"].as_string(), "N/A");
  service_->access_keys().used(id.as_string(), "s3", "eu-west-1", clock_.unix_ms());
  const Outcome used = ok("GetAccessKeyLastUsed", map({{"AccessKeyId", id}}));
  EXPECT_EQ(used["UserName"].as_string(), "u");
  EXPECT_EQ(used["AccessKeyLastUsed"]["ServiceName"].as_string(), "s3");
  EXPECT_EQ(used["AccessKeyLastUsed"]["LastUsedDate"].as_timestamp().unix_ms, clock_.unix_ms());
  EXPECT_EQ(call("GetAccessKeyLastUsed", map({{"AccessKeyId", "AKIAX"}})).code(), "NoSuchEntity");
}

TEST_P(Iam, ARenamedUserKeepsKeysGroupsAndPolicies) {
  make_user("old");
  ok("CreateGroup", map({{"GroupName", "g"}}));
  ok("AddUserToGroup", map({{"GroupName", "g"}, {"UserName", "old"}}));
  const Value arn("arn:aws:iam::aws:policy/ReadOnlyAccess");
  ok("AttachUserPolicy", map({{"UserName", "old"}, {"PolicyArn", arn}}));
  const std::string id(ok("CreateAccessKey", map({{"UserName", "old"}}))["AccessKey"]["AccessKeyId"].as_string());
  ok("UpdateUser", map({{"UserName", "old"}, {"NewUserName", "new"}, {"NewPath", "/p/"}}));
  EXPECT_EQ(call("GetUser", map({{"UserName", "old"}})).code(), "NoSuchEntity");
  EXPECT_EQ(service_->access_keys().find(id, "")->principal_arn, "arn:aws:iam::111122223333:user/p/new");
  EXPECT_EQ(texts(ok("GetGroup", map({{"GroupName", "g"}}))["Users"], "UserName"), (std::vector<std::string>{"new"}));
  EXPECT_EQ(texts(ok("ListEntitiesForPolicy", map({{"PolicyArn", arn}}))["PolicyUsers"], "UserName"),
            (std::vector<std::string>{"new"}));
  EXPECT_EQ(texts(ok("ListGroupsForUser", map({{"UserName", "new"}}))["Groups"], "GroupName"), (std::vector<std::string>{"g"}));
  restart();
  EXPECT_TRUE(service_->access_keys().find(id, ""));
  ok("RemoveUserFromGroup", map({{"GroupName", "g"}, {"UserName", "new"}}));
  ok("DeleteGroup", map({{"GroupName", "g"}}));
  make_user("other");
  EXPECT_EQ(call("UpdateUser", map({{"UserName", "new"}, {"NewUserName", "other"}})).code(), "EntityAlreadyExists");
  ok("UpdateUser", map({{"UserName", "new"}, {"NewUserName", "NEW"}}));  // only its case
  EXPECT_EQ(ok("GetUser", map({{"UserName", "new"}}))["User"]["UserName"].as_string(), "NEW");
}

TEST_P(Iam, TagsAreUniqueWithoutCaseAndLimited) {
  make_role("r");
  ok("TagRole", map({{"RoleName", "r"}, {"Tags", Value::List{tag("Team", "a"), tag("env", "x")}}}));
  ok("TagRole", map({{"RoleName", "r"}, {"Tags", Value::List{tag("team", "b")}}}));
  const Outcome listed = ok("ListRoleTags", map({{"RoleName", "r"}}));
  ASSERT_EQ(listed["Tags"].size(), 2u);
  EXPECT_EQ(texts(listed["Tags"], "Value"), (std::vector<std::string>{"x", "b"}));
  EXPECT_EQ(call("TagRole", map({{"RoleName", "r"}, {"Tags", Value::List{tag("k", "1"), tag("K", "2")}}})).message(),
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
  ok("UntagRole", map({{"RoleName", "r"}, {"TagKeys", Value::List{"TEAM"}}}));
  EXPECT_EQ(ok("ListRoleTags", map({{"RoleName", "r"}}))["Tags"].size(), 1u);
  Value::List many;
  for (int i = 0; i < 50; ++i) many.push_back(tag(("k" + std::to_string(i)).c_str(), ""));
  EXPECT_EQ(call("TagRole", map({{"RoleName", "r"}, {"Tags", many}})).code(), "LimitExceeded");
  many.pop_back();
  ok("TagRole", map({{"RoleName", "r"}, {"Tags", many}}));
}

TEST_P(Iam, ServiceLinkedRolesBelongToTheirService) {
  const Outcome made = ok("CreateServiceLinkedRole", map({{"AWSServiceName", "replicator.lambda.amazonaws.com"}}));
  EXPECT_EQ(made["Role"]["Arn"].as_string(),
            "arn:aws:iam::111122223333:role/aws-service-role/replicator.lambda.amazonaws.com/AWSServiceRoleForLambdaReplicator");
  EXPECT_EQ(call("CreateServiceLinkedRole", map({{"AWSServiceName", "replicator.lambda.amazonaws.com"}})).code(), "InvalidInput");
  const Value name = made["Role"]["RoleName"];
  EXPECT_EQ(call("DeleteRole", map({{"RoleName", name}})).code(), "UnmodifiableEntity");
  const Outcome gone = ok("DeleteServiceLinkedRole", map({{"RoleName", name}}));
  EXPECT_EQ(ok("GetServiceLinkedRoleDeletionStatus", map({{"DeletionTaskId", gone["DeletionTaskId"]}}))["Status"].as_string(),
            "SUCCEEDED");
  EXPECT_EQ(call("GetRole", map({{"RoleName", name}})).code(), "NoSuchEntity");
}

TEST_P(Iam, AnInstanceProfileHoldsOneRole) {
  make_role("r");
  make_role("s");
  ok("CreateInstanceProfile", map({{"InstanceProfileName", "i"}}));
  ok("AddRoleToInstanceProfile", map({{"InstanceProfileName", "i"}, {"RoleName", "r"}}));
  EXPECT_EQ(call("AddRoleToInstanceProfile", map({{"InstanceProfileName", "i"}, {"RoleName", "s"}})).code(), "LimitExceeded");
  EXPECT_EQ(texts(ok("ListInstanceProfilesForRole", map({{"RoleName", "r"}}))["InstanceProfiles"], "InstanceProfileName"),
            (std::vector<std::string>{"i"}));
  EXPECT_EQ(ok("ListInstanceProfilesForRole", map({{"RoleName", "s"}}))["InstanceProfiles"].size(), 0u);
  EXPECT_EQ(call("DeleteRole", map({{"RoleName", "r"}})).code(), "DeleteConflict");
  EXPECT_EQ(call("DeleteInstanceProfile", map({{"InstanceProfileName", "i"}})).code(), "DeleteConflict");
  ok("RemoveRoleFromInstanceProfile", map({{"InstanceProfileName", "i"}, {"RoleName", "r"}}));
  ok("DeleteInstanceProfile", map({{"InstanceProfileName", "i"}}));
  ok("DeleteRole", map({{"RoleName", "r"}}));
}

TEST_P(Iam, TwoThatMakeTheSameRoleAreNotBothServed) {
  std::vector<std::shared_ptr<Sink>> sinks;
  for (int i = 0; i < 8; ++i) {
    sinks.push_back(std::make_shared<Sink>());
    model::Call c;
    c.operation = "CreateRole";
    c.input = map({{"RoleName", "r"}, {"AssumeRolePolicyDocument", kTrust}});
    service_->call(std::move(c), model::Responder(sinks.back()));
  }
  int made = 0;
  for (const auto& sink : sinks) made += sink->promise.get_future().get().reply.has_value();
  EXPECT_EQ(made, 1);
}

TEST(PolicyDocument, IsCheckedAsIamDoes) {
  EXPECT_FALSE(wrong_with_policy(kDocument, PolicyKind::Identity));
  EXPECT_FALSE(wrong_with_policy(kTrust, PolicyKind::Trust));
  EXPECT_FALSE(wrong_with_policy(
      R"({"Version":"2012-10-17","Id":"x","Statement":{"Sid":"1","Effect":"Deny","NotAction":["iam:*","s3:Get?"],"NotResource":["*"],"Condition":{"StringLike":{"aws:PrincipalTag/x":["a","b"]},"Bool":{"aws:SecureTransport":true}}}})",
      PolicyKind::Identity));
  const std::pair<std::string, std::string> identity[] = {
      {"", "Syntax errors in policy."},
      {"{", "Syntax errors in policy."},
      {"[]", "Syntax errors in policy."},
      {R"({"Version":"2012-10-17"})", "Syntax errors in policy."},
      {R"({"Version":"2012-10-17","Statement":[]})", "Syntax errors in policy."},
      {R"({"Version":"2012-10-17","Statement":[],"More":1})", "Syntax errors in policy."},
      {R"({"Version":"2008-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]})",
       "Policy document must be version 2012-10-17 or greater."},
      {R"({"Version":"2012-10-17","Statement":[{"Effect":"Maybe","Action":"s3:*","Resource":"*"}]})", "Syntax errors in policy."},
      {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*"}]})", "Policy statement must contain actions."},
      {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*"}]})",
       "Policy statement must contain resources."},
      {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"GetObject","Resource":"*"}]})",
       "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
      {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"b"}]})",
       "Resource b must be in ARN format or \"*\"."},
      {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*"}]})",
       "Policy document should not specify a principal."},
      {R"({"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"}]})",
       "Statement IDs (SID) in a single policy must be unique."},
  };
  for (const auto& [document, message] : identity) {
    EXPECT_EQ(wrong_with_policy(document, PolicyKind::Identity).value_or("nothing"), message) << document;
  }
  const std::pair<std::string, std::string> trust[] = {
      {"{", "This policy contains invalid Json"},
      {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole"}]})",
       "Missing required field Principal"},
      {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}]})",
       "Has prohibited field Resource"},
      {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"bob"},"Action":"sts:AssumeRole"}]})",
       "Invalid principal in policy: \"AWS\":\"bob\""},
      {R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject"}]})",
       "AssumeRole policy may only specify STS AssumeRole actions."},
  };
  for (const auto& [document, message] : trust) {
    EXPECT_EQ(wrong_with_policy(document, PolicyKind::Trust).value_or("nothing"), message) << document;
  }
  std::string deep(100'000, '[');
  EXPECT_TRUE(wrong_with_policy(deep, PolicyKind::Identity));
}

TEST(AwsPolicies, AreValidAndHaveDifferentNames) {
  std::vector<std::string> seen;
  for (const AwsPolicy& policy : aws_policies()) {
    EXPECT_FALSE(wrong_with_policy(policy.document(), PolicyKind::Identity)) << policy.arn();
    EXPECT_EQ(find_aws_policy(policy.arn()), &policy);
    EXPECT_EQ(policy.id().size(), 21u);
    seen.push_back(policy.arn());
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
  for (const char* arn :
       {"arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::aws:policy/PowerUserAccess",
        "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole",
        "arn:aws:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole",
        "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",
        "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess", "arn:aws:iam::aws:policy/CloudWatchLogsFullAccess"}) {
    EXPECT_NE(find_aws_policy(arn), nullptr) << arn;
  }
}

}  // namespace
}  // namespace gust::iam
