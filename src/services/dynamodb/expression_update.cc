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

// Evaluates right sides. What they make is counted while it is made, since all of it is to be in one item: an expression can
// double a list with each of its functions.
class Terms {
 public:
  explicit Terms(const Item& item) : item_(item) {}
  Api<Attribute> evaluate(const Term& t);

 private:
  Api<Attribute> copy(const Attribute& value);
  Api<Attribute> combine(const Term& t);

  const Item& item_;
  size_t made_ = 0;  // bytes, as size_of counts
};

Api<Attribute> Terms::copy(const Attribute& value) {
  made_ += size_of(value);
  if (made_ > kMaxItemBytes) return invalid("Item size to update has exceeded the maximum allowed size");
  return value;
}

Api<Attribute> Terms::combine(const Term& t) {
  auto a = evaluate(t.terms[0]);
  if (!a) return a;
  auto b = evaluate(t.terms[1]);
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

Api<Attribute> Terms::evaluate(const Term& t) {
  switch (t.kind) {
    case Term::Kind::Value:
      return copy(*t.value);
    case Term::Kind::Path:
    case Term::Kind::IfNotExists:
      if (const Attribute* found = resolve(item_, t.path)) return copy(*found);
      if (t.kind == Term::Kind::IfNotExists) return evaluate(t.terms[0]);
      return invalid("The provided expression refers to an attribute that does not exist in the item");
    default:
      return combine(t);
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

Api<Attribute> added(const Attribute* old, const Attribute& value, bool legacy) {
  if (old == nullptr) return value;
  if (old->type != value.type) return legacy ? invalid("Type mismatch for attribute to add") : wrong_type();
  if (value.type == Type::N) {
    const auto x = Number::parse(old->text), y = Number::parse(value.text);
    if (!x || !y) return wrong_type();
    auto sum = Number::add(*x, *y);
    if (!sum) return invalid(std::move(sum.error().message));
    return Attribute::number(*sum);
  }
  Attribute out = *old;
  if (value.type == Type::L) {
    out.list.insert(out.list.end(), value.list.begin(), value.list.end());
    return out;
  }
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

bool same_holder(const Path& a, const Path& b) {
  return a.steps.size() == b.steps.size() && std::equal(a.steps.begin(), a.steps.end() - 1, b.steps.begin());
}

constexpr auto kRemoved = static_cast<Type>(0);

// The item while it changes. Values are exchanged in place; members and elements come and go in finish(), once for each map
// and list, so that indexes stay those of the item before and a long list is moved once however many elements it loses.
class Editor {
 public:
  explicit Editor(const Item& item) {
    root_.type = Type::M;
    root_.map = item;
  }
  Problem assign(const Path& path, Attribute value);  // new elements of a list in the order of their indexes
  Problem remove(const Path& path);
  Item finish();

 private:
  struct Change {
    const Path* path;
    std::optional<Attribute> member;  // a new one; none: something there was removed
  };
  void restructure(Attribute& at, std::vector<Change>::iterator first, std::vector<Change>::iterator last);

  Attribute root_;
  std::vector<Change> changes_;
};

Problem Editor::assign(const Path& path, Attribute value) {
  Attribute* at = holder(root_, path);
  if (at == nullptr) return wrong_path();
  const Step& last = path.steps.back();
  if (last.is_index) {
    if (last.index < at->list.size()) {
      at->list[last.index] = std::move(value);
    } else {
      at->list.push_back(std::move(value));
    }
  } else if (Attribute* there = at->map.find(last.name)) {
    *there = std::move(value);
  } else {
    changes_.push_back({&path, std::move(value)});
  }
  return std::nullopt;
}

Problem Editor::remove(const Path& path) {
  Attribute* at = holder(root_, path);
  const Step& last = path.steps.back();
  if (at == nullptr) return path.steps.size() == 1 ? Problem() : wrong_path();
  Attribute* there = nullptr;
  if (!last.is_index) {
    there = at->map.find(last.name);
  } else if (last.index < at->list.size()) {
    there = &at->list[last.index];
  }
  if (there == nullptr) return std::nullopt;
  there->type = kRemoved;
  changes_.push_back({&path, std::nullopt});
  return std::nullopt;
}

void Editor::restructure(Attribute& at, std::vector<Change>::iterator first, std::vector<Change>::iterator last) {
  if (at.type == Type::L) {
    std::erase_if(at.list, [](const Attribute& a) { return a.type == kRemoved; });
    return;
  }
  auto& members = at.map.members();
  std::vector<Member> more, merged;  // the changes are sorted by name
  for (auto it = first; it != last; ++it) {
    if (it->member) more.push_back({it->path->steps.back().name, std::move(*it->member)});
  }
  std::erase_if(members, [](const Member& m) { return m.value.type == kRemoved; });
  if (more.empty()) return;
  merged.reserve(members.size() + more.size());
  std::merge(std::make_move_iterator(members.begin()), std::make_move_iterator(members.end()),
             std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()), std::back_inserter(merged),
             [](const Member& x, const Member& y) { return x.name < y.name; });
  members = std::move(merged);
}

// The innermost maps and lists first, so that paths still lead to the outer ones.
Item Editor::finish() {
  std::sort(changes_.begin(), changes_.end(), [](const Change& a, const Change& b) {
    if (a.path->steps.size() != b.path->steps.size()) return a.path->steps.size() > b.path->steps.size();
    return before(a.path, b.path);
  });
  for (auto first = changes_.begin(); first != changes_.end();) {
    const auto last =
        std::find_if(first, changes_.end(), [first](const Change& c) { return !same_holder(*first->path, *c.path); });
    if (Attribute* at = holder(root_, *first->path)) restructure(*at, first, last);
    first = last;
  }
  return std::move(root_.map);
}

// Takes elements out of a set, which goes too when it is empty.
Problem erase_elements(Editor& editor, const Item& item, const Update::Change& change, bool legacy) {
  const Attribute* old = resolve(item, change.path);
  if (old == nullptr) return std::nullopt;
  if (old->type != change.value->type) {
    return legacy ? model::validation("Type mismatch for attribute to remove") : wrong_type().value();
  }
  Attribute out;
  out.type = old->type;
  std::set_difference(old->set.begin(), old->set.end(), change.value->set.begin(), change.value->set.end(),
                      std::back_inserter(out.set));
  return out.set.empty() ? editor.remove(change.path) : editor.assign(change.path, std::move(out));
}

}  // namespace

Api<Item> apply(const Update& update, const Item& item) {
  Editor editor(item);
  Terms terms(item);
  std::vector<std::pair<const Path*, Attribute>> assignments;
  assignments.reserve(update.sets.size() + update.adds.size());
  for (const auto& s : update.sets) {
    auto value = terms.evaluate(s.term);
    if (!value) return ApiFailure(std::move(value.error()));
    assignments.emplace_back(&s.path, std::move(*value));
  }
  for (const auto& a : update.adds) {
    auto value = added(resolve(item, a.path), *a.value, update.legacy);
    if (!value) return ApiFailure(std::move(value.error()));
    assignments.emplace_back(&a.path, std::move(*value));
  }
  std::sort(assignments.begin(), assignments.end(), [](const auto& a, const auto& b) { return before(a.first, b.first); });
  for (auto& [path, value] : assignments) {
    if (auto e = editor.assign(*path, std::move(value))) return ApiFailure(std::move(*e));
  }
  for (const auto& d : update.deletes) {
    if (auto e = erase_elements(editor, item, d, update.legacy)) return ApiFailure(std::move(*e));
  }
  for (const Path& p : update.removes) {
    if (auto e = editor.remove(p)) return ApiFailure(std::move(*e));
  }
  return editor.finish();
}

}  // namespace gust::dynamodb
