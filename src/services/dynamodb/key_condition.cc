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
    if (o.kind == Operand::Kind::Size || o.computed) return invalid("KeyConditionExpressions cannot contain nested operations");
    if (o.kind == Operand::Kind::Value) {
      part.values.push_back(*o.value);
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
    if (value.type == Type::Bool || value.type == Type::Null || value.type == Type::L || value.type == Type::M) {
      return model::validation("One or more parameter values were invalid: ComparisonOperator EQ is not valid for " +
                               std::string(name_of(value.type)) + " AttributeValue type");
    }
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

// The sort keys that the part lets through.
void narrow(const Part& part, KeyQuery& out) {
  const auto at = [](const Attribute& value) { return store::Key().text(key_text(value)).bytes(); };
  const auto after = [&at](const Attribute& value) { return store::prefix_end(at(value)); };
  const Attribute& value = part.values[0];
  if (part.kind == Kind::Between) {
    out.from = at(value), out.to = after(part.values[1]);
  } else if (part.kind == Kind::BeginsWith) {
    out.from = at(value);
    out.from.resize(out.from.size() - 2);  // without the end of the text
    out.to = store::prefix_end(out.from);
  } else {
    const Comparator c = part.comparator;
    if (c == Comparator::Greater) out.from = after(value);
    if (c == Comparator::GreaterEqual || c == Comparator::Equal) out.from = at(value);
    if (c == Comparator::Less) out.to = at(value);
    if (c == Comparator::LessEqual || c == Comparator::Equal) out.to = after(value);
  }
}

}  // namespace

KeyRange KeyQuery::within(const std::string& partition) const {
  return {partition + from, to.empty() ? store::prefix_end(partition) : partition + to};
}

Api<KeyQuery> key_query(const Condition& condition, const KeyAttribute& hash, const std::optional<KeyAttribute>& range) {
  std::vector<Part> parts;
  if (auto e = collect(condition, parts)) return ApiFailure(std::move(*e));
  if (parts.size() > 2) return invalid("Conditions can be of length 1 or 2 only");
  const Part* by_hash = find(parts, hash.name);
  if (by_hash == nullptr) return missed(hash.name);
  const Part* by_range = range ? find(parts, range->name) : nullptr;
  if (parts.size() == 2 && by_range == nullptr) {
    return range ? missed(range->name) : invalid("Query key condition not supported");
  }
  if (by_hash->kind != Kind::Compare || by_hash->comparator != Comparator::Equal) {
    return invalid("Query key condition not supported");
  }
  if (auto e = check_values(*by_hash, hash, KeyRole::Hash)) return ApiFailure(std::move(*e));
  KeyQuery out{.hash = by_hash->values[0]};
  if (by_range == nullptr) return out;
  if (auto e = check_values(*by_range, *range, KeyRole::Range)) return ApiFailure(std::move(*e));
  narrow(*by_range, out);
  return out;
}

std::optional<model::ApiError> check_filter(const Condition& filter, std::string_view what, const KeyAttribute& hash,
                                            const std::optional<KeyAttribute>& range) {
  for (const KeyAttribute* key : {&hash, range ? &*range : nullptr}) {
    if (key == nullptr || !refers_to(filter, key->name)) continue;
    return model::validation(std::string(what) +
                             " can only contain non-primary key attributes: Primary key attribute: " + key->name);
  }
  return std::nullopt;
}

bool refers_to(const Condition& c, std::string_view attribute) {
  const bool direct = std::any_of(c.operands.begin(), c.operands.end(), [attribute](const Operand& o) {
    return o.kind != Operand::Kind::Value && o.path.steps[0].name == attribute;
  });
  return direct || std::any_of(c.children.begin(), c.children.end(),
                               [attribute](const Condition& child) { return refers_to(child, attribute); });
}

}  // namespace gust::dynamodb
