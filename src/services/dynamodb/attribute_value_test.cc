// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/attribute_value.h"

#include <gtest/gtest.h>

#include "services/dynamodb/test_items.h"
#include "store/store.h"

namespace gust::dynamodb {
namespace {

std::string error_of(const Value& value) {
  const auto parsed = parse_attribute(value);
  return parsed ? "" : parsed.error().message;
}

Value nested(size_t levels) {
  Value v = s("x");
  for (size_t i = 1; i < levels; ++i) v = i % 2 ? l({v}) : m({{"k", v}});
  return v;
}

TEST(AttributeValue, every_type_survives_the_wire_and_the_store) {
  const Value document = map({{"s", s("text")},
                              {"empty", s("")},
                              {"n", n("-12.5")},
                              {"b", b(std::string("\0\xFF", 2))},
                              {"t", boolean(true)},
                              {"f", boolean(false)},
                              {"z", null()},
                              {"l", l({n("1"), s("a"), l({})})},
                              {"m", m({{"inner", m({})}})},
                              {"ss", ss({"b", "a"})},
                              {"ns", ns({"10", "9"})},
                              {"bs", typed("BS", Value(Value::List{Value(Blob{"y"}), Value(Blob{"x"})}))}});
  const Item before = item(document);
  std::string bytes;
  encode(before, bytes);
  const auto after = decode_item(bytes);
  ASSERT_TRUE(after);
  EXPECT_EQ(*after, before);
  EXPECT_EQ(item(to_value(*after)), before);
  EXPECT_EQ(before.members().size(), document.size());
}

TEST(AttributeValue, equal_items_are_equal_bytes_in_whatever_order_they_came) {
  std::string one, other, third;
  encode(item(map({{"a", n("1.50")}, {"b", ns({"2", "1e1"})}})), one);
  encode(item(map({{"b", ns({"10", "2.0"})}, {"a", n("+1.5")}})), other);
  encode(item(map({{"b", ns({"10", "2.0"})}, {"a", n("1.51")}})), third);
  EXPECT_EQ(one, other);
  EXPECT_NE(one, third);  // control
}

TEST(AttributeValue, damaged_bytes_are_refused) {
  std::string bytes;
  encode(item(map({{"key", m({{"list", l({n("12"), ss({"x", "y"})})}})}})), bytes);
  ASSERT_TRUE(decode_item(bytes));  // control
  for (size_t i = 0; i < bytes.size(); ++i) EXPECT_FALSE(decode_item(std::string_view(bytes).substr(0, i))) << i;
  EXPECT_FALSE(decode_item(bytes + "x"));
}

TEST(AttributeValue, an_attribute_has_exactly_one_type) {
  EXPECT_EQ(error_of(s("x")), "");  // control
  EXPECT_EQ(error_of(Value::map()), "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
  Value two = s("x");
  two.set("N", "1");
  EXPECT_EQ(error_of(two),
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes");
  two.set("N", "x");
  EXPECT_EQ(error_of(two), "The parameter cannot be converted to a numeric value: x");
  EXPECT_EQ(error_of(l({Value::map()})), "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
  EXPECT_EQ(error_of(typed("NULL", false)),
            "One or more parameter values were invalid: Null attribute value types must have the value of true");
}

TEST(AttributeValue, numbers_are_checked_wherever_they_are) {
  EXPECT_EQ(error_of(l({n("1")})), "");  // control
  for (const Value& v : {n("x"), l({n("x")}), m({{"k", n("x")}}), ns({"1", "x"})}) {
    EXPECT_EQ(error_of(v), "The parameter cannot be converted to a numeric value: x");
  }
}

TEST(AttributeValue, sets_are_neither_empty_nor_have_duplicates) {
  EXPECT_EQ(error_of(ss({"a", "b"})), "");  // control
  EXPECT_EQ(error_of(ss({})), "One or more parameter values were invalid: An string set  may not be empty");
  EXPECT_EQ(error_of(ns({})), "One or more parameter values were invalid: An number set  may not be empty");
  EXPECT_EQ(error_of(typed("BS", Value::list())), "One or more parameter values were invalid: Binary sets should not be empty");
  EXPECT_EQ(error_of(ss({"b", "a", "b"})),
            "One or more parameter values were invalid: Input collection [b, a, b] contains duplicates.");
  EXPECT_EQ(error_of(ns({"1", "1.0"})), "Input collection contains duplicates");
  EXPECT_EQ(error_of(typed("BS", Value(Value::List{Value(Blob{"a"}), Value(Blob{"a"})}))),
            "One or more parameter values were invalid: Input collection [YQ==, YQ==]of type BS contains duplicates.");
}

TEST(AttributeValue, nesting_has_a_limit) {
  EXPECT_EQ(error_of(nested(kMaxDepth)), "");  // control
  EXPECT_TRUE(error_of(nested(kMaxDepth + 1)).starts_with("Nesting Levels have exceeded supported limits"));
  Item deep = item(map({{"a", nested(kMaxDepth)}}));
  EXPECT_TRUE(within_depth(deep));
  Attribute more;
  more.type = Type::L;
  more.list.push_back(*deep.find("a"));
  deep.set("a", more);
  EXPECT_FALSE(within_depth(deep));
}

TEST(AttributeValue, sizes_are_counted_as_dynamodb_counts_them) {
  const std::pair<Value, size_t> cases[] = {{s("text"), 4},
                                            {s("\xC3\xA4"), 2},
                                            {b("xyz"), 3},
                                            {boolean(true), 1},
                                            {null(), 1},
                                            {n("0"), 1},
                                            {n("7"), 2},
                                            {n("-7"), 3},
                                            {n("12345"), 4},
                                            {n("1E125"), 2},
                                            {n("12"), 2},
                                            {n("120"), 3},
                                            {n("1.2"), 3},
                                            {n("0.12"), 2},
                                            {n("99999999999999999999999999999999999999"), 20},
                                            {n("-9.9999999999999999999999999999999999999"), 22},
                                            {l({}), 3},
                                            {l({s("ab"), n("1")}), 3 + 1 + 2 + 1 + 2},
                                            {m({{"k", s("v")}}), 3 + 1 + 1 + 1},
                                            {ss({"a", "bc"}), 3},
                                            {ns({"1", "22"}), 4}};
  for (const auto& [value, size] : cases) EXPECT_EQ(size_of(*parse_attribute(value)), size) << describe(*parse_attribute(value));
  EXPECT_EQ(size_of(item(map({{"name", s("v")}, {"x", n("1")}}))), 4u + 1 + 1 + 2);
}

// The least favourable contents: the encoding must never pass what the store takes.
TEST(AttributeValue, the_largest_items_fit_into_a_row) {
  for (const Value& element : {n("1E125"), n("-1"), null(), s(""), l({}), m({}), n("0")}) {
    Item big = item(map({{"l", l({})}}));
    Attribute& list = *big.find("l");
    const Attribute one = *parse_attribute(element);
    list.list.assign((kMaxItemBytes - size_of(big)) / (1 + size_of(one)), one);
    std::string bytes;
    encode(big, bytes);
    EXPECT_LE(bytes.size(), store::kMaxValueBytes) << describe(one);
    EXPECT_GT(size_of(big), kMaxItemBytes - 5);
  }
}

}  // namespace
}  // namespace gust::dynamodb
