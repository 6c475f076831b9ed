// SPDX-License-Identifier: Apache-2.0

// Services of several protocols on one port: CloudWatch (JSON 1.0, query, CBOR) and SQS (JSON 1.0, query).

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/json.h"
#include "model/cbor.h"
#include "model/errors.h"
#include "model/test_wire.h"

namespace gust::model {
namespace {

http::Headers fields(std::initializer_list<std::pair<std::string_view, std::string_view>> list) {
  http::Headers headers;
  for (auto [name, value] : list) headers.add(name, value);
  return headers;
}

constexpr std::string_view kCborPath = "/service/GraniteServiceVersion20100801/operation/PutMetricData";
const http::Headers kCborHeaders =
    fields({{"smithy-protocol", "rpc-v2-cbor"}, {"Content-Type", "application/cbor"}, {"Accept", "application/cbor"}});

TEST(Protocols, cloudwatch_is_told_by_what_clients_send) {
  Codec codec(kCloudwatch);
  auto protocol = [&](std::string_view query, const http::Headers& headers) {
    return codec.protocol_of({"POST", "/", query, &headers});
  };
  EXPECT_EQ(protocol("", kCborHeaders), Protocol::Cbor);
  EXPECT_EQ(protocol("", fields({{"X-Amz-Target", "GraniteServiceVersion20100801.PutMetricData"},
                                 {"Content-Type", "application/x-amz-json-1.0"},
                                 {"x-amzn-query-mode", "true"}})),
            Protocol::Json10);
  EXPECT_EQ(protocol("", fields({{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}})), Protocol::Query);
  EXPECT_EQ(protocol("Action=ListMetrics&Version=2010-08-01", {}), Protocol::Query);
  EXPECT_EQ(protocol("", fields({{"Content-Type", "application/x-amz-json-1.0"}})), Protocol::Json10);
  EXPECT_EQ(Codec(kLambda).protocol_of({"POST", "/", "Action=x", &kCborHeaders}), Protocol::RestJson);  // speaks one
}

TEST(Protocols, one_metric_in_three_protocols) {
  Wire cloudwatch(kCloudwatch);
  Value data = *json::parse(R"({"Namespace":"n","MetricData":[{"MetricName":"m","Value":1.5,"Unit":"Count"}]})");
  data.set("MetricData", Value::List{[&] {
             Value v = data["MetricData"].as_list()[0];
             v.set("Timestamp", Timestamp{1795404069000});
             return v;
           }()});
  auto by_cbor = cloudwatch.decode("POST", kCborPath, "", write_cbor(data), kCborHeaders);
  auto by_json = cloudwatch.decode(
      "POST", "/", "", R"({"Namespace":"n","MetricData":[{"MetricName":"m","Value":1.5,"Unit":"Count","Timestamp":1795404069}]})",
      fields({{"X-Amz-Target", "GraniteServiceVersion20100801.PutMetricData"}, {"Content-Type", "application/x-amz-json-1.0"}}));
  auto by_form = cloudwatch.decode("POST", "/", "",
                                   "Action=PutMetricData&Version=2010-08-01&Namespace=n&MetricData.member.1.MetricName=m&"
                                   "MetricData.member.1.Value=1.5&MetricData.member.1.Unit=Count&"
                                   "MetricData.member.1.Timestamp=2026-11-23T03%3A21%3A09Z",
                                   fields({{"Content-Type", "application/x-www-form-urlencoded"}}));
  for (const Outcome& r : {by_cbor, by_json, by_form}) {
    ASSERT_EQ(r.error.code, "") << r.error.message;
    EXPECT_EQ(r.operation, "PutMetricData");
    EXPECT_EQ(r.input["MetricData"].as_list()[0]["Timestamp"], Value(Timestamp{1795404069000}));
    EXPECT_EQ(r.input["MetricData"].as_list()[0]["Value"].as_double(), 1.5);
  }
}

TEST(Protocols, cbor_paths_and_bodies_that_are_wrong) {
  Wire cloudwatch(kCloudwatch);
  auto code = [&](std::string_view method, std::string_view path, std::string_view hex) {
    return cloudwatch.decode(method, path, "", *hex_decode(hex), kCborHeaders).error.code;
  };
  EXPECT_EQ(code("POST", "/service/GraniteServiceVersion20100801/operation/ListMetrics", "bfff"), "");
  EXPECT_EQ(code("POST", "/service/GraniteServiceVersion20100801/operation/ListMetrics", ""), "");
  EXPECT_EQ(code("POST", "/proxy/service/X/operation/ListMetrics", "a0"), "");  // below something
  EXPECT_EQ(code("POST", "/service/X/operation/Nothing", "a0"), "UnknownOperationException");
  EXPECT_EQ(code("POST", "/operation/ListMetrics", "a0"), "UnknownOperationException");
  EXPECT_EQ(code("GET", "/service/X/operation/ListMetrics", "a0"), "UnknownOperationException");
  EXPECT_EQ(code("POST", "/service/X/operation/ListMetrics", "80"), "SerializationException");  // an array
  EXPECT_EQ(code("POST", "/service/X/operation/ListMetrics", "a1"), "SerializationException");
  EXPECT_EQ(code("POST", "/service/X/operation/ListMetrics", "a1694e616d65737061636501"), "SerializationException");
  EXPECT_EQ(code("POST", kCborPath, "a0"), "ValidationError");
}

TEST(Protocols, cbor_answers_carry_their_mark) {
  Wire cloudwatch(kCloudwatch);
  Reply reply;
  reply.output.set("Metrics", Value::List{*json::parse(R"({"Namespace":"n"})")});
  auto r = cloudwatch.encode("ListMetrics", reply, Protocol::Cbor);
  EXPECT_EQ(r.headers.get("smithy-protocol"), "rpc-v2-cbor");
  EXPECT_EQ(r.headers.get("content-type"), "application/cbor");
  EXPECT_EQ(json::write(*parse_cbor(r.body.bytes)), R"({"Metrics":[{"Namespace":"n"}]})");
  auto nothing = cloudwatch.encode("PutMetricData", {}, Protocol::Cbor);
  EXPECT_EQ(nothing.body.size(), 0u);
  EXPECT_FALSE(nothing.headers.has("content-type"));
}

TEST(Protocols, an_error_in_every_protocol_of_cloudwatch) {
  Codec codec(kCloudwatch);
  ApiError error = api_error("InvalidParameterValueException", "no");
  auto json = codec.encode_error(error, "r", false, Protocol::Json10);
  EXPECT_EQ(json.body.bytes, R"({"__type":"com.amazonaws.cloudwatch#InvalidParameterValueException","message":"no"})");
  EXPECT_EQ(json.headers.get("x-amzn-query-error"), "InvalidParameterValue;Sender");
  auto cbor = codec.encode_error(error, "r", false, Protocol::Cbor);
  EXPECT_EQ(json::write(*parse_cbor(cbor.body.bytes)), json.body.bytes);
  EXPECT_EQ(cbor.headers.get("x-amzn-query-error"), "InvalidParameterValue;Sender");
  EXPECT_EQ(cbor.headers.get("smithy-protocol"), "rpc-v2-cbor");
  auto form = codec.encode_error(error, "r", false, Protocol::Query);
  EXPECT_NE(form.body.bytes.find("<Type>Sender</Type><Code>InvalidParameterValue</Code><Message>no</Message>"),
            std::string::npos);
  EXPECT_FALSE(form.headers.has("x-amzn-query-error"));
  EXPECT_EQ(codec.encode_error(internal_failure("cloudwatch"), "r", false, Protocol::Json10).headers.get("x-amzn-query-error"),
            "InternalFailure;Receiver");
  EXPECT_FALSE(Codec(kDynamodb).encode_error(error, "r").headers.has("x-amzn-query-error"));
}

TEST(Protocols, sqs_errors_keep_their_older_codes) {
  Codec codec(kSqs);
  ApiError error = api_error("QueueDoesNotExist", "The specified queue does not exist.");
  auto json = codec.encode_error(error, "r", false, Protocol::Json10);
  EXPECT_EQ(json.body.bytes,
            R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."})");
  EXPECT_EQ(json.headers.get("x-amzn-query-error"), "AWS.SimpleQueueService.NonExistentQueue;Sender");
  auto form = codec.encode_error(error, "r", false, Protocol::Query);
  EXPECT_NE(form.body.bytes.find("<Code>AWS.SimpleQueueService.NonExistentQueue</Code>"), std::string::npos);
}

TEST(Protocols, what_is_not_built_is_refused_in_the_caller_s_protocol) {
  ApiError error = not_implemented("cloudwatch", "PutMetricData");
  Codec codec(kCloudwatch);
  for (Protocol p : {Protocol::Json10, Protocol::Cbor, Protocol::Query}) {
    auto r = codec.encode_error(error, "r", false, p);
    EXPECT_EQ(r.status, 501);
    EXPECT_NE(r.body.bytes.find("cloudwatch.PutMetricData is not implemented"), std::string::npos);
    EXPECT_NE(r.body.bytes.find("NotImplemented"), std::string::npos);
  }
}

TEST(Protocols, json_1_1_services_as_boto3_calls_them) {
  auto target = [](const ServiceTable& table, std::string_view operation, std::string_view body) {
    Outcome r = Wire(table).target(operation, body);
    return r.error.code.empty() ? text(r.input) : r.error.code;
  };
  EXPECT_EQ(
      target(kEvents, "PutEvents", R"({"Entries": [{"Source": "s", "DetailType": "d", "Detail": "{}", "Time": 1795404069}]})"),
      R"({"Entries":[{"Source":"s","DetailType":"d","Detail":"{}","Time":1795404069.0}]})");
  EXPECT_EQ(target(kKms, "Encrypt", R"({"KeyId": "k", "Plaintext": "AA=="})"), R"({"KeyId":"k","Plaintext":"AA=="})");
  EXPECT_EQ(target(kSsm, "GetParameter", R"({"Name":"/cdk-bootstrap/hnb659fds/version","WithDecryption":true})"),
            R"({"Name":"/cdk-bootstrap/hnb659fds/version","WithDecryption":true})");
  EXPECT_EQ(target(kSecretsmanager, "GetSecretValue", R"({"SecretId":"s"})"), R"({"SecretId":"s"})");
  EXPECT_EQ(target(kEcr, "DescribeRepositories", "{}"), "{}");
  EXPECT_EQ(target(kDynamodbstreams, "ListStreams", R"({"TableName":"tab"})"), R"({"TableName":"tab"})");
  EXPECT_EQ(target(kEcr, "DescribeRepositories", R"({"maxResults":0})"), "InvalidParameterException");
}

TEST(Protocols, scheduler_and_lambda_share_rest_json) {
  auto r = Wire(kScheduler)
               .decode("POST", "/schedules/n", "",
                       R"x({"ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": {"Arn": "a",
                       "RoleArn": "arn:aws:iam::000000000000:role/r"}, "StartDate": 1795404069, "ClientToken": "t"})x",
                       fields({{"Content-Type", "application/json"}}));
  ASSERT_EQ(r.error.code, "") << r.error.message;
  EXPECT_EQ(r.operation, "CreateSchedule");
  EXPECT_EQ(r.input["Name"].as_string(), "n");
  EXPECT_EQ(r.input["StartDate"], Value(Timestamp{1795404069000}));
}

