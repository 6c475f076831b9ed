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

TEST(Tables, hold_every_operation_of_the_five_services) {
  EXPECT_EQ(kLambda.operation_count, 85u);
  EXPECT_EQ(kS3.operation_count, 111u);
  EXPECT_EQ(kDynamodb.operation_count, 57u);
  EXPECT_EQ(kLogs.operation_count, 113u);
  EXPECT_EQ(kSts.operation_count, 11u);
  EXPECT_EQ(find_target_prefix("DynamoDB_20120810"), &kDynamodb);
  EXPECT_EQ(find_signing_name("lambda"), &kLambda);
  EXPECT_EQ(find_service("sqs"), nullptr);
  EXPECT_EQ(find_target_prefix(""), nullptr);
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
