// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/attribute_value.h"

#include <algorithm>

#include "base/encoding.h"
#include "model/errors.h"

namespace gust::dynamodb {
namespace {

constexpr std::string_view kNames[] = {"", "S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"};
constexpr std::string_view kInvalid = "One or more parameter values were invalid: ";

ApiFailure invalid(std::string text) { return ApiFailure(model::validation(std::move(text))); }

bool before(const Member& member, std::string_view name) { return member.name < name; }

Api<std::string> canonical_number(std::string_view text) {
  auto n = Number::parse(text);
  if (!n) return invalid(std::move(n.error().message));
  return n->text();
}

Api<Attribute> parse_set(Attribute out, const Value& content) {
  const std::string_view kind = out.type == Type::SS ? "string" : "number";
  if (content.size() == 0) {
    return invalid(std::string(kInvalid).append(out.type == Type::BS ? "Binary sets should not be empty"
                                                                     : "An " + std::string(kind) + " set  may not be empty"));
  }
  for (const Value& v : content.as_list()) {
    if (v.is_null())
      return invalid(std::string(kInvalid) + "An " + std::string(kind) + " set may not have a null string as a member");
    if (out.type == Type::NS) {
      auto text = canonical_number(v.as_string());
      if (!text) return ApiFailure(std::move(text.error()));
      out.set.push_back(std::move(*text));
    } else {
      out.set.emplace_back(v.as_string());
    }
  }
  std::sort(out.set.begin(), out.set.end());
  if (std::adjacent_find(out.set.begin(), out.set.end()) == out.set.end()) return out;
  if (out.type == Type::NS) return invalid("Input collection contains duplicates");
  std::string list;
  for (const Value& v : content.as_list()) list.append(list.empty() ? "" : ", ").append(v.as_string());
  if (out.type == Type::BS) list = "...";
  return invalid(std::string(kInvalid) + "Input collection [" + list + "] contains duplicates.");
}

Api<Item> parse_members(const Value& map, size_t depth) {
  Item out;
  out.members().reserve(map.size());
  for (const auto& [name, value] : map.as_map()) {
    auto attribute = parse_attribute(value, depth);
    if (!attribute) return ApiFailure(std::move(attribute.error()));
    out.members().push_back({name, std::move(*attribute)});
  }
  std::sort(out.members().begin(), out.members().end(), [](const Member& a, const Member& b) { return a.name < b.name; });
  return out;
}

Api<Attribute> parse_list(Attribute out, const Value& content, size_t depth) {
  out.list.reserve(content.size());
  for (const Value& v : content.as_list()) {
    auto element = parse_attribute(v, depth);
    if (!element) return ApiFailure(std::move(element.error()));
    out.list.push_back(std::move(*element));
  }
  return out;
}

// ---- bytes of the store: type, then content; lengths and counts as varints

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
  put_text(out, n ? n->key() : std::string());
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

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool done() const { return rest_.empty(); }

  Result<Item> item(size_t depth) {
    Item out;
    const size_t n = TRY(count());
    out.members().reserve(n);
    for (size_t i = 0; i < n; ++i) {
      std::string name(TRY(text()));
      out.members().push_back({std::move(name), TRY(attribute(depth))});
    }
    return out;
  }

