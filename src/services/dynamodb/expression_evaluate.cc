// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include "services/dynamodb/expression.h"

namespace gust::dynamodb {
namespace {

// An operand's value: of the item, of the expression, or made (size()).
struct Evaluated {
  const Attribute* value = nullptr;  // null: there is none
  Attribute made;
};

size_t code_points(std::string_view utf8) {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

bool measured(const Attribute& a, Attribute& out) {
  size_t n = 0;
  switch (a.type) {
    case Type::S:
      n = code_points(a.text);
      break;
    case Type::B:
      n = a.text.size();
      break;
    case Type::L:
      n = a.list.size();
      break;
    case Type::M:
      n = a.map.members().size();
      break;
    case Type::SS:
    case Type::NS:
    case Type::BS:
      n = a.set.size();
      break;
    default:
      return false;
  }
  out = Attribute::number(Number::of(static_cast<int64_t>(n)));
  return true;
}

void evaluate(const Operand& o, const Item& item, Evaluated& out) {
  if (o.kind == Operand::Kind::Value) {
    out.value = &o.value;
    return;
  }
  out.value = resolve(item, o.path);
  if (o.kind == Operand::Kind::Size) out.value = out.value && measured(*out.value, out.made) ? &out.made : nullptr;
}

std::optional<std::strong_ordering> order(const Attribute& a, const Attribute& b) {
  if (a.type != b.type) return std::nullopt;
  if (a.type == Type::S || a.type == Type::B) return a.text.compare(b.text) <=> 0;
  if (a.type != Type::N) return std::nullopt;
  const auto x = Number::parse(a.text), y = Number::parse(b.text);
  if (!x || !y) return std::nullopt;
  return *x <=> *y;
}

bool compare(Comparator op, const Attribute* a, const Attribute* b) {
  if (op == Comparator::Equal) return a && b && *a == *b;
  if (op == Comparator::NotEqual) return !(a && b && *a == *b);
  if (!a || !b) return false;
  const auto o = order(*a, *b);
  if (!o) return false;
  switch (op) {
    case Comparator::Less:
      return *o < 0;
    case Comparator::LessEqual:
      return *o <= 0;
    case Comparator::Greater:
      return *o > 0;
    default:
      return *o >= 0;
  }
}

bool contains(const Attribute& whole, const Attribute& part) {
  switch (whole.type) {
    case Type::S:
    case Type::B:
      return part.type == whole.type && whole.text.find(part.text) != std::string::npos;
    case Type::L:
      return std::find(whole.list.begin(), whole.list.end(), part) != whole.list.end();
    case Type::SS:
    case Type::NS:
    case Type::BS: {
      const Type element = whole.type == Type::SS ? Type::S : whole.type == Type::NS ? Type::N : Type::B;
      return part.type == element && std::binary_search(whole.set.begin(), whole.set.end(), part.text);
    }
    default:
      return false;
  }
}

bool predicate(const Condition& c, const std::vector<Evaluated>& v) {
  switch (c.kind) {
    case Condition::Kind::Compare:
      return compare(c.comparator, v[0].value, v[1].value);
    case Condition::Kind::Between:
      return compare(Comparator::GreaterEqual, v[0].value, v[1].value) && compare(Comparator::LessEqual, v[0].value, v[2].value);
    case Condition::Kind::In:
      return std::any_of(v.begin() + 1, v.end(),
                         [&](const Evaluated& e) { return compare(Comparator::Equal, v[0].value, e.value); });
    case Condition::Kind::Exists:
      return v[0].value != nullptr;
    case Condition::Kind::NotExists:
      return v[0].value == nullptr;
    case Condition::Kind::HasType:
      return v[0].value && v[1].value && name_of(v[0].value->type) == v[1].value->text;
    case Condition::Kind::BeginsWith:
      return v[0].value && v[1].value && v[0].value->type == v[1].value->type &&
             (v[0].value->type == Type::S || v[0].value->type == Type::B) && v[0].value->text.starts_with(v[1].value->text);
    case Condition::Kind::Contains:
      return v[0].value && v[1].value && contains(*v[0].value, *v[1].value);
    default:
      return false;
  }
}

// What a projection takes, as a tree: a leaf is taken whole. Paths do not overlap, so no leaf has children.
struct Taken {
  Step step;
  const Attribute* whole = nullptr;
  std::vector<Taken> children;  // sorted; all names or all indexes, as the item has them
};

Taken& child(Taken& parent, const Step& step) {
  const auto before = [](const Taken& t, const Step& s) { return s.is_index ? t.step.index < s.index : t.step.name < s.name; };
  auto it = std::lower_bound(parent.children.begin(), parent.children.end(), step, before);
  if (it == parent.children.end() || !(it->step == step)) it = parent.children.insert(it, Taken{.step = step});
  return *it;
}

// Elements of lists close up in the order of their indexes.
Attribute built(const Taken& taken) {
  if (taken.whole != nullptr) return *taken.whole;
  Attribute out;
  out.type = taken.children.front().step.is_index ? Type::L : Type::M;
  for (const Taken& t : taken.children) {
    if (t.step.is_index) {
      out.list.push_back(built(t));
    } else {
      out.map.members().push_back({t.step.name, built(t)});
    }
  }
  return out;
}

}  // namespace

const Attribute* resolve(const Item& item, const Path& path) {
  const Attribute* at = nullptr;
  for (size_t i = 0; i < path.steps.size(); ++i) {
    const Step& s = path.steps[i];
    if (i == 0) {
      at = item.find(s.name);
    } else if (s.is_index) {
      at = at->type == Type::L && s.index < at->list.size() ? &at->list[s.index] : nullptr;
    } else {
      at = at->type == Type::M ? at->map.find(s.name) : nullptr;
    }
    if (at == nullptr) return nullptr;
  }
  return at;
}

bool holds(const Condition& c, const Item& item) {
  const auto child = [&](const Condition& e) { return holds(e, item); };
  if (c.kind == Condition::Kind::And) return std::all_of(c.children.begin(), c.children.end(), child);
  if (c.kind == Condition::Kind::Or) return std::any_of(c.children.begin(), c.children.end(), child);
  if (c.kind == Condition::Kind::Not) return !child(c.children[0]);
  std::vector<Evaluated> values(c.operands.size());
  for (size_t i = 0; i < values.size(); ++i) evaluate(c.operands[i], item, values[i]);
  return predicate(c, values);
}

Item project(const Item& item, const std::vector<Path>& paths) {
  Taken root;
  for (const Path& p : paths) {
    const Attribute* found = resolve(item, p);
    if (found == nullptr) continue;
    Taken* at = &root;
    for (const Step& step : p.steps) at = &child(*at, step);
    at->whole = found;
  }
  if (root.children.empty()) return {};
  return std::move(built(root).map);
}

}  // namespace gust::dynamodb
