// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include "services/dynamodb/test_service.h"

namespace gust::dynamodb {
namespace {

using Tables = Dynamo;
INSTANTIATE_TEST_SUITE_P(Engines, Tables, kEngines, engine_name);

TEST_P(Tables, a_table_is_created_described_and_listed) {
  Value wanted = table("things");
  wanted.set("Tags", list({map({{"Key", "k"}, {"Value", "v"}})}));
  const Value created = ok("CreateTable", wanted)["TableDescription"];
  EXPECT_EQ(created["TableStatus"].as_string(), "CREATING");
  const Value described = ok("DescribeTable", map({{"TableName", "things"}}))["Table"];
  EXPECT_EQ(described["TableStatus"].as_string(), "ACTIVE");
  EXPECT_EQ(described["TableArn"].as_string(), "arn:aws:dynamodb:us-east-1:000000000000:table/things");
  EXPECT_EQ(described["TableId"], created["TableId"]);
  EXPECT_EQ(described["KeySchema"], wanted["KeySchema"]);
  EXPECT_EQ(described["AttributeDefinitions"], wanted["AttributeDefinitions"]);
  EXPECT_EQ(described["BillingModeSummary"]["BillingMode"].as_string(), "PAY_PER_REQUEST");
  EXPECT_EQ(described["CreationDateTime"].as_timestamp().unix_ms, clock_.unix_ms());
  EXPECT_EQ(ok("DescribeTable", map({{"TableName", described["TableArn"]}}))["Table"], described);
  EXPECT_EQ(ok("ListTables", Value::map())["TableNames"], list({"things"}));
  EXPECT_EQ(ok("ListTagsOfResource", map({{"ResourceArn", described["TableArn"]}}))["Tags"], wanted["Tags"]);
  EXPECT_EQ(ok("DescribeTimeToLive", map({{"TableName", "things"}}))["TimeToLiveDescription"]["TimeToLiveStatus"].as_string(),
            "DISABLED");
  EXPECT_EQ(error("CreateTable", wanted), "ResourceInUseException: Table already exists: things");
}

TEST_P(Tables, provisioned_throughput_is_echoed) {
  Value wanted = table("things", "");
  wanted.erase("BillingMode");
  EXPECT_EQ(error("CreateTable", wanted),
            "ValidationException: One or more parameter values were invalid: ReadCapacityUnits and "
            "WriteCapacityUnits must both be specified when BillingMode is PROVISIONED");
  wanted.set("ProvisionedThroughput", map({{"ReadCapacityUnits", 5}, {"WriteCapacityUnits", 7}}));
  const Value created = ok("CreateTable", wanted)["TableDescription"];
  EXPECT_EQ(created["ProvisionedThroughput"]["ReadCapacityUnits"].as_int(), 5);
  EXPECT_EQ(created["ProvisionedThroughput"]["WriteCapacityUnits"].as_int(), 7);
  EXPECT_FALSE(created.has("BillingModeSummary"));
  wanted.set("BillingMode", "PAY_PER_REQUEST");
  EXPECT_EQ(error("CreateTable", wanted),
            "ValidationException: One or more parameter values were invalid: Neither ReadCapacityUnits nor "
            "WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST");
}

TEST_P(Tables, what_a_table_cannot_have_is_refused_by_name) {
  const auto refused = [&](std::string_view member, Value value) {
    const Outcome o = call("CreateTable", with(table("things"), member, std::move(value)));
    EXPECT_EQ(o.code(), "NotImplemented") << member;
    EXPECT_NE(o.message().find(member), std::string::npos) << o.message();
  };
  refused("StreamSpecification", map({{"StreamEnabled", true}}));
  refused("ResourcePolicy", "{}");
  for (const char* operation : {"UpdateTimeToLive", "TransactWriteItems", "ExecuteStatement", "UpdateContinuousBackups"}) {
    EXPECT_FALSE(service_->implements(operation));
    EXPECT_EQ(call(operation, map({{"TableName", "things"}})).code(), "NotImplemented");
  }
  EXPECT_EQ(error("CreateTable", with(table("things"), "StreamSpecification", map({{"StreamEnabled", false}}))), "none");
}

TEST_P(Tables, key_schemas_are_checked) {
  const auto says = [&](Value definitions, Value schema) {
    return error("CreateTable",
                 with(with(table("things"), "AttributeDefinitions", std::move(definitions)), "KeySchema", std::move(schema)));
  };
  const Value a = attribute("a", "S"), z = attribute("z", "S");
  EXPECT_EQ(says(list({a}), list({element("a", "RANGE")})),
            "ValidationException: Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
  EXPECT_EQ(says(list({a, z}), list({element("a", "HASH"), element("z", "HASH")})),
            "ValidationException: Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
  EXPECT_EQ(says(list({a}), list({element("a", "HASH"), element("z", "RANGE")})),
            "ValidationException: Invalid KeySchema: Some index key attribute have no definition");
  EXPECT_EQ(says(list({a, z}), list({element("a", "HASH"), element("a", "RANGE")})),
            "ValidationException: Both the Hash Key and the Range Key element in the KeySchema have the same name");
  EXPECT_EQ(says(list({z}), list({element("a", "HASH")})),
            "ValidationException: One or more parameter values were invalid: Some index key attributes are not defined in "
            "AttributeDefinitions. Keys: [a], AttributeDefinitions: [z]");
  EXPECT_EQ(says(list({a, z}), list({element("a", "HASH")})),
            "ValidationException: One or more parameter values were invalid: Number of attributes in KeySchema does not exactly "
            "match number "
            "of attributes defined in AttributeDefinitions");
  EXPECT_EQ(says(list({a, z}), list({element("a", "HASH"), element("z", "RANGE")})), "none");  // control
}

TEST_P(Tables, table_names_are_checked) {
  EXPECT_EQ(error("CreateTable", table("ab")),
            "ValidationException: TableName must be at least 3 characters long and at most 255 characters long");
  EXPECT_EQ(error("GetItem", map({{"TableName", "a b c"}, {"Key", map({{"pk", s("x")}})}})),
            "ValidationException: 1 validation error detected: Value 'a b c' at 'tableName' failed to satisfy constraint: Member "
            "must satisfy "
            "regular expression pattern: [a-zA-Z0-9_.-]+");
  make("abc");
  EXPECT_EQ(error("DescribeTable", map({{"TableName", "arn:aws:dynamodb:us-east-1:111111111111:table/abc"}})),
            "ResourceNotFoundException: Requested resource not found");
}

TEST_P(Tables, tables_are_listed_in_pages_and_by_account) {
  for (const char* name : {"ccc", "aaa", "bbb"}) make(name);
  Value page = ok("ListTables", map({{"Limit", 2}}));
  EXPECT_EQ(page["TableNames"], list({"aaa", "bbb"}));
  EXPECT_EQ(page["LastEvaluatedTableName"].as_string(), "bbb");
  page = ok("ListTables", map({{"Limit", 2}, {"ExclusiveStartTableName", "bbb"}}));
  EXPECT_EQ(page["TableNames"], list({"ccc"}));
  EXPECT_FALSE(page.has("LastEvaluatedTableName"));
  EXPECT_EQ(call("ListTables", Value::map(), "111111111111").output()["TableNames"], Value::list());
  EXPECT_EQ(call("DescribeTable", map({{"TableName", "aaa"}}), "111111111111").message(),
            "Requested resource not found: Table: aaa not found");
}

TEST_P(Tables, tags_are_changed) {
  make("things");
  const Value arn = ok("DescribeTable", map({{"TableName", "things"}}))["Table"]["TableArn"];
  const auto tag = [](const char* k, const char* v) { return map({{"Key", k}, {"Value", v}}); };
  ok("TagResource", map({{"ResourceArn", arn}, {"Tags", list({tag("a", "1"), tag("b", "2")})}}));
  ok("TagResource", map({{"ResourceArn", arn}, {"Tags", list({tag("a", "3")})}}));
  EXPECT_EQ(ok("ListTagsOfResource", map({{"ResourceArn", arn}}))["Tags"], list({tag("b", "2"), tag("a", "3")}));
  ok("UntagResource", map({{"ResourceArn", arn}, {"TagKeys", list({"b", "unknown"})}}));
  EXPECT_EQ(ok("ListTagsOfResource", map({{"ResourceArn", arn}}))["Tags"], list({tag("a", "3")}));
  Value many = Value::list();
  for (int i = 0; i < 50; ++i) many.push(tag(std::to_string(i).c_str(), ""));
  EXPECT_EQ(call("TagResource", map({{"ResourceArn", arn}, {"Tags", many}})).code(), "ValidationException");
}

TEST_P(Tables, a_deleted_tables_items_are_gone_and_never_seen_again) {
  make("things"), make("other");
  for (int i = 0; i < 1000; ++i) put("things", map({{"pk", s("p")}, {"sk", n(std::to_string(i))}}));
  put("other", map({{"pk", s("p")}, {"sk", n("1")}}));
  const Value deleted = ok("DeleteTable", map({{"TableName", "things"}}))["TableDescription"];
  EXPECT_EQ(deleted["TableStatus"].as_string(), "DELETING");
  EXPECT_EQ(error("DescribeTable", map({{"TableName", "things"}})),
            "ResourceNotFoundException: Requested resource not found: Table: things not found");
  EXPECT_EQ(error("DeleteTable", map({{"TableName", "things"}})),
            "ResourceNotFoundException: Requested resource not found: Table: things not found");
  EXPECT_EQ(error("GetItem", map({{"TableName", "things"}, {"Key", map({{"pk", s("p")}, {"sk", n("1")}})}})),
            "ResourceNotFoundException: Requested resource not found");
  EXPECT_EQ(error("PutItem", map({{"TableName", "things"}, {"Item", map({{"pk", s("p")}, {"sk", n("1")}})}})),
            "ResourceNotFoundException: Requested resource not found");
  make("things");
  EXPECT_EQ(ok("Scan", map({{"TableName", "things"}}))["Count"].as_int(), 0);
  while (rows(store::Space::Garbage) > 0) std::this_thread::yield();
  EXPECT_EQ(rows(store::Space::Item), 1u);
  EXPECT_EQ(ok("Scan", map({{"TableName", "other"}}))["Count"].as_int(), 1);
}

TEST_P(Tables, an_interrupted_deletion_goes_on_after_the_next_start) {
  make("things");
  put("things", map({{"pk", s("p")}, {"sk", n("1")}}));
  const std::string key = table_key("000000000000", "us-east-1", "things");
  const Table dead = *decode_table(**(*store_->read())->get(store::Space::Meta, key));
  // As a crash right after the deletion's commit leaves it.
  ASSERT_TRUE(store_->commit_and_wait([&](store::Transaction& t) -> Result<> {
    TRY(t.erase(store::Space::Meta, key));
    return TableRemoval::mark(t, dead);
  }));
  EXPECT_EQ(rows(store::Space::Item), 1u);
  begin();
  while (rows(store::Space::Garbage) > 0) std::this_thread::yield();
  EXPECT_EQ(rows(store::Space::Item), 0u);
}

TEST_P(Tables, items_are_counted) {
  make("things");
  const auto figures = [&] {
    const Value t = ok("DescribeTable", map({{"TableName", "things"}}))["Table"];
    return std::pair(t["ItemCount"].as_int(), t["TableSizeBytes"].as_int());
  };
  EXPECT_EQ(figures(), std::pair(int64_t{0}, int64_t{0}));
  for (int i = 0; i < 10; ++i) put("things", map({{"pk", s("p")}, {"sk", n(std::to_string(i + 1))}}));
  EXPECT_EQ(figures(), std::pair(int64_t{10}, int64_t{10 * (2 + 1 + 2 + 2)}));
  for (int i = 10; i < 1500; ++i) put("things", map({{"pk", s("p")}, {"sk", n(std::to_string(i + 1))}}));
  EXPECT_EQ(figures().first, 1500);
  put("things", map({{"pk", s("p")}, {"sk", n("9999")}}));
  EXPECT_EQ(figures().first, 1500);  // as DynamoDB: up to six hours old
  clock_.advance_us(7LL * 3600 * 1'000'000);
  EXPECT_EQ(figures().first, 1501);
}

}  // namespace
}  // namespace gust::dynamodb
