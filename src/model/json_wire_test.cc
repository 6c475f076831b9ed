// SPDX-License-Identifier: Apache-2.0

// rest-json (Lambda), json 1.0 (DynamoDB), json 1.1 (CloudWatch Logs).

#include <gtest/gtest.h>

#include "base/json.h"
#include "crypto/hash.h"
#include "model/errors.h"
#include "model/test_wire.h"

namespace gust::model {
namespace {

// ---- rest-json

TEST(RestJson, create_function_is_decoded_with_its_blob) {
  auto r = Wire(kLambda).decode("POST", "/2015-03-31/functions", "",
                                R"({"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r","Code":{"ZipFile":"UEs="},
                                    "Environment":{"Variables":{"AB":"1"}},"MemorySize":256,"Nonsense":{"a":[1]},"Description":null})");
  ASSERT_EQ(r.error.code, "") << r.error.message;
  EXPECT_TRUE(r.input["Code"]["ZipFile"].is_blob());
  EXPECT_EQ(r.input["Code"]["ZipFile"].as_string(), "PK");
  EXPECT_EQ(r.input["MemorySize"].as_int(), 256);
  EXPECT_EQ(r.input["Environment"]["Variables"]["AB"].as_string(), "1");
  EXPECT_FALSE(r.input.has("Nonsense"));
  EXPECT_FALSE(r.input.has("Description"));
}

TEST(RestJson, one_violated_constraint_in_the_words_of_aws) {
  auto r = Wire(kLambda).decode("POST", "/2015-03-31/functions", "",
                                R"({"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r","Code":{},"MemorySize":64})");
  EXPECT_EQ(r.error.code, "ValidationException");
  EXPECT_EQ(r.error.message,
            "1 validation error detected: Value '64' at 'memorySize' failed to satisfy constraint: Member must have value "
            "greater than or equal to 128");
}

TEST(RestJson, several_violations_are_joined) {
  auto r = Wire(kLambda).decode("POST", "/2015-03-31/functions", "", R"({"FunctionName":"a b","Code":{},"Timeout":0})");
  EXPECT_TRUE(
      r.error.message.starts_with("3 validation errors detected: Value 'a b' at 'functionName' failed to satisfy "
                                  "constraint: Member must satisfy regular expression pattern: "))
      << r.error.message;
  EXPECT_NE(r.error.message.find("; Value null at 'role' failed to satisfy constraint: Member must not be null"),
            std::string::npos);
  EXPECT_NE(r.error.message.find(
                "; Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1"),
            std::string::npos);
}

TEST(RestJson, enumerations_lists_and_map_keys_are_checked) {
  Wire lambda(kLambda);
  auto create = [&](std::string extra) {
    return lambda
        .decode("POST", "/2015-03-31/functions", "",
                R"({"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r","Code":{},)" + extra + "}")
        .error;
  };
  EXPECT_EQ(create(R"("PackageType":"Zip")").code, "");  // control
  EXPECT_NE(
      create(R"("PackageType":"Tar")")
          .message.find(
              "Value 'Tar' at 'packageType' failed to satisfy constraint: Member must satisfy enum value set: [Zip, Image]"),
      std::string::npos)
      << create(R"("PackageType":"Tar")").message;
  EXPECT_NE(create(R"("Architectures":["mips"])")
                .message.find("Value '[mips]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: "
                              "[Member must satisfy enum value set: "),
            std::string::npos)
      << create(R"("Architectures":["mips"])").message;
  EXPECT_NE(create(R"("Environment":{"Variables":{"1":"x"}})")
                .message.find("at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: "
                              "[Member must satisfy regular expression pattern: "),
            std::string::npos)
      << create(R"("Environment":{"Variables":{"1":"x"}})").message;
}

TEST(RestJson, an_alias_may_not_be_a_number) {  // a pattern with a negative look-ahead
  Wire lambda(kLambda);
  auto create = [&](std::string name) {
    return lambda.decode("POST", "/2015-03-31/functions/f/aliases", "", R"({"FunctionVersion":"1","Name":")" + name + "\"}")
        .error.code;
  };
  EXPECT_EQ(create("live"), "");
  EXPECT_EQ(create("v1"), "");
  EXPECT_EQ(create("123"), "ValidationException");
}

