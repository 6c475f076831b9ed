// SPDX-License-Identifier: Apache-2.0

#include "gateway/post_policy.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace gust::gateway {
namespace {

constexpr int64_t kNowMs = 1'795'404'069'000;  // 2026-11-23T03:21:09Z

std::string check(std::string_view json, const FormFields& fields, LengthRange* range = nullptr) {
  auto checked = check_policy(base64_encode(json), fields, "pics", kNowMs);
  if (!checked) return checked.error().code + " " + std::to_string(checked.error().status) + ": " + checked.error().message;
  if (range) *range = *checked;
  return "";
}

std::string policy(std::string_view conditions, std::string_view expiration = "2026-11-23T03:22:00.000Z") {
  return "{\"expiration\":\"" + std::string(expiration) + "\",\"conditions\":[" + std::string(conditions) + "]}";
}

const FormFields kFields = {{"key", "user/a.jpg"}, {"acl", "private"}, {"policy", "..."}, {"x-amz-signature", "..."}};
constexpr std::string_view kRight = R"({"bucket":"pics"},["starts-with","$key","user/"],{"acl":"private"})";

TEST(PostPolicy, what_it_allows_passes_and_what_it_does_not_is_told) {
  EXPECT_EQ(check(policy(kRight), kFields), "");
  EXPECT_EQ(check(policy(R"({"bucket":"pics"},["eq","$key","user/a.jpg"],["EQ","$ACL","private"])"), kFields), "");
  EXPECT_EQ(check(policy(R"({"bucket":"pics"},["starts-with","$key",""],["starts-with","$acl",""])"), kFields), "");
  EXPECT_EQ(check(policy(R"({"bucket":"other"},["starts-with","$key","user/"],{"acl":"private"})"), kFields),
            R"(AccessDenied 403: Invalid according to Policy: Policy Condition failed: ["eq", "$bucket", "other"])");
  EXPECT_EQ(check(policy(R"({"bucket":"pics"},["starts-with","$key","admin/"],{"acl":"private"})"), kFields),
            R"(AccessDenied 403: Invalid according to Policy: Policy Condition failed: ["starts-with", "$key", "admin/"])");
  EXPECT_EQ(check(policy(R"({"bucket":"pics"},["starts-with","$key","user/"],{"acl":"public-read"})"), kFields),
            R"(AccessDenied 403: Invalid according to Policy: Policy Condition failed: ["eq", "$acl", "public-read"])");
  EXPECT_EQ(check(policy(std::string(kRight) + R"(,["eq","$x-amz-meta-a","b"])"), kFields),
            R"(AccessDenied 403: Invalid according to Policy: Policy Condition failed: ["eq", "$x-amz-meta-a", "b"])");
}

TEST(PostPolicy, every_field_must_be_in_it) {
  EXPECT_EQ(check(policy(R"({"bucket":"pics"},["starts-with","$key","user/"])"), kFields),
            "AccessDenied 403: Invalid according to Policy: Extra input fields: acl");
  EXPECT_EQ(check(policy(R"(["starts-with","$key","user/"],{"acl":"private"})"), kFields),
            "AccessDenied 403: Invalid according to Policy: Extra input fields: bucket");
  FormFields ignored = kFields;
  ignored.insert(ignored.end(), {{"x-ignore-this", "a"}, {"AWSAccessKeyId", "b"}, {"signature", "c"}});
  EXPECT_EQ(check(policy(kRight), ignored), "");
  ignored.emplace_back("Content-Type", "text/plain");
  EXPECT_EQ(check(policy(kRight), ignored), "AccessDenied 403: Invalid according to Policy: Extra input fields: Content-Type");
}

TEST(PostPolicy, it_holds_until_it_expires) {
  EXPECT_EQ(check(policy(kRight, "2026-11-23T03:21:10Z"), kFields), "");
  EXPECT_EQ(check(policy(kRight, "2026-11-23T03:21:09Z"), kFields),
            "AccessDenied 403: Invalid according to Policy: Policy expired.");
}

TEST(PostPolicy, a_range_of_length) {
  LengthRange range;
  EXPECT_EQ(check(policy(std::string(kRight) + R"(,["content-length-range",10,2000])"), kFields, &range), "");
  EXPECT_EQ(range.min, 10u);
  EXPECT_EQ(range.max, 2000u);
  EXPECT_EQ(check(policy(std::string(kRight) + R"(,["content-length-range","1","5"])"), kFields, &range), "");
  EXPECT_EQ(range.max, 5u);
}

TEST(PostPolicy, a_dollar_is_escaped_and_types_may_be_a_list) {
  EXPECT_EQ(check(policy(R"({"bucket":"pics"},["eq","$key","\\$a"])"), {{"key", "$a"}}), "");
  std::string types = R"({"bucket":"pics"},["starts-with","$key",""],["starts-with","$Content-Type","image/"])";
  EXPECT_EQ(check(policy(types), {{"key", "k"}, {"Content-Type", "image/png, image/jpeg"}}), "");
  EXPECT_NE(check(policy(types), {{"key", "k"}, {"Content-Type", "image/png, text/html"}}), "");
}

TEST(PostPolicy, documents_that_are_no_policy) {
  auto bad = check_policy("not base64!", kFields, "pics", kNowMs);
  ASSERT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error().code, "InvalidPolicyDocument");
  EXPECT_EQ(check("{", kFields), "InvalidPolicyDocument 400: Invalid Policy: Invalid JSON.");
  EXPECT_EQ(check("[]", kFields), "InvalidPolicyDocument 400: Invalid Policy: Invalid JSON.");
  EXPECT_EQ(check(R"({"conditions":[]})", kFields), "InvalidPolicyDocument 400: Invalid Policy: Policy missing expiration.");
  EXPECT_EQ(check(R"({"EXPIRATION":"2027-01-01T00:00:00Z","conditions":[]})", kFields),
            "InvalidPolicyDocument 400: Invalid Policy: Policy missing expiration.");
  EXPECT_EQ(check(R"({"expiration":"2027-01-01T00:00:00Z"})", kFields),
            "InvalidPolicyDocument 400: Invalid Policy: Policy missing conditions.");
  EXPECT_EQ(check(policy(kRight, "tomorrow"), kFields),
            "InvalidPolicyDocument 400: Invalid Policy: Invalid 'expiration' value: 'tomorrow'");
  for (const char* condition : {"{}", R"({"a":"b","c":"d"})", R"({"a":1})", "[]", R"(["eq","$key"])", R"(["eq","key","a"])",
                                R"(["like","$key","a"])", R"(["content-length-range",1])", R"(["content-length-range",-1,5])",
                                R"(["content-length-range",1,"x"])", R"("text")", "1"}) {
    EXPECT_TRUE(check(policy(condition), kFields).starts_with("InvalidPolicyDocument 400")) << condition;
  }
}

}  // namespace
}  // namespace gust::gateway
