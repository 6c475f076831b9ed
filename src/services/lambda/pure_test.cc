// SPDX-License-Identifier: Apache-2.0

// Names, settings, stored form and policies: everything that needs no store.

#include <gtest/gtest.h>

#include "services/lambda/document.h"
#include "services/lambda/function_name.h"
#include "services/lambda/policy.h"
#include "services/lambda/policy_document.h"
#include "services/lambda/record.h"
#include "services/lambda/settings.h"

namespace gust::lambda {
namespace {

TEST(FunctionNames, EveryFormThatAwsTakesIsRead) {
  struct Case {
    const char *text, *arn, *qualifier;
  };
  const char* mine = "arn:aws:lambda:eu-west-1:000000000000:function:f";
  for (const Case& c : std::initializer_list<Case>{
           {"f", mine, ""},
           {"f:$LATEST", mine, "$LATEST"},
           {"f:live", mine, "live"},
           {"function:f", mine, ""},
           {"function:f:7", mine, "7"},
           {"000000000000:function:f", mine, ""},
           {"000000000000:function:f:live", mine, "live"},
           {"eu-west-1:000000000000:function:f", mine, ""},
           {"arn:aws:lambda:eu-west-1:000000000000:function:f", mine, ""},
           {"arn:aws:lambda:us-gov-west-1:111122223333:function:f:3", "arn:aws:lambda:us-gov-west-1:111122223333:function:f",
            "3"},
           {"111122223333:function:other_f", "arn:aws:lambda:eu-west-1:111122223333:function:other_f", ""},
           {"function", "arn:aws:lambda:eu-west-1:000000000000:function:function", ""},
       }) {
    const auto name = parse_function_name(c.text, "000000000000", "eu-west-1");
    ASSERT_TRUE(name) << c.text;
    EXPECT_EQ(name->arn(), c.arn) << c.text;
    EXPECT_EQ(name->qualifier, c.qualifier) << c.text;
  }
}

TEST(FunctionNames, EverythingElseIsRefused) {
  for (const std::string text :
       {"", ":", "f:", ":f", "f g", "f/g", "f:a:b", "f:$OTHER", "arn:aws:lambda:f",
        "arn:aws:s3:eu-west-1:000000000000:function:f", "arn:aws:lambda:eu-west-1:0:function:f",
        "arn:aws:lambda:eu-west-1:000000000000:layer:f", "arn:aws:lambda:eu-west-1:000000000000:function:",
        "arn:aws:lambda:eu-west-1:000000000000:function:f:1:2", "00000:function:f"}) {
    EXPECT_FALSE(parse_function_name(text, "000000000000", "eu-west-1")) << text;
  }
  EXPECT_TRUE(parse_function_name(std::string(64, 'f'), "0", "r"));
  EXPECT_FALSE(parse_function_name(std::string(65, 'f'), "0", "r"));
}

Value variables(const Pairs& pairs) {
  Value input = Value::map();
  Value& map = input.set("Environment", Value::map()).set("Variables", Value::map());
  for (const auto& [name, value] : pairs) map.set(name, value);
  return input;
}
Value with(std::string_view name, Value value) {
  Value input = Value::map();
  input.set(name, std::move(value));
  return input;
}
std::string problem(const Value& input) {
  Record record;
  record.name = "f";
  const auto e = apply_settings(input, Rules{}, record);
  return e ? e->code + ": " + e->message : "";
}

TEST(Settings, SizesHoldAtTheEdgeAndAreRefusedBehindIt) {
  for (const auto& [name, low, high] :
       std::initializer_list<std::tuple<const char*, int, int>>{{"Timeout", 1, 900}, {"MemorySize", 128, 10240}}) {
    EXPECT_EQ(problem(with(name, low)), "");
    EXPECT_EQ(problem(with(name, high)), "");
    EXPECT_EQ(problem(with(name, low - 1)), "InvalidParameterValueException: '" + std::string(name) +
                                                "' value failed to satisfy constraint: Member must have value greater than or "
                                                "equal to " +
                                                std::to_string(low));
    EXPECT_NE(problem(with(name, high + 1)), "");
  }
  EXPECT_EQ(problem(with("EphemeralStorage", with("Size", 10240))), "");
  EXPECT_NE(problem(with("EphemeralStorage", with("Size", 10241))), "");
  EXPECT_NE(problem(with("EphemeralStorage", with("Size", 511))), "");
}

TEST(Settings, OnlyInstalledRuntimesAreTakenAndTheErrorNamesThem) {
  EXPECT_EQ(problem(with("Runtime", "provided.al2023")), "");
  const std::string text = problem(with("Runtime", "python3.11"));
  EXPECT_NE(text.find("provided.al2, provided.al2023"), text.npos) << text;
}

TEST(Settings, VariablesAreCountedAsAwsCountsThem) {
  // {"AB":"..."} is 9 characters around the value.
  EXPECT_EQ(problem(variables({{"AB", std::string(4096 - 9, 'x')}})), "");
  const std::string text = problem(variables({{"AB", std::string(4096 - 8, 'x')}}));
  EXPECT_EQ(text.find("InvalidParameterValueException: Lambda was unable to configure your environment variables because the "
                      "environment variables you have provided exceeded the 4KB limit. String measured: {\"AB\":\"xx"),
            0u)
      << text.substr(0, 200);
}

TEST(Settings, ReservedVariablesAreRefusedByNameAndOverridableOnesAreNot) {
  EXPECT_EQ(problem(variables({{"PATH", "/x"}, {"TZ", "UTC"}, {"AWS_LAMBDA_LOG_LEVEL", "DEBUG"}, {"AWS_ENDPOINT_URL", "x"}})),
            "");
  EXPECT_EQ(problem(variables({{"OK", "1"}, {"AWS_REGION", "x"}, {"_HANDLER", "y"}})),
            "InvalidParameterValueException: Lambda was unable to configure your environment variables because the environment "
            "variables you have provided contains reserved keys that are currently not supported for modification. Reserved "
            "keys used in this request: AWS_REGION, _HANDLER");
  for (const char* name : {"A", "1A", "_A", "A-B", "", "A B"}) EXPECT_NE(problem(variables({{name, "x"}})), "") << name;
}

TEST(Settings, WhatIsNotBuiltIsRefusedByName) {
  const auto refused = [](const Value& input) {
    const auto e = refuse_unbuilt("CreateFunction", input);
    return e ? e->code + " " + e->message : "";
  };
  EXPECT_EQ(refused(with("Layers", Value::List{Value("arn")})).find("NotImplemented lambda.CreateFunction with Layers"), 0u);
  EXPECT_NE(refused(with("Publish", true)), "");
  EXPECT_NE(refused(with("PackageType", "Image")), "");
  EXPECT_NE(refused(with("TracingConfig", with("Mode", "Active"))), "");
  EXPECT_NE(refused(with("VpcConfig", with("SubnetIds", Value::List{Value("s")}))), "");
  Value harmless = with("Layers", Value::list());
  harmless.set("Publish", false);
  harmless.set("PackageType", "Zip");
  harmless.set("TracingConfig", with("Mode", "PassThrough"));
  harmless.set("VpcConfig", with("SubnetIds", Value::list()));
  EXPECT_EQ(refused(harmless), "");
  EXPECT_NE(problem(with("LoggingConfig", with("LogFormat", "JSON"))), "");
  EXPECT_EQ(problem(with("LoggingConfig", with("LogGroup", "/aws/lambda/f"))), "");
}

Record sample() {
  Record r;
  r.account = "000000000000", r.region = "us-east-1", r.name = "f";
  r.runtime = "provided.al2023", r.handler = "h", r.role = "arn:aws:iam::000000000000:role/r", r.description = "d";
  r.code = std::string(64, 'a'), r.code_size = 1ull << 33;
  r.timeout_s = 900, r.memory_mb = 3008, r.tmp_mb = 10240;
  r.environment = {{"B", "2"}, {"A", std::string("x\0y", 3)}}, r.has_environment = true;
  r.revision_id = "rev", r.modified_ms = 1'700'000'000'123, r.epoch = 7, r.reserved_concurrency = 0;
  r.tags = {{"k", "v"}};
  r.policy = {{.id = "s3",
               .action = "lambda:InvokeFunction",
               .principal = "s3.amazonaws.com",
               .source_arn = "arn:aws:s3:::photos-*",
               .source_account = "000000000000"}};
  r.policy_revision = "prev";
  return r;
}

TEST(Records, SurviveTheStoreUnchanged) {
  const auto again = decode(encode(sample()));
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, sample());
  EXPECT_TRUE(is_record_key(record_key("a", "r", "f")));
  EXPECT_FALSE(is_record_key(record_key("a", "r", "f") + "x"));
  EXPECT_FALSE(is_record_key("garbage"));
}

TEST(Records, DamagedBytesAreAnErrorAndNothingElse) {
  const std::string good = encode(sample());
  for (size_t length = 0; length < good.size(); ++length) EXPECT_FALSE(decode(good.substr(0, length)));
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0xff);
    (void)decode(bad);  // must not crash or hang
  }
  EXPECT_FALSE(decode_document(std::string(100, '\x08') + std::string(100, '\x01')));
}

