// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/legacy.h"

#include <gtest/gtest.h>

#include "services/dynamodb/test_items.h"

namespace gust::dynamodb {
namespace {

const std::string kInvalid = "One or more parameter values were invalid: ";

Value compared(std::string_view op, std::initializer_list<Value> values) {
  return map({{"ComparisonOperator", op}, {"AttributeValueList", list(values)}});
}
Value on(std::string_view attribute, Value condition) { return map({{std::string(attribute), std::move(condition)}}); }

Item ada() {
  return item(map({{"name", s("Ada")},
                   {"age", n("36")},
                   {"a.b", s("dotted")},
                   {"tags", ss({"x", "z"})},
                   {"els", l({s("zero"), n("1")})},
                   {"flag", boolean(true)}}));
}

// What a member says of Ada: "true", "false", or the error.
std::string says(const Value& input, std::string_view member) {
  auto condition = member == "Expected" ? legacy::expected(input) : legacy::filter(input, member);
  if (!condition) return condition.error().message;
  return !*condition || holds(**condition, ada()) ? "true" : "false";
}
std::string filters(Value conditions) { return says(map({{"QueryFilter", std::move(conditions)}}), "QueryFilter"); }
std::string expects(Value conditions) { return says(map({{"Expected", std::move(conditions)}}), "Expected"); }

TEST(LegacyConditions, every_operator) {
  const std::tuple<const char*, const char*, std::vector<Value>, bool> cases[] = {{"age", "EQ", {n("36.0")}, true},
                                                                                  {"age", "EQ", {s("36")}, false},
                                                                                  {"tags", "EQ", {ss({"z", "x"})}, true},
                                                                                  {"flag", "EQ", {boolean(true)}, true},
                                                                                  {"els", "EQ", {l({s("zero"), n("1")})}, true},
                                                                                  {"absent", "EQ", {n("1")}, false},
                                                                                  {"age", "NE", {n("1")}, true},
                                                                                  {"absent", "NE", {n("1")}, true},
                                                                                  {"age", "LE", {n("36")}, true},
                                                                                  {"age", "LT", {n("36")}, false},
                                                                                  {"age", "GE", {n("36")}, true},
                                                                                  {"age", "GT", {n("36")}, false},
                                                                                  {"age", "LT", {s("x")}, false},
                                                                                  {"age", "NOT_NULL", {}, true},
                                                                                  {"absent", "NOT_NULL", {}, false},
                                                                                  {"absent", "NULL", {}, true},
                                                                                  {"name", "CONTAINS", {s("d")}, true},
                                                                                  {"tags", "CONTAINS", {s("x")}, true},
                                                                                  {"els", "CONTAINS", {n("1")}, true},
                                                                                  {"tags", "NOT_CONTAINS", {s("q")}, true},
                                                                                  {"tags", "NOT_CONTAINS", {s("x")}, false},
                                                                                  {"absent", "NOT_CONTAINS", {s("x")}, false},
                                                                                  {"name", "BEGINS_WITH", {s("A")}, true},
                                                                                  {"age", "BEGINS_WITH", {s("3")}, false},
                                                                                  {"age", "IN", {n("1"), n("36")}, true},
                                                                                  {"age", "IN", {n("1")}, false},
                                                                                  {"age", "BETWEEN", {n("36"), n("40")}, true},
                                                                                  {"age", "BETWEEN", {n("37"), n("40")}, false},
                                                                                  {"a.b", "EQ", {s("dotted")}, true}};
  for (const auto& [attribute, op, values, expected] : cases) {
    Value condition = map({{"ComparisonOperator", op}, {"AttributeValueList", Value(Value::List(values))}});
    EXPECT_EQ(filters(on(attribute, condition)), expected ? "true" : "false") << attribute << " " << op;
    EXPECT_EQ(expects(on(attribute, condition)), expected ? "true" : "false") << attribute << " " << op;
  }
}

TEST(LegacyConditions, are_joined_by_the_conditional_operator) {
  const Value both = map({{"age", compared("EQ", {n("36")})}, {"name", compared("EQ", {s("Bob")})}});
  EXPECT_EQ(filters(both), "false");
  EXPECT_EQ(says(map({{"QueryFilter", both}, {"ConditionalOperator", "AND"}}), "QueryFilter"), "false");
  EXPECT_EQ(says(map({{"QueryFilter", both}, {"ConditionalOperator", "OR"}}), "QueryFilter"), "true");
  const std::string alone = "ConditionalOperator can only be used when Filter or Expected has two or more elements";
  EXPECT_EQ(says(map({{"Expected", on("a", map({{"Exists", false}}))}, {"ConditionalOperator", "OR"}}), "Expected"), alone);
  EXPECT_EQ(says(map({{"ConditionalOperator", "OR"}}), "Expected"),
            "ConditionalOperator cannot be used without Filter or Expected");
}

TEST(LegacyConditions, errors_are_in_awss_words) {
  const std::pair<Value, std::string> cases[] = {
      {compared("LT", {ss({"a"})}), kInvalid + "ComparisonOperator LT is not valid for SS AttributeValue type"},
      {compared("CONTAINS", {ss({"a"})}), kInvalid + "ComparisonOperator CONTAINS is not valid for SS AttributeValue type"},
      {compared("BEGINS_WITH", {n("1")}), kInvalid + "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type"},
      {compared("LT", {s("a"), s("b")}), kInvalid + "Invalid number of argument(s) for the LT ComparisonOperator"},
      {compared("NULL", {s("a")}), kInvalid + "Invalid number of argument(s) for the NULL ComparisonOperator"},
      {compared("IN", {}), kInvalid + "Invalid number of argument(s) for the IN ComparisonOperator"},
      {compared("BETWEEN", {s("a")}), kInvalid + "Invalid number of argument(s) for the BETWEEN ComparisonOperator"},
      {compared("IN", {s("a"), n("1")}), kInvalid + "AttributeValues inside AttributeValueList must be of same type"},
      {compared("BETWEEN", {s("b"), s("a")}),
       "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"},
      {compared("EQ", {n("x")}), "The parameter cannot be converted to a numeric value: x"}};
  for (const auto& [condition, message] : cases) {
    EXPECT_EQ(filters(on("a", condition)), message);
    EXPECT_EQ(expects(on("a", condition)), message);
  }
}

TEST(Expected, value_and_exists) {
  EXPECT_EQ(expects(on("age", map({{"Value", n("36")}}))), "true");
  EXPECT_EQ(expects(on("age", map({{"Value", n("36")}, {"Exists", true}}))), "true");
  EXPECT_EQ(expects(on("age", map({{"Value", n("3")}}))), "false");
  EXPECT_EQ(expects(on("age", map({{"Value", n("3")}, {"ComparisonOperator", "GT"}}))), "true");
  EXPECT_EQ(expects(on("age", map({{"Exists", false}}))), "false");
  EXPECT_EQ(expects(on("absent", map({{"Exists", false}}))), "true");
  EXPECT_EQ(expects(Value::map()), "true");
}

TEST(Expected, members_that_do_not_go_together) {
  const std::pair<Value, const char*> cases[] = {
      {map({}), "Value must be provided when Exists is null for Attribute: a"},
      {map({{"Exists", true}}), "Value must be provided when Exists is true for Attribute: a"},
      {map({{"Exists", false}, {"Value", s("a")}}), "Value cannot be used when Exists is false for Attribute: a"},
      {map({{"Value", s("a")}, {"AttributeValueList", list({s("a")})}}),
       "Value and AttributeValueList cannot be used together for Attribute: a"},
      {map({{"AttributeValueList", list({s("a")})}}),
       "AttributeValueList can only be used with a ComparisonOperator for Attribute: a"},
      {map({{"ComparisonOperator", "EQ"}}),
       "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: a"},
      {map({{"ComparisonOperator", "EQ"}, {"Value", s("a")}, {"Exists", true}}),
       "Exists and ComparisonOperator cannot be used together for Attribute: a"},
      {map({{"ComparisonOperator", "NULL"}, {"Value", s("a")}}),
       "Invalid number of argument(s) for the NULL ComparisonOperator"}};
  for (const auto& [expected, message] : cases) EXPECT_EQ(expects(on("a", expected)), kInvalid + message);
  EXPECT_EQ(expects(on("a", map({{"ComparisonOperator", "NULL"}}))), "true");  // control
}

std::string updated(Value updates, const Value& before, Item& after) {
  auto update = legacy::attribute_updates(map({{"AttributeUpdates", std::move(updates)}}));
  if (!update) return update.error().message;
  auto result = apply(**update, item(before));
  if (!result) return result.error().message;
  after = std::move(*result);
  return "";
}
Value change(std::string_view action, Value value) { return map({{"Action", action}, {"Value", std::move(value)}}); }

TEST(AttributeUpdates, put_add_and_delete) {
  Item after;
  const Value before = map({{"a", n("1")}, {"t", ss({"x"})}, {"l", l({n("1")})}, {"gone", s("x")}, {"u", ss({"x"})}});
  ASSERT_EQ(updated(map({{"a", change("ADD", n("2.5"))},
                         {"b", change("ADD", n("-3"))},
                         {"t", change("ADD", ss({"y", "x"}))},
                         {"l", change("ADD", l({n("2")}))},
                         {"put", map({{"Value", boolean(true)}})},
                         {"gone", map({{"Action", "DELETE"}})},
                         {"never.there", map({{"Action", "DELETE"}})},
                         {"u", change("DELETE", ss({"x", "q"}))},
                         {"v", change("DELETE", ss({"x"}))}}),
                    before, after),
            "");
  EXPECT_EQ(
      after,
      item(map({{"a", n("3.5")}, {"b", n("-3")}, {"t", ss({"x", "y"})}, {"l", l({n("1"), n("2")})}, {"put", boolean(true)}})));
}

TEST(AttributeUpdates, errors_are_in_awss_words) {
  Item after;
  const std::pair<Value, std::string> cases[] = {
      {map({{"Action", "PUT"}}), kInvalid + "Only DELETE action is allowed when no attribute value is specified"},
      {map({{"Action", "ADD"}}), kInvalid + "Only DELETE action is allowed when no attribute value is specified"},
      {change("ADD", s("x")), kInvalid + "ADD action is not supported for the type S"},
      {change("ADD", m({})), kInvalid + "ADD action is not supported for the type M"},
      {change("DELETE", n("1")), kInvalid + "DELETE action with value is not supported for the type N"},
      {change("DELETE", l({})), kInvalid + "DELETE action with value is not supported for the type L"},
      {change("ADD", ss({"x"})), "Type mismatch for attribute to add"},
      {change("DELETE", ss({"x"})), "Type mismatch for attribute to remove"},
      {change("PUT", n("x")), "The parameter cannot be converted to a numeric value: x"}};
  for (const auto& [update, message] : cases) EXPECT_EQ(updated(on("a", update), map({{"a", n("1")}}), after), message);
  EXPECT_EQ(updated(on("a", change("PUT", n("2"))), map({{"a", n("1")}}), after), "");  // control
}

TEST(KeyConditions, only_what_a_key_can_answer) {
  const auto read = [](Value conditions) {
    auto c = legacy::key_conditions(map({{"KeyConditions", std::move(conditions)}}));
    return c ? "" : c.error().message;
  };
  const Value equal = compared("EQ", {s("a")});
  EXPECT_EQ(read(map({{"a", equal}})), "");
  EXPECT_EQ(read(map({{"a", equal}, {"b", compared("BETWEEN", {n("1"), n("2")})}})), "");
  EXPECT_EQ(read(map({})), "Conditions can be of length 1 or 2 only");
  EXPECT_EQ(read(map({{"a", equal}, {"b", equal}, {"c", equal}})), "Conditions can be of length 1 or 2 only");
  for (const char* op : {"NE", "CONTAINS", "NOT_CONTAINS", "IN"}) {
    EXPECT_EQ(read(map({{"a", compared(op, {s("a")})}})), "Attempted conditional constraint is not an indexable operation");
  }
  EXPECT_FALSE(*legacy::key_conditions(Value::map()));
}

TEST(AttributesToGet, are_top_level_names) {
  auto paths = legacy::attributes_to_get(map({{"AttributesToGet", list({"a.b", "age"})}}));
  ASSERT_TRUE(paths && *paths);
  EXPECT_EQ(project(ada(), **paths), item(map({{"a.b", s("dotted")}, {"age", n("36")}})));
  paths = legacy::attributes_to_get(map({{"AttributesToGet", list({"a", "b", "a"})}}));
  EXPECT_EQ(paths.error().message, kInvalid + "Duplicate value in attribute name: a");
  EXPECT_FALSE(*legacy::attributes_to_get(Value::map()));
}

TEST(MixedParameters, are_named) {
  const auto check = [](Value input) {
    auto e = legacy::check_mixed(input);
    return e ? e->message : "";
  };
  const std::string start =
      "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: ";
  EXPECT_EQ(check(map({{"Expected", map({})}, {"ConditionExpression", "x"}})),
            start + "{Expected} Expression parameters: {ConditionExpression}");
  EXPECT_EQ(check(map({{"AttributesToGet", list({"a"})},
                       {"QueryFilter", map({})},
                       {"KeyConditions", map({})},
                       {"ConditionalOperator", "OR"},
                       {"KeyConditionExpression", "x"},
                       {"FilterExpression", "x"}})),
            start +
                "{AttributesToGet, QueryFilter, ConditionalOperator, KeyConditions} "
                "Expression parameters: {FilterExpression, KeyConditionExpression}");
  EXPECT_EQ(check(map({{"KeyConditions", map({})}, {"FilterExpression", "x"}})), "");
  EXPECT_EQ(check(map({{"Expected", map({})}, {"ConditionalOperator", "OR"}})), "");
}

}  // namespace
}  // namespace gust::dynamodb
