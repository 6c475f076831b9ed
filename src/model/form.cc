// SPDX-License-Identifier: Apache-2.0

#include "model/form.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.h"
#include "model/scalar.h"

namespace gust::model {
namespace {

constexpr size_t kMaxDepth = 32;  // parts of a name
constexpr size_t kMaxNodes = 200'000;

// The names taken apart at their dots, so that the cost of reading does not depend on how many there are.
struct Node {
  const std::string* text = nullptr;
  std::map<std::string_view, std::unique_ptr<Node>> children;

  const Node* child(std::string_view name) const {
    auto at = children.find(name);
    return at == children.end() ? nullptr : at->second.get();
  }
};

Result<> insert(Node& root, std::string_view name, const std::string& text, size_t& nodes) {
  Node* node = &root;
  for (size_t depth = 0;; ++depth) {
    if (depth == kMaxDepth) return fail(Errc::TooLarge, "parameters are nested too deep");
    size_t dot = std::min(name.find('.'), name.size());
    auto& next = node->children[name.substr(0, dot)];
    if (!next) {
      if (++nodes > kMaxNodes) return fail(Errc::TooLarge, "too many parameters");
      next = std::make_unique<Node>();
    }
    node = next.get();
    if (dot == name.size()) break;
    name.remove_prefix(dot + 1);
  }
  if (node->text == nullptr) node->text = &text;
  return {};
}

class Reader {
 public:
  Reader(const ServiceTable& table, Protocol protocol) : table_(table), protocol_(protocol) {}

  // `where`: the parameter's name, for the text of an error.
  Result<Value> read(uint16_t index, TimeFormat format, const Node& node, const std::string& where) const {
    const Shape& s = table_.shape(index);
    if (s.kind == Kind::Structure) return structure(s, node, where);
    if (s.kind == Kind::List) return list(s, false, node, where);
    if (s.kind == Kind::Map) return map(s, false, node, where);
    return scalar(s, format, node, where);
  }

 private:
  Result<Value> scalar(const Shape& s, TimeFormat format, const Node& node, const std::string& where) const {
    if (node.text == nullptr) return Value();
    if (!is_utf8(*node.text)) return fail(Errc::Invalid, where + " is not UTF-8");
    auto v = scalar_from_text(s.kind, format, *node.text);
    if (!v) return fail(Errc::Invalid, where + " is " + v.error().message);
    return v;
  }

  // EC2's documents begin names with a small letter, its forms with a capital one.
  const Node* named(const Node& node, std::string_view name) const {
    const Node* found = node.child(name);
    if (found || protocol_ != Protocol::Ec2 || name.empty()) return found;
    std::string capital(name);
    if (capital[0] >= 'a' && capital[0] <= 'z') capital[0] = static_cast<char>(capital[0] - 'a' + 'A');
    return node.child(capital);
  }
  const Node* find(const Member& m, const Node& node) const {
    if (const Node* found = named(node, table_.form_name(m))) return found;
    const Shape& target = table_.shape(m.shape);
    bool by_element = m.flags & kFlattened && target.kind == Kind::List && target.flags & kNamedElement;
    return by_element ? named(node, table_.text(target.element_name)) : nullptr;
  }
  Result<Value> structure(const Shape& s, const Node& node, const std::string& where) const {
    Value out = Value::map();
    for (const Member& m : table_.members(s)) {
      const Node* there = find(m, node);
      if (there == nullptr) continue;
      std::string name = where.empty() ? std::string(table_.form_name(m)) : where + "." + std::string(table_.form_name(m));
      const Shape& target = table_.shape(m.shape);
      bool flat = m.flags & kFlattened;
      Value v = target.kind == Kind::List  ? TRY(list(target, flat, *there, name))
                : target.kind == Kind::Map ? TRY(map(target, flat, *there, name))
                                           : TRY(read(m.shape, m.time, *there, name));
      if (!v.is_null()) out.map_ref().emplace_back(table_.text(m.name), std::move(v));
    }
    return out;
  }

  static std::vector<std::pair<uint64_t, const Node*>> numbered(const Node& node) {
    std::vector<std::pair<uint64_t, const Node*>> out;
    for (const auto& [name, child] : node.children) {
      if (auto n = parse_uint(name)) out.emplace_back(*n, child.get());
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    return out;
  }
  Result<Value> list(const Shape& s, bool flat, const Node& node, const std::string& where) const {
    Value out = Value::list();
    flat = flat || protocol_ == Protocol::Ec2;
    const Node* elements = flat ? &node : node.child(table_.text(s.element_name));
    if (elements == nullptr) return out;
    for (auto [n, child] : numbered(*elements)) {
      Value v = TRY(read(s.element, table_.shape(s.element).time, *child, where + "." + std::to_string(n)));
      if (!v.is_null()) out.push(std::move(v));
    }
    return out;
  }
  Result<Value> map(const Shape& s, bool flat, const Node& node, const std::string& where) const {
    Value out = Value::map();
    const Node* entries = flat ? &node : node.child("entry");
    if (entries == nullptr) return out;
    for (auto [n, child] : numbered(*entries)) {
      std::string at = where + "." + std::to_string(n);
      const Node* key = child->child(table_.text(s.key_name));
      const Node* value = child->child(table_.text(s.element_name));
      if (key == nullptr || key->text == nullptr || value == nullptr) return fail(Errc::Invalid, at + " lacks its key or value");
      if (!is_utf8(*key->text)) return fail(Errc::Invalid, at + " is not UTF-8");
      Value v = TRY(read(s.element, table_.shape(s.element).time, *value, at));
      if (!v.is_null()) out.map_ref().emplace_back(*key->text, std::move(v));
    }
    return unique(std::move(out), where);
  }
  static Result<Value> unique(Value map, const std::string& where) {
    std::vector<std::string_view> keys;
    for (const auto& [key, v] : map.as_map()) keys.push_back(key);
    std::sort(keys.begin(), keys.end());
    if (std::adjacent_find(keys.begin(), keys.end()) != keys.end()) return fail(Errc::Invalid, where + " repeats a key");
    return map;
  }

  const ServiceTable& table_;
  Protocol protocol_;
};

}  // namespace

Result<Value> from_form(const ServiceTable& table, uint16_t shape, Protocol protocol, const QueryList& form) {
  Node root;
  size_t nodes = 0;
  for (const auto& [name, text] : form) TRY(insert(root, name, text, nodes));
  return Reader(table, protocol).read(shape, TimeFormat::Default, root, {});
}

}  // namespace gust::model
