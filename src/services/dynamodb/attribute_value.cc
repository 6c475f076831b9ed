// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/attribute_value.h"

#include <algorithm>

#include "base/encoding.h"
#include "model/errors.h"

namespace gust::dynamodb {
namespace {

constexpr std::string_view kNames[] = {"", "S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"};
constexpr std::string_view kInvalid = "One or more parameter values were invalid: ";

bool before(const Member& member, std::string_view name) { return member.name < name; }

// What parsing a document met: functions return false after they have set `error`.
class Parser {
 public:
  model::ApiError error;

  bool attribute(const Value& value, size_t depth, Attribute& out);
  bool members(const Value& map, size_t depth, Item& out);

 private:
  bool fail(std::string text) {
    error = model::validation(std::move(text));
    return false;
  }
  bool fail_invalid(std::string_view text) { return fail(std::string(kInvalid).append(text)); }
  bool wrong_number_of_types(const Value& value, size_t depth);
  bool number(std::string_view text, std::string& out);
  bool list(const Value& content, size_t depth, Attribute& out);
  bool set(const Value& content, Attribute& out);
  bool fail_duplicates(const Value& content, Type type);
};

bool Parser::attribute(const Value& value, size_t depth, Attribute& out) {
  if (depth > kMaxDepth) {
    return fail(
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit");
  }
  const auto& types = value.as_map();
  if (types.size() != 1 || !parse_type(types[0].first, out.type)) return wrong_number_of_types(value, depth);
  const Value& content = types[0].second;
  switch (out.type) {
    case Type::S:
    case Type::B:
      out.text = content.as_string();
      return true;
    case Type::N:
      return number(content.as_string(), out.text);
    case Type::Bool:
      out.flag = content.as_bool();
      return true;
    case Type::Null:
      return content.as_bool() || fail_invalid("Null attribute value types must have the value of true");
    case Type::L:
      return list(content, depth + 1, out);
    case Type::M:
      return members(content, depth + 1, out.map);
    default:
      return set(content, out);
  }
}

bool Parser::wrong_number_of_types(const Value& value, size_t depth) {
  if (value.size() < 2) return fail("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
  for (const auto& [type, content] : value.as_map()) {  // what is wrong with a content is said first
    Value one = Value::map();
    one.set(type, content);
    Attribute ignored;
    if (!attribute(one, depth, ignored)) return false;
  }
  return fail("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes");
}

bool Parser::number(std::string_view text, std::string& out) {
  auto canonical = Number::canonical(text);
  if (!canonical) return fail(std::move(canonical.error().message));
  out = std::move(*canonical);
  return true;
}

bool Parser::members(const Value& map, size_t depth, Item& out) {
  auto& all = out.members();
  all.reserve(map.size());
  for (const auto& [name, value] : map.as_map()) {
    Member& m = all.emplace_back();
    m.name = name;
    if (!attribute(value, depth, m.value)) return false;
  }
  const auto by_name = [](const Member& a, const Member& b) { return a.name < b.name; };
  if (!std::is_sorted(all.begin(), all.end(), by_name)) std::sort(all.begin(), all.end(), by_name);
  return true;
}

bool Parser::list(const Value& content, size_t depth, Attribute& out) {
  out.list.reserve(content.size());
  for (const Value& v : content.as_list()) {
    if (!attribute(v, depth, out.list.emplace_back())) return false;
  }
  return true;
}

bool Parser::set(const Value& content, Attribute& out) {
  const std::string kind = out.type == Type::SS ? "string" : "number";
  if (content.as_list().empty()) {
    return fail_invalid(out.type == Type::BS ? "Binary sets should not be empty" : "An " + kind + " set  may not be empty");
  }
  out.set.reserve(content.size());
  for (const Value& v : content.as_list()) {
    if (v.is_null()) return fail_invalid("An " + kind + " set may not have a null string as a member");
    std::string& element = out.set.emplace_back();
    if (out.type != Type::NS) {
      element = v.as_string();
    } else if (!number(v.as_string(), element)) {
      return false;
    }
  }
  std::sort(out.set.begin(), out.set.end());
  return std::adjacent_find(out.set.begin(), out.set.end()) == out.set.end() || fail_duplicates(content, out.type);
}

bool Parser::fail_duplicates(const Value& content, Type type) {
  if (type == Type::NS) return fail("Input collection contains duplicates");
  std::string elements;
  for (const Value& v : content.as_list()) {
    elements += elements.empty() ? "" : ", ";
    elements += v.is_blob() ? base64_encode(v.as_string()) : v.as_string();
  }
  return fail_invalid("Input collection [" + elements + (type == Type::BS ? "]of type BS" : "]") + " contains duplicates.");
}

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
  if (type != other.type) return false;
  switch (type) {
    case Type::S:
    case Type::N:
    case Type::B:
      return text == other.text;
    case Type::Bool:
      return flag == other.flag;
    case Type::Null:
      return true;
    case Type::L:
      return list == other.list;
    case Type::M:
      return map == other.map;
    default:
      return set == other.set;
  }
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
  Parser parser;
  Attribute out;
  if (!parser.attribute(value, depth, out)) return ApiFailure(std::move(parser.error));
  return out;
}

Api<Item> parse_item(const Value& map) {
  Parser parser;
  Item out;
  if (!parser.members(map, 1, out)) return ApiFailure(std::move(parser.error));
  return out;
}

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
  Value::Map out;
  out.emplace_back(name_of(a.type), std::move(content));
  return Value(std::move(out));
}

Value to_value(const Item& item) {
  Value::Map out;
  out.reserve(item.members().size());
  for (const Member& m : item.members()) out.emplace_back(m.name, to_value(m.value));
  return Value(std::move(out));
}

std::string describe(const Attribute& a) {
  std::string text = a.text;
  const auto add = [&text](std::string_view element) { text.append(text.empty() ? "" : ", ").append(element); };
  if (a.type == Type::B) text = base64_encode(a.text);
  if (a.type == Type::Bool) text = a.flag ? "true" : "false";
  if (a.type == Type::Null) text = "true";
  for (const std::string& element : a.set) add(a.type == Type::BS ? base64_encode(element) : element);
  for (const Attribute& element : a.list) add(describe(element));
  for (const Member& m : a.map.members()) add(m.name + "=" + describe(m.value));
  if (a.type == Type::M) text = "{" + text + "}";
  if (a.type == Type::L || a.type == Type::SS || a.type == Type::NS || a.type == Type::BS) text = "[" + text + "]";
  return "{" + std::string(name_of(a.type)) + ":" + text + "}";
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
