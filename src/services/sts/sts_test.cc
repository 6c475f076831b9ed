// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include <future>

#include "base/encoding.h"
#include "services/sts/sts_service.h"
#include "services/sts/trust_policy.h"

namespace gust::sts {
namespace {

constexpr const char* kAccount = "111122223333";
constexpr const char* kUser = "arn:aws:iam::111122223333:user/ann";
constexpr const char* kRoot = "arn:aws:iam::111122223333:root";
constexpr const char* kRole = "arn:aws:iam::111122223333:role/team/worker";

std::string policy(std::string_view statement) {
  return R"({"Version":"2012-10-17","Statement":[)" + std::string(statement) + "]}";
}
const std::string kTrustsAccount = policy(
    R"({"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":["sts:AssumeRole","sts:TagSession"]})");

struct Outcome {
  std::optional<model::Reply> reply;
  std::optional<model::ApiError> error;
  const Value& operator[](std::string_view member) const { return reply->output[member]; }
  std::string code() const { return error ? error->code : "none"; }
  std::string message() const { return error ? error->message : "none"; }
};

class Sink : public model::Responder::Sink {
 public:
  void reply(model::Reply reply) override { outcome = {std::move(reply), std::nullopt}; }
  void error(model::ApiError error) override { outcome = {std::nullopt, std::move(error)}; }
  Outcome outcome;
};

Value map(std::initializer_list<std::pair<const char*, Value>> members) {
  Value out = Value::map();
  for (const auto& [name, value] : members) out.set(name, value);
  return out;
}
Value tag(const char* key, const char* value) { return map({{"Key", key}, {"Value", value}}); }

class Sts : public testing::Test {
 protected:
  Outcome call(std::string_view operation, Value input, std::string arn = kUser, std::string user_id = "AIDAANN",
               std::string key = "AKIAANN") {
    StsService service({sessions_, clock_,
                        [this](std::string_view account, std::string_view name) -> Result<std::optional<Role>> {
                          if (account != kAccount || name != "worker") return std::optional<Role>();
                          return std::optional<Role>(role_);
                        },
                        any_role_});
    auto sink = std::make_shared<Sink>();
    model::Call c;
    c.operation = operation;
    c.input = std::move(input);
    c.identity.account = kAccount;
    c.identity.principal_arn = std::move(arn);
    c.identity.user_id = std::move(user_id);
    c.identity.access_key_id = std::move(key);
    service.call(std::move(c), model::Responder(sink));
    return sink->outcome;
  }
  Outcome assume(std::initializer_list<std::pair<const char*, Value>> more = {}, std::string arn = kUser) {
    Value input = map({{"RoleArn", kRole}, {"RoleSessionName", "job"}});
    for (const auto& [name, value] : more) input.set(name, value);
    return call("AssumeRole", std::move(input), std::move(arn));
  }

