// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/key_condition.h"

#include <algorithm>
#include <array>

#include "model/errors.h"
#include "store/key.h"

namespace gust::dynamodb {
namespace {

using Kind = Condition::Kind;
constexpr std::array<std::string_view, 6> kComparators = {"=", "<>", "<", "<=", ">", ">="};

ApiFailure invalid(std::string text) { return ApiFailure(model::validation(std::move(text))); }
ApiFailure invalid_condition(std::string text) {
  return invalid("Invalid condition in KeyConditionExpression: " + std::move(text));
}

std::string operator_name(const Condition& c) {
  switch (c.kind) {
    case Kind::Compare:
      return std::string(kComparators[static_cast<size_t>(c.comparator)]);
    case Kind::And:
      return "AND";
    case Kind::Or:
      return "OR";
    case Kind::Not:
      return "NOT";
    case Kind::Between:
      return "BETWEEN";
    case Kind::In:
      return "IN";
    case Kind::Exists:
      return "attribute_exists";
    case Kind::NotExists:
      return "attribute_not_exists";
    case Kind::HasType:
      return "attribute_type";
    case Kind::BeginsWith:
      return "begins_with";
    case Kind::Contains:
      return "contains";
  }
  return {};
}

bool usable(const Condition& c) {
  if (c.kind == Kind::Compare) return c.comparator != Comparator::NotEqual;
  return c.kind == Kind::Between || c.kind == Kind::BeginsWith;
}

// One condition on one attribute: attribute OPERATOR values.
struct Part {
  std::string attribute;
  Kind kind = Kind::Compare;
  Comparator comparator = Comparator::Equal;
  std::vector<Attribute> values;
};

Comparator mirrored(Comparator c) {
  switch (c) {
    case Comparator::Less:
      return Comparator::Greater;
    case Comparator::LessEqual:
      return Comparator::GreaterEqual;
    case Comparator::Greater:
      return Comparator::Less;
    case Comparator::GreaterEqual:
      return Comparator::LessEqual;
    default:
      return c;
  }
}

Api<Part> part_of(const Condition& c) {
  if (!usable(c)) return invalid("Invalid operator used in KeyConditionExpression: " + operator_name(c));
  Part part{.kind = c.kind, .comparator = c.comparator};
  size_t paths = 0;
  for (const Operand& o : c.operands) {
    if (o.kind == Operand::Kind::Size) return invalid("KeyConditionExpressions cannot contain nested operations");
    if (o.kind == Operand::Kind::Value) {
      part.values.push_back(o.value);
      continue;
    }
    if (o.path.steps.size() > 1) return invalid("KeyConditionExpressions cannot have conditions on nested attributes");
    part.attribute = o.path.steps[0].name;
    ++paths;
  }
  if (paths == 0) return invalid_condition("No key attribute specified");
  if (paths > 1) return invalid_condition("Multiple attribute names used in one condition");
  if (c.operands[0].kind == Operand::Kind::Path) return part;
  if (c.kind != Kind::Compare)
    return invalid_condition(operator_name(c) + " operator must have the key attribute as its first operand");
  part.comparator = mirrored(c.comparator);
  return part;
}

// The conditions that AND joins, however they are put in parentheses.
std::optional<model::ApiError> collect(const Condition& c, std::vector<Part>& out) {
  if (c.kind == Kind::And) {
    for (const Condition& child : c.children) {
      if (auto e = collect(child, out)) return e;
    }
    return std::nullopt;
  }
  auto part = part_of(c);
  if (!part) return std::move(part.error());
  for (const Part& other : out) {
    if (other.attribute == part->attribute)
      return model::validation("KeyConditionExpressions must only contain one condition per key");
  }
  out.push_back(std::move(*part));
  return std::nullopt;
}

std::optional<model::ApiError> check_values(const Part& part, const KeyAttribute& key, KeyRole role) {
  for (const Attribute& value : part.values) {
    if (value.type != key.type) {
      return model::validation("One or more parameter values were invalid: Condition parameter type does not match schema type");
    }
    if (part.kind == Kind::BeginsWith && value.text.empty()) continue;
    if (auto e = check_key_value(key, value, role)) return e;
  }
  return std::nullopt;
}

const Part* find(const std::vector<Part>& parts, std::string_view attribute) {
  const auto it = std::find_if(parts.begin(), parts.end(), [attribute](const Part& p) { return p.attribute == attribute; });
  return it == parts.end() ? nullptr : &*it;
}

ApiFailure missed(const std::string& attribute) { return invalid("Query condition missed key schema element: " + attribute); }

KeyRange range_of(const std::string& partition, const Part& part) {
  const std::string end = store::prefix_end(partition);
  const auto at = [&partition](const Attribute& value) { return partition + store::Key().text(key_text(value)).bytes(); };
  const auto after = [&at](const Attribute& value) { return at(value) + '\0'; };
  if (part.kind == Kind::Between) return {at(part.values[0]), after(part.values[1])};
  if (part.kind == Kind::BeginsWith) {
    std::string start = at(part.values[0]);
    start.resize(start.size() - 2);  // without the end of the text
    return {start, store::prefix_end(start)};
  }
  const Attribute& value = part.values[0];
  switch (part.comparator) {
    case Comparator::Less:
      return {partition, at(value)};
    case Comparator::LessEqual:
      return {partition, after(value)};
    case Comparator::Greater:
      return {after(value), end};
    case Comparator::GreaterEqual:
      return {at(value), end};
    default:
      return {at(value), after(value)};
  }
}

}  // namespace

Api<KeyRange> key_range(const Condition& condition, const Table& table) {
  std::vector<Part> parts;
  if (auto e = collect(condition, parts)) return ApiFailure(std::move(*e));
  if (parts.size() > 2) return invalid("Conditions can be of length 1 or 2 only");
  const Part* hash = find(parts, table.hash.name);
  if (hash == nullptr) return missed(table.hash.name);
  const Part* range = table.range ? find(parts, table.range->name) : nullptr;
  if (parts.size() == 2 && range == nullptr) {
    return table.range ? missed(table.range->name) : invalid("Query key condition not supported");
  }
  if (hash->kind != Kind::Compare || hash->comparator != Comparator::Equal) return invalid("Query key condition not supported");
  if (auto e = check_values(*hash, table.hash, KeyRole::Hash)) return ApiFailure(std::move(*e));
  const std::string partition = partition_prefix(table, hash->values[0]);
  if (range == nullptr) return KeyRange{partition, store::prefix_end(partition)};
  if (auto e = check_values(*range, *table.range, KeyRole::Range)) return ApiFailure(std::move(*e));
  return range_of(partition, *range);
}

bool refers_to(const Condition& c, std::string_view attribute) {
  const bool direct = std::any_of(c.operands.begin(), c.operands.end(), [attribute](const Operand& o) {
    return o.kind != Operand::Kind::Value && o.path.steps[0].name == attribute;
  });
  return direct || std::any_of(c.children.begin(), c.children.end(),
                               [attribute](const Condition& child) { return refers_to(child, attribute); });
}

}  // namespace gust::dynamodb
