// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/legacy.h"

#include <algorithm>
#include <array>
#include <set>

#include "model/errors.h"

namespace gust::dynamodb::legacy {
namespace {

using Kind = Condition::Kind;
using Problem = std::optional<model::ApiError>;

constexpr std::string_view kInvalid = "One or more parameter values were invalid: ";

model::ApiError invalid(std::string_view text) { return model::validation(std::string(kInvalid).append(text)); }

enum class Takes { Any, Scalars, Texts };  // which types of values an operator compares with: all; S, N, B; S, B

struct Operator {
  std::string_view name;
  Kind kind;
  Comparator comparator = Comparator::Equal;
  size_t min_values = 1, max_values = 1;
  Takes takes = Takes::Any;
  bool indexable = false;  // may stand in KeyConditions
};
constexpr std::array<Operator, 13> kOperators = {{
    {"EQ", Kind::Compare, Comparator::Equal, 1, 1, Takes::Any, true},
    {"NE", Kind::Compare, Comparator::NotEqual},
    {"LE", Kind::Compare, Comparator::LessEqual, 1, 1, Takes::Scalars, true},
    {"LT", Kind::Compare, Comparator::Less, 1, 1, Takes::Scalars, true},
    {"GE", Kind::Compare, Comparator::GreaterEqual, 1, 1, Takes::Scalars, true},
    {"GT", Kind::Compare, Comparator::Greater, 1, 1, Takes::Scalars, true},
    {"NOT_NULL", Kind::Exists, Comparator::Equal, 0, 0},
    {"NULL", Kind::NotExists, Comparator::Equal, 0, 0},
    {"CONTAINS", Kind::Contains, Comparator::Equal, 1, 1, Takes::Scalars},
    {"NOT_CONTAINS", Kind::Contains, Comparator::NotEqual, 1, 1, Takes::Scalars},
    {"BEGINS_WITH", Kind::BeginsWith, Comparator::Equal, 1, 1, Takes::Texts, true},
    {"IN", Kind::In, Comparator::Equal, 1, SIZE_MAX, Takes::Scalars},
    {"BETWEEN", Kind::Between, Comparator::Equal, 2, 2, Takes::Scalars, true},
}};

const Operator* find_operator(std::string_view name) {
  const auto it = std::find_if(kOperators.begin(), kOperators.end(), [name](const Operator& o) { return o.name == name; });
  return it == kOperators.end() ? nullptr : &*it;
}

bool fits(Takes takes, Type type) {
  if (takes == Takes::Any) return true;
  return type == Type::S || type == Type::B || (takes == Takes::Scalars && type == Type::N);
}

Path path_to(const std::string& attribute) { return Path{.steps = {Step{.name = attribute}}}; }

Operand operand(const std::string& attribute) { return Operand{.kind = Operand::Kind::Path, .path = path_to(attribute)}; }
Operand operand(Attribute value) { return Operand{.kind = Operand::Kind::Value, .value = constant(std::move(value))}; }

Api<std::vector<Attribute>> parse_values(const Value& list) {
  std::vector<Attribute> out;
  out.reserve(list.size());
  for (const Value& v : list.as_list()) {
    auto attribute = parse_attribute(v);
    if (!attribute) return ApiFailure(std::move(attribute.error()));
    out.push_back(std::move(*attribute));
  }
  return out;
}

Problem check_values(const Operator& op, const std::vector<Attribute>& values) {
  const std::string name(op.name);
  if (values.size() < op.min_values || values.size() > op.max_values) {
    return invalid("Invalid number of argument(s) for the " + name + " ComparisonOperator");
  }
  for (const Attribute& v : values) {
    if (!fits(op.takes, v.type)) {
      return invalid("ComparisonOperator " + name + " is not valid for " + std::string(name_of(v.type)) + " AttributeValue type");
    }
    if (v.type != values[0].type) return invalid("AttributeValues inside AttributeValueList must be of same type");
  }
  if (op.kind == Kind::Between && order(values[0], values[1]) == std::strong_ordering::greater) {
    return model::validation("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound");
  }
  return std::nullopt;
}

Api<Condition> condition_of(const std::string& attribute, const Operator& op, std::vector<Attribute> values) {
  if (auto e = check_values(op, values)) return ApiFailure(std::move(*e));
  Condition out{.kind = op.kind, .comparator = op.comparator};
  out.operands.push_back(operand(attribute));
  for (Attribute& v : values) out.operands.push_back(operand(std::move(v)));
  if (op.kind != Kind::Contains || op.comparator == Comparator::Equal) return out;
  // NOT_CONTAINS holds for attributes that are there only.
  out.comparator = Comparator::Equal;
  Condition negation{.kind = Kind::Not}, both{.kind = Kind::And}, exists{.kind = Kind::Exists};
  negation.children.push_back(std::move(out));
  exists.operands.push_back(operand(attribute));
  both.children.push_back(std::move(exists));
  both.children.push_back(std::move(negation));
  return both;
}

Api<Condition> listed_condition(const std::string& attribute, const Value& condition) {
  auto values = parse_values(condition["AttributeValueList"]);
  if (!values) return ApiFailure(std::move(values.error()));
  const Operator* op = find_operator(condition["ComparisonOperator"].as_string());
  if (op == nullptr) return ApiFailure(invalid("Unsupported operator on attribute " + attribute));
  return condition_of(attribute, *op, std::move(*values));
}

// What of one attribute of Expected does not go together.
Problem check_expected(const std::string& attribute, const Value& expected) {
  const std::string end = " for Attribute: " + attribute;
  const bool list = expected.has("AttributeValueList"), value = expected.has("Value");
  if (list && value) return invalid("Value and AttributeValueList cannot be used together" + end);
  const std::string op(expected["ComparisonOperator"].as_string());
  if (!op.empty()) {
    if (expected.has("Exists")) return invalid("Exists and ComparisonOperator cannot be used together" + end);
    if (list || value || op == "NULL" || op == "NOT_NULL") return std::nullopt;
    return invalid("Value or AttributeValueList must be used with ComparisonOperator: " + op + end);
  }
  if (list) return invalid("AttributeValueList can only be used with a ComparisonOperator" + end);
  const bool exists = expected["Exists"].as_bool(true);
  if (exists && !value) {
    return invalid("Value must be provided when Exists is " + std::string(expected.has("Exists") ? "true" : "null") + end);
  }
  if (!exists && value) return invalid("Value cannot be used when Exists is false" + end);
  return std::nullopt;
}

Api<Condition> expected_condition(const std::string& attribute, const Value& expected) {
  if (auto e = check_expected(attribute, expected)) return ApiFailure(std::move(*e));
  if (!expected.has("Value")) {
    if (expected.has("ComparisonOperator")) return listed_condition(attribute, expected);
    return condition_of(attribute, *find_operator("NULL"), {});
  }
  auto value = parse_attribute(expected["Value"]);
  if (!value) return ApiFailure(std::move(value.error()));
  const Operator* op = find_operator(expected["ComparisonOperator"].as_string("EQ"));
  if (op == nullptr) return ApiFailure(invalid("Unsupported operator on attribute " + attribute));
  return condition_of(attribute, *op, {std::move(*value)});
}

Problem check_conditional_operator(const Value& input, std::string_view member) {
  if (!input.has("ConditionalOperator")) return std::nullopt;
  if (!input.has(member)) return model::validation("ConditionalOperator cannot be used without Filter or Expected");
  if (input[member].size() > 1) return std::nullopt;
  return model::validation("ConditionalOperator can only be used when Filter or Expected has two or more elements");
}

// The conditions on all attributes of a member, joined; none: the member is absent or empty.
using Parse = Api<Condition> (*)(const std::string& attribute, const Value& condition);
Api<std::optional<Condition>> joined(const Value& conditions, Kind how, Parse parse) {
  Condition out{.kind = how};
  for (const auto& [attribute, condition] : conditions.as_map()) {
    auto one = parse(attribute, condition);
    if (!one) return ApiFailure(std::move(one.error()));
    out.children.push_back(std::move(*one));
  }
  if (out.children.empty()) return std::optional<Condition>();
  if (out.children.size() == 1) return std::optional<Condition>(std::move(out.children[0]));
  return std::optional<Condition>(std::move(out));
}

Kind conditional_operator(const Value& input) { return input["ConditionalOperator"].as_string() == "OR" ? Kind::Or : Kind::And; }

bool is_set(Type type) { return type == Type::SS || type == Type::NS || type == Type::BS; }

Problem add_update(const std::string& attribute, const Value& request, Update& out) {
  const std::string_view action = request["Action"].as_string("PUT");
  if (!request.has("Value")) {
    if (action != "DELETE") return invalid("Only DELETE action is allowed when no attribute value is specified");
    out.removes.push_back(path_to(attribute));
    return std::nullopt;
  }
  auto value = parse_attribute(request["Value"]);
  if (!value) return std::move(value.error());
  const Type type = value->type;
  const bool add = action == "ADD";
  if (action == "PUT") {
    out.sets.push_back({path_to(attribute), Term{.kind = Term::Kind::Value, .value = constant(std::move(*value))}});
  } else if (is_set(type) || (add && (type == Type::N || type == Type::L))) {
    (add ? out.adds : out.deletes).push_back({path_to(attribute), constant(std::move(*value))});
  } else {
    return invalid(std::string(action) + (add ? " action" : " action with value") + " is not supported for the type " +
                   std::string(name_of(type)));
  }
  return std::nullopt;
}

// The request's members of these, as AWS lists them.
std::string present(const Value& input, std::initializer_list<std::string_view> members) {
  std::string out;
  for (std::string_view m : members) {
    if (input.has(m)) out.append(out.empty() ? "" : ", ").append(m);
  }
  return out;
}

}  // namespace

Problem check_mixed(const Value& input) {
  const std::string expressions = present(
      input, {"UpdateExpression", "ConditionExpression", "ProjectionExpression", "FilterExpression", "KeyConditionExpression"});
  if (expressions.empty()) return std::nullopt;
  // KeyConditions may go with a FilterExpression or a ProjectionExpression.
  const std::string_view keys = input.has("KeyConditionExpression") ? "KeyConditions" : "";
  const std::string others = present(
      input, {"AttributesToGet", "AttributeUpdates", "Expected", "QueryFilter", "ScanFilter", "ConditionalOperator", keys});
  if (others.empty()) return std::nullopt;
  return model::validation(
      "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {" + others +
      "} Expression parameters: {" + expressions + "}");
}

Api<std::optional<Condition>> expected(const Value& input) {
  auto out = joined(input["Expected"], conditional_operator(input), expected_condition);
  if (!out) return out;
  if (auto e = check_conditional_operator(input, "Expected")) return ApiFailure(std::move(*e));
  return out;
}

Api<std::optional<Condition>> filter(const Value& input, std::string_view member) {
  auto out = joined(input[member], conditional_operator(input), listed_condition);
  if (!out) return out;
  if (auto e = check_conditional_operator(input, member)) return ApiFailure(std::move(*e));
  return out;
}

Api<std::optional<Condition>> key_conditions(const Value& input) {
  if (!input.has("KeyConditions")) return std::optional<Condition>();
  const Value& conditions = input["KeyConditions"];
  auto out = joined(conditions, Kind::And, listed_condition);
  if (!out) return out;
  if (conditions.size() != 1 && conditions.size() != 2) {
    return ApiFailure(model::validation("Conditions can be of length 1 or 2 only"));
  }
  for (const auto& [attribute, condition] : conditions.as_map()) {
    if (!find_operator(condition["ComparisonOperator"].as_string())->indexable) {
      return ApiFailure(model::validation("Attempted conditional constraint is not an indexable operation"));
    }
  }
  return out;
}

Api<std::optional<Update>> attribute_updates(const Value& input) {
  if (!input.has("AttributeUpdates")) return std::optional<Update>();
  Update out{.legacy = true};
  for (const auto& [attribute, request] : input["AttributeUpdates"].as_map()) {
    if (auto e = add_update(attribute, request, out)) return ApiFailure(std::move(*e));
  }
  return std::optional<Update>(std::move(out));
}

Api<std::optional<std::vector<Path>>> attributes_to_get(const Value& input) {
  if (!input.has("AttributesToGet")) return std::optional<std::vector<Path>>();
  std::vector<Path> out;
  std::set<std::string_view> seen;
  for (const Value& v : input["AttributesToGet"].as_list()) {
    const std::string name(v.as_string());
    if (!seen.insert(v.as_string()).second) return ApiFailure(invalid("Duplicate value in attribute name: " + name));
    out.push_back(path_to(name));
  }
  return std::optional<std::vector<Path>>(std::move(out));
}

}  // namespace gust::dynamodb::legacy
