// SPDX-License-Identifier: Apache-2.0

// Tables, routes and patterns.

#include <gtest/gtest.h>

#include "base/json.h"
#include "crypto/hash.h"
#include "model/errors.h"
#include "model/test_wire.h"

namespace gust::model {
namespace {

// ---- tables

TEST(Tables, hold_every_operation_of_the_services) {
  struct Case {
    const ServiceTable& table;
    std::string_view id;
    uint32_t operations;
  };
  const Case kCases[] = {{kLambda, "lambda", 85},
                         {kS3, "s3", 111},
                         {kDynamodb, "dynamodb", 57},
                         {kDynamodbstreams, "dynamodbstreams", 4},
                         {kSqs, "sqs", 23},
                         {kSns, "sns", 42},
                         {kLogs, "logs", 113},
                         {kCloudwatch, "cloudwatch", 46},
                         {kEvents, "events", 57},
                         {kScheduler, "scheduler", 12},
                         {kCloudformation, "cloudformation", 90},
                         {kIam, "iam", 176},
                         {kSts, "sts", 11},
                         {kSsm, "ssm", 146},
                         {kSecretsmanager, "secretsmanager", 23},
                         {kKms, "kms", 54},
                         {kEcr, "ecr", 58},
                         {kEc2, "ec2", 765},
                         {kAutoscaling, "autoscaling", 66}};
  for (const Case& c : kCases) {
    EXPECT_EQ(c.table.id(), c.id);
    EXPECT_EQ(c.table.operation_count, c.operations) << c.id;
    EXPECT_EQ(find_service(c.id), &c.table);
    EXPECT_EQ(c.table.protocols()[0], c.table.protocol) << c.id;
  }
  EXPECT_EQ(services().size(), std::size(kCases));
  EXPECT_EQ(find_service("kinesis"), nullptr);
}

TEST(Tables, are_found_by_what_clients_send) {
  EXPECT_EQ(find_target_prefix("DynamoDB_20120810"), &kDynamodb);
  EXPECT_EQ(find_target_prefix("DynamoDBStreams_20120810"), &kDynamodbstreams);
  EXPECT_EQ(find_target_prefix(""), nullptr);
  EXPECT_EQ(find_signing_name("lambda"), &kLambda);
  EXPECT_EQ(find_signing_name("monitoring"), &kCloudwatch);
  EXPECT_EQ(find_signing_name("dynamodb"), &kDynamodb);
  EXPECT_EQ(find_signing_name("dynamodb", "DynamoDB_20120810.PutItem"), &kDynamodb);
  EXPECT_EQ(find_signing_name("dynamodb", "DynamoDBStreams_20120810.ListStreams"), &kDynamodbstreams);
  EXPECT_EQ(find_signing_name("sqs", "DynamoDBStreams_20120810.ListStreams"), &kSqs);
  EXPECT_EQ(find_signing_name("nothing", "DynamoDBStreams_20120810.ListStreams"), nullptr);
  EXPECT_EQ(find_host("streams.dynamodb.eu-west-1.amazonaws.com"), &kDynamodbstreams);
  EXPECT_EQ(find_host("dynamodb.eu-west-1.amazonaws.com"), &kDynamodb);
  EXPECT_EQ(find_host("monitoring.localhost"), &kCloudwatch);
  EXPECT_EQ(find_host("cloudwatch.localhost"), &kCloudwatch);
  EXPECT_EQ(find_host("api.ecr.us-east-1.amazonaws.com"), &kEcr);
  EXPECT_EQ(find_host("localhost"), nullptr);
  EXPECT_EQ(find_host("sqs"), nullptr);
  EXPECT_EQ(find_form_version("2011-06-15"), &kSts);
  EXPECT_EQ(find_form_version("2016-11-15"), &kEc2);
  EXPECT_EQ(find_form_version("2012-11-05"), &kSqs);
  EXPECT_EQ(find_form_version("2012-08-10"), nullptr);  // DynamoDB has no forms
}

TEST(Tables, errors_have_codes_and_statuses) {
  ASSERT_NE(kLambda.error("ResourceNotFoundException"), nullptr);
  EXPECT_EQ(kLambda.error("ResourceNotFoundException")->status, 404);
  EXPECT_EQ(kLambda.error("TooManyRequestsException")->status, 429);
  EXPECT_TRUE(kLambda.error("ServiceException")->server_fault);
  EXPECT_EQ(kS3.error("NoSuchBucket")->status, 404);
  EXPECT_EQ(kDynamodb.error("ConditionalCheckFailedException")->status, 400);
}

// ---- routing

TEST(Routing, s3_operations_that_share_a_path) {
  Wire s3(kS3);
  struct Case {
    std::string_view method, path, query, operation;
  };
  for (const Case& c : {Case{"GET", "/", "", "ListBuckets"},
                        Case{"PUT", "/b", "", "CreateBucket"},
                        Case{"PUT", "/b/", "", "CreateBucket"},
                        Case{"HEAD", "/b", "", "HeadBucket"},
                        Case{"GET", "/b", "", "ListObjects"},
                        Case{"GET", "/b", "list-type=2&prefix=x", "ListObjectsV2"},
                        Case{"GET", "/b/", "notification", "GetBucketNotificationConfiguration"},
                        Case{"GET", "/b", "notification=", "GetBucketNotificationConfiguration"},
                        Case{"GET", "/b", "lifecycle", "GetBucketLifecycleConfiguration"},
                        Case{"GET", "/b/k", "", "GetObject"},
                        Case{"GET", "/b/k/", "x-id=GetObject", "GetObject"},
                        Case{"GET", "/b/k", "uploadId=u", "ListParts"},
                        Case{"PUT", "/b/k", "x-id=PutObject", "PutObject"},
                        Case{"PUT", "/b/k", "partNumber=1&uploadId=u", "UploadPart"},
                        Case{"DELETE", "/b/k", "", "DeleteObject"},
                        Case{"DELETE", "/b/k", "uploadId=u", "AbortMultipartUpload"},
                        Case{"POST", "/b/k", "uploads", "CreateMultipartUpload"},
                        Case{"POST", "/b", "delete", "DeleteObjects"},
                        Case{"GET", "/b", "analytics", "ListBucketAnalyticsConfigurations"},
                        Case{"GET", "/b", "analytics&id=1", "GetBucketAnalyticsConfiguration"}}) {
    RequestView view{c.method, c.path, c.query, nullptr};
    auto match = s3.codec.match(view);
    ASSERT_TRUE(match.has_value()) << c.operation;
    EXPECT_EQ(kS3.name(*match->operation), c.operation) << c.method << " " << c.path << "?" << c.query;
  }
}

TEST(Routing, a_missing_parameter_never_turns_a_delete_into_a_larger_one) {
  Wire s3(kS3);
  auto match = s3.codec.match({"DELETE", "/b", "analytics", nullptr});
  ASSERT_TRUE(match.has_value());
  EXPECT_EQ(kS3.name(*match->operation), "DeleteBucketAnalyticsConfiguration");
}

TEST(Routing, copies_are_told_by_their_header) {
  Wire s3(kS3);
  http::Headers headers;
  headers.add("x-amz-copy-source", "/b/other");
  EXPECT_EQ(s3.decode("PUT", "/b/k", "", "", headers).operation, "CopyObject");
  EXPECT_EQ(s3.decode("PUT", "/b/k", "partNumber=1&uploadId=u", "", headers).operation, "UploadPartCopy");
}

TEST(Routing, an_object_key_keeps_its_slashes_and_is_decoded_once) {
  Wire s3(kS3);
  EXPECT_EQ(s3.decode("GET", "/b/a/b%2Fc%20d//%25").input["Key"].as_string(), "a/b/c d//%");
  EXPECT_EQ(s3.decode("GET", "/b//k").input["Key"].as_string(), "/k");
}

TEST(Routing, lambda_paths_with_and_without_a_final_slash) {
  Wire lambda(kLambda);
  EXPECT_EQ(lambda.decode("GET", "/2015-03-31/functions/").operation, "ListFunctions");
  EXPECT_EQ(lambda.decode("GET", "/2015-03-31/functions").operation, "ListFunctions");
  auto get =
      lambda.decode("GET", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af", "Qualifier=1");
  EXPECT_EQ(get.operation, "GetFunction");
  EXPECT_EQ(get.input["FunctionName"].as_string(), "arn:aws:lambda:us-east-1:000000000000:function:f");
  EXPECT_EQ(get.input["Qualifier"].as_string(), "1");
  EXPECT_EQ(lambda.decode("GET", "/2015-03-31/nothing").error.code, "UnknownOperationException");
  EXPECT_EQ(lambda.decode("GET", "/2015-03-31/nothing").error.status, 404);
}

TEST(Routing, an_unknown_target_is_an_unknown_operation) {
  EXPECT_EQ(Wire(kDynamodb).target("PutNothing", "{}").error.code, "UnknownOperationException");
  EXPECT_EQ(Wire(kDynamodb).target("PutItem2", "{}").error.code, "UnknownOperationException");
}

TEST(Patterns, every_pattern_of_the_tables_is_one_that_the_engine_reads) {
  for (const ServiceTable* table : services()) EXPECT_EQ(Constraints(*table).unreadable_patterns(), "") << table->id();
}

}  // namespace
}  // namespace gust::model
