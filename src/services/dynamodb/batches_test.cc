// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include "services/dynamodb/test_service.h"

namespace gust::dynamodb {
namespace {

using Batches = Dynamo;
INSTANTIATE_TEST_SUITE_P(Engines, Batches, kEngines, engine_name);

TEST_P(Batches, batches_write_and_read) {
  make("one"), make("two", "");
  const auto put_request = [](Value document) { return map({{"PutRequest", map({{"Item", std::move(document)}})}}); };
  put("two", map({{"pk", s("old")}}));
  const Value written =
      ok("BatchWriteItem",
         map({{"ReturnConsumedCapacity", "TOTAL"},
              {"RequestItems", map({{"one", list({put_request(map({{"pk", s("p")}, {"sk", n("1")}})),
                                                  put_request(map({{"pk", s("p")}, {"sk", n("2")}}))})},
                                    {"two", list({put_request(map({{"pk", s("new")}})),
                                                  map({{"DeleteRequest", map({{"Key", map({{"pk", s("old")}})}})}})})}})}}));
  EXPECT_EQ(written["UnprocessedItems"], Value::map());
  EXPECT_EQ(written["ConsumedCapacity"],
            list({map({{"TableName", "one"}, {"CapacityUnits", 2.0}}), map({{"TableName", "two"}, {"CapacityUnits", 2.0}})}));
  const Value read =
      ok("BatchGetItem",
         map({{"ReturnConsumedCapacity", "TOTAL"},
              {"RequestItems",
               map({{"one", map({{"Keys", list({map({{"pk", s("p")}, {"sk", n("2")}}), map({{"pk", s("p")}, {"sk", n("3")}})})},
                                 {"ProjectionExpression", "sk"}})},
                    {"two",
                     map({{"Keys", list({map({{"pk", s("old")}}), map({{"pk", s("new")}})})}, {"ConsistentRead", true}})}})}}));
  EXPECT_EQ(read["Responses"], map({{"one", list({map({{"sk", n("2")}})})}, {"two", list({map({{"pk", s("new")}})})}}));
  EXPECT_EQ(read["UnprocessedKeys"], Value::map());
  EXPECT_EQ(read["ConsumedCapacity"],
            list({map({{"TableName", "one"}, {"CapacityUnits", 1.0}}), map({{"TableName", "two"}, {"CapacityUnits", 2.0}})}));
}

TEST_P(Batches, a_bad_batch_changes_nothing) {
  make("things", "");
  const auto put_request = [](Value document) { return map({{"PutRequest", map({{"Item", std::move(document)}})}}); };
  const auto says = [&](Value requests, const char* table = "things") {
    return error("BatchWriteItem", map({{"RequestItems", map({{table, std::move(requests)}})}}));
  };
  const Value good = put_request(map({{"pk", s("a")}}));
  EXPECT_EQ(says(list({good, good})), "ValidationException: Provided list of item keys contains duplicates");
  EXPECT_EQ(says(list({good, put_request(map({{"x", s("a")}}))})),
            "ValidationException: One or more parameter values were invalid: Missing the key pk in the item");
  EXPECT_EQ(says(list({good}), "nothere"), "ResourceNotFoundException: Requested resource not found");
  EXPECT_EQ(says(list({good, Value::map()})),
            "ValidationException: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
  Value many = Value::list();
  for (int i = 0; i < 26; ++i) many.push(put_request(map({{"pk", s(std::to_string(i))}})));
  EXPECT_EQ(says(many), "ValidationException: Too many items requested for the BatchWriteItem call");
  EXPECT_EQ(rows(store::Space::Item), 0u);
  EXPECT_EQ(says(list({good})), "none");  // control
  EXPECT_EQ(rows(store::Space::Item), 1u);
}

TEST_P(Batches, batch_reads_are_checked_and_bounded) {
  make("things", "");
  const auto wanted = [](Value keys) { return map({{"RequestItems", map({{"things", map({{"Keys", std::move(keys)}})}})}}); };
  const Value key = map({{"pk", s("a")}});
  EXPECT_EQ(error("BatchGetItem", wanted(list({key}))), "none");  // control
  EXPECT_EQ(error("BatchGetItem", wanted(list({key, key}))),
            "ValidationException: Provided list of item keys contains duplicates");
  EXPECT_EQ(error("BatchGetItem", wanted(list({map({{"x", s("a")}})}))),
            "ValidationException: The provided key element does not match the schema");
  Value many = Value::list();
  for (int i = 0; i < 101; ++i) many.push(map({{"pk", s(std::to_string(i))}}));
  EXPECT_EQ(error("BatchGetItem", wanted(many)), "ValidationException: Too many items requested for the BatchGetItem call");
  Value keys = Value::list();
  for (int i = 0; i < 50; ++i) {
    keys.push(map({{"pk", s(std::to_string(i))}}));
    put("things", map({{"pk", s(std::to_string(i))}, {"v", s(std::string(400'000, 'x'))}}));
  }
  const Value answer = ok("BatchGetItem", wanted(keys));
  const size_t read = answer["Responses"]["things"].size(), rest = answer["UnprocessedKeys"]["things"]["Keys"].size();
  EXPECT_EQ(read + rest, 50u);
  EXPECT_EQ(read, (16u << 20) / 400'000 + 1);
}

}  // namespace
}  // namespace gust::dynamodb
