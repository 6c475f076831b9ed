// SPDX-License-Identifier: Apache-2.0

#include <string.h>

#include <algorithm>

#include "services/dynamodb/expression.h"

namespace gust::dynamodb {
namespace {

size_t code_points(std::string_view utf8) {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// An operand's value; null where there is none. `made` holds it where it is neither the item's nor the expression's.
const Attribute* evaluate(const Operand& o, const Item& item, Attribute& made) {
  if (o.kind == Operand::Kind::Value) return o.value.get();
  const Attribute* found = resolve(item, o.path);
  if (o.kind != Operand::Kind::Size || found == nullptr) return found;
  const auto size = measure(*found);
  if (!size) return nullptr;
  made = Attribute::number(Number::of(static_cast<int64_t>(*size)));
  return &made;
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
    case Type::B:  // memmem is linear, which std::string::find is not
      return part.type == whole.type &&
             ::memmem(whole.text.data(), whole.text.size(), part.text.data(), part.text.size()) != nullptr;
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

bool is_member(const Condition& c, const Attribute* first, const Item& item) {
  return std::any_of(c.operands.begin() + 1, c.operands.end(), [&](const Operand& o) {
    Attribute made;
    return compare(Comparator::Equal, first, evaluate(o, item, made));
  });
}

bool begins_with(const Attribute& whole, const Attribute& start) {
  return whole.type == start.type && (whole.type == Type::S || whole.type == Type::B) && whole.text.starts_with(start.text);
}

bool predicate(const Condition& c, const Item& item) {
  using Kind = Condition::Kind;
  Attribute made[3];
  const Attribute* v[3] = {};
  const size_t n = c.kind == Kind::In ? 1 : std::min<size_t>(c.operands.size(), 3);
  for (size_t i = 0; i < n; ++i) v[i] = evaluate(c.operands[i], item, made[i]);
  switch (c.kind) {
    case Kind::Compare:
      return compare(c.comparator, v[0], v[1]);
    case Kind::Between:
      return compare(Comparator::GreaterEqual, v[0], v[1]) && compare(Comparator::LessEqual, v[0], v[2]);
    case Kind::In:
      return is_member(c, v[0], item);
    case Kind::Exists:
      return v[0] != nullptr;
    case Kind::NotExists:
      return v[0] == nullptr;
    case Kind::HasType:
      return v[0] && v[1] && name_of(v[0]->type) == v[1]->text;
    case Kind::BeginsWith:
      return v[0] && v[1] && begins_with(*v[0], *v[1]);
    case Kind::Contains:
      return v[0] && v[1] && contains(*v[0], *v[1]);
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

std::optional<size_t> measure(const Attribute& a) {
  switch (a.type) {
    case Type::S:
      return code_points(a.text);
    case Type::B:
      return a.text.size();
    case Type::L:
      return a.list.size();
    case Type::M:
      return a.map.members().size();
    case Type::SS:
    case Type::NS:
    case Type::BS:
      return a.set.size();
    default:
      return std::nullopt;
  }
}

std::optional<std::strong_ordering> order(const Attribute& a, const Attribute& b) {
  if (a.type != b.type) return std::nullopt;
  if (a.type == Type::S || a.type == Type::B) return a.text.compare(b.text) <=> 0;
  if (a.type != Type::N) return std::nullopt;
  const auto x = Number::parse(a.text), y = Number::parse(b.text);
  if (!x || !y) return std::nullopt;
  return *x <=> *y;
}

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
  return predicate(c, item);
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
