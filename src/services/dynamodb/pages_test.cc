// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include <set>

#include "services/dynamodb/test_service.h"

namespace gust::dynamodb {
namespace {

using Pages = Dynamo;
INSTANTIATE_TEST_SUITE_P(Engines, Pages, kEngines, engine_name);

TEST_P(Pages, a_query_answers_a_partition_in_the_order_of_numbers) {
  make("things");
  for (const char* number : {"10", "9", "-1", "0", "1.5", "-20", "1e3"}) put("things", map({{"pk", s("p")}, {"sk", n(number)}}));
  put("things", map({{"pk", s("q")}, {"sk", n("5")}}));
  put("things", map({{"pk", s("pp")}, {"sk", n("5")}}));
  const auto q = [&](std::string_view condition, std::initializer_list<Value::Member> values) {
    return keys(ok("Query", query("things", condition, values)));
  };
  EXPECT_EQ(q("", {}), "-20 -1 0 1.5 9 10 1000");
  EXPECT_EQ(q(" AND sk = :a", {{":a", n("9.0")}}), "9");
  EXPECT_EQ(q(" AND sk < :a", {{":a", n("0")}}), "-20 -1");
  EXPECT_EQ(q(" AND sk <= :a", {{":a", n("0")}}), "-20 -1 0");
  EXPECT_EQ(q(" AND sk > :a", {{":a", n("9")}}), "10 1000");
  EXPECT_EQ(q(" AND sk >= :a", {{":a", n("9")}}), "9 10 1000");
  EXPECT_EQ(q(" AND :a < sk", {{":a", n("9")}}), "10 1000");
  EXPECT_EQ(q(" AND sk BETWEEN :a AND :b", {{":a", n("-1")}, {":b", n("9")}}), "-1 0 1.5 9");
  EXPECT_EQ(q(" AND sk > :a", {{":a", n("1000")}}), "");
  EXPECT_EQ(keys(ok("Query", with(query("things", "", {}), "ScanIndexForward", false))), "1000 10 9 1.5 0 -1 -20");
}

TEST_P(Pages, a_query_answers_texts_by_their_bytes) {
  make("things", "S");
  const std::vector<std::string> texts = {"a", std::string("a\0", 2), std::string("a\0b", 3), "ab", "abc", "b", "\xC3\xA4"};
  for (const std::string& text : texts) put("things", map({{"pk", s("p")}, {"sk", s(text)}}));
  const auto q = [&](std::string_view condition, std::initializer_list<Value::Member> values) {
    std::vector<std::string> out;
    const Value answer = ok("Query", query("things", condition, values));
    for (const Value& v : answer["Items"].as_list()) out.emplace_back(v["sk"]["S"].as_string());
    return out;
  };
  const auto some = [&](size_t from, size_t to) {
    return std::vector(texts.begin() + static_cast<long>(from), texts.begin() + static_cast<long>(to));
  };
  EXPECT_EQ(q("", {}), texts);
  EXPECT_EQ(q(" AND begins_with(sk, :a)", {{":a", s("a")}}), some(0, 5));
  EXPECT_EQ(q(" AND begins_with(sk, :a)", {{":a", s(std::string("a\0", 2))}}), some(1, 3));
  EXPECT_EQ(q(" AND begins_with(sk, :a)", {{":a", s("abc")}}), some(4, 5));
  EXPECT_EQ(q(" AND begins_with(sk, :a)", {{":a", s("\xC3")}}), some(6, 7));
  EXPECT_EQ(q(" AND begins_with(sk, :a)", {{":a", s("x")}}), some(0, 0));
  EXPECT_EQ(q(" AND sk > :a", {{":a", s("a")}}), some(1, 7));
  EXPECT_EQ(q(" AND sk < :a", {{":a", s("ab")}}), some(0, 3));
  EXPECT_EQ(q(" AND sk BETWEEN :a AND :b", {{":a", s("ab")}, {":b", s("b")}}), some(3, 6));
}

TEST_P(Pages, binary_range_keys_order_by_bytes) {
  make("things", "B");
  for (const char* bytes : {"\xFF", "\x7F", "\x01"}) put("things", map({{"pk", s("p")}, {"sk", b(bytes)}}));
  EXPECT_EQ(keys(ok("Query", query("things", "", {}))), "\x01 \x7F \xFF");
  EXPECT_EQ(keys(ok("Query", query("things", " AND begins_with(sk, :a)", {{":a", b("\xFF")}}))), "\xFF");
}

TEST_P(Pages, key_conditions_are_checked) {
  make("things");
  const auto says = [&](std::string_view condition, Value values) {
    return error(
        "Query",
        map({{"TableName", "things"}, {"KeyConditionExpression", condition}, {"ExpressionAttributeValues", std::move(values)}}));
  };
  const Value p = map({{":p", s("p")}}), pa = map({{":p", s("p")}, {":a", n("1")}}),
              pab = map({{":p", s("p")}, {":a", n("1")}, {":b", n("2")}});
  const std::string v = "ValidationException: ";
  EXPECT_EQ(says("pk = :p AND sk = :a", pa), "none");  // control
  EXPECT_EQ(says("(pk = :p) AND (sk = :a)", pa), "none");
  EXPECT_EQ(says("sk = :a", map({{":a", n("1")}})), v + "Query condition missed key schema element: pk");
  EXPECT_EQ(says("pk = :p AND another = :a", pa), v + "Query condition missed key schema element: sk");
  EXPECT_EQ(says("pk > :p", p), v + "Query key condition not supported");
  EXPECT_EQ(says("pk = :p OR sk = :a", pa), v + "Invalid operator used in KeyConditionExpression: OR");
  EXPECT_EQ(says("pk = :p AND sk <> :a", pa), v + "Invalid operator used in KeyConditionExpression: <>");
  EXPECT_EQ(says("pk = :p AND sk IN (:a)", pa), v + "Invalid operator used in KeyConditionExpression: IN");
  EXPECT_EQ(says("pk = :p AND attribute_exists(sk)", p), v + "Invalid operator used in KeyConditionExpression: attribute_exists");
  EXPECT_EQ(says("pk = :p AND sk > :a AND sk < :b", pab), v + "KeyConditionExpressions must only contain one condition per key");
  EXPECT_EQ(says("pk = :p AND sk = :a AND x = :b", pab), v + "Conditions can be of length 1 or 2 only");
  EXPECT_EQ(says("pk = :p AND sk.a = :a", pa), v + "KeyConditionExpressions cannot have conditions on nested attributes");
  EXPECT_EQ(says("pk = :p AND size(sk) = :a", pa), v + "KeyConditionExpressions cannot contain nested operations");
  EXPECT_EQ(says("pk = :p AND sk = x", p),
            v + "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition");
  EXPECT_EQ(says("pk = :p AND :a = :b", pab), v + "Invalid condition in KeyConditionExpression: No key attribute specified");
  EXPECT_EQ(says("pk = :p AND sk = :a", map({{":p", s("p")}, {":a", s("1")}})),
            v + "One or more parameter values were invalid: Condition parameter type does not match schema type");
  EXPECT_TRUE(says("pk = :p", map({{":p", s("")}})).ends_with("cannot contain an empty string value. Key: pk"));
  EXPECT_EQ(says("", p), v + "Invalid KeyConditionExpression: The expression can not be empty;");
  EXPECT_EQ(error("Query", map({{"TableName", "things"}})),
            v + "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.");
  EXPECT_EQ(error("Query", with(query("things", "", {}), "IndexName", "nothere")),
            v + "The table does not have the specified index: nothere");
  EXPECT_EQ(error("Query", with(query("things", "", {{":a", n("1")}}), "FilterExpression", "sk = :a")),
            v + "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk");
}

TEST_P(Pages, filters_projections_counts_and_limits) {
  make("things");
  for (int i = 1; i <= 9; ++i)
    put("things", map({{"pk", s("p")}, {"sk", n(std::to_string(i))}, {"odd", boolean(i % 2 == 1)}, {"x", s("y")}}));
  Value q = with(query("things", "", {{":t", boolean(true)}}), "FilterExpression", "odd = :t");
  Value answer = ok("Query", q);
  EXPECT_EQ(keys(answer), "1 3 5 7 9");
  EXPECT_EQ(answer["Count"].as_int(), 5);
  EXPECT_EQ(answer["ScannedCount"].as_int(), 9);
  EXPECT_FALSE(answer.has("LastEvaluatedKey"));
  answer = ok("Query", with(q, "Limit", 4));
  EXPECT_EQ(keys(answer), "1 3");
  EXPECT_EQ(answer["ScannedCount"].as_int(), 4);
  EXPECT_EQ(answer["LastEvaluatedKey"], map({{"pk", s("p")}, {"sk", n("4")}}));
  answer = ok("Query", with(q, "Select", "COUNT"));
  EXPECT_FALSE(answer.has("Items"));
  EXPECT_EQ(answer["Count"].as_int(), 5);
  EXPECT_EQ(ok("Query", with(with(q, "ProjectionExpression", "odd"), "Limit", 1))["Items"],
            list({map({{"odd", boolean(true)}})}));
  EXPECT_TRUE(ok("Query", with(q, "Limit", 9)).has("LastEvaluatedKey"));  // as AWS: the limit was reached, not the end
  EXPECT_EQ(
      error("Query", with(q, "Select", "SPECIFIC_ATTRIBUTES")),
      "ValidationException: Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES");
  EXPECT_EQ(error("Query", with(with(q, "Select", "COUNT"), "ProjectionExpression", "odd")),
            "ValidationException: Cannot specify the ProjectionExpression when choosing to get only the Count");
}

TEST_P(Pages, pages_follow_each_other_in_both_directions) {
  make("things");
  for (int i = 1; i <= 10; ++i) put("things", map({{"pk", s("p")}, {"sk", n(std::to_string(i))}}));
  for (bool forward : {true, false}) {
    Value q = with(with(query("things", " AND sk BETWEEN :a AND :b", {{":a", n("2")}, {":b", n("8")}}), "Limit", 3),
                   "ScanIndexForward", forward);
    std::string all;
    int pages = 0;
    for (;; ++pages) {
      const Value answer = ok("Query", q);
      if (const std::string some = keys(answer); !some.empty()) all += (all.empty() ? "" : " ") + some;
      if (!answer.has("LastEvaluatedKey")) break;
      q.set("ExclusiveStartKey", answer["LastEvaluatedKey"]);
    }
    EXPECT_EQ(all, forward ? "2 3 4 5 6 7 8" : "8 7 6 5 4 3 2");
    EXPECT_EQ(pages, 2);
  }
  const auto start = [&](Value key) {
    return error("Query", with(query("things", " AND sk > :a", {{":a", n("5")}}), "ExclusiveStartKey", std::move(key)));
  };
  EXPECT_EQ(start(map({{"pk", s("p")}, {"sk", n("7")}})), "none");  // control
  EXPECT_EQ(start(map({{"pk", s("p")}, {"sk", n("3")}})),
            "ValidationException: The provided starting key does not match the range key predicate");
  EXPECT_EQ(start(map({{"pk", s("q")}, {"sk", n("7")}})),
            "ValidationException: The provided starting key is outside query boundaries based on provided conditions");
  EXPECT_EQ(start(map({{"pk", s("p")}})),
            "ValidationException: The provided starting key is invalid: The provided key element does not match the schema");
}

TEST_P(Pages, a_page_ends_with_the_item_that_passes_a_megabyte) {
  make("things");
  const size_t size = 300'000;
  for (int i = 1; i <= 7; ++i)
    put("things", map({{"pk", s("p")}, {"sk", n(std::to_string(i))}, {"v", s(std::string(size, 'x'))}}));
  Value q = query("things", "", {});
  std::vector<int64_t> counts;
  for (;;) {
    const Value answer = ok("Query", q);
    counts.push_back(answer["Count"].as_int());
    if (!answer.has("LastEvaluatedKey")) break;
    q.set("ExclusiveStartKey", answer["LastEvaluatedKey"]);
  }
  EXPECT_EQ(counts, (std::vector<int64_t>{4, 3}));
}

TEST_P(Pages, a_scans_segments_are_the_whole_table_and_do_not_overlap) {
  make("things");
  std::set<std::string> wanted;
  for (int i = 0; i < 200; ++i) {
    const std::string pk = "p" + std::to_string(i / 2), sk = std::to_string(i);
    put("things", map({{"pk", s(pk)}, {"sk", n(sk)}}));
    wanted.insert(sk);
  }
  for (int total : {1, 3, 7}) {
    std::multiset<std::string> seen;
    size_t largest = 0;
    for (int segment = 0; segment < total; ++segment) {
      Value scan = map({{"TableName", "things"}, {"TotalSegments", total}, {"Segment", segment}, {"Limit", 16}});
      size_t before = seen.size();
      for (;;) {
        const Value answer = ok("Scan", scan);
        for (const Value& v : answer["Items"].as_list()) seen.emplace(v["sk"]["N"].as_string());
        if (!answer.has("LastEvaluatedKey")) break;
        scan.set("ExclusiveStartKey", answer["LastEvaluatedKey"]);
      }
      largest = std::max(largest, seen.size() - before);
    }
    EXPECT_EQ(seen.size(), wanted.size());
    EXPECT_TRUE(std::set(seen.begin(), seen.end()) == wanted);
    EXPECT_LE(largest, total == 1 ? wanted.size() : wanted.size() * 3 / 4);
  }
}

TEST_P(Pages, scans_are_checked) {
  make("things");
  const auto says = [&](std::initializer_list<Value::Member> members) {
    return error("Scan", with(map(members), "TableName", "things"));
  };
  EXPECT_EQ(says({{"TotalSegments", 4}, {"Segment", 3}}), "none");  // control
  EXPECT_EQ(says({{"Segment", 3}}),
            "ValidationException: The TotalSegments parameter is required but was not present in the request when "
            "Segment parameter is present");
  EXPECT_EQ(says({{"TotalSegments", 3}}),
            "ValidationException: The Segment parameter is required but was not present in the request when "
            "parameter TotalSegments is present");
  EXPECT_EQ(says({{"TotalSegments", 4}, {"Segment", 4}}),
            "ValidationException: The Segment parameter is zero-based and must be less than "
            "parameter TotalSegments: Segment: 4 is not less than TotalSegments: 4");
  int refused = 0;
  for (int i = 0; i < 4; ++i) {
    const std::string text =
        says({{"TotalSegments", 4}, {"Segment", i}, {"ExclusiveStartKey", map({{"pk", s("p")}, {"sk", n("1")}})}});
    refused += text.find("Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment.") != std::string::npos;
  }
  EXPECT_EQ(refused, 3);
  EXPECT_EQ(error("Scan", map({{"TableName", "nothere"}})), "ResourceNotFoundException: Requested resource not found");
  put("things", map({{"pk", s("p")}, {"sk", n("1")}}));
  EXPECT_EQ(keys(ok("Scan", map({{"TableName", "things"},
                                 {"FilterExpression", "sk = :one"},
                                 {"ExpressionAttributeValues", map({{":one", n("1")}})}}))),
            "1");
}

}  // namespace
}  // namespace gust::dynamodb
