// SPDX-License-Identifier: Apache-2.0

#include "model/constraints.h"

#include <re2/re2.h>

#include "base/log.h"
#include "model/scalar.h"

namespace gust::model {
namespace {

constexpr size_t kMaxShown = 1024;  // bytes of a value that an error repeats
constexpr size_t kMaxDepth = 128;

// Members appear in AWS's texts with a small first letter.
std::string camel(std::string_view name) {
  std::string out(name);
  if (!out.empty() && out[0] >= 'A' && out[0] <= 'Z') out[0] = static_cast<char>(out[0] - 'A' + 'a');
  return out;
}

void show(const Value& v, std::string& out) {
  if (out.size() > kMaxShown) return;
  if (v.is_list()) {
    out += '[';
    for (size_t i = 0; i < v.size(); ++i) {
      if (i) out += ", ";
      show(v.as_list()[i], out);
    }
    out += ']';
  } else if (v.is_map()) {
    out += '{';
    bool first = true;
    for (const auto& [name, member] : v.as_map()) {
      if (!first) out += ", ";
      first = false;
      out.append(name).append("=");
      show(member, out);
    }
    out += '}';
  } else if (v.is_blob()) {
    out += "java.nio.HeapByteBuffer";
  } else {
    out += scalar_to_text(v, TimeFormat::Iso8601);
  }
}

std::string shown(const Value& v) {
  std::string out;
  show(v, out);
  if (out.size() > kMaxShown) out.resize(kMaxShown);
  return out;
}

size_t length_of(const Value& v) {
  if (v.is_list() || v.is_map()) return v.size();
  if (v.is_blob()) return v.as_string().size();
  size_t n = 0;  // characters, not bytes
  for (char c : v.as_string()) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

bool scalar(Kind kind) { return kind != Kind::Structure && kind != Kind::List && kind != Kind::Map; }

}  // namespace

Constraints::Constraints(const ServiceTable& table) : table_(table) {}

Constraints::~Constraints() {
  for (uint32_t i = 0; patterns_ && i < table_.constraint_count; ++i) {
    delete patterns_[i].match.load();
    delete patterns_[i].reject.load();
  }
}

Constraints::Patterns& Constraints::patterns(const Constraint& c) const {
  std::call_once(made_, [this] { patterns_ = std::make_unique<Patterns[]>(table_.constraint_count); });
  return patterns_[static_cast<size_t>(&c - table_.constraint_data)];
}

const re2::RE2& Constraints::compiled(Text pattern, std::atomic<re2::RE2*>& slot) const {
  if (re2::RE2* there = slot.load(std::memory_order_acquire)) return *there;
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  std::string_view text = table_.text(pattern);
  auto made = std::make_unique<re2::RE2>(re2::StringPiece(text.data(), text.size()), options);
  re2::RE2* expected = nullptr;
  if (slot.compare_exchange_strong(expected, made.get(), std::memory_order_acq_rel)) return *made.release();
  return *expected;
}

bool Constraints::matches(const Constraint& c, std::string_view text) const {
  if (c.match.length == 0 && c.reject.length == 0) return true;
  Patterns& p = patterns(c);
  re2::StringPiece piece(text.data(), text.size());
  if (c.match.length > 0) {
    const re2::RE2& re = compiled(c.match, p.match);
    if (re.ok() && !re2::RE2::FullMatch(piece, re)) return false;
  }
  if (c.reject.length > 0) {
    const re2::RE2& re = compiled(c.reject, p.reject);
    if (re.ok() && re2::RE2::FullMatch(piece, re)) return false;
  }
  return true;
}

std::string Constraints::unreadable_patterns() const {
  std::string out;
  for (uint32_t i = 0; i < table_.constraint_count; ++i) {
    const Constraint& c = table_.constraint_data[i];
    if (c.match.length > 0 && !compiled(c.match, patterns(c).match).ok()) out.append(table_.text(c.match)).append("\n");
    if (c.reject.length > 0 && !compiled(c.reject, patterns(c).reject).ok()) out.append(table_.text(c.reject)).append("\n");
  }
  return out;
}

struct Constraints::Walk {
  const Constraints& owner;
  const ServiceTable& table;
  std::vector<Violation> found;

  bool full() const { return found.size() >= kMaxViolations; }

  struct Rule {
    Fault fault;
    bool holds;
    std::string words;
  };
  // The rules of the shape's own constraint, in AWS's order and words. `all`: those that hold too.
  std::vector<Rule> rules(const Shape& s, const Value& v, bool all) const {
    std::vector<Rule> out;
    if (s.constraint == 0) return out;
    const Constraint& c = table.constraint_data[s.constraint];
    auto add = [&](Fault fault, bool holds, std::string_view words, auto&& rest) {
      if (all || !holds) out.push_back({fault, holds, std::string(words) + rest()});
    };
    auto max = [&] { return std::to_string(c.max); };
    auto min = [&] { return std::to_string(c.min); };
    if (s.kind == Kind::Integer || s.kind == Kind::Long || s.kind == Kind::Double) {
      double n = v.as_double();
      if (c.has_max) add(Fault::Range, !(n > static_cast<double>(c.max)), "Member must have value less than or equal to ", max);
      if (c.has_min)
        add(Fault::Range, !(n < static_cast<double>(c.min)), "Member must have value greater than or equal to ", min);
      return out;
    }
    int64_t length = c.has_min || c.has_max ? static_cast<int64_t>(length_of(v)) : 0;
    if (c.has_max) add(Fault::Length, length <= c.max, "Member must have length less than or equal to ", max);
    if (c.has_min) add(Fault::Length, length >= c.min, "Member must have length greater than or equal to ", min);
    if (s.kind == Kind::String && c.pattern.length > 0) {
      add(Fault::Pattern, owner.matches(c, v.as_string()),
          "Member must satisfy regular expression pattern: ", [&] { return std::string(table.text(c.pattern)); });
    }
    if (c.enums > 0) {
      add(Fault::Enumeration, in_enumeration(c, v.as_string()),
          "Member must satisfy enum value set: ", [&] { return enumeration(c); });
    }
    return out;
  }
  bool in_enumeration(const Constraint& c, std::string_view text) const {
    for (uint16_t i = 0; i < c.enums; ++i) {
      if (table.text(table.enum_data[c.first_enum + i]) == text) return true;
    }
    return false;
  }
  std::string enumeration(const Constraint& c) const {
    std::string out = "[";
    for (uint16_t i = 0; i < c.enums; ++i) {
      if (i) out += ", ";
      out += table.text(table.enum_data[c.first_enum + i]);
    }
    return out + "]";
  }

