// SPDX-License-Identifier: Apache-2.0

#include "gateway/dispatch.h"

#include <gtest/gtest.h>

namespace gust::gateway {
namespace {

struct Case {
  const char* what;
  std::string method, target, host;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string service, path = {};
};

std::pair<std::string, std::string> scope(std::string service) {
  return {"Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20261123/eu-west-1/" + service +
                               "/aws4_request, SignedHeaders=host, Signature=" + std::string(64, '0')};
}
const std::pair<std::string, std::string> kForm = {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"};
const std::pair<std::string, std::string> kCbor = {"smithy-protocol", "rpc-v2-cbor"};

Target target_of(const Case& c) {
  http::Request r;
  r.method = c.method;
  r.target = c.target;
  size_t mark = std::min(c.target.find('?'), c.target.size());
  r.path = c.target.substr(0, mark);
  if (mark < c.target.size()) r.query = c.target.substr(mark + 1);
  r.headers.add("Host", c.host);
  for (const auto& [name, value] : c.headers) r.headers.add(name, value);
  return find_target(r, {"*.gust.example", "*.s3.localhost.localstack.cloud"});
}

TEST(Dispatch, every_way_in_which_clients_name_a_service) {
  const std::string here = "127.0.0.1:4566";
  for (const Case& c : {
           Case{"scope", "POST", "/", here, {scope("lambda")}, "lambda"},
           Case{"scope of another name", "POST", "/", here, {scope("monitoring")}, "cloudwatch"},
           Case{"scope and target",
                "POST",
                "/",
                here,
                {scope("dynamodb"), {"X-Amz-Target", "DynamoDB_20120810.GetItem"}},
                "dynamodb"},
           Case{"streams sign as the table does",
                "POST",
                "/",
                here,
                {scope("dynamodb"), {"X-Amz-Target", "DynamoDBStreams_20120810.GetRecords"}},
                "dynamodbstreams"},
           Case{"smithy path",
                "POST",
                "/service/GraniteServiceVersion20100801/operation/PutMetricData",
                here,
                {kCbor},
                "cloudwatch"},
           Case{"smithy path and scope",
                "POST",
                "/service/GraniteServiceVersion20100801/operation/PutMetricData",
                here,
                {kCbor, scope("monitoring")},
                "cloudwatch"},
           Case{"target alone", "POST", "/", here, {{"X-Amz-Target", "AmazonSQS.SendMessage"}}, "sqs"},
           Case{"unsigned form", "POST", "/", here, {kForm}, "sts"},
           Case{"form with its version in the query", "GET", "/?Action=ListUsers&Version=2010-05-08", here, {}, "iam"},
           Case{"queue path", "POST", "/000000000000/my-queue", here, {kForm}, "sqs"},
           Case{"presigned",
                "GET",
                "/?Action=GetCallerIdentity&X-Amz-Credential=A%2F20261123%2Fus-east-1%2Fsts%2Faws4_request",
                here,
                {},
                "sts"},
           Case{"version 2", "GET", "/b/k?AWSAccessKeyId=a&Signature=b&Expires=1", here, {}, "s3"},
           Case{"host", "GET", "/", "lambda.localhost:4566", {}, "lambda"},
           Case{"host of AWS", "POST", "/", "monitoring.us-east-1.gust.example", {}, "cloudwatch"},
           Case{"path of Lambda", "GET", "/2015-03-31/functions/", here, {}, "lambda"},
           Case{"path-style bucket", "GET", "/bucket/key", here, {}, "s3"},
           Case{"bucket in the host", "GET", "/key//x", "pics.localhost", {}, "s3", "/pics/key//x"},
           Case{"bucket in a configured host", "GET", "/", "pics.s3.localhost.localstack.cloud:4566", {}, "s3", "/pics/"},
           Case{"bucket with dots", "GET", "/k", "a.b.s3.eu-west-1.gust.example", {}, "s3", "/a.b/k"},
           Case{"bucket called as a service", "GET", "/k", "lambda.s3.localhost", {}, "s3", "/lambda/k"},
           Case{"the same, signed", "GET", "/k", "lambda.localhost", {scope("s3")}, "s3", "/lambda/k"},
       }) {
    Target t = target_of(c);
    ASSERT_NE(t.table, nullptr) << c.what;
    EXPECT_EQ(t.table->id(), c.service) << c.what;
    EXPECT_EQ(t.path, c.path) << c.what;
  }
}

TEST(Dispatch, what_nobody_has_is_named) {
  Target t = target_of({"", "POST", "/", "127.0.0.1", {scope("kinesis")}, ""});
  EXPECT_EQ(t.table, nullptr);
  EXPECT_EQ(t.unknown, "kinesis");
  t = target_of({"", "POST", "/", "127.0.0.1", {{"X-Amz-Target", "Kinesis_20131202.PutRecord"}}, ""});
  EXPECT_EQ(t.unknown, "Kinesis_20131202.PutRecord");
}

TEST(Dispatch, buckets_and_keys_of_paths) {
  auto split = [](std::string_view path) {
    BucketAndKey at = split_path(path);
    return at.bucket + "|" + at.key;
  };
  EXPECT_EQ(split("/b/a%20b/c"), "b|a b/c");
  EXPECT_EQ(split("/b"), "b|");
  EXPECT_EQ(split("/b/"), "b|");
  EXPECT_EQ(split("/b//x"), "b|/x");
  EXPECT_EQ(split("/"), "|");
  EXPECT_EQ(split(""), "|");
  EXPECT_EQ(split("/b/%zz"), "|");
}

}  // namespace
}  // namespace gust::gateway
