// SPDX-License-Identifier: Apache-2.0

// Update expressions applied: every right side reads the item as it was before.

#include <algorithm>
#include <iterator>
#include <tuple>

#include "model/errors.h"
#include "services/dynamodb/expression.h"

namespace gust::dynamodb {
namespace {

using Problem = std::optional<model::ApiError>;

ApiFailure invalid(std::string text) { return ApiFailure(model::validation(std::move(text))); }
ApiFailure wrong_type() { return invalid("An operand in the update expression has an incorrect data type"); }
model::ApiError wrong_path() {
  return model::validation("The document path provided in the update expression is invalid for update");
}

Api<Attribute> evaluate(const Term& t, const Item& item);

Api<Attribute> combine(const Term& t, const Item& item) {
  auto a = evaluate(t.terms[0], item);
  if (!a) return a;
  auto b = evaluate(t.terms[1], item);
  if (!b) return b;
  if (t.kind == Term::Kind::ListAppend) {
    if (a->type != Type::L || b->type != Type::L) return wrong_type();
    std::move(b->list.begin(), b->list.end(), std::back_inserter(a->list));
    return a;
  }
  if (a->type != Type::N || b->type != Type::N) return wrong_type();
  const auto x = Number::parse(a->text), y = Number::parse(b->text);
  if (!x || !y) return wrong_type();
  auto sum = Number::add(*x, t.kind == Term::Kind::Plus ? *y : y->negated());
  if (!sum) return invalid(std::move(sum.error().message));
  return Attribute::number(*sum);
}

Api<Attribute> evaluate(const Term& t, const Item& item) {
  switch (t.kind) {
    case Term::Kind::Value:
      return t.value;
    case Term::Kind::Path:
    case Term::Kind::IfNotExists:
      if (const Attribute* found = resolve(item, t.path)) return *found;
      if (t.kind == Term::Kind::IfNotExists) return evaluate(t.terms[0], item);
      return invalid("The provided expression refers to an attribute that does not exist in the item");
    default:
      return combine(t, item);
  }
}

// What holds the path's last step, or null.
Attribute* holder(Attribute& root, const Path& path) {
  Attribute* at = &root;
  for (size_t i = 0; i + 1 < path.steps.size() && at != nullptr; ++i) {
    const Step& s = path.steps[i];
    if (s.is_index) {
      at = at->type == Type::L && s.index < at->list.size() ? &at->list[s.index] : nullptr;
    } else {
      at = at->type == Type::M ? at->map.find(s.name) : nullptr;
    }
  }
  const Step& last = path.steps.back();
  return at != nullptr && at->type == (last.is_index ? Type::L : Type::M) ? at : nullptr;
}

Problem assign(Attribute& root, const Path& path, Attribute value) {
  Attribute* at = holder(root, path);
  if (at == nullptr) return wrong_path();
  const Step& last = path.steps.back();
  if (!last.is_index) {
    at->map.set(last.name, std::move(value));
  } else if (last.index < at->list.size()) {
    at->list[last.index] = std::move(value);
  } else {
    at->list.push_back(std::move(value));
  }
  return std::nullopt;
}

Api<Attribute> added(const Attribute* old, const Attribute& value) {
  if (old == nullptr) return value;
  if (old->type != value.type) return wrong_type();
  if (value.type == Type::N) {
    const auto x = Number::parse(old->text), y = Number::parse(value.text);
    if (!x || !y) return wrong_type();
    auto sum = Number::add(*x, *y);
    if (!sum) return invalid(std::move(sum.error().message));
    return Attribute::number(*sum);
  }
  Attribute out = *old;
  out.set.clear();
  std::set_union(old->set.begin(), old->set.end(), value.set.begin(), value.set.end(), std::back_inserter(out.set));
  return out;
}

// Orders by indexes where paths lead into the same list.
bool before(const Path* a, const Path* b) {
  return std::lexicographical_compare(
      a->steps.begin(), a->steps.end(), b->steps.begin(), b->steps.end(),
      [](const Step& x, const Step& y) { return std::tie(x.index, x.name) < std::tie(y.index, y.name); });
}

Problem remove(Attribute& root, const Path& path) {
  Attribute* at = holder(root, path);
  const Step& last = path.steps.back();
  if (at == nullptr) return path.steps.size() == 1 ? Problem() : wrong_path();
  if (!last.is_index) {
    at->map.erase(last.name);
  } else if (last.index < at->list.size()) {
    at->list.erase(at->list.begin() + last.index);
  }
  return std::nullopt;
}

// Takes elements out of a set; a path whose set is empty then is added to `emptied`.
Problem erase_elements(Attribute& root, const Item& item, const Update::Change& change, std::vector<const Path*>& emptied) {
  const Attribute* old = resolve(item, change.path);
  if (old == nullptr) return std::nullopt;
  if (old->type != change.value.type) return wrong_type().value();
  Attribute out = *old;
  out.set.clear();
  std::set_difference(old->set.begin(), old->set.end(), change.value.set.begin(), change.value.set.end(),
                      std::back_inserter(out.set));
  if (!out.set.empty()) return assign(root, change.path, std::move(out));
  emptied.push_back(&change.path);
  return std::nullopt;
}

}  // namespace

Api<Item> apply(const Update& update, const Item& item) {
  Attribute root;
  root.type = Type::M;
  root.map = item;
  std::vector<std::pair<const Path*, Attribute>> assignments;
  for (const auto& s : update.sets) {
    auto value = evaluate(s.term, item);
    if (!value) return ApiFailure(std::move(value.error()));
    assignments.emplace_back(&s.path, std::move(*value));
  }
  for (const auto& a : update.adds) {
    auto value = added(resolve(item, a.path), a.value);
    if (!value) return ApiFailure(std::move(value.error()));
    assignments.emplace_back(&a.path, std::move(*value));
  }
  // New elements of a list are appended in the order of their indexes.
  std::sort(assignments.begin(), assignments.end(), [](const auto& a, const auto& b) { return before(a.first, b.first); });
  for (auto& [path, value] : assignments) {
    if (auto e = assign(root, *path, std::move(value))) return ApiFailure(std::move(*e));
  }
  std::vector<const Path*> removals;
  for (const auto& d : update.deletes) {
    if (auto e = erase_elements(root, item, d, removals)) return ApiFailure(std::move(*e));
  }
  for (const Path& p : update.removes) removals.push_back(&p);
  // Later elements first, so that the indexes of the earlier ones stay those of the item before.
  std::sort(removals.begin(), removals.end(), [](const Path* a, const Path* b) { return before(b, a); });
  for (const Path* p : removals) {
    if (auto e = remove(root, *p)) return ApiFailure(std::move(*e));
  }
  return std::move(root.map);
}

}  // namespace gust::dynamodb