 private:
  static Failure damaged() { return fail(Errc::Invalid, "a damaged item"); }
  Result<size_t> length() {
    size_t n = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      if (rest_.empty()) break;
      const auto c = static_cast<unsigned char>(rest_[0]);
      rest_.remove_prefix(1);
      n |= static_cast<size_t>(c & 0x7F) << shift;
      if (c < 0x80) return n;
    }
    return damaged();
  }
  Result<size_t> count() {  // every element takes a byte at least
    const size_t n = TRY(length());
    if (n > rest_.size()) return damaged();
    return n;
  }
  Result<std::string_view> text() {
    const size_t n = TRY(count());
    const std::string_view out = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return out;
  }
  Result<std::string> number() {
    const std::string_view key = TRY(text());
    return TRY(Number::from_key(key)).text();
  }
  Result<Attribute> attribute(size_t depth) {
    if (rest_.empty() || depth > kMaxDepth) return damaged();
    Attribute a;
    a.type = static_cast<Type>(rest_[0]);
    rest_.remove_prefix(1);
    switch (a.type) {
      case Type::S:
      case Type::B:
        a.text = TRY(text());
        return a;
      case Type::N:
        a.text = TRY(number());
        return a;
      case Type::Null:
        return a;
      case Type::Bool:
        if (rest_.empty()) return damaged();
        a.flag = rest_[0] != '\0';
        rest_.remove_prefix(1);
        return a;
      case Type::L: {
        const size_t n = TRY(count());
        a.list.reserve(n);
        for (size_t i = 0; i < n; ++i) a.list.push_back(TRY(attribute(depth + 1)));
        return a;
      }
      case Type::M:
        a.map = TRY(item(depth + 1));
        return a;
      case Type::SS:
      case Type::NS:
      case Type::BS: {
        const size_t n = TRY(count());
        a.set.reserve(n);
        for (size_t i = 0; i < n; ++i) {
          if (a.type == Type::NS) {
            a.set.push_back(TRY(number()));
          } else {
            a.set.emplace_back(TRY(text()));
          }
        }
        return a;
      }
    }
    return damaged();
  }

  std::string_view rest_;
};

bool nested_at_most(const Attribute& a, size_t levels) {
  if (levels == 0) return false;
  return std::all_of(a.list.begin(), a.list.end(), [levels](const Attribute& e) { return nested_at_most(e, levels - 1); }) &&
         std::all_of(a.map.members().begin(), a.map.members().end(),
                     [levels](const Member& m) { return nested_at_most(m.value, levels - 1); });
}

}  // namespace

std::string_view name_of(Type type) { return kNames[static_cast<size_t>(type)]; }

bool parse_type(std::string_view name, Type& type) {
  for (size_t i = 1; i < std::size(kNames); ++i) {
    if (kNames[i] == name) return type = static_cast<Type>(i), true;
  }
  return false;
}

const Attribute* Item::find(std::string_view name) const { return const_cast<Item*>(this)->find(name); }

Attribute* Item::find(std::string_view name) {
  auto it = std::lower_bound(members_.begin(), members_.end(), name, before);
  return it != members_.end() && it->name == name ? &it->value : nullptr;
}

void Item::set(std::string_view name, Attribute value) {
  auto it = std::lower_bound(members_.begin(), members_.end(), name, before);
  if (it != members_.end() && it->name == name) {
    it->value = std::move(value);
  } else {
    members_.insert(it, Member{std::string(name), std::move(value)});
  }
}

bool Item::erase(std::string_view name) {
  auto it = std::lower_bound(members_.begin(), members_.end(), name, before);
  if (it == members_.end() || it->name != name) return false;
  members_.erase(it);
  return true;
}

bool Item::operator==(const Item& other) const { return members_ == other.members_; }
bool Attribute::operator==(const Attribute& other) const {
  return type == other.type && flag == other.flag && text == other.text && list == other.list && set == other.set &&
         map == other.map;
}

Attribute Attribute::number(const Number& n) {
  Attribute a;
  a.type = Type::N;
  a.text = n.text();
  return a;
}
Attribute Attribute::string(std::string text) {
  Attribute a;
  a.type = Type::S;
  a.text = std::move(text);
  return a;
}

