// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/expression.h"

#include <gtest/gtest.h>

#include "services/dynamodb/test_items.h"

namespace gust::dynamodb {
namespace {

Value input() {
  return map({{"ConditionExpression", "x"},
              {"ExpressionAttributeNames", map({{"#n", "name"}, {"#dot", "a.b"}, {"#key", "key"}})},
              {"ExpressionAttributeValues", map({{":one", n("1")},
                                                 {":two", n("2")},
                                                 {":ten", n("10")},
                                                 {":ada", s("Ada")},
                                                 {":a", s("A")},
                                                 {":empty", s("")},
                                                 {":list", l({n("3")})},
                                                 {":set", ss({"x", "y"})},
                                                 {":x", s("x")},
                                                 {":nums", ns({"1", "2"})},
                                                 {":map", m({{"q", n("1")}})},
                                                 {":true", boolean(true)},
                                                 {":null", null()},
                                                 {":S", s("S")},
                                                 {":bad", s("Q")},
                                                 {":bin", b("\xFF")}})}});
}

Item ada() {
  return item(map({{"name", s("Ada")},
                   {"age", n("36")},
                   {"a.b", s("dotted")},
                   {"tags", ss({"x", "z"})},
                   {"nums", ns({"1", "2", "5"})},
                   {"els", l({s("zero"), n("1"), m({{"deep", s("deep")}, {"also", n("7")}})})},
                   {"doc", m({{"deep", m({{"er", n("3")}})}, {"l", l({n("5"), n("6")})}})},
                   {"flag", boolean(true)},
                   {"nothing", null()},
                   {"umlaut", s("\xC3\xA4"
                                "b")}}));
}

// What a condition says of Ada: "true", "false", or the error.
std::string says(std::string_view text) {
  auto placeholders = Placeholders::read(input(), {"ConditionExpression"});
  auto condition = parse_condition("ConditionExpression", text, *placeholders);
  if (!condition) return condition.error().message;
  return holds(*condition, ada()) ? "true" : "false";
}

std::string projected(std::string_view text, Item& out) {
  auto placeholders = Placeholders::read(input(), {"ConditionExpression"});
  auto paths = parse_projection(text, *placeholders);
  if (!paths) return paths.error().message;
  out = project(ada(), *paths);
  return "";
}

std::string updated(std::string_view text, const Item& before, Item& after) {
  auto placeholders = Placeholders::read(input(), {"ConditionExpression"});
  auto update = parse_update(text, *placeholders);
  if (!update) return update.error().message;
  auto result = apply(*update, before);
  if (!result) return result.error().message;
  after = std::move(*result);
  return "";
}

void expect_update(std::string_view text, const Value& before, const Value& after) {
  Item result;
  EXPECT_EQ(updated(text, item(before), result), "") << text;
  EXPECT_EQ(result, item(after)) << text;
}

TEST(Condition, comparisons) {
  const std::pair<const char*, bool> cases[] = {{"age = :one", false},
                                                {"age <> :one", true},
                                                {"age > :ten", true},
                                                {"age >= :ten", true},
                                                {"age < :ten", false},
                                                {"age <= :ten", false},
                                                {":ten < age", true},
                                                {"#n = :ada", true},
                                                {"#n > :a", true},
                                                {"#n > :one", false},
                                                {"#n < :one", false},
                                                {"absent = :one", false},
                                                {"absent <> :one", true},
                                                {"absent < :one", false},
                                                {"age BETWEEN :one AND :ten", false},
                                                {"els[1] BETWEEN :one AND :ten", true},
                                                {"age IN (:one, :two)", false},
                                                {"els[1] IN (:two, :one)", true},
                                                {"flag = :true", true},
                                                {"nothing = :null", true},
                                                {"els[2].also > :two", true},
                                                {"doc.l[1] = doc.l[1].x", false},
                                                {"#dot = :ada", false},
                                                {"attribute_exists(#dot)", true}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(says(text), expected ? "true" : "false") << text;
}

TEST(Condition, functions) {
  const std::pair<const char*, bool> cases[] = {{"attribute_exists(age)", true},
                                                {"attribute_exists(absent)", false},
                                                {"attribute_not_exists(absent)", true},
                                                {"attribute_not_exists(doc.#n)", true},
                                                {"attribute_not_exists(age)", false},
                                                {"attribute_type(#n, :S)", true},
                                                {"attribute_type(age, :S)", false},
                                                {"begins_with(#n, :a)", true},
                                                {"begins_with(#n, :x)", false},
                                                {"begins_with(age, :a)", false},
                                                {"contains(#n, :a)", true},
                                                {"contains(tags, :x)", true},
                                                {"contains(tags, :a)", false},
                                                {"contains(nums, :two)", true},
                                                {"contains(nums, :ten)", false},
                                                {"contains(els, :one)", true},
                                                {"contains(els, :two)", false},
                                                {"size(els) > :two", true},
                                                {"size(umlaut) = :two", true},
                                                {"size(tags) = :two", true},
                                                {"size(age) = :two", false},
                                                {"size(doc) BETWEEN :one AND :two", true}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(says(text), expected ? "true" : "false") << text;
}

TEST(Condition, and_binds_closer_than_or_and_not_closest) {
  EXPECT_EQ(says("attribute_exists(age) OR attribute_exists(x1) AND attribute_exists(x2)"), "true");
  EXPECT_EQ(says("(attribute_exists(age) OR attribute_exists(x1)) AND attribute_exists(x2)"), "false");
  EXPECT_EQ(says("NOT attribute_exists(x1) AND attribute_exists(age)"), "true");
  EXPECT_EQ(says("NOT (attribute_exists(x1) OR attribute_exists(age))"), "false");
  EXPECT_EQ(says("not attribute_exists(x1) and attribute_exists(age)"), "true");
}

TEST(Condition, errors_are_in_awss_words) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "The expression can not be empty;"},
      {"age", "Syntax error; token: \"<EOF>\", near: \"age\""},
      {"age =", "Syntax error; token: \"<EOF>\", near: \"=\""},
      {"age = :undefined", "An expression attribute value used in expression is not defined; attribute value: :undefined"},
      {"#undefined = :one", "An expression attribute name used in the document path is not defined; attribute name: #undefined"},
      {"name = :one", "Attribute name is a reserved keyword; reserved keyword: name"},
      {"((age = :one))", "The expression has redundant parentheses;"},
      {"nofunction(age)", "Invalid function name; function: nofunction"},
      {"attribute_exists(:one)", "Operator or function requires a document path; operator or function: attribute_exists"},
      {"attribute_exists(age, doc)",
       "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2"},
      {"begins_with(age, :one)",
       "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N"},
      {"age < :list", "Incorrect operand type for operator or function; operator or function: <, operand type: L"},
      {"attribute_type(age, :bad)", "Invalid attribute type name found; type: Q, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"},
      {"age BETWEEN :ten AND :one",
       "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: "
       "AttributeValue: {N:10}, upper bound operand: AttributeValue: {N:1}"},
      {"age = age",
       "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first "
       "operand: [age]"},
      {"size(age)", "The function is not allowed to be used this way in an expression; function: size"}};
  for (const auto& [text, message] : cases) EXPECT_EQ(says(text), std::string("Invalid ConditionExpression: ") + message) << text;
}

TEST(Condition, operands_may_stand_in_parentheses) {
  EXPECT_EQ(says("(age) > (:one)"), "true");
  EXPECT_EQ(says("((age > :one) AND (#n) = :ada)"), "true");
  EXPECT_EQ(says("(size(els)) > :two AND NOT ((age) = (:one))"), "true");
  const std::string redundant = "Invalid ConditionExpression: The expression has redundant parentheses;";
  for (const char* text : {"((age)) > :one", "age > ((:one))", "NOT ((age > :one))", "((age > :one AND age > :two))"}) {
    EXPECT_EQ(says(text), redundant) << text;
  }
}

TEST(Condition, sizes_of_values_and_operands) {
  EXPECT_EQ(says("size(:ada) = size(#n)"), "true");
  EXPECT_EQ(says("size(:ada) < size(:list)"), "false");
  EXPECT_EQ(says("size(:set) = :two AND size(:bin) = :one"), "true");
}

TEST(Condition, functions_have_their_places_and_operands) {
  const std::string start = "Incorrect operand type for operator or function; operator or function: ";
  const std::string misused = "The function is not allowed to be used this way in an expression; function: ";
  const std::pair<const char*, std::string> cases[] = {
      {"size(:one) = :one", start + "size, operand type: N"},
      {"size(size(age)) = :one", start + "size, operand type: N"},
      {"size(:true) = :one", start + "size, operand type: BOOL"},
      {"begins_with(:one, age)", start + "begins_with, operand type: N"},
      {"begins_with(#n, size(age))", start + "begins_with, operand type: N"},
      {"attribute_type(age, :one)", start + "attribute_type, operand type: N"},
      {"attribute_type(age, #n)", start + "attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}"},
      {"age > :true", start + ">, operand type: BOOL"},
      {"age BETWEEN :set AND :set", start + "BETWEEN, operand type: SS"},
      {"attribute_exists(age) = :one", misused + "attribute_exists"},
      {"contains(age, begins_with(age, :a))", misused + "begins_with"},
      {"age = contains(#n, :a)", misused + "contains"},
      {"contains(age, age)",
       "The first operand must be distinct from the remaining operands for this operator or function; operator: contains, first "
       "operand: [age]"},
      {"age BETWEEN :one AND :a",
       "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:1}, "
       "upper bound operand: AttributeValue: {S:A}"},
      {"attribute_exists(size(age))", "Operator or function requires a document path; operator or function: attribute_exists"}};
  for (const auto& [text, message] : cases) EXPECT_EQ(says(text), "Invalid ConditionExpression: " + message) << text;
}

TEST(Condition, the_gravest_fault_is_said) {
  const std::string reserved = "Attribute name is a reserved keyword; reserved keyword: abort";
  const std::string function = "Invalid function name; function: foo";
  const std::pair<const char*, std::string> cases[] = {
      {"abort = :undefined AND ?", "Syntax error; token: \"?\", near: \"AND ?\""},
      {"abort = :undefined AND ((age = :one))", "The expression has redundant parentheses;"},
      {"abort = :undefined AND foo(age)", function},
      {"#undefined = :one AND abort = :one", reserved},
      {"age = age AND #n = :undefined",
       "An expression attribute value used in expression is not defined; attribute value: :undefined"},
      {"age = age AND size(age)", "The function is not allowed to be used this way in an expression; function: size"}};
  for (const auto& [text, message] : cases) EXPECT_EQ(says(text), "Invalid ConditionExpression: " + message) << text;
}

TEST(Condition, syntax_errors_show_their_place) {
  const std::pair<const char*, const char*> cases[] = {
      {"_a = :one", "token: \"_\", near: \"_a\""},         {"a-b = :one", "token: \"-\", near: \"a-b\""},
      {"a = = :one", "token: \"=\", near: \"= = :one\""},  {"a = 1", "token: \"1\", near: \"= 1\""},
      {"a IN :one", "token: \":one\", near: \"IN :one\""}, {"a IN ()", "token: \")\", near: \"()\""},
      {"a[-1] = :one", "token: \"-\", near: \"[-1\""},     {"between = :one", "token: \"between\", near: \"between =\""},
      {"a = :one b", "token: \"b\", near: \":one b\""},    {"\xC3\xA4 = :one", "token: \"\xC3\xA4\", near: \"\xC3\xA4 =\""},
      {"(a = :one", "token: \"<EOF>\", near: \":one\""}};
  for (const auto& [text, message] : cases) {
    EXPECT_EQ(says(text), std::string("Invalid ConditionExpression: Syntax error; ") + message) << text;
  }
}

TEST(Condition, has_at_most_300_operators) {
  std::string many = "a = :one";
  for (int i = 1; i < 150; ++i) many += " OR a = :one";
  EXPECT_EQ(says(many), "false");  // 299
  EXPECT_EQ(says(many + " OR a = :one"),
            "Invalid ConditionExpression: The expression contains more than the maximum number of operators and functions; "
            "maximum: 300");
}

TEST(Condition, too_long_too_deep_and_too_many) {
  EXPECT_TRUE(
      says(std::string(kMaxExpressionBytes + 1, 'a')).starts_with("Invalid ConditionExpression: Expression size has exceeded"));
  std::string deep;
  for (int i = 0; i < 400; ++i) deep += "NOT ";
  EXPECT_NE(says(deep + "age = :one").find("Invalid ConditionExpression: "), std::string::npos);
  std::string path = "a";
  for (int i = 0; i < 40; ++i) path += ".a";
  EXPECT_NE(says(path + " = :one").find("The document path has too many nesting elements"), std::string::npos);
  std::string list = ":one";
  for (int i = 0; i < 100; ++i) list += ",:one";
  EXPECT_NE(says("age IN (" + list + ")").find("The IN operator is provided with too many operands; number of operands: 101"),
            std::string::npos);
}

TEST(Projection, takes_attributes_members_and_elements) {
  Item out;
  ASSERT_EQ(projected("age, #n, absent", out), "");
  EXPECT_EQ(out, item(map({{"age", n("36")}, {"name", s("Ada")}})));
  ASSERT_EQ(projected("doc.#n, doc.deep.er, doc.l[1]", out), "");
  EXPECT_EQ(out, item(map({{"doc", m({{"deep", m({{"er", n("3")}})}, {"l", l({n("6")})}})}})));
  ASSERT_EQ(projected("els[5], absent.x", out), "");
  EXPECT_TRUE(out.empty());
}

TEST(Projection, elements_close_up_in_the_order_of_their_indexes) {
  Item out;
  ASSERT_EQ(projected("els[2], els[0]", out), "");
  EXPECT_EQ(out, item(map({{"els", l({s("zero"), m({{"deep", s("deep")}, {"also", n("7")}})})}})));
}

TEST(Projection, two_paths_into_one_element_make_one_element) {
  Item out;
  ASSERT_EQ(projected("els[2].also, els[0], els[2].deep", out), "");
  EXPECT_EQ(out, item(map({{"els", l({s("zero"), m({{"deep", s("deep")}, {"also", n("7")}})})}})));
}

TEST(Update, paths_that_overlap_or_conflict_are_named_in_the_order_of_the_text) {
  Item after;
  const std::string start = "Invalid UpdateExpression: Two document paths ";
  const std::string rest = " with each other; must remove or rewrite one of these paths; path one: ";
  const std::pair<const char*, std::string> cases[] = {
      {"REMOVE x.y ADD x :one", start + "overlap" + rest + "[x, y], path two: [x]"},
      {"ADD x :one SET x = :one", start + "overlap" + rest + "[x], path two: [x]"},
      {"SET x.y = :one, x[1] = :one", start + "conflict" + rest + "[x, y], path two: [x, [1]]"},
      {"SET q = :one, x[1] = :one REMOVE x.y.z", start + "conflict" + rest + "[x, [1]], path two: [x, y, z]"},
      {"SET x[1] = :one REMOVE x[01]", start + "overlap" + rest + "[x, [1]], path two: [x, [1]]"}};
  for (const auto& [text, message] : cases) EXPECT_EQ(updated(text, ada(), after), message) << text;
  EXPECT_EQ(updated("SET doc.x = :one, doc.y = :one, els[0] = :one, els[1] = :one", ada(), after), "");  // control
}

TEST(Projection, overlapping_paths_are_refused) {
  Item out;
  EXPECT_EQ(projected("doc.l, doc.l[0]", out),
            "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these "
            "paths; path one: "
            "[doc, l], path two: [doc, l, [0]]");
  EXPECT_EQ(projected("doc.l[0], doc.l[1]", out), "");  // control
}

TEST(Update, set) {
  expect_update("SET a = :one, b = :ada", map({{"a", n("5")}}), map({{"a", n("1")}, {"b", s("Ada")}}));
  expect_update("SET a = b, b = a", map({{"a", n("1")}, {"b", n("2")}}), map({{"a", n("2")}, {"b", n("1")}}));
  expect_update("SET a = a + :one, b = :ten - a", map({{"a", n("2")}}), map({{"a", n("3")}, {"b", n("8")}}));
  expect_update("SET a = if_not_exists(a, :one) + :one", map({}), map({{"a", n("2")}}));
  expect_update("SET a = list_append(a, :list), b = list_append(:list, a)", map({{"a", l({n("1")})}}),
                map({{"a", l({n("1"), n("3")})}, {"b", l({n("3"), n("1")})}}));
  expect_update("SET m.k = :one, l[0] = :two", map({{"m", m({})}, {"l", l({s("x")})}}),
                map({{"m", m({{"k", n("1")}})}, {"l", l({n("2")})}}));
  expect_update("SET l[9] = :two, l[5] = :one", map({{"l", l({s("x")})}}), map({{"l", l({s("x"), n("1"), n("2")})}}));
}

TEST(Update, add_and_delete) {
  expect_update("ADD a :one, b :two", map({{"a", n("5")}}), map({{"a", n("6")}, {"b", n("2")}}));
  expect_update("ADD t :set", map({{"t", ss({"x", "q"})}}), map({{"t", ss({"q", "x", "y"})}}));
  expect_update("DELETE t :set", map({{"t", ss({"x", "q"})}}), map({{"t", ss({"q"})}}));
  expect_update("DELETE t :set, u :set", map({{"t", ss({"x"})}}), map({}));
}

TEST(Update, remove_means_the_indexes_of_the_item_before) {
  expect_update("REMOVE a, absent", map({{"a", n("1")}, {"b", n("2")}}), map({{"b", n("2")}}));
  expect_update("REMOVE l[0], l[2]", map({{"l", l({n("0"), n("1"), n("2"), n("3")})}}), map({{"l", l({n("1"), n("3")})}}));
  expect_update("REMOVE l[0], l[1].a", map({{"l", l({n("0"), m({{"a", n("1")}}), m({{"a", n("2")}})})}}),
                map({{"l", l({m({}), m({{"a", n("2")}})})}}));
  expect_update("REMOVE l[1], l[2][0]", map({{"l", l({n("0"), n("1"), l({n("2")}), l({n("3")})})}}),
                map({{"l", l({n("0"), l({}), l({n("3")})})}}));
  expect_update("REMOVE l[0] DELETE l[1] :set", map({{"l", l({n("0"), ss({"x"}), n("2")})}}), map({{"l", l({n("2")})}}));
  expect_update("REMOVE l[0] SET l[1] = :one, l[7] = :two", map({{"l", l({n("8"), n("9")})}}), map({{"l", l({n("1"), n("2")})}}));
}

TEST(Update, members_and_elements_come_and_go_in_one_map) {
  expect_update("SET z = :one, b = :two, m.c = :one, m.a = :two REMOVE a, m.b, y",
                map({{"a", n("0")}, {"c", n("0")}, {"m", m({{"b", n("0")}, {"d", n("0")}})}, {"y", n("0")}}),
                map({{"b", n("2")}, {"c", n("0")}, {"m", m({{"a", n("2")}, {"c", n("1")}, {"d", n("0")}})}, {"z", n("1")}}));
  expect_update("REMOVE l[2], l[0].b, l[0].a SET l[0].c = :one, l[1] = :two",
                map({{"l", l({m({{"a", n("0")}, {"b", n("0")}}), n("1"), n("2"), n("3")})}}),
                map({{"l", l({m({{"c", n("1")}}), n("2"), n("3")})}}));
}

// An expression of 4 KB works on the store's one writing thread: what it costs must not be the product of its length and the
// item's. (Tests do not assert times; with quadratic work these would run for minutes.)
TEST(Update, of_a_large_item_costs_one_pass) {
  Item item;
  Attribute list;
  list.type = Type::L;
  list.list.resize(150'000);
  item.set("l", list);
  Item after;
  std::string remove = "REMOVE l[0]", set = "SET a0 = :one", doubled = "list_append(l, l)";
  for (int i = 1; remove.size() < 4080; ++i) remove += ",l[" + std::to_string(i) + "]";
  for (int i = 1; set.size() < 4080; ++i) set += ",a" + std::to_string(i) + "=:one";
  ASSERT_EQ(updated(remove, item, after), "");
  EXPECT_LT(after.find("l")->list.size(), 149'500u);
  ASSERT_EQ(updated(set, item, after), "");
  EXPECT_GT(after.members().size(), 400u);
  for (int i = 0; i < 100; ++i) doubled = "list_append(" + doubled + ", l)";
  EXPECT_EQ(updated("SET x = " + doubled, item, after), "Item size to update has exceeded the maximum allowed size");
  EXPECT_EQ(updated("SET x = l, y = l", item, after), "Item size to update has exceeded the maximum allowed size");
  EXPECT_EQ(updated("SET x = l", item, after), "");  // control
}

TEST(Condition, contains_is_linear) {
  Item item;
  item.set("s", Attribute::string(std::string(400'000, 'a')));
  auto placeholders =
      Placeholders::read(map({{"ConditionExpression", "x"},
                              {"ExpressionAttributeValues",
                               map({{":v", s(std::string(200'000, 'a') + "b")}, {":w", s(std::string(200'000, 'a'))}})}}),
                         {"ConditionExpression"});
  std::string many = "contains(s, :v)";
  for (int i = 1; i < 50; ++i) many += " OR contains(s, :v)";
  EXPECT_FALSE(holds(*parse_condition("ConditionExpression", many, *placeholders), item));
  EXPECT_TRUE(holds(*parse_condition("ConditionExpression", "contains(s, :w)", *placeholders), item));  // control
}

TEST(Update, errors_are_in_awss_words) {
  const Item before = ada();
  Item after;
  const std::pair<const char*, const char*> cases[] = {
      {"", "Invalid UpdateExpression: The expression can not be empty;"},
      {"SET age = :one SET b = :one",
       "Invalid UpdateExpression: The \"SET\" section can only be used once in an update expression;"},
      {"SET age = :one REMOVE age",
       "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path "
       "one: [age], "
       "path two: [age]"},
      {"SET a = absent", "The provided expression refers to an attribute that does not exist in the item"},
      {"SET a = age + :ada",
       "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: +, operand type: S"},
      {"SET a = #n + :one", "An operand in the update expression has an incorrect data type"},
      {"SET absent.a = :one", "The document path provided in the update expression is invalid for update"},
      {"SET age[0] = :one", "The document path provided in the update expression is invalid for update"},
      {"ADD #n :one", "An operand in the update expression has an incorrect data type"},
      {"ADD age :ada",
       "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: "
       "ALLOWED_FOR_ADD_OPERAND"},
      {"DELETE tags :one",
       "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, "
       "typeSet: ALLOWED_FOR_DELETE_OPERAND"},
      {"DELETE nums :set", "An operand in the update expression has an incorrect data type"},
      {"SET a = if_not_exists(:one, :two)",
       "Invalid UpdateExpression: Operator or function requires a document path; operator or function: if_not_exists"},
      {"SET a = list_append(:list)",
       "Invalid UpdateExpression: Incorrect number of operands for operator or function; operator or function: list_append, "
       "number "
       "of operands: 1"},
      {"SET a = list_append(:list, :one)",
       "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: list_append, operand "
       "type: N"},
      {"SET a = list_append(els, age)", "An operand in the update expression has an incorrect data type"},
      {"SET remove = :one", "Invalid UpdateExpression: Syntax error; token: \"remove\", near: \"SET remove =\""},
      {"SET a = :one, REMOVE b", "Invalid UpdateExpression: Syntax error; token: \"REMOVE\", near: \", REMOVE b\""},
      {"SET a = age + :one + :one", "Invalid UpdateExpression: Syntax error; token: \"+\", near: \":one + :one\""},
      {"SET foo = foo(b) SET abort = :one",
       "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: abort"},
      {"SET a = attribute_exists(age)", "Invalid UpdateExpression: Invalid function name; function: attribute_exists"}};
  for (const auto& [text, message] : cases) EXPECT_EQ(updated(text, before, after), message) << text;
  EXPECT_EQ(updated("SET age = :one", before, after), "");  // control
}

TEST(Placeholders, unused_and_malformed_ones_are_errors) {
  const auto read = [](Value v) {
    auto p = Placeholders::read(v, {"ConditionExpression"});
    return p ? "" : p.error().message;
  };
  Value good = map({{"ConditionExpression", "x"}, {"ExpressionAttributeNames", map({{"#a", "a"}})}});
  EXPECT_EQ(read(good), "");  // control
  Value none = good;
  none.erase("ConditionExpression");
  EXPECT_EQ(read(none), "ExpressionAttributeNames can only be specified when using expressions");
  none.erase("ExpressionAttributeNames");
  none.set("ExpressionAttributeValues", map({{":a", n("1")}}));
  EXPECT_EQ(read(none), "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null");
  good.set("ExpressionAttributeNames", map({{"a", "a"}}));
  EXPECT_EQ(read(good), "ExpressionAttributeNames contains invalid key: Syntax error; key: \"a\"");
  good.set("ExpressionAttributeNames", Value::map());
  EXPECT_EQ(read(good), "ExpressionAttributeNames must not be empty");
  good.erase("ExpressionAttributeNames");
  good.set("ExpressionAttributeValues", map({{":a", n("x")}}));
  EXPECT_EQ(
      read(good),
      "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: x for key :a");

  auto placeholders = Placeholders::read(map({{"ConditionExpression", "x"},
                                              {"ExpressionAttributeNames", map({{"#a", "a"}})},
                                              {"ExpressionAttributeValues", map({{":v", n("1")}, {":w", n("2")}})}}),
                                         {"ConditionExpression"});
  ASSERT_TRUE(parse_condition("ConditionExpression", "b = :w", *placeholders));
  EXPECT_EQ(placeholders->unused()->message, "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}");
  ASSERT_TRUE(parse_condition("ConditionExpression", "#a = :v", *placeholders));
  EXPECT_FALSE(placeholders->unused());
}

TEST(ReservedWords, are_known_in_any_case) {
  for (const char* word : {"ABORT", "name", "Status", "zone", "YEAR"}) EXPECT_TRUE(is_reserved(word)) << word;
  for (const char* word : {"age", "pk", "sk", "", "NOTRESERVEDATALL"}) EXPECT_FALSE(is_reserved(word)) << word;
}

}  // namespace
}  // namespace gust::dynamodb