TEST(RestJson, wrong_types_are_serialization_errors) {
  Wire lambda(kLambda);
  EXPECT_EQ(lambda.decode("PUT", "/2015-03-31/functions/f/configuration", "", R"({"Timeout":"x"})").error.message,
            "STRING_VALUE can not be converted to an Integer");
  EXPECT_EQ(lambda.decode("PUT", "/2015-03-31/functions/f/configuration", "", R"({"Handler":7})").error.code,
            "SerializationException");
  EXPECT_EQ(lambda.decode("PUT", "/2015-03-31/functions/f/configuration", "", R"({"Timeout":99999999999})").error.code,
            "SerializationException");
  EXPECT_EQ(lambda.decode("PUT", "/2015-03-31/functions/f/configuration", "", "{").error.code, "InvalidRequestContentException");
}

TEST(RestJson, invoke_takes_its_body_as_it_is) {
  Wire lambda(kLambda);
  EXPECT_TRUE(lambda.codec.raw_payload(*kLambda.operation("Invoke")));
  EXPECT_FALSE(lambda.codec.raw_payload(*kLambda.operation("CreateFunction")));
  http::Headers headers;
  headers.add("X-Amz-Invocation-Type", "Event");
  headers.add("X-Amz-Log-Type", "Tail");
  auto r = lambda.decode("POST", "/2015-03-31/functions/f/invocations", "Qualifier=live", "", headers);
  EXPECT_EQ(text(r.input), R"({"FunctionName":"f","Qualifier":"live","InvocationType":"Event","LogType":"Tail"})");
}

TEST(RestJson, invoke_answers_with_headers_and_the_payload) {
  Reply reply;
  reply.output = *json::parse(R"({"StatusCode":200,"FunctionError":"Unhandled","ExecutedVersion":"$LATEST"})");
  reply.payload = http::Body{};
  reply.payload->bytes = "{\"a\":1}";
  auto response = Wire(kLambda).encode("Invoke", std::move(reply));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.get("x-amz-function-error"), "Unhandled");
  EXPECT_EQ(response.headers.get("x-amz-executed-version"), "$LATEST");
  EXPECT_EQ(response.headers.get("x-amzn-requestid"), "req-1");
  EXPECT_EQ(response.body.bytes, "{\"a\":1}");
}

TEST(RestJson, an_event_invocation_answers_202_without_a_body) {
  auto response = Wire(kLambda).output("Invoke", R"({"StatusCode":202})");
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(response.body.bytes, "");
}

TEST(RestJson, statuses_come_from_the_table) {
  Wire lambda(kLambda);
  EXPECT_EQ(lambda.output("CreateFunction", R"({"FunctionName":"f"})").status, 201);
  EXPECT_EQ(lambda.output("CreateFunction", R"({"FunctionName":"f"})").body.bytes, R"({"FunctionName":"f"})");
  EXPECT_EQ(lambda.output("RemovePermission", "{}").status, 204);
  EXPECT_EQ(lambda.output("RemovePermission", "{}").body.bytes, "");
}

TEST(RestJson, errors_have_the_pair_of_type_and_message) {
  Codec codec(kLambda);
  auto r = codec.encode_error(resource_not_found("Function not found: f"), "req-1");
  EXPECT_EQ(r.status, 404);
  EXPECT_EQ(r.headers.get("x-amzn-errortype"), "ResourceNotFoundException");
  EXPECT_EQ(r.headers.get("content-type"), "application/json");
  EXPECT_EQ(r.body.bytes, R"({"Type":"User","Message":"Function not found: f"})");
  EXPECT_EQ(codec.encode_error(invalid_parameter_value("no"), "r").body.bytes, R"({"Type":"User","message":"no"})");
  EXPECT_EQ(codec.encode_error(validation("v"), "r").body.bytes, R"({"message":"v"})");
  auto throttled =
      codec.encode_error(too_many_requests("Rate Exceeded.", "ReservedFunctionConcurrentInvocationLimitExceeded"), "r");
  EXPECT_EQ(throttled.status, 429);
  EXPECT_EQ(throttled.headers.get("retry-after"), "1");
  EXPECT_EQ(throttled.body.bytes,
            R"({"Type":"User","message":"Rate Exceeded.","Reason":"ReservedFunctionConcurrentInvocationLimitExceeded"})");
}