  // `v` null: the member is missing. What is sensitive does not come back.
  void report(Fault fault, const Member* member, uint16_t shape, const std::string& path, const Value* v, std::string_view words,
              bool sensitive) {
    if (full()) return;
    std::string value = v ? shown(*v) : "null";
    std::string text = !v ? "Value null at '" : sensitive ? "Value at '" : "Value '" + value + "' at '";
    text.append(path).append("' failed to satisfy constraint: ").append(words);
    found.push_back({fault, member, shape, path, std::move(text), std::move(value)});
  }

  void value(const Member* member, uint16_t index, const Value& v, const std::string& path, size_t depth) {
    const Shape& s = table.shape(index);
    for (const Rule& r : rules(s, v, false)) report(r.fault, member, index, path, &v, r.words, s.flags & kSensitive);
    if (full() || depth > kMaxDepth) return;
    if (s.kind == Kind::Structure) structure(s, v, path, depth);
    if (s.kind == Kind::List) elements(member, index, v, path, depth);
    if (s.kind == Kind::Map) entries(member, index, v, path, depth);
  }

  void structure(const Shape& s, const Value& v, const std::string& path, size_t depth) {
    for (const Member& m : table.members(s)) {
      const Value* there = v.find(table.text(m.name));
      if (there == nullptr && !(m.flags & kRequired)) continue;
      std::string at = path.empty() ? camel(table.text(m.name)) : path + "." + camel(table.text(m.name));
      if (there != nullptr) value(&m, m.shape, *there, at, depth + 1);
      else report(Fault::Missing, &m, m.shape, at, nullptr, "Member must not be null", false);
      if (full()) return;
    }
  }

  // AWS names a container of scalars as a whole, and the place of an element only in lists of structures.
  void elements(const Member* member, uint16_t index, const Value& v, const std::string& path, size_t depth) {
    const Shape& s = table.shape(index);
    bool simple = scalar(table.shape(s.element).kind);
    if (simple && table.shape(s.element).constraint == 0) return;
    for (size_t i = 0; i < v.size() && !full(); ++i) {
      const Value& element = v.as_list()[i];
      if (element.is_null()) continue;
      if (!simple) {
        value(nullptr, s.element, element, path + "." + std::to_string(i + 1) + ".member", depth + 1);
      } else if (report_container(member, index, s.element, v, element, path, "Member must satisfy constraint: [")) {
        return;
      }
    }
  }
  void entries(const Member* member, uint16_t index, const Value& v, const std::string& path, size_t depth) {
    const Shape& s = table.shape(index);
    bool simple = scalar(table.shape(s.element).kind);
    for (const auto& [key, element] : v.as_map()) {
      if (full()) return;
      if (report_container(member, index, s.key, v, Value(key), path, "Map keys must satisfy constraint: [")) return;
      if (!simple) value(nullptr, s.element, element, path + "." + key + ".member", depth + 1);
      else if (report_container(member, index, s.element, v, element, path, "Map value must satisfy constraint: [")) return;
    }
  }
  bool report_container(const Member* member, uint16_t index, uint16_t element_shape, const Value& container,
                        const Value& element, const std::string& path, std::string words) {
    const Shape& s = table.shape(element_shape);
    auto failed = rules(s, element, false);
    if (failed.empty()) return false;
    // The whole list of the element's rules, not only the broken one.
    bool first = true;
    for (const Rule& r : rules(s, element, true)) {
      words.append(first ? "" : ", ").append(r.words);
      first = false;
    }
    if (!table.id().starts_with("dynamodb")) words += ", Member must not be null";
    bool sensitive = (s.flags | table.shape(index).flags) & kSensitive;
    report(failed[0].fault, member, element_shape, path, &container, words + "]", sensitive);
    return true;
  }
};

std::vector<Violation> Constraints::check(const Operation& operation, const Value& input, bool has_raw_payload) const {
  if (operation.input == kNone) return {};
  Walk walk{*this, table_, {}};
  const Shape& s = table_.shape(operation.input);
  walk.structure(s, input, {}, 0);
  if (has_raw_payload) {
    const Member* payload = table_.payload(s);
    std::erase_if(walk.found, [&](const Violation& v) { return v.fault == Fault::Missing && v.member == payload; });
  }
  return std::move(walk.found);
}

std::string joined(const std::vector<Violation>& violations) {
  std::string out = std::to_string(violations.size());
  out += violations.size() == 1 ? " validation error detected: " : " validation errors detected: ";
  for (size_t i = 0; i < violations.size(); ++i) out.append(i ? "; " : "").append(violations[i].text);
  return out;
}

}  // namespace gust::model