Api<Attribute> parse_attribute(const Value& value, size_t depth) {
  if (depth > kMaxDepth)
    return invalid(
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested "
        "levels beyond supported limit");
  if (value.size() == 0) return invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
  if (value.size() > 1) {
    return invalid(
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes");
  }
  const auto& [name, content] = value.as_map().front();
  Attribute out;
  if (!parse_type(name, out.type)) {
    return invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
  }
  switch (out.type) {
    case Type::S:
    case Type::B:
      out.text = content.as_string();
      return out;
    case Type::N: {
      auto text = canonical_number(content.as_string());
      if (!text) return ApiFailure(std::move(text.error()));
      out.text = std::move(*text);
      return out;
    }
    case Type::Bool:
      out.flag = content.as_bool();
      return out;
    case Type::Null:
      if (!content.as_bool()) return invalid(std::string(kInvalid) + "Null attribute value types must have the value of true");
      return out;
    case Type::L:
      return parse_list(std::move(out), content, depth + 1);
    case Type::M: {
      auto map = parse_members(content, depth + 1);
      if (!map) return ApiFailure(std::move(map.error()));
      out.map = std::move(*map);
      return out;
    }
    default:
      return parse_set(std::move(out), content);
  }
}

Api<Item> parse_item(const Value& map) { return parse_members(map, 1); }

Value to_value(const Attribute& a) {
  Value content;
  switch (a.type) {
    case Type::S:
    case Type::N:
      content = Value(a.text);
      break;
    case Type::B:
      content = Value(Blob{a.text});
      break;
    case Type::Bool:
      content = Value(a.flag);
      break;
    case Type::Null:
      content = Value(true);
      break;
    case Type::M:
      content = to_value(a.map);
      break;
    case Type::L:
      content = Value::list();
      for (const Attribute& element : a.list) content.push(to_value(element));
      break;
    default:
      content = Value::list();
      for (const std::string& element : a.set) content.push(a.type == Type::BS ? Value(Blob{element}) : Value(element));
  }
  Value out = Value::map();
  out.map_ref().emplace_back(name_of(a.type), std::move(content));
  return out;
}

Value to_value(const Item& item) {
  Value out = Value::map();
  out.map_ref().reserve(item.members().size());
  for (const Member& m : item.members()) out.map_ref().emplace_back(m.name, to_value(m.value));
  return out;
}

std::string describe(const Attribute& a) {
  std::string text = a.text;
  if (a.type == Type::B) text = base64_encode(a.text);
  if (a.type == Type::Bool) text = a.flag ? "true" : "false";
  if (a.type == Type::Null) text = "true";
  return "{" + std::string(name_of(a.type)) + ":" + text + "}";
}

void encode(const Item& item, std::string& out) {
  put_length(out, item.members().size());
  for (const Member& m : item.members()) {
    put_text(out, m.name);
    encode(m.value, out);
  }
}

Result<Item> decode_item(std::string_view bytes) {
  Reader reader(bytes);
  Item item = TRY(reader.item(1));
  if (!reader.done()) return fail(Errc::Invalid, "a damaged item");
  return item;
}

bool within_depth(const Item& item) {
  return std::all_of(item.members().begin(), item.members().end(),
                     [](const Member& m) { return nested_at_most(m.value, kMaxDepth); });
}

// DynamoDB guide, "DynamoDB item sizes and formats".
size_t size_of(const Attribute& a) {
  size_t n = 0;
  const auto number = [](const std::string& text) {
    auto parsed = Number::parse(text);
    return parsed ? parsed->size() : text.size();
  };
  switch (a.type) {
    case Type::S:
    case Type::B:
      return a.text.size();
    case Type::N:
      return number(a.text);
    case Type::Bool:
    case Type::Null:
      return 1;
    case Type::M:
      return 3 + a.map.members().size() + size_of(a.map);
    case Type::L:
      for (const Attribute& element : a.list) n += 1 + size_of(element);
      return 3 + n;
    default:
      for (const std::string& element : a.set) n += a.type == Type::NS ? number(element) : element.size();
      return n;
  }
}

size_t size_of(const Item& item) {
  size_t n = 0;
  for (const Member& m : item.members()) n += m.name.size() + size_of(m.value);
  return n;
}

}  // namespace gust::dynamodb
