// SPDX-License-Identifier: Apache-2.0

// Items as bytes of the store: a count of members, each its name and its value; a value is its type, then its content;
// lengths and counts are varints. Stored: never change it.

#include "services/dynamodb/attribute_value.h"

namespace gust::dynamodb {
namespace {

void put_length(std::string& out, size_t n) {
  for (; n >= 0x80; n >>= 7) out += static_cast<char>(n | 0x80);
  out += static_cast<char>(n);
}
void put_text(std::string& out, std::string_view text) {
  put_length(out, text.size());
  out += text;
}

// Numbers as their keys: 1E125 is three bytes and not 126.
void put_number(std::string& out, const std::string& text) {
  const auto n = Number::parse(text);
  put_length(out, n ? n->key_size() : 0);
  if (n) n->append_key(out);
}

void encode(const Attribute& a, std::string& out) {
  out += static_cast<char>(a.type);
  switch (a.type) {
    case Type::S:
    case Type::B:
      return put_text(out, a.text);
    case Type::N:
      return put_number(out, a.text);
    case Type::Bool:
      out += a.flag ? '\1' : '\0';
      return;
    case Type::Null:
      return;
    case Type::L:
      put_length(out, a.list.size());
      for (const Attribute& element : a.list) encode(element, out);
      return;
    case Type::M:
      return dynamodb::encode(a.map, out);
    case Type::SS:
    case Type::NS:
    case Type::BS:
      put_length(out, a.set.size());
      for (const std::string& element : a.set) a.type == Type::NS ? put_number(out, element) : put_text(out, element);
      return;
  }
}

// Functions return false where the bytes are damaged.
class Reader {
 public:
  // Elements for which room is made at once: in memory they take a hundred times what a damaged count says.
  static constexpr size_t kReserved = 64;
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool done() const { return rest_.empty(); }

  bool item(Item& out, size_t depth) {
    size_t n = 0;
    if (!count(n)) return false;
    auto& members = out.members();
    members.reserve(std::min(n, kReserved));
    for (size_t i = 0; i < n; ++i) {
      Member& m = members.emplace_back();
      if (!text(m.name) || !attribute(m.value, depth)) return false;
    }
    return true;
  }

 private:
  bool length(size_t& out) {
    out = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      if (rest_.empty()) return false;
      const auto c = static_cast<unsigned char>(rest_[0]);
      rest_.remove_prefix(1);
      out |= static_cast<size_t>(c & 0x7F) << shift;
      if (c < 0x80) return true;
    }
    return false;
  }
  bool count(size_t& out) { return length(out) && out <= rest_.size(); }  // every element takes a byte at least
  bool bytes(std::string_view& out) {
    size_t n = 0;
    if (!count(n)) return false;
    out = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return true;
  }
  bool text(std::string& out) {
    std::string_view content;
    if (!bytes(content)) return false;
    out = content;
    return true;
  }
  bool number(std::string& out) {
    std::string_view key;
    if (!bytes(key)) return false;
    const auto n = Number::from_key(key);
    if (n) out = n->text();
    return n.has_value();
  }
  bool attribute(Attribute& a, size_t depth) {
    if (rest_.empty() || depth > kMaxDepth) return false;
    a.type = static_cast<Type>(rest_[0]);
    rest_.remove_prefix(1);
    switch (a.type) {
      case Type::S:
      case Type::B:
        return text(a.text);
      case Type::N:
        return number(a.text);
      case Type::Null:
        return true;
      case Type::Bool:
        if (rest_.empty()) return false;
        a.flag = rest_[0] != '\0';
        rest_.remove_prefix(1);
        return true;
      case Type::L:
        return list(a.list, depth + 1);
      case Type::M:
        return item(a.map, depth + 1);
      case Type::SS:
      case Type::NS:
      case Type::BS:
        return set(a);
    }
    return false;
  }
  bool list(std::vector<Attribute>& out, size_t depth) {
    size_t n = 0;
    if (!count(n)) return false;
    out.reserve(std::min(n, kReserved));
    for (size_t i = 0; i < n; ++i) {
      if (!attribute(out.emplace_back(), depth)) return false;
    }
    return true;
  }
  bool set(Attribute& a) {
    size_t n = 0;
    if (!count(n)) return false;
    a.set.reserve(std::min(n, kReserved));
    for (size_t i = 0; i < n; ++i) {
      std::string& element = a.set.emplace_back();
      if (!(a.type == Type::NS ? number(element) : text(element))) return false;
    }
    return true;
  }

  std::string_view rest_;
};

}  // namespace

void encode(const Item& item, std::string& out) {
  put_length(out, item.members().size());
  for (const Member& m : item.members()) {
    put_text(out, m.name);
    encode(m.value, out);
  }
}

Result<Item> decode_item(std::string_view bytes) {
  Reader reader(bytes);
  Item item;
  if (!reader.item(item, 1) || !reader.done()) return fail(Errc::Invalid, "a damaged item");
  return item;
}

}  // namespace gust::dynamodb
