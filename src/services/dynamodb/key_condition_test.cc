// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/key_condition.h"

#include <gtest/gtest.h>

#include "services/dynamodb/test_items.h"
#include "store/key.h"

namespace gust::dynamodb {
namespace {

const KeyAttribute kHash{"pk", Type::S};

Api<KeyQuery> read(std::string_view text, const std::optional<KeyAttribute>& range) {
  auto placeholders = Placeholders::read(map({{"KeyConditionExpression", text},
                                              {"ExpressionAttributeValues", map({{":p", s("p")},
                                                                                 {":one", n("1")},
                                                                                 {":two", n("2")},
                                                                                 {":minus", n("-1")},
                                                                                 {":a", s("a")},
                                                                                 {":ab", s("ab")},
                                                                                 {":zero", s(std::string("a\0", 2))},
                                                                                 {":empty", s("")},
                                                                                 {":bin", b("\xFF")},
                                                                                 {":true", boolean(true)}})}}),
                                         {"KeyConditionExpression"});
  auto condition = parse_condition("KeyConditionExpression", text, *placeholders);
  if (!condition) return ApiFailure(condition.error());
  return key_query(*condition, kHash, range);
}

std::string error_of(std::string_view text, Type range = Type::N) {
  auto query = read(text, KeyAttribute{"sk", range});
  return query ? "" : query.error().message;
}

// Which of the sort keys a query finds, by their rows' keys, with and without something that follows the sort key.
std::string found(std::string_view text, Type range, const std::vector<Value>& keys) {
  auto query = read(text, KeyAttribute{"sk", range});
  if (!query) return query.error().message;
  const KeyRange bounds = query->within("partition/");
  std::string out, with_more;
  for (const Value& document : keys) {
    const Attribute key = *parse_attribute(document);
    const std::string row = "partition/" + store::Key().text(key_text(key)).bytes();
    if (bounds.contains(row)) out += describe(key);
    if (bounds.contains(row + store::Key().text("the table's key").bytes())) with_more += describe(key);
  }
  EXPECT_EQ(out, with_more) << text;
  EXPECT_FALSE(bounds.contains("partition")) << text;
  EXPECT_FALSE(bounds.contains("partition0")) << text;
  return out;
}

TEST(KeyCondition, finds_the_range_of_numbers) {
  const std::vector<Value> keys = {n("-1"), n("0"), n("1"), n("1.5"), n("2"), n("10")};
  const std::pair<const char*, const char*> cases[] = {{"pk = :p", "{N:-1}{N:0}{N:1}{N:1.5}{N:2}{N:10}"},
                                                       {"pk = :p AND sk = :one", "{N:1}"},
                                                       {"sk = :one AND pk = :p", "{N:1}"},
                                                       {"pk = :p AND sk < :one", "{N:-1}{N:0}"},
                                                       {"pk = :p AND sk <= :one", "{N:-1}{N:0}{N:1}"},
                                                       {"pk = :p AND sk > :one", "{N:1.5}{N:2}{N:10}"},
                                                       {"pk = :p AND sk >= :one", "{N:1}{N:1.5}{N:2}{N:10}"},
                                                       {"pk = :p AND :one < sk", "{N:1.5}{N:2}{N:10}"},
                                                       {"pk = :p AND :one >= sk", "{N:-1}{N:0}{N:1}"},
                                                       {"pk = :p AND (sk BETWEEN :minus AND :one)", "{N:-1}{N:0}{N:1}"},
                                                       {":p = pk AND sk BETWEEN :one AND :one", "{N:1}"}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(found(text, Type::N, keys), expected) << text;
}

TEST(KeyCondition, finds_the_range_of_texts) {
  const std::vector<Value> keys = {s("Z"), s("a"), s(std::string("a\0", 2)), s("aa"), s("ab"), s("abc"), s("b"), s("\xC3\xA4")};
  EXPECT_EQ(found("pk = :p AND begins_with(sk, :ab)", Type::S, keys), "{S:ab}{S:abc}");
  EXPECT_EQ(found("pk = :p AND sk = :a", Type::S, keys), "{S:a}");
  EXPECT_EQ(found("pk = :p AND sk BETWEEN :a AND :ab", Type::S, keys), std::string("{S:a}{S:a\0}{S:aa}{S:ab}", 23));
  EXPECT_EQ(found("pk = :p AND sk > :ab", Type::S, keys), "{S:abc}{S:b}{S:\xC3\xA4}");
  EXPECT_EQ(found("pk = :p AND begins_with(sk, :zero)", Type::S, keys), std::string("{S:a\0}", 6));
  EXPECT_EQ(found("pk = :p AND begins_with(sk, :bin)", Type::B, {b("\xFE"), b("\xFF"), b("\xFF\xFF")}), "{B:/w==}{B://8=}");
}

TEST(KeyCondition, the_hash_key_is_given_back) {
  const auto query = read("pk = :p", std::nullopt);
  ASSERT_TRUE(query);
  EXPECT_EQ(describe(query->hash), "{S:p}");
  EXPECT_TRUE(query->from.empty() && query->to.empty());
}

TEST(KeyCondition, errors_are_in_awss_words) {
  const std::string type = "One or more parameter values were invalid: Condition parameter type does not match schema type";
  const std::string condition = "Invalid condition in KeyConditionExpression: ";
  const std::string used = "Invalid operator used in KeyConditionExpression: ";
  const std::pair<const char*, std::string> cases[] = {
      {"pk = :p AND sk = :one", ""},  // control
      {"pk = :one", type},
      {"pk = :p AND sk = :a", type},
      {"pk = :p AND begins_with(sk, :a)", type},
      {"pk = :true",
       "One or more parameter values were invalid: ComparisonOperator EQ is not valid for BOOL AttributeValue type"},
      {"sk = :one", "Query condition missed key schema element: pk"},
      {"pk = :p AND a = :one", "Query condition missed key schema element: sk"},
      {"a = :p AND b = :one", "Query condition missed key schema element: pk"},
      {"pk > :p", "Query key condition not supported"},
      {"begins_with(pk, :a)", "Query key condition not supported"},
      {"pk BETWEEN :a AND :p", "Query key condition not supported"},
      {"pk = :p AND sk <> :one", used + "<>"},
      {"pk = :p OR sk = :one", used + "OR"},
      {"pk = :p AND NOT sk = :one", used + "NOT"},
      {"pk = :p AND sk IN (:one)", used + "IN"},
      {"attribute_exists(pk)", used + "attribute_exists"},
      {"pk = :p AND contains(sk, :one)", used + "contains"},
      {"pk = :p AND pk = :a", "KeyConditionExpressions must only contain one condition per key"},
      {"pk = :p AND (sk > :one AND sk < :two)", "KeyConditionExpressions must only contain one condition per key"},
      {"pk = :p AND sk = :one AND a = :a", "Conditions can be of length 1 or 2 only"},
      {"pk = :p AND size(sk) = :one", "KeyConditionExpressions cannot contain nested operations"},
      {"pk = :p AND sk = size(:a)", "KeyConditionExpressions cannot contain nested operations"},
      {"pk.a = :p", "KeyConditionExpressions cannot have conditions on nested attributes"},
      {"pk = sk", condition + "Multiple attribute names used in one condition"},
      {":a = :p", condition + "No key attribute specified"},
      {"pk = :p AND begins_with(:a, sk)", condition + "begins_with operator must have the key attribute as its first operand"},
      {"pk = :p AND :one BETWEEN sk AND :two", condition + "BETWEEN operator must have the key attribute as its first operand"},
      {"pk = :empty",
       "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. "
       "Key: pk"}};
  for (const auto& [text, message] : cases) EXPECT_EQ(error_of(text), message) << text;
  EXPECT_EQ(read("pk = :p AND sk = :one", std::nullopt).error().message, "Query key condition not supported");
}

TEST(KeyCondition, a_filter_leaves_the_key_alone) {
  const auto check = [](std::string_view text) {
    auto placeholders = Placeholders::read(
        map({{"FilterExpression", text}, {"ExpressionAttributeValues", map({{":v", n("1")}})}}), {"FilterExpression"});
    auto e = check_filter(*parse_condition("FilterExpression", text, *placeholders), "Filter Expression", kHash,
                          KeyAttribute{"sk", Type::N});
    return e ? e->message : "";
  };
  const std::string start = "Filter Expression can only contain non-primary key attributes: Primary key attribute: ";
  EXPECT_EQ(check("a = :v AND size(b.pk) = :v OR a = :v"), "");
  EXPECT_EQ(check("a = :v OR NOT size(sk) > :v"), start + "sk");
  EXPECT_EQ(check("pk.a = :v"), start + "pk");
}

}  // namespace
}  // namespace gust::dynamodb