TEST(Policies, TheDocumentIsAsAwsPrintsIt) {
  EXPECT_EQ(
      policy_text(sample()),
      R"({"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"s3","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},)"
      R"("Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f",)"
      R"("Condition":{"StringEquals":{"AWS:SourceAccount":"000000000000"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::photos-*"}}}]})");
  EXPECT_EQ(
      statement_text({.id = "a", .action = "lambda:GetFunction", .principal = "111122223333"}, "ARN"),
      R"({"Sid":"a","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"lambda:GetFunction","Resource":"ARN"})");
  EXPECT_NE(statement_text({.id = "a", .action = "*", .principal = "*"}, "ARN").find(R"("Principal":"*")"), std::string::npos);
}

TEST(Policies, AServiceMayInvokeOnlyWhatAStatementNames) {
  const Record r = sample();
  EXPECT_TRUE(allows_service(r, "s3.amazonaws.com", "arn:aws:s3:::photos-1", "000000000000"));
  EXPECT_FALSE(allows_service(r, "s3.amazonaws.com", "arn:aws:s3:::other", "000000000000"));
  EXPECT_FALSE(allows_service(r, "s3.amazonaws.com", "", "000000000000"));
  EXPECT_FALSE(allows_service(r, "s3.amazonaws.com", "arn:aws:s3:::photos-1", "111122223333"));
  EXPECT_FALSE(allows_service(r, "events.amazonaws.com", "arn:aws:s3:::photos-1", "000000000000"));
  Record other = r;
  other.policy[0].action = "lambda:GetFunction";
  EXPECT_FALSE(allows_service(other, "s3.amazonaws.com", "arn:aws:s3:::photos-1", "000000000000"));
  other.policy[0].action = "lambda:*";
  EXPECT_TRUE(allows_service(other, "s3.amazonaws.com", "arn:aws:s3:::photos-1", "000000000000"));
}

TEST(Policies, WildCardsMatchAsInIam) {
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("a*c", "abbbc"));
  EXPECT_TRUE(matches("a?c", "abc"));
  EXPECT_TRUE(matches("*a*b*", "xxaxxbxx"));
  EXPECT_FALSE(matches("a?c", "ac"));
  EXPECT_FALSE(matches("a*c", "abd"));
  EXPECT_FALSE(matches("", "a"));
  // Would take years by backtracking.
  EXPECT_FALSE(matches("*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(10'000, 'a')));
}

}  // namespace
}  // namespace gust::lambda