  FakeClock clock_;
  Sessions sessions_{std::string(Sessions::kKeyBytes, 'k')};
  Role role_{kRole, "AROAWORKER", kTrustsAccount, 7200};
  bool any_role_ = false;
};

TEST_F(Sts, EverybodyLearnsWhoTheyAre) {
  struct Case {
    std::string arn, user_id, wanted;
  };
  for (const Case& c : {Case{kRoot, "", kAccount}, Case{kUser, "AIDAANN", "AIDAANN"},
                        Case{"arn:aws:sts::111122223333:assumed-role/worker/job", "AROAWORKER:job", "AROAWORKER:job"},
                        Case{"arn:aws:sts::111122223333:assumed-role/worker/fn", "", "AROAWORKER:fn"}}) {
    const Outcome out = call("GetCallerIdentity", Value::map(), c.arn, c.user_id);
    EXPECT_EQ(out["Arn"].as_string(), c.arn);
    EXPECT_EQ(out["Account"].as_string(), kAccount);
    EXPECT_EQ(out["UserId"].as_string(), c.wanted);
  }
  const auto unknown = [this] {
    return std::string(
        call("GetCallerIdentity", Value::map(), "arn:aws:sts::111122223333:assumed-role/x/fn", "")["UserId"].as_string());
  };
  EXPECT_EQ(unknown().size(), 24u);
  EXPECT_EQ(unknown(), unknown());
}

TEST_F(Sts, AnAssumedRolesCredentialsSayWhoseTheyAreAndUntilWhen) {
  const Outcome out = assume({{"DurationSeconds", 900}});
  ASSERT_TRUE(out.reply) << out.message();
  EXPECT_EQ(out["AssumedRoleUser"]["Arn"].as_string(), "arn:aws:sts::111122223333:assumed-role/worker/job");
  EXPECT_EQ(out["AssumedRoleUser"]["AssumedRoleId"].as_string(), "AROAWORKER:job");
  EXPECT_FALSE(out.reply->output.has("PackedPolicySize"));
  const Value& c = out["Credentials"];
  const int64_t expires_ms = clock_.unix_ms() / 1000 * 1000 + 900'000;
  EXPECT_EQ(c["Expiration"].as_timestamp().unix_ms, expires_ms);
  const std::string id(c["AccessKeyId"].as_string()), token(c["SessionToken"].as_string());
  EXPECT_EQ(id.substr(0, 4), "ASIA");
  EXPECT_EQ(id.size(), 20u);
  EXPECT_EQ(c["SecretAccessKey"].as_string().size(), 40u);
  // Another life of the daemon with the same key knows them.
  const Sessions later(std::string(Sessions::kKeyBytes, 'k'));
  const auto found = later.find(id, token);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->secret_access_key, c["SecretAccessKey"].as_string());
  EXPECT_EQ(found->session_token, token);
  EXPECT_EQ(found->principal_arn, "arn:aws:sts::111122223333:assumed-role/worker/job");
  EXPECT_EQ(found->user_id, "AROAWORKER:job");
  EXPECT_EQ(found->account, kAccount);
  EXPECT_EQ(found->expires_ms, expires_ms);
}

TEST_F(Sts, ATokenThatWasChangedIsNoToken) {
  const Outcome out = assume({{"Tags", Value::List{tag("team", "a")}}, {"TransitiveTagKeys", Value::List{"Team"}}});
  ASSERT_TRUE(out.reply) << out.message();
  const std::string id(out["Credentials"]["AccessKeyId"].as_string()), token(out["Credentials"]["SessionToken"].as_string());
  ASSERT_TRUE(sessions_.find(id, token));
  EXPECT_EQ(sessions_.open(id, token)->tags, (Tags{{"team", "a"}}));
  EXPECT_EQ(sessions_.open(id, token)->transitive_tag_keys, (std::vector<std::string>{"Team"}));
  const std::string bytes = *base64_decode(token);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(sessions_.find(id, base64_encode(changed))) << i;
  }
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(sessions_.find(id, base64_encode(bytes.substr(0, n)))) << n;
  EXPECT_FALSE(sessions_.find(id, ""));
  EXPECT_FALSE(sessions_.find(id, token + "="));
  EXPECT_FALSE(sessions_.find(id, std::string(100'000, 'A')));
  EXPECT_FALSE(sessions_.find("ASIAAAAAAAAAAAAAAAAA", token));  // another key's
  EXPECT_FALSE(Sessions(std::string(Sessions::kKeyBytes, 'x')).find(id, token));
}

TEST_F(Sts, DurationsAreBoundedByTheRoleAndByChaining) {
  EXPECT_TRUE(assume({{"DurationSeconds", 7200}}).reply);
  const Outcome over = assume({{"DurationSeconds", 7201}});
  EXPECT_EQ(over.code(), "ValidationError");
  EXPECT_EQ(over.message(), "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  const std::string session = "arn:aws:sts::111122223333:assumed-role/other/s";
  EXPECT_TRUE(assume({{"DurationSeconds", 3600}}, session).reply);
  EXPECT_EQ(assume({{"DurationSeconds", 3601}}, session).message(),
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining");
}

TEST_F(Sts, ARoleThatDoesNotTrustOrDoesNotExistIsDeniedAlike) {
  const std::string text = "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: sts:AssumeRole on resource: ";
  role_.trust_policy = policy(R"({"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"})");
  Outcome out = assume();
  EXPECT_EQ(out.code(), "AccessDenied");
  EXPECT_EQ(out.error->status, 403);
  EXPECT_EQ(out.message(), text + kRole);
  for (const char* arn : {"arn:aws:iam::111122223333:role/nobody", "arn:aws:iam::111122223333:role/worker",
                          "arn:aws:iam::999999999999:role/team/worker"}) {
    EXPECT_EQ(assume({{"RoleArn", arn}}).message(), text + arn);
  }
  for (const char* arn : {"arn:aws:iam::111122223333:user/worker", "arn:aws:iam::11112222333:role/worker",
                          "arn:aws:iam::111122223333:role/", "not an arn of any kind"}) {
    EXPECT_EQ(assume({{"RoleArn", arn}}).message(), std::string(arn) + " is invalid");
  }
  any_role_ = true;
  EXPECT_TRUE(assume({{"RoleArn", "arn:aws:iam::111122223333:role/nobody"}}).reply);
  EXPECT_EQ(assume().code(), "AccessDenied");  // a role that is there is asked all the same
}

TEST_F(Sts, TagsAndSourceIdentityNeedTheTrustPolicysLeave) {
  role_.trust_policy = policy(R"({"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"})");
  EXPECT_TRUE(assume().reply);
  EXPECT_NE(assume({{"Tags", Value::List{tag("a", "b")}}}).message().find("sts:TagSession"), std::string::npos);
  EXPECT_NE(assume({{"SourceIdentity", "ann"}}).message().find("sts:SetSourceIdentity"), std::string::npos);
  role_.trust_policy = policy(R"({"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:*"})");
  const Outcome out = assume({{"Tags", Value::List{tag("a", "b")}}, {"SourceIdentity", "ann"}});
  ASSERT_TRUE(out.reply) << out.message();
  EXPECT_EQ(out["SourceIdentity"].as_string(), "ann");
  EXPECT_GE(out["PackedPolicySize"].as_int(), 1);
}

TEST_F(Sts, SessionTagsAreChecked) {
  EXPECT_EQ(assume({{"Tags", Value::List{tag("a", "1"), tag("A", "2")}}}).code(), "InvalidParameterValue");
  EXPECT_EQ(assume({{"Tags", Value::List{tag("aws:a", "1")}}}).code(), "InvalidParameterValue");
  EXPECT_EQ(assume({{"TransitiveTagKeys", Value::List{"a"}}}).code(), "InvalidParameterValue");
  EXPECT_EQ(assume({{"Policy", "{"}}).code(), "MalformedPolicyDocument");
  EXPECT_TRUE(assume({{"Policy", kTrustsAccount}}).reply);
  Value::List many;
  for (int i = 0; i < 50; ++i) many.push_back(tag(("key" + std::to_string(i)).c_str(), std::string(250, 'v').c_str()));
  EXPECT_EQ(assume({{"Tags", many}}).code(), "PackedPolicyTooLarge");
}

TEST_F(Sts, ASessionTokenIsForItsOwnerAndNotForSessions) {
  Outcome out = call("GetSessionToken", map({{"DurationSeconds", 129'600}}));
  ASSERT_TRUE(out.reply);
  const Value& c = out["Credentials"];
  const auto found = sessions_.find(c["AccessKeyId"].as_string(), c["SessionToken"].as_string());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->principal_arn, kUser);
  EXPECT_EQ(found->user_id, "AIDAANN");
  EXPECT_EQ(found->expires_ms, clock_.unix_ms() / 1000 * 1000 + 129'600'000);
  out = call("GetSessionToken", map({{"DurationSeconds", 129'600}}), kRoot, "");
  EXPECT_EQ(out["Credentials"]["Expiration"].as_timestamp().unix_ms, clock_.unix_ms() / 1000 * 1000 + 3'600'000);
  EXPECT_EQ(call("GetSessionToken", Value::map(), kUser, "AIDAANN", "ASIAX").message(),
            "Cannot call GetSessionToken with session credentials");
}

TEST_F(Sts, WhatIsNotBuiltIsRefusedByName) {
  StsService service({sessions_, clock_, {}, false});
  for (const char* operation :
       {"AssumeRoleWithWebIdentity", "AssumeRoleWithSAML", "GetFederationToken", "DecodeAuthorizationMessage"}) {
    EXPECT_FALSE(service.implements(operation));
    EXPECT_EQ(call(operation, Value::map()).message().find(std::string("sts.") + operation), 0u);
  }
}

TEST(TrustPolicy, IsEvaluated) {
  TrustRequest ann{"sts:AssumeRole", kUser, kAccount, "AIDAANN", {{"sts:externalid", "secret"}, {"aws:principalarn", kUser}}};
  TrustRequest session = ann;
  session.caller_arn = "arn:aws:sts::111122223333:assumed-role/worker/s1";
  session.context.clear();
  struct Case {
    std::string statement;
    bool ann, session;
  };
  const Case cases[] = {
      {R"({"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"})", true, true},
      {R"({"Effect":"Allow","Principal":{"AWS":"*"},"Action":"*"})", true, true},
      {R"({"Effect":"Allow","Principal":{"AWS":["999999999999","111122223333"]},"Action":"STS:assume*"})", true, true},
      {R"({"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/ann"},"Action":"sts:AssumeRole"})", true, false},
      {R"({"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Action":"sts:AssumeRole"})", false, false},
      {R"({"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/p/worker"},"Action":"sts:AssumeRole"})", false,
       true},
      {R"({"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/work"},"Action":"sts:AssumeRole"})", false, false},
      {R"({"Effect":"Allow","Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/worker/s1"},"Action":"sts:AssumeRole"})",
       false, true},
      {R"({"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"})", false, false},
      {R"({"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:TagSession"})", false, false},
      {R"({"Effect":"Allow","Principal":{"AWS":"111122223333"},"NotAction":"sts:TagSession"})", true, true},
      {R"({"Effect":"Allow","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/ann"},"Action":"sts:AssumeRole"})", false,
       true},
      {R"({"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::111122223333:user/ann"},"Action":"sts:*"})",
       false, true},
      {R"({"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"secret"}}})",
       true, false},
      {R"({"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":["x","SECRET"]}}})",
       false, false},
      {R"({"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringLike":{"sts:ExternalId":"se*t"}}})",
       true, false},
      {R"({"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringNotEquals":{"sts:ExternalId":"secret"}}})",
       false, true},
      {R"({"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEqualsIfExists":{"sts:ExternalId":"other"}}})",
       false, true},
      {R"({"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"Null":{"sts:ExternalId":"true"}}})", false,
       true},
      {R"({"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/a*"}}})",
       true, false},
      {R"({"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"NoSuchOperator":{"sts:ExternalId":"secret"}}})",
       false, false},
      {R"({"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Condition":{"NoSuchOperator":{"a:b":"c"}}})",
       false, false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(trusts(policy(c.statement), ann), c.ann) << c.statement;
    EXPECT_EQ(trusts(policy(c.statement), session), c.session) << c.statement;
  }
  for (const std::string& damaged :
       {std::string(), std::string("{"), std::string(R"({"Statement":"x"})"), std::string(100'000, '[')}) {
    EXPECT_FALSE(trusts(damaged, ann));
  }
}

}  // namespace
}  // namespace gust::sts