TEST(Protocols, several_values_of_one_parameter) {
  auto r =
      Wire(kScheduler)
          .decode("DELETE", "/tags/arn%3Aaws%3Ascheduler%3Aeu-west-1%3A000000000000%3Aschedule-group%2Fg", "TagKeys=a&TagKeys=b");
  EXPECT_EQ(r.operation, "UntagResource");
  EXPECT_EQ(text(r.input["TagKeys"]), R"(["a","b"])");
}

// Heads of S3 requests as clients send them (the signature's headers left out).
TEST(Protocols, s3_uploads_of_boto3_and_js) {
  Wire s3(kS3);
  auto new_boto3 = s3.decode("PUT", "/b/a%20b%2Bc/%C3%BC", "", "",
                             fields({{"x-amz-meta-a", "b"},
                                     {"Expect", "100-continue"},
                                     {"x-amz-checksum-crc32", "jNwWgw=="},
                                     {"x-amz-sdk-checksum-algorithm", "CRC32"},
                                     {"Content-Length", "1"}}));
  EXPECT_EQ(text(new_boto3.input),
            "{\"Bucket\":\"b\",\"Key\":\"a b+c/\u00fc\",\"ContentLength\":1,\"ChecksumAlgorithm\":\"CRC32\","
            "\"ChecksumCRC32\":\"jNwWgw==\",\"Metadata\":{\"a\":\"b\"}}");
  auto old_boto3 =
      s3.decode("PUT", "/b/k", "", "", fields({{"Content-MD5", "ndTkYSaMgDT1yFZOFVxnpg=="}, {"Content-Length", "1"}}));
  EXPECT_EQ(old_boto3.input["ContentMD5"].as_string(), "ndTkYSaMgDT1yFZOFVxnpg==");
  auto js = s3.decode("PUT", "/b/k", "x-id=PutObject", "",
                      fields({{"Transfer-Encoding", "chunked"},
                              {"Content-Encoding", "aws-chunked"},
                              {"x-amz-trailer", "x-amz-checksum-crc32"},
                              {"x-amz-decoded-content-length", "4"},
                              {"x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}}));
  EXPECT_EQ(js.operation, "PutObject");
  EXPECT_EQ(js.input["ContentEncoding"].as_string(), "aws-chunked");
  auto list = s3.decode("GET", "/b", "list-type=2&prefix=a%20b%2Bc&max-keys=5&encoding-type=url");
  EXPECT_EQ(text(list.input), R"({"Bucket":"b","EncodingType":"url","MaxKeys":5,"Prefix":"a b+c"})");
  EXPECT_EQ(s3.decode("PUT", "/b/", "").operation, "CreateBucket");  // JS
}

}  // namespace
}  // namespace gust::model
