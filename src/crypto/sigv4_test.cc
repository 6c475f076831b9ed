// SPDX-License-Identifier: Apache-2.0

// Expected values: AWS's published Signature Version 4 test suite (first half) and botocore 1.43's signer (second half).

#include "crypto/sigv4.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/hash.h"

namespace gust::sigv4 {
namespace {

constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr std::string_view kEmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string suite(std::string_view method, std::string_view path, std::string_view query,
                  std::vector<std::pair<std::string, std::string>> headers = {}, std::string_view hash = kEmptyHash) {
  Scope scope{"20150830", "us-east-1", "service"};
  headers.emplace_back("Host", "example.amazonaws.com");
  headers.emplace_back("X-Amz-Date", "20150830T123600Z");
  RequestParts parts{method, path, query, std::move(headers), hash, PathEncoding::Twice};
  return signature(signing_key(kSecret, scope), string_to_sign("20150830T123600Z", scope, canonical_request(parts)));
}

TEST(SigV4, suite_get_vanilla) {
  EXPECT_EQ(suite("GET", "/", ""), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}
TEST(SigV4, suite_paths_are_normalized) {
  for (std::string_view path : {"/", "//", "/./", "/example/..", "/example1/example2/../.."}) {
    EXPECT_EQ(suite("GET", path, ""), suite("GET", "/", "")) << path;
  }
  EXPECT_NE(suite("GET", "/example", ""), suite("GET", "/", ""));
}
TEST(SigV4, suite_query_order) {
  std::string expected = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500";
  EXPECT_EQ(suite("GET", "/", "Param2=value2&Param1=value1"), expected);
  EXPECT_EQ(suite("GET", "/", "Param1=value1&Param2=value2"), expected);
}
TEST(SigV4, suite_unreserved_query) {
  std::string all = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  EXPECT_EQ(suite("GET", "/", all + "=" + all), "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197");
}
TEST(SigV4, suite_utf8_query) {
  EXPECT_EQ(suite("GET", "/", "\xe1\x88\xb4=bar"), "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04");
}
TEST(SigV4, suite_post_vanilla) {
  EXPECT_EQ(suite("POST", "/", ""), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}
TEST(SigV4, suite_form) {
  EXPECT_EQ(suite("POST", "/", "", {{"Content-Type", "application/x-www-form-urlencoded"}}, hex_encode(sha256("Param1=value1"))),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
}
TEST(SigV4, suite_header_values_are_trimmed) {
  EXPECT_EQ(suite("GET", "/", "", {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}}),
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
}
TEST(SigV4, repeated_headers_are_joined_in_order) {
  RequestParts parts{"GET", "/", "", {{"B", "1"}, {"a", "x"}, {"b", "2"}}, kEmptyHash, PathEncoding::Twice};
  EXPECT_EQ(signed_header_names(parts), "a;b");
  EXPECT_NE(canonical_request(parts).find("a:x\nb:1,2\n\na;b\n"), std::string::npos);
}

TEST(SigV4, a_verifier_makes_the_same_text_from_all_headers) {
  std::vector<std::pair<std::string, std::string>> fields = {{"Host", "h"}, {"X-B", " 1  2 "}, {"Other", "o"}, {"x-b", "3"}};
  ParsedAuthorization listed;
  ASSERT_TRUE(parse_signed_headers("x-b;HOST;x-b", listed));
  EXPECT_EQ(listed.signed_headers, (std::vector<std::string>{"host", "x-b"}));
  ReceivedRequest received{.method = "GET",
                           .raw_path = "/a",
                           .raw_query = "b=2&X-Amz-Signature=00&a=1+x",
                           .headers = fields,
                           .signed_headers = listed.signed_headers,
                           .payload_hash = kEmptyHash,
                           .in_query = true};
  RequestParts parts{"GET", "/a", "a=1%20x&b=2", {fields[0], fields[1], fields[3]}, kEmptyHash, PathEncoding::Twice};
  EXPECT_EQ(canonical_request(received), canonical_request(parts));
  received.in_query = false;
  EXPECT_NE(canonical_request(received), canonical_request(parts));
}

TEST(SigV4, like_botocore_a_lambda_path_is_encoded_twice) {
  Scope scope{"20261123", "eu-west-1", "lambda"};
  RequestParts parts{"POST",
                     "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A000000000000%3Afunction%3Af/invocations",
                     "Qualifier=%24LATEST",
                     {{"host", "127.0.0.1:4566"}, {"x-amz-date", "20261123T032109Z"}, {"x-amz-invocation-type", "Event"}},
                     {},
                     PathEncoding::Twice};
  std::string hash = hex_encode(sha256("{\"a\":1}"));
  parts.payload_hash = hash;
  EXPECT_EQ(signature(signing_key(kSecret, scope), string_to_sign("20261123T032109Z", scope, canonical_request(parts))),
            "46fa217fc3c6aab531ce9fd0532401438e8f31b05f7fba1b1e28161255fc4857");
}

TEST(SigV4, like_botocore_an_s3_path_is_taken_as_it_is) {
  std::string hash = hex_encode(sha256("hello"));
  RequestParts parts{"PUT",
                     "/bucket/a%20b/%C3%A9%28x%29//y",
                     "partNumber=1&uploadId=u%2Fv%3D",
                     {{"host", "127.0.0.1:4566"}, {"content-type", "text/plain"}, {"x-amz-meta-a", "  two   spaces "}},
                     hash,
                     PathEncoding::Once};
  int64_t at = 1795404069000;  // 2026-11-23T03:21:09Z
  auto added = sign({"AKIDEXAMPLE", std::string(kSecret), ""}, "us-east-1", "s3", at, parts);
  ASSERT_EQ(added.size(), 3u);
  EXPECT_EQ(added[0], (std::pair<std::string, std::string>("x-amz-date", "20261123T032109Z")));
  EXPECT_EQ(added[1].second, hash);
  EXPECT_EQ(added[2].second,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/us-east-1/s3/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-a, "
            "Signature=8aa464a3b1eadf8e751536cdc3d21749d2fb4cc2cc38975ae24a5d8e3a5f5962");
}

TEST(SigV4, like_botocore_with_a_session_token) {
  Scope scope{"20261123", "us-east-1", "dynamodb"};
  std::string hash = hex_encode(sha256("{}"));
  RequestParts parts{"POST",
                     "/",
                     "",
                     {{"host", "127.0.0.1:4566"},
                      {"x-amz-date", "20261123T032109Z"},
                      {"x-amz-target", "DynamoDB_20120810.GetItem"},
                      {"content-type", "application/x-amz-json-1.0"},
                      {"x-amz-security-token", "TOKEN/abc+def=="}},
                     hash,
                     PathEncoding::Twice};
  EXPECT_EQ(signature(signing_key("secret", scope), string_to_sign("20261123T032109Z", scope, canonical_request(parts))),
            "de95d1e331ea9a9a6f6b54f8b2f2b74122e7f7dc47e9b47481096fbce38ea0c0");
}

TEST(SigV4, a_signed_authorization_parses_back) {
  RequestParts parts{"GET", "/b/k", "", {{"host", "h"}}, "UNSIGNED-PAYLOAD", PathEncoding::Once};
  auto added = sign({"AK/ID", "s", "t"}, "r-1", "s3", 0, parts);
  auto parsed = parse_authorization(added.back().second);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_EQ(parsed->access_key_id, "AK/ID");
  EXPECT_EQ(parsed->scope.text(), "19700101/r-1/s3/aws4_request");
  EXPECT_EQ(parsed->signed_headers,
            (std::vector<std::string>{"host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"}));
}

TEST(SigV4, malformed_authorizations_are_refused) {
  std::string sig(64, 'a');
  std::string good = "AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request,SignedHeaders=host,Signature=" + sig;
  EXPECT_TRUE(parse_authorization(good).has_value());  // control
  for (const std::string& bad :
       {std::string(), std::string("Basic abc"), std::string("AWS4-HMAC-SHA256"),
        "AWS4-HMAC-SHA256 Credential=A/2015/r/s/aws4_request,SignedHeaders=host,Signature=" + sig,
        "AWS4-HMAC-SHA256 Credential=A/20150830/r/s/x,SignedHeaders=host,Signature=" + sig,
        "AWS4-HMAC-SHA256 Credential=/20150830/r/s/aws4_request,SignedHeaders=host,Signature=" + sig,
        "AWS4-HMAC-SHA256 SignedHeaders=host,Signature=" + sig,
        "AWS4-HMAC-SHA256 Credential=A/20150830/" + std::string(65, 'r') + "/s/aws4_request,SignedHeaders=host,Signature=" + sig,
        "AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request,SignedHeaders=,Signature=" + sig,
        good.substr(0, good.size() - 1)}) {
    EXPECT_FALSE(parse_authorization(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace gust::sigv4