// ---- json 1.0 and 1.1

TEST(JsonRpc, dynamodb_put_item_round_trip_of_attribute_values) {
  auto r = Wire(kDynamodb).target("PutItem", R"({"TableName":"t","Item":{"k":{"S":"a"},"b":{"B":"AAE="},"n":{"N":"1.5"},
      "l":{"L":[{"BOOL":true},{"NULL":true}]},"m":{"M":{"x":{"SS":["p","q"]}}}}})");
  ASSERT_EQ(r.error.code, "") << r.error.message;
  EXPECT_EQ(r.input["Item"]["b"]["B"], Value(Blob{std::string("\0\1", 2)}));
  EXPECT_EQ(r.input["Item"]["m"]["M"]["x"]["SS"].size(), 2u);
  Reply reply;
  reply.output.set("Item", r.input["Item"]);
  auto out = Wire(kDynamodb).encode("GetItem", std::move(reply));
  EXPECT_EQ(
      out.body.bytes,
      R"({"Item":{"k":{"S":"a"},"b":{"B":"AAE="},"n":{"N":"1.5"},"l":{"L":[{"BOOL":true},{"NULL":true}]},"m":{"M":{"x":{"SS":["p","q"]}}}}})");
  EXPECT_EQ(out.headers.get("content-type"), "application/x-amz-json-1.0");
  EXPECT_EQ(out.headers.get("x-amz-crc32"), std::to_string(crc32(out.body.bytes)));
}

TEST(JsonRpc, dynamodb_constraints_name_the_place) {
  auto r = Wire(kDynamodb).target(
      "CreateTable", R"({"TableName":"tab","KeySchema":[{"AttributeName":"a","KeyType":"HASHED"},{"KeyType":"RANGE"}],
      "AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}]})");
  EXPECT_EQ(r.error.code, "ValidationException");
  EXPECT_EQ(r.error.message,
            "2 validation errors detected: Value 'HASHED' at 'keySchema.1.member.keyType' failed to satisfy constraint: Member "
            "must satisfy enum value set: [HASH, RANGE]; Value null at 'keySchema.2.member.attributeName' failed to satisfy "
            "constraint: Member must not be null");
  EXPECT_EQ(Wire(kDynamodb).target("GetItem", R"({"Key":{}})").error.message,
            "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null");
}

TEST(JsonRpc, dynamodb_type_errors) {
  EXPECT_EQ(Wire(kDynamodb).target("PutItem", R"({"TableName":1,"Item":{}})").error.message,
            "NUMBER_VALUE cannot be converted to String");
  EXPECT_EQ(Wire(kDynamodb).target("PutItem", R"({"TableName":"t","Item":{"a":{"S":true}}})").error.message,
            "TRUE_VALUE cannot be converted to String");
  EXPECT_EQ(Wire(kDynamodb).target("PutItem", R"({"TableName":"t","Item":"a"})").error.message, "Unexpected field type");
  EXPECT_EQ(Wire(kDynamodb).target("PutItem", R"({"TableName":["t"],"Item":{}})").error.message,
            "Unrecognized collection type class java.lang.String");
  EXPECT_EQ(Wire(kDynamodb).target("PutItem", R"({"TableName":"t","Item":["a"]})").error.message,
            "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>");
  EXPECT_EQ(Wire(kDynamodb).target("PutItem", R"({"TableName":"t","Item":{"a":["a"]}})").error.message,
            "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue");
  EXPECT_EQ(Wire(kDynamodb).target("PutItem", R"({"TableName":{},"Item":{}})").error.message,
            "Start of structure or map found where not expected");
  EXPECT_EQ(Wire(kDynamodb).target("PutItem", R"({"TableName":"t","Item":{"a":{"B":"x"}}})").error.message,
            "Base64 encoded length is expected a multiple of 4 bytes but found: 1");
  EXPECT_EQ(Wire(kDynamodb).target("PutItem", R"({"TableName":"t","Item":{"a":{"B":7}}})").error.message,
            "only base-64-encoded strings are convertible to bytes");
  EXPECT_EQ(Wire(kDynamodb).target("Scan", R"({"TableName":"tab","ConsistentRead":"maybe"})").error.message,
            "Unexpected token received from parser");
  EXPECT_EQ(Wire(kDynamodb).target("PutItem", R"({"TableName":"tab","Item":{"a":{"BOOL":1}}})").error.message,
            "NUMBER_VALUE cannot be converted to Boolean");
  EXPECT_EQ(Wire(kDynamodb).target("PutItem", "not json").error.code, "SerializationException");
}

