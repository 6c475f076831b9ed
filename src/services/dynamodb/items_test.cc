// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include <thread>

#include "services/dynamodb/test_service.h"

namespace gust::dynamodb {
namespace {

using Items = Dynamo;
INSTANTIATE_TEST_SUITE_P(Engines, Items, kEngines, engine_name);

TEST_P(Items, items_are_put_got_and_deleted) {
  make("things");
  const Value key = map({{"pk", s("p")}, {"sk", n("1.0")}});
  EXPECT_TRUE(get("things", key).is_null());
  put("things", map({{"pk", s("p")}, {"sk", n("1")}, {"v", l({n("1e2"), null()})}}));
  EXPECT_EQ(get("things", key), map({{"pk", s("p")}, {"sk", n("1")}, {"v", l({n("100"), null()})}}));
  EXPECT_EQ(ok("GetItem", map({{"TableName", "things"},
                               {"Key", key},
                               {"ProjectionExpression", "v[1], #s"},
                               {"ExpressionAttributeNames", map({{"#s", "sk"}})}}))["Item"],
            map({{"sk", n("1")}, {"v", l({null()})}}));
  ok("DeleteItem", map({{"TableName", "things"}, {"Key", key}}));
  EXPECT_TRUE(get("things", key).is_null());
  ok("DeleteItem", map({{"TableName", "things"}, {"Key", key}}));
}

TEST_P(Items, keys_are_checked) {
  make("things");
  const auto put_says = [&](Value document) {
    return error("PutItem", map({{"TableName", "things"}, {"Item", std::move(document)}}));
  };
  const auto get_says = [&](Value key) { return error("GetItem", map({{"TableName", "things"}, {"Key", std::move(key)}})); };
  const std::string start = "ValidationException: One or more parameter values were invalid: ";
  EXPECT_EQ(put_says(map({{"sk", n("1")}})), start + "Missing the key pk in the item");
  EXPECT_EQ(put_says(map({{"pk", s("p")}})), start + "Missing the key sk in the item");
  EXPECT_EQ(put_says(map({{"pk", n("1")}, {"sk", n("1")}})), start + "Type mismatch for key pk expected: S actual: N");
  const std::string empty =
      "ValidationException: One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
      "contain an empty string value. Key: pk";
  EXPECT_EQ(put_says(map({{"pk", s("")}, {"sk", n("1")}})), empty);
  EXPECT_EQ(get_says(map({{"pk", s("")}, {"sk", n("1")}})), empty);
  const std::string mismatch = "ValidationException: The provided key element does not match the schema";
  EXPECT_EQ(get_says(map({{"pk", s("p")}})), mismatch);
  EXPECT_EQ(get_says(map({{"pk", s("p")}, {"sk", s("1")}})), mismatch);
  EXPECT_EQ(get_says(map({{"pk", s("p")}, {"sk", n("1")}, {"x", n("1")}})), mismatch);
  for (const char* operation : {"DeleteItem", "UpdateItem"}) {
    EXPECT_EQ(error(operation, map({{"TableName", "things"}, {"Key", map({{"pk", s("p")}})}})), mismatch);
  }
  EXPECT_EQ(put_says(map({{"pk", s(std::string(2048, 'x'))}, {"sk", n("1")}})), "none");
  EXPECT_EQ(put_says(map({{"pk", s(std::string(2049, 'x'))}, {"sk", n("1")}})),
            start + "Size of hashkey has exceeded the maximum size limit of2048 bytes");
  make("texts", "S");
  const auto with_range = [](size_t size) {
    return map({{"TableName", "texts"}, {"Item", map({{"pk", s("p")}, {"sk", s(std::string(size, 'x'))}})}});
  };
  EXPECT_EQ(error("PutItem", with_range(1024)), "none");
  EXPECT_EQ(error("PutItem", with_range(1025)),
            start + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes");
}

TEST_P(Items, items_have_a_largest_size) {
  make("things", "");
  const auto sized = [](size_t bytes) { return map({{"pk", s("p")}, {"v", s(std::string(bytes - 4, 'x'))}}); };
  EXPECT_EQ(error("PutItem", map({{"TableName", "things"}, {"Item", sized(kMaxItemBytes)}})), "none");
  EXPECT_EQ(error("PutItem", map({{"TableName", "things"}, {"Item", sized(kMaxItemBytes + 1)}})),
            "ValidationException: Item size has exceeded the maximum allowed size");
  EXPECT_EQ(error("UpdateItem", map({{"TableName", "things"},
                                     {"Key", map({{"pk", s("p")}})},
                                     {"UpdateExpression", "SET w = :w"},
                                     {"ExpressionAttributeValues", map({{":w", s("x")}})}})),
            "ValidationException: Item size to update has exceeded the maximum allowed size");
  EXPECT_EQ(get("things", map({{"pk", s("p")}})), sized(kMaxItemBytes));
}

TEST_P(Items, conditions_decide_and_what_failed_is_shown) {
  make("things", "");
  Value wanted = map({{"TableName", "things"},
                      {"Item", map({{"pk", s("p")}, {"v", n("1")}})},
                      {"ConditionExpression", "attribute_not_exists(pk)"}});
  ok("PutItem", wanted);
  wanted.set("Item", map({{"pk", s("p")}, {"v", n("2")}}));
  Outcome o = call("PutItem", wanted);
  EXPECT_EQ(o.code() + ": " + o.message(), "ConditionalCheckFailedException: The conditional request failed");
  EXPECT_EQ(o.error->status, 400);
  EXPECT_FALSE(o.error->members.has("Item"));
  wanted.set("ReturnValuesOnConditionCheckFailure", "ALL_OLD");
  EXPECT_EQ(call("PutItem", wanted).error->members["Item"], map({{"pk", s("p")}, {"v", n("1")}}));
  Value remove = map({{"TableName", "things"},
                      {"Key", map({{"pk", s("p")}})},
                      {"ConditionExpression", "v > :v"},
                      {"ExpressionAttributeValues", map({{":v", n("1")}})}});
  EXPECT_EQ(call("DeleteItem", remove).code(), "ConditionalCheckFailedException");
  EXPECT_EQ(get("things", map({{"pk", s("p")}})), map({{"pk", s("p")}, {"v", n("1")}}));
  remove.set("ExpressionAttributeValues", map({{":v", n("0")}}));
  ok("DeleteItem", remove);
  EXPECT_TRUE(get("things", map({{"pk", s("p")}})).is_null());
  EXPECT_EQ(call("UpdateItem",
                 map({{"TableName", "things"}, {"Key", map({{"pk", s("p")}})}, {"ConditionExpression", "attribute_exists(pk)"}}))
                .code(),
            "ConditionalCheckFailedException");
}

TEST_P(Items, return_values_of_each_operation) {
  make("things", "");
  const Value first = map({{"pk", s("p")}, {"v", n("1")}}), second = map({{"pk", s("p")}, {"v", n("2")}, {"w", n("9")}});
  const auto put_returns = [&](const Value& document, std::string_view returns) {
    return ok("PutItem", map({{"TableName", "things"}, {"Item", document}, {"ReturnValues", returns}}))["Attributes"];
  };
  EXPECT_TRUE(put_returns(first, "ALL_OLD").is_null());
  EXPECT_EQ(put_returns(first, "ALL_OLD"), first);
  EXPECT_TRUE(put_returns(second, "NONE").is_null());
  EXPECT_EQ(error("PutItem", map({{"TableName", "things"}, {"Item", first}, {"ReturnValues", "ALL_NEW"}})),
            "ValidationException: ReturnValues can only be ALL_OLD or NONE");
  const auto update_returns = [&](std::string_view returns) {
    put("things", second);
    return ok("UpdateItem", map({{"TableName", "things"},
                                 {"Key", map({{"pk", s("p")}})},
                                 {"UpdateExpression", "SET v = v + :one, x = :one REMOVE w"},
                                 {"ExpressionAttributeValues", map({{":one", n("1")}})},
                                 {"ReturnValues", returns}}))["Attributes"];
  };
  const Value third = map({{"pk", s("p")}, {"v", n("3")}, {"x", n("1")}});
  EXPECT_TRUE(update_returns("NONE").is_null());
  EXPECT_EQ(update_returns("ALL_OLD"), second);
  EXPECT_EQ(update_returns("ALL_NEW"), third);
  EXPECT_EQ(update_returns("UPDATED_OLD"), map({{"v", n("2")}, {"w", n("9")}}));
  EXPECT_EQ(update_returns("UPDATED_NEW"), map({{"v", n("3")}, {"x", n("1")}}));
  EXPECT_EQ(
      ok("DeleteItem", map({{"TableName", "things"}, {"Key", map({{"pk", s("p")}})}, {"ReturnValues", "ALL_OLD"}}))["Attributes"],
      third);
  EXPECT_EQ(
      ok("UpdateItem", map({{"TableName", "things"}, {"Key", map({{"pk", s("p")}})}, {"ReturnValues", "ALL_NEW"}}))["Attributes"],
      map({{"pk", s("p")}}));
}

TEST_P(Items, updates_leave_keys_alone_and_nesting_bounded) {
  make("things");
  Value wanted = map({{"TableName", "things"},
                      {"Key", map({{"pk", s("p")}, {"sk", n("1")}})},
                      {"UpdateExpression", "SET sk = :v"},
                      {"ExpressionAttributeValues", map({{":v", n("2")}})}});
  EXPECT_EQ(error("UpdateItem", wanted),
            "ValidationException: One or more parameter values were invalid: Cannot update attribute sk. This attribute is part "
            "of the key");
  EXPECT_TRUE(get("things", wanted["Key"]).is_null());
  Value deep = n("1");
  for (int i = 1; i < 32; ++i) deep = l({deep});
  wanted.set("ExpressionAttributeValues", map({{":v", deep}}));
  wanted.set("UpdateExpression", "SET v = :v");
  EXPECT_EQ(error("UpdateItem", wanted), "none");
  wanted.set("UpdateExpression", "SET v[0] = :v");
  EXPECT_TRUE(error("UpdateItem", wanted).starts_with("ValidationException: Nesting Levels have exceeded supported limits"));
  EXPECT_EQ(get("things", wanted["Key"])["v"], deep);
}

TEST_P(Items, counters_count_under_concurrency) {
  make("things", "");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        ok("UpdateItem", map({{"TableName", "things"},
                              {"Key", map({{"pk", s("p")}})},
                              {"UpdateExpression", "ADD v :one"},
                              {"ExpressionAttributeValues", map({{":one", n("1")}})}}));
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(get("things", map({{"pk", s("p")}}))["v"], n("200"));
}

TEST_P(Items, what_came_before_expressions_still_works) {
  make("things");
  const Value key = map({{"pk", s("p")}, {"sk", n("1")}});
  const Value absent = map({{"v", map({{"Exists", false}})}});
  const Value put_one = map({{"TableName", "things"},
                             {"Item", map({{"pk", s("p")}, {"sk", n("1")}, {"v", n("1")}, {"w", s("x")}})},
                             {"Expected", absent}});
  ok("PutItem", put_one);
  EXPECT_EQ(call("PutItem", put_one).code(), "ConditionalCheckFailedException");
  EXPECT_EQ(ok("UpdateItem", map({{"TableName", "things"},
                                  {"Key", key},
                                  {"AttributeUpdates", map({{"v", map({{"Action", "ADD"}, {"Value", n("5")}})}})},
                                  {"ReturnValues", "UPDATED_NEW"}}))["Attributes"],
            map({{"v", n("6")}}));
  EXPECT_EQ(ok("GetItem", map({{"TableName", "things"}, {"Key", key}, {"AttributesToGet", list({"v"})}}))["Item"],
            map({{"v", n("6")}}));
  const auto compare = [](const char* with, Value value) {
    return map({{"ComparisonOperator", with}, {"AttributeValueList", list({std::move(value)})}});
  };
  Value by_key = map({{"TableName", "things"}, {"KeyConditions", map({{"pk", compare("EQ", s("p"))}})}});
  EXPECT_EQ(ok("Query", with(by_key, "QueryFilter", map({{"v", compare("GT", n("5"))}})))["Count"].as_int(), 1);
  EXPECT_EQ(ok("Query", with(by_key, "QueryFilter", map({{"v", compare("GT", n("6"))}})))["Count"].as_int(), 0);
  EXPECT_EQ(error("Query", with(by_key, "QueryFilter", map({{"sk", compare("GT", n("6"))}}))),
            "ValidationException: QueryFilter can only contain non-primary key attributes: Primary key attribute: sk");
  const Value filter = map({{"w", compare("EQ", s("x"))}});
  EXPECT_EQ(ok("Scan", map({{"TableName", "things"}, {"ScanFilter", filter}}))["Count"].as_int(), 1);
  EXPECT_EQ(call("DeleteItem", map({{"TableName", "things"}, {"Key", key}, {"Expected", absent}})).code(),
            "ConditionalCheckFailedException");
  EXPECT_EQ(call("PutItem", with(put_one, "ConditionExpression", "attribute_exists(pk)")).code(), "ValidationException");
}

TEST_P(Items, an_update_that_only_removes_makes_no_item) {
  make("things", "");
  const Value key = map({{"pk", s("p")}});
  const auto update = [&](std::string_view expression) {
    ok("UpdateItem", map({{"TableName", "things"}, {"Key", key}, {"UpdateExpression", expression}}));
    return get("things", key);
  };
  EXPECT_TRUE(update("REMOVE v").is_null());
  ok("UpdateItem", map({{"TableName", "things"}, {"Key", key}}));
  EXPECT_EQ(get("things", key), key);
  EXPECT_EQ(update("REMOVE v"), key);  // control
}

TEST_P(Items, expressions_do_not_look_inside_keys) {
  make("things");
  const Value key = map({{"pk", s("p")}, {"sk", n("1")}});
  const std::string text =
      "ValidationException: Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: sk";
  EXPECT_EQ(error("GetItem", map({{"TableName", "things"}, {"Key", key}, {"ProjectionExpression", "sk[0]"}})), text);
  EXPECT_EQ(error("DeleteItem", map({{"TableName", "things"}, {"Key", key}, {"ConditionExpression", "attribute_exists(sk.a)"}})),
            text);
  EXPECT_EQ(error("DeleteItem", map({{"TableName", "things"}, {"Key", key}, {"ConditionExpression", "attribute_exists(v.a)"}})),
            "ConditionalCheckFailedException: The conditional request failed");  // control
}

TEST_P(Items, consumed_capacity_is_computed_by_awss_rules) {
  make("things", "");
  const auto document = [](size_t bytes) { return map({{"pk", s("p")}, {"v", s(std::string(bytes - 4, 'x'))}}); };
  const Value key = map({{"pk", s("p")}});
  const auto units = [](const Value& answer) { return answer["ConsumedCapacity"]["CapacityUnits"].as_double(); };
  const auto read = [&](bool consistent) {
    return units(
        ok("GetItem",
           map({{"TableName", "things"}, {"Key", key}, {"ConsistentRead", consistent}, {"ReturnConsumedCapacity", "TOTAL"}})));
  };
  const auto write = [&](size_t bytes) {
    return units(ok("PutItem", map({{"TableName", "things"}, {"Item", document(bytes)}, {"ReturnConsumedCapacity", "TOTAL"}})));
  };
  EXPECT_EQ(read(false), 0.5);
  EXPECT_EQ(read(true), 1);
  EXPECT_EQ(write(1024), 1);
  EXPECT_EQ(write(1025), 2);
  EXPECT_EQ(write(4096), 4);
  EXPECT_EQ(read(true), 1);
  EXPECT_EQ(write(4097), 5);
  EXPECT_EQ(read(true), 2);
  EXPECT_EQ(read(false), 1);
  EXPECT_EQ(write(10), 5);  // the larger of old and new
  const Value scanned = ok("Scan", map({{"TableName", "things"}, {"ReturnConsumedCapacity", "INDEXES"}}));
  EXPECT_EQ(scanned["ConsumedCapacity"],
            map({{"TableName", "things"}, {"CapacityUnits", 0.5}, {"Table", map({{"CapacityUnits", 0.5}})}}));
  EXPECT_EQ(units(ok("DeleteItem", map({{"TableName", "things"}, {"Key", key}, {"ReturnConsumedCapacity", "TOTAL"}}))), 1);
  EXPECT_FALSE(ok("GetItem", map({{"TableName", "things"}, {"Key", key}})).has("ConsumedCapacity"));
}

}  // namespace
}  // namespace gust::dynamodb
