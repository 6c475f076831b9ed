// SPDX-License-Identifier: Apache-2.0

#include "model/xml_codec.h"

#include <algorithm>
#include <array>
#include <pugixml.hpp>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/log.h"
#include "model/document_writer.h"
#include "model/scalar.h"

namespace gust::model {
namespace {

std::string_view local_name(const char* name) {
  std::string_view n(name);
  size_t colon = n.find(':');
  return colon == n.npos ? n : n.substr(colon + 1);
}

// Deeper than `limit`? Walks without recursion.
bool too_deep(const pugi::xml_node& root, size_t limit) {
  size_t depth = 1;
  pugi::xml_node node = root;
  while (true) {
    if (node.first_child()) {
      node = node.first_child();
      if (++depth > limit) return true;
      continue;
    }
    while (node != root && !node.next_sibling()) {
      node = node.parent();
      --depth;
    }
    if (node == root) return false;
    node = node.next_sibling();
  }
}

class Decoder {
 public:
  explicit Decoder(const ServiceTable& table) : table_(table) {}

  Result<Value> decode(uint16_t index, TimeFormat format, const pugi::xml_node& node) const {
    const Shape& s = table_.shape(index);
    switch (s.kind) {
      case Kind::Structure:
        return structure(s, node);
      case Kind::List:
        return list(s, node);
      case Kind::Map:
        return map(s, node);
      default: {
        auto v = scalar_from_text(s.kind, format, node.text().get());
        if (!v) return fail(Errc::Invalid, std::string(node.name()) + " is " + v.error().message);
        return v;
      }
    }
  }

 private:
  Result<Value> structure(const Shape& s, const pugi::xml_node& node) const {
    Value out = Value::map();
    for (const Member& m : table_.members(s)) {
      if (m.location != Location::Body) continue;
      std::string_view wire = table_.text(m.wire);
      if (m.flags & kXmlAttribute) {
        for (auto a : node.attributes()) {
          if (a.name() == wire) out.set(table_.text(m.name), a.value());
        }
      } else if (m.flags & kFlattened) {
        auto v = flattened(m, wire, node);
        if (!v) return v;
        if (v->size() > 0) out.map_ref().emplace_back(table_.text(m.name), std::move(*v));
      } else if (auto child = find(node, wire)) {
        out.map_ref().emplace_back(table_.text(m.name), TRY(decode(m.shape, m.time, child)));
      }
    }
    return out;
  }
  Result<Value> flattened(const Member& m, std::string_view wire, const pugi::xml_node& node) const {
    const Shape& s = table_.shape(m.shape);
    Value out = s.kind == Kind::Map ? Value::map() : Value::list();
    for (auto child : node.children()) {
      if (local_name(child.name()) != wire) continue;
      if (s.kind == Kind::Map) TRY(entry(s, child, out));
      else out.push(TRY(decode(s.element, table_.shape(s.element).time, child)));
    }
    return out;
  }
  Result<Value> list(const Shape& s, const pugi::xml_node& node) const {
    Value out = Value::list();
    for (auto child : node.children()) {
      if (local_name(child.name()) == table_.text(s.element_name)) {
        out.push(TRY(decode(s.element, table_.shape(s.element).time, child)));
      }
    }
    return out;
  }
  Result<Value> map(const Shape& s, const pugi::xml_node& node) const {
    Value out = Value::map();
    for (auto child : node.children()) {
      if (local_name(child.name()) == "entry") TRY(entry(s, child, out));
    }
    return out;
  }
  Result<> entry(const Shape& s, const pugi::xml_node& node, Value& out) const {
    auto key = find(node, table_.text(s.key_name)), value = find(node, table_.text(s.element_name));
    if (!key || !value) return fail(Errc::Invalid, "a map entry without key or value");
    Value v = TRY(decode(s.element, table_.shape(s.element).time, value));
    out.map_ref().emplace_back(key.text().get(), std::move(v));
    return {};
  }
  static pugi::xml_node find(const pugi::xml_node& node, std::string_view wire) {
    for (auto child : node.children()) {
      if (local_name(child.name()) == wire) return child;
    }
    return {};
  }