TEST(JsonRpc, dynamodb_reads_numbers_and_booleans_as_java_does) {
  auto r = Wire(kDynamodb).target("Scan", R"({"TableName":"tab","ConsistentRead":"TRUE","Limit":1.5})");
  ASSERT_EQ(r.error.code, "") << r.error.message;
  EXPECT_TRUE(r.input["ConsistentRead"].as_bool());
  EXPECT_EQ(r.input["Limit"].as_int(), 1);
  EXPECT_EQ(Wire(kLogs).target("GetLogEvents", R"({"logGroupName":"a","logStreamName":"s","limit":1.5})").error.code,
            "SerializationException");  // control: others refuse
}

TEST(JsonRpc, values_of_32_levels_are_read) {
  std::string deep = R"({"TableName":"tab","Item":{"k":)";
  for (int i = 0; i < 32; ++i) deep += R"({"L":[)";
  deep += R"({"S":"x"})";
  for (int i = 0; i < 32; ++i) deep += "]}";
  EXPECT_EQ(Wire(kDynamodb).target("PutItem", deep + "}}").error.code, "");
}

TEST(JsonRpc, dynamodb_error_namespaces) {
  Codec codec(kDynamodb);
  EXPECT_EQ(codec.encode_error(validation("v"), "r").body.bytes,
            R"({"__type":"com.amazon.coral.validate#ValidationException","message":"v"})");
  EXPECT_EQ(codec.encode_error(serialization("s"), "r").body.bytes,
            R"({"__type":"com.amazon.coral.service#SerializationException","Message":"s"})");
  auto r = codec.encode_error(resource_not_found("Requested resource not found", 400), "r");
  EXPECT_EQ(
      r.body.bytes,
      R"({"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"Requested resource not found"})");
  EXPECT_EQ(r.status, 400);
  EXPECT_TRUE(r.headers.has("x-amz-crc32"));
}

TEST(JsonRpc, dynamodb_timestamps_are_seconds) {
  Reply reply;
  reply.output.set("Table", Value::map()).set("CreationDateTime", Timestamp{1795404069123});
  EXPECT_EQ(Wire(kDynamodb).encode("DescribeTable", std::move(reply)).body.bytes,
            R"({"Table":{"CreationDateTime":1795404069.123}})");
}

TEST(JsonRpc, nested_too_deep_is_refused) {
  std::string deep = R"({"TableName":"t","Item":)";
  for (int i = 0; i < 200; ++i) deep += "{\"a\":";
  EXPECT_EQ(Wire(kDynamodb).target("PutItem", deep).error.code, "SerializationException");
}

TEST(JsonRpc, logs_speak_json_1_1_with_their_own_validation_code) {
  Wire logs(kLogs);
  auto r = logs.target("GetLogEvents", R"({"logGroupName":"/aws/lambda/f"})");
  EXPECT_EQ(r.error.code, "InvalidParameterException");
  EXPECT_EQ(r.error.message,
            "1 validation error detected: Value null at 'logStreamName' failed to satisfy constraint: Member must not be null");
  EXPECT_EQ(logs.target("GetLogEvents", R"({"logGroupName":"a b","logStreamName":"s"})").error.code, "InvalidParameterException");
  EXPECT_EQ(logs.target("GetLogEvents", R"({"logGroupName":"a","logStreamName":"s","limit":5})").input["limit"].as_int(), 5);
  auto out = logs.output("GetLogEvents", R"({"events":[{"timestamp":5,"message":"m"}]})");
  EXPECT_EQ(out.headers.get("content-type"), "application/x-amz-json-1.1");
  EXPECT_EQ(out.body.bytes, R"({"events":[{"timestamp":5,"message":"m"}]})");
  EXPECT_EQ(logs.codec.encode_error(resource_not_found("x", 400), "r").body.bytes,
            R"({"__type":"ResourceNotFoundException","message":"x"})");
}

}  // namespace
}  // namespace gust::model
