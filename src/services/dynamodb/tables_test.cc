// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include "services/dynamodb/test_service.h"

namespace gust::dynamodb {
namespace {

using TableSettings = Dynamo;
INSTANTIATE_TEST_SUITE_P(Engines, TableSettings, kEngines, engine_name);

Value units(int read, int write) { return map({{"ReadCapacityUnits", read}, {"WriteCapacityUnits", write}}); }
Value provisioned(Value table, int read, int write) {
  table.set("BillingMode", "PROVISIONED");
  table.set("ProvisionedThroughput", units(read, write));
  return table;
}
const std::string kInvalid = "ValidationException: One or more parameter values were invalid: ";

TEST_P(TableSettings, settings_are_kept_and_shown) {
  Value wanted = table("things");
  wanted.set("SSESpecification", map({{"Enabled", true}, {"SSEType", "KMS"}, {"KMSMasterKeyId", "alias/mine"}}));
  wanted.set("DeletionProtectionEnabled", true);
  wanted.set("TableClass", "STANDARD_INFREQUENT_ACCESS");
  wanted.set("OnDemandThroughput", map({{"MaxReadRequestUnits", 7}, {"MaxWriteRequestUnits", -1}}));
  wanted.set("WarmThroughput", map({{"ReadUnitsPerSecond", 13'000}}));
  ok("CreateTable", wanted);
  const Value t = ok("DescribeTable", map({{"TableName", "things"}}))["Table"];
  EXPECT_EQ(
      t["SSEDescription"],
      map({{"Status", "ENABLED"}, {"SSEType", "KMS"}, {"KMSMasterKeyArn", "arn:aws:kms:us-east-1:000000000000:alias/mine"}}));
  EXPECT_TRUE(t["DeletionProtectionEnabled"].as_bool());
  EXPECT_EQ(t["TableClassSummary"]["TableClass"].as_string(), "STANDARD_INFREQUENT_ACCESS");
  EXPECT_EQ(t["OnDemandThroughput"], map({{"MaxReadRequestUnits", 7}, {"MaxWriteRequestUnits", -1}}));
  EXPECT_EQ(t["WarmThroughput"], map({{"ReadUnitsPerSecond", 13'000}, {"WriteUnitsPerSecond", 4'000}, {"Status", "ACTIVE"}}));
  make("plain");
  const Value plain = ok("DescribeTable", map({{"TableName", "plain"}}))["Table"];
  for (const char* member : {"SSEDescription", "OnDemandThroughput", "TableClassSummary", "GlobalSecondaryIndexes"}) {
    EXPECT_FALSE(plain.has(member)) << member;
  }
}

TEST_P(TableSettings, settings_are_checked) {
  const auto says = [&](std::string_view member, Value value) {
    return error("CreateTable", with(table("things"), member, std::move(value)));
  };
  EXPECT_EQ(says("SSESpecification", map({{"Enabled", true}, {"SSEType", "AES256"}})),
            kInvalid + "SSEType AES256 is not supported");
  EXPECT_EQ(says("WarmThroughput", map({{"ReadUnitsPerSecond", 11'999}})),
            kInvalid + "Requested ReadUnitsPerSecond for WarmThroughput for table is lower than initial throughput for OnDemand");
  EXPECT_TRUE(says("OnDemandThroughput", map({{"MaxReadRequestUnits", 0}})).starts_with("ValidationException"));
  EXPECT_EQ(error("CreateTable", provisioned(table("things"), 2'000'000'000, 1)), "none");
  EXPECT_EQ(error("CreateTable", with(provisioned(table("other"), 1, 1), "ProvisionedThroughput",
                                      map({{"ReadCapacityUnits", 1'000'000'000'001}, {"WriteCapacityUnits", 1}}))),
            "ValidationException: Given value 1000000000001 for ReadCapacityUnits is out of bounds");
  Value twice = table("other");
  twice.set("AttributeDefinitions", list({attribute("pk", "S"), attribute("sk", "N"), attribute("pk", "N")}));
  EXPECT_TRUE(error("CreateTable", twice).starts_with(kInvalid));
}

TEST_P(TableSettings, a_protected_table_cannot_be_deleted) {
  ok("CreateTable", with(table("things"), "DeletionProtectionEnabled", true));
  const Value name = map({{"TableName", "things"}});
  EXPECT_EQ(error("DeleteTable", name),
            "ValidationException: Resource cannot be deleted as it is currently protected against deletion. Disable deletion "
            "protection first.");
  ok("UpdateTable", with(name, "DeletionProtectionEnabled", false));
  EXPECT_EQ(error("DeleteTable", name), "none");
}

TEST_P(TableSettings, throughput_and_billing_change) {
  ok("CreateTable", provisioned(table("things"), 5, 5));
  const Value name = map({{"TableName", "things"}});
  const auto described = [&] { return ok("DescribeTable", name)["Table"]; };
  EXPECT_EQ(error("UpdateTable", with(name, "ProvisionedThroughput", units(5, 5))),
            "ValidationException: The provisioned throughput for the table will not change. The requested value equals the "
            "current value. Current ReadCapacityUnits provisioned for the table: 5. Requested ReadCapacityUnits: 5. Current "
            "WriteCapacityUnits provisioned for the table: 5. Requested WriteCapacityUnits: 5. Refer to the Amazon DynamoDB "
            "Developer Guide for current limits and how to request higher limits.");
  EXPECT_EQ(ok("UpdateTable", with(name, "ProvisionedThroughput", units(9, 4)))["TableDescription"]["TableStatus"].as_string(),
            "UPDATING");
  Value t = described()["ProvisionedThroughput"];
  EXPECT_EQ(t["ReadCapacityUnits"].as_int(), 9);
  EXPECT_EQ(t["NumberOfDecreasesToday"].as_int(), 1);
  EXPECT_EQ(t["LastIncreaseDateTime"].as_timestamp().unix_ms, clock_.unix_ms());
  clock_.advance_us(25LL * 3600 * 1'000'000);
  EXPECT_EQ(described()["ProvisionedThroughput"]["NumberOfDecreasesToday"].as_int(), 0);
  ok("UpdateTable", with(name, "BillingMode", "PAY_PER_REQUEST"));
  EXPECT_EQ(described()["BillingModeSummary"],
            map({{"BillingMode", "PAY_PER_REQUEST"}, {"LastUpdateToPayPerRequestDateTime", Timestamp{clock_.unix_ms()}}}));
  EXPECT_EQ(described()["ProvisionedThroughput"]["ReadCapacityUnits"].as_int(), 0);
  EXPECT_EQ(error("UpdateTable", with(name, "ProvisionedThroughput", units(1, 1))),
            kInvalid + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST");
  EXPECT_EQ(error("UpdateTable", with(name, "BillingMode", "PROVISIONED")),
            kInvalid + "ProvisionedThroughput must be specified when BillingMode is PROVISIONED");
  ok("UpdateTable", with(with(name, "BillingMode", "PROVISIONED"), "ProvisionedThroughput", units(2, 3)));
  EXPECT_EQ(described()["BillingModeSummary"]["BillingMode"].as_string(), "PROVISIONED");
  EXPECT_EQ(described()["ProvisionedThroughput"]["WriteCapacityUnits"].as_int(), 3);
}

TEST_P(TableSettings, updates_are_checked) {
  make("things");
  const Value name = map({{"TableName", "things"}});
  const auto says = [&](Value updates) {
    return error("UpdateTable", with(name, "GlobalSecondaryIndexUpdates", std::move(updates)));
  };
  const auto create = [&](std::string_view index) {
    return map({{"Create", map({{"IndexName", index},
                                {"KeySchema", list({element("sk", "HASH")})},
                                {"Projection", map({{"ProjectionType", "ALL"}})}})}});
  };
  const std::string nothing =
      "ValidationException: At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates "
      "or SSESpecification or ReplicaUpdates is required";
  EXPECT_EQ(error("UpdateTable", name), nothing);
  EXPECT_EQ(says(Value::list()), nothing);
  EXPECT_EQ(says(list({Value::map()})), kInvalid +
                                            "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
                                            "GlobalSecondaryIndexUpdate.Delete must not be null");
  EXPECT_EQ(says(list({create("one"), create("two")})),
            "LimitExceededException: Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per "
            "table");
  EXPECT_EQ(says(list({create("one"), create("one")})),
            kInvalid + "Only one global secondary index update per index is allowed simultaneously. Index: one");
  EXPECT_EQ(says(list({create("one")})),
            kInvalid + "Some index key attributes are not defined in AttributeDefinitions. Keys: [sk], AttributeDefinitions: []");
  EXPECT_EQ(error("UpdateTable", with(with(name, "GlobalSecondaryIndexUpdates", list({create("one")})), "AttributeDefinitions",
                                      list({attribute("sk", "S")}))),
            kInvalid + "Attribute type of sk cannot be changed");
  EXPECT_EQ(says(list({map({{"Update", map({{"IndexName", "one"}, {"ProvisionedThroughput", units(1, 1)}})}})})),
            "ResourceNotFoundException: Requested resource not found");
  EXPECT_EQ(error("UpdateTable", with(map({{"TableName", "nothere"}}), "BillingMode", "PAY_PER_REQUEST")),
            "ResourceNotFoundException: Requested resource not found: Table: nothere not found");
  EXPECT_EQ(call("UpdateTable", with(name, "StreamSpecification", map({{"StreamEnabled", true}}))).code(), "NotImplemented");
  EXPECT_EQ(call("UpdateTable", with(name, "ReplicaUpdates", list({Value::map()}))).code(), "NotImplemented");
  EXPECT_EQ(error("UpdateTable", with(with(name, "GlobalSecondaryIndexUpdates", list({create("one")})), "AttributeDefinitions",
                                      list({attribute("sk", "N")}))),
            "none");  // control
}

TEST_P(TableSettings, an_index_has_its_own_throughput) {
  const Value name = map({{"TableName", "things"}});
  Value wanted = provisioned(table("things"), 5, 5);
  Value index = map(
      {{"IndexName", "by-sk"}, {"KeySchema", list({element("sk", "HASH")})}, {"Projection", map({{"ProjectionType", "ALL"}})}});
  wanted.set("GlobalSecondaryIndexes", list({index}));
  EXPECT_EQ(error("CreateTable", wanted), kInvalid + "ProvisionedThroughput is not specified for index: by-sk");
  wanted.set("GlobalSecondaryIndexes", list({with(index, "ProvisionedThroughput", units(1, 2))}));
  ok("CreateTable", wanted);
  const auto of_index = [&] {
    return ok("DescribeTable", name)["Table"]["GlobalSecondaryIndexes"]
        .as_list()
        .at(0)["ProvisionedThroughput"]["WriteCapacityUnits"]
        .as_int();
  };
  const auto update = [&](int read, int write) {
    return with(name, "GlobalSecondaryIndexUpdates",
                list({map({{"Update", map({{"IndexName", "by-sk"}, {"ProvisionedThroughput", units(read, write)}})}})}));
  };
  EXPECT_EQ(of_index(), 2);
  const Value updated = ok("UpdateTable", update(3, 4))["TableDescription"];
  EXPECT_EQ(updated["GlobalSecondaryIndexes"].as_list().at(0)["IndexStatus"].as_string(), "UPDATING");
  EXPECT_EQ(of_index(), 4);
  EXPECT_TRUE(error("UpdateTable", update(3, 4))
                  .starts_with("ValidationException: The provisioned throughput for the index by-sk will not change."));
  ok("UpdateTable", with(name, "BillingMode", "PAY_PER_REQUEST"));
  EXPECT_EQ(of_index(), 0);
  const Value back = with(with(name, "BillingMode", "PROVISIONED"), "ProvisionedThroughput", units(2, 3));
  EXPECT_EQ(error("UpdateTable", back), kInvalid + "ProvisionedThroughput must be specified for index: by-sk");
  ok("UpdateTable", with(back, "GlobalSecondaryIndexUpdates", update(6, 7)["GlobalSecondaryIndexUpdates"]));
  EXPECT_EQ(of_index(), 7);
}

TEST_P(TableSettings, what_tools_read_of_every_table_is_there) {
  make("things");
  const Value name = map({{"TableName", "things"}});
  EXPECT_EQ(ok("DescribeContinuousBackups", name)["ContinuousBackupsDescription"],
            map({{"ContinuousBackupsStatus", "ENABLED"},
                 {"PointInTimeRecoveryDescription", map({{"PointInTimeRecoveryStatus", "DISABLED"}})}}));
  EXPECT_EQ(error("DescribeContinuousBackups", map({{"TableName", "nothere"}})),
            "TableNotFoundException: Table not found: nothere");
  EXPECT_EQ(ok("DescribeContributorInsights", name), map({{"TableName", "things"}, {"ContributorInsightsStatus", "DISABLED"}}));
  EXPECT_EQ(ok("DescribeKinesisStreamingDestination", name),
            map({{"TableName", "things"}, {"KinesisDataStreamDestinations", Value::list()}}));
  EXPECT_EQ(ok("DescribeLimits", Value::map())["TableMaxReadCapacityUnits"].as_int(), 40'000);
}

// Tables that an earlier version stored have no indexes and no settings in their records.
TEST_P(TableSettings, records_of_an_earlier_version_are_read) {
  Item record;
  for (const auto& [name, text] :
       {std::pair("account", "000000000000"), std::pair("region", "us-east-1"), std::pair("name", "old"), std::pair("id", "i"),
        std::pair("storage", "9"), std::pair("hash", "pk"), std::pair("hash_type", "S"), std::pair("table_class", "")}) {
    record.set(name, Attribute::string(text));
  }
  for (const auto& [name, value] :
       {std::pair("on_demand", 1), std::pair("read_units", 0), std::pair("write_units", 0), std::pair("created_ms", 5)}) {
    record.set(name, Attribute::number(Number::of(value)));
  }
  std::string bytes;
  encode(record, bytes);
  ASSERT_TRUE(store_->commit_and_wait(
      [&](store::Transaction& t) { return t.put(store::Space::Meta, table_key("000000000000", "us-east-1", "old"), bytes); }));
  const Value t = ok("DescribeTable", map({{"TableName", "old"}}))["Table"];
  EXPECT_EQ(t["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"], Value(Timestamp{5}));
  put("old", map({{"pk", s("x")}}));
  EXPECT_EQ(get("old", map({{"pk", s("x")}})), map({{"pk", s("x")}}));
}

}  // namespace
}  // namespace gust::dynamodb