  const ServiceTable& table_;
};

// Where JSON is a service's native protocol, its XML comes from an older one with names of its own.
std::string_view xml_name(const ServiceTable& table, const Member& m) {
  bool native_json = table.protocol == Protocol::Json10 || table.protocol == Protocol::Json11;
  return native_json ? table.form_name(m) : table.text(m.wire);
}

void append_start(const ServiceTable& table, std::string& out, std::string_view name, uint16_t shape, const Member* member,
                  const Value& value, std::string_view xmlns) {
  out.append("<").append(name);
  if (!xmlns.empty()) out.append(" xmlns=\"").append(xmlns).append("\"");
  if (member && member->xmlns) {
    const Namespace& ns = table.namespace_data[member->xmlns - 1];
    std::string_view prefix = table.text(ns.prefix), uri = table.text(ns.uri);
    if (!prefix.empty() || xmlns.empty())
      out.append(" xmlns").append(prefix.empty() ? "" : ":").append(prefix).append("=\"").append(uri).append("\"");
  }
  const Shape& s = table.shape(shape);
  if (s.kind == Kind::Structure) {
    for (const Member& m : table.members(s)) {
      const Value* v = m.flags & kXmlAttribute ? value.find(table.text(m.name)) : nullptr;
      if (v) out.append(" ").append(table.text(m.wire)).append("=\"").append(escape_xml(v->as_string())).append("\"");
    }
  }
  out += '>';
}

void append_entry(const ServiceTable& table, std::string& out, std::string_view name, const Shape& s,
                  const Value::Member& entry) {
  out.append("<").append(name).append(">");
  append_xml(table, out, table.text(s.key_name), s.key, nullptr, Value(entry.first));
  append_xml(table, out, table.text(s.element_name), s.element, nullptr, entry.second);
  out.append("</").append(name).append(">");
}

// The replacements of escape_xml; null: the byte stays.
constexpr auto kReplacements = [] {
  std::array<const char*, 256> out{};
  for (size_t c = 0; c < 0x20; ++c) out[c] = "\xEF\xBF\xBD";
  out['\t'] = out['\n'] = nullptr;
  out['\r'] = "&#xD;";
  out['&'] = "&amp;";
  out['<'] = "&lt;";
  out['>'] = "&gt;";
  out['"'] = "&quot;";
  out['\''] = "&apos;";
  return out;
}();

void append_escaped(std::string& out, std::string_view text) {
  if (!is_utf8(text)) {
    out += escape_xml(text);
    return;
  }
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char* replacement = kReplacements[static_cast<unsigned char>(text[i])];
    if (replacement == nullptr) continue;
    out.append(text, start, i - start).append(replacement);
    start = i + 1;
  }
  out.append(text, start);
}

void append_scalar(const ServiceTable& table, std::string& out, const Value& value, TimeFormat format) {
  if (value.is_string()) return append_escaped(out, value.as_string());
  size_t start = out.size();
  out += scalar_to_text(value, format);
  // The query protocols leave a fraction of zero out, S3 and EC2 write it.
  bool whole = value.is_timestamp() && std::string_view(out).substr(start).ends_with(".000Z");
  if (whole && table.id() != "s3" && table.protocol != Protocol::Ec2) out.replace(out.size() - 5, 5, "Z");
}

void append_content(const ServiceTable& table, std::string& out, uint16_t shape, const Member* member, const Value& value) {
  const Shape& s = table.shape(shape);
  if (s.kind == Kind::Structure) {
    append_xml_members(table, out, shape, value);
  } else if (s.kind == Kind::List) {
    for (const Value& v : value.as_list()) append_xml(table, out, table.text(s.element_name), s.element, nullptr, v);
  } else if (s.kind == Kind::Map) {
    for (const auto& entry : value.as_map()) append_entry(table, out, "entry", s, entry);
  } else {
    append_scalar(table, out, value, member ? member->time : s.time);
  }
}

bool is_ordered(const Member& m, const Value& v) {
  return m.flags & kFlattened && v.is_list() && v.size() > 0 && v.as_list()[0].has(kXmlOrder);
}

// The elements of all lists that are ordered, as one sequence.
void append_merged(const ServiceTable& table, std::string& out, uint16_t shape, const Value& value) {
  struct Placed {
    int64_t order;
    const Member* member;
    const Value* element;
  };
  std::vector<Placed> all;
  for (const auto& [name, v] : value.as_map()) {
    const Member* m = table.member(table.shape(shape), name);
    if (m == nullptr || !is_ordered(*m, v)) continue;
    for (const Value& e : v.as_list()) all.push_back({e[kXmlOrder].as_int(), m, &e});
  }
  std::sort(all.begin(), all.end(), [](const Placed& a, const Placed& b) { return a.order < b.order; });
  for (const Placed& p : all) {
    append_xml(table, out, xml_name(table, *p.member), table.shape(p.member->shape).element, nullptr, *p.element);
  }
}

}  // namespace

Result<Value> from_xml(const ServiceTable& table, uint16_t shape, std::string_view root, std::string_view text,
                       XmlLimits limits) {
  if (text.size() > limits.bytes) return fail(Errc::TooLarge, "XML of more than " + std::to_string(limits.bytes) + " bytes");
  size_t tags = static_cast<size_t>(std::count(text.begin(), text.end(), '<'));
  // Attributes cost memory too; each has its '='.
  tags += static_cast<size_t>(std::count(text.begin(), text.end(), '='));
  if (tags > 2 * limits.nodes) return fail(Errc::TooLarge, "XML of more than " + std::to_string(limits.nodes) + " elements");
  if (!is_utf8(text)) return fail(Errc::Invalid, "XML that is not UTF-8");
  pugi::xml_document document;
  auto parsed = document.load_buffer(
      text.data(), text.size(), pugi::parse_default | pugi::parse_ws_pcdata_single | pugi::parse_doctype, pugi::encoding_utf8);
  if (!parsed) return fail(Errc::Invalid, std::string("not XML: ") + parsed.description());
  for (const pugi::xml_node& node : document.children()) {
    // Nothing that AWS takes has one; with it come entities and external files, which pugixml leaves alone.
    if (node.type() == pugi::node_doctype) return fail(Errc::Invalid, "a document type is not allowed");
  }
  pugi::xml_node top = document.document_element();
  if (too_deep(top, limits.depth)) return fail(Errc::TooLarge, "XML nested deeper than " + std::to_string(limits.depth));
  if (!root.empty() && local_name(top.name()) != root) {
    return fail(Errc::Invalid, "the document is not a " + std::string(root));
  }
  return Decoder(table).decode(shape, TimeFormat::Default, top);
}

void append_xml(const ServiceTable& table, std::string& out, std::string_view name, uint16_t shape, const Member* member,
                const Value& value, std::string_view xmlns) {
  append_start(table, out, name, shape, member, value, xmlns);
  append_content(table, out, shape, member, value);
  out.append("</").append(name).append(">");
}

void append_xml_members(const ServiceTable& table, std::string& out, uint16_t shape, const Value& value) {
  MemberFinder finder(table, table.shape(shape));
  bool merged = false;
  for (const auto& [name, v] : value.as_map()) {
    if (name == kXmlOrder) continue;
    const Member* m = finder.find(name);
    if (m == nullptr) {
      log::error(table.id(), "answer has a member that its shape does not know", {{"member", name}});
      continue;
    }
    if (!in_answer(m->location) || v.is_null() || m->flags & kXmlAttribute) continue;
    const Shape& target = table.shape(m->shape);
    std::string_view wire = xml_name(table, *m);
    if (is_ordered(*m, v)) {
      if (!std::exchange(merged, true)) append_merged(table, out, shape, value);
    } else if (m->flags & kFlattened && target.kind == Kind::List) {
      for (const Value& e : v.as_list()) append_xml(table, out, wire, target.element, nullptr, e);
    } else if (m->flags & kFlattened && target.kind == Kind::Map) {
      for (const auto& entry : v.as_map()) append_entry(table, out, wire, target, entry);
    } else {
      append_xml(table, out, wire, m->shape, m, v);
    }
  }
}

void append_xml_plain(std::string& out, std::string_view name, const Value& value) {
  if (value.is_list()) {
    for (const Value& v : value.as_list()) append_xml_plain(out, name, v);
    return;
  }
  out.append("<").append(name).append(">");
  if (value.is_map()) {
    for (const auto& [key, v] : value.as_map()) append_xml_plain(out, key, v);
  } else {
    out += escape_xml(scalar_to_text(value, TimeFormat::Iso8601));
  }
  out.append("</").append(name).append(">");
}

}  // namespace gust::model
