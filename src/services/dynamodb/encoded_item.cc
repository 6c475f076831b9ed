// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/encoded_item.h"

#include <algorithm>

namespace gust::dynamodb {
namespace {

Failure damaged() { return fail(Errc::Invalid, "a damaged item"); }

void put_length(std::string& out, size_t n) {
  for (; n >= 0x80; n >>= 7) out += static_cast<char>(n | 0x80);
  out += static_cast<char>(n);
}

size_t number_size(std::string_view key) {
  const auto n = Number::from_key(key);
  return n ? n->size() : key.size();
}

// Walks over stored bytes. The sizes that it adds up are DynamoDB's (attribute_value.cc, size_of).
class Walker {
 public:
  explicit Walker(std::string_view bytes) : rest_(bytes) {}
  bool done() const { return rest_.empty(); }
  const char* at() const { return rest_.data(); }
  size_t size() const { return size_; }

  bool length(size_t& n) {
    n = 0;
    for (int shift = 0; shift < 35 && !rest_.empty(); shift += 7) {
      const auto c = static_cast<unsigned char>(rest_[0]);
      rest_.remove_prefix(1);
      n |= static_cast<size_t>(c & 0x7F) << shift;
      if (c < 0x80) return n <= rest_.size();  // every element takes a byte at least
    }
    return false;
  }
  bool text(std::string_view& out) {
    size_t n = 0;
    if (!length(n)) return false;
    out = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return true;
  }
  bool type(Type& out) {
    if (rest_.empty()) return false;
    out = static_cast<Type>(rest_[0]);
    rest_.remove_prefix(1);
    return true;
  }

  bool skip(size_t depth);
  bool name(std::string_view& out) {
    if (!text(out)) return false;
    size_ += out.size();
    return true;
  }
  bool read(Value& out, size_t depth);
  bool members(Value& out, size_t depth);

 private:
  static bool number(std::string_view key, std::string& out) {
    auto n = Number::from_key(key);
    if (!n) return false;
    out = n->text();
    return true;
  }
  bool scalar(Type type, std::string_view& out) {
    if (!text(out)) return false;
    size_ += type == Type::N || type == Type::NS ? number_size(out) : out.size();
    return true;
  }
  bool list(Value& out, size_t depth);
  bool set(Type type, Value& out);

  std::string_view rest_;
  size_t size_ = 0;
};

bool Walker::skip(size_t depth) {
  Type t = Type::Null;
  if (depth > kMaxDepth || !type(t)) return false;
  std::string_view ignored;
  size_t n = 0;
  switch (t) {
    case Type::S:
    case Type::N:
    case Type::B:
      return scalar(t, ignored);
    case Type::Null:
      return ++size_, true;
    case Type::Bool:
      if (rest_.empty()) return false;
      rest_.remove_prefix(1);
      return ++size_, true;
    case Type::L:
      if (!length(n)) return false;
      size_ += 3 + n;
      for (; n > 0; --n) {
        if (!skip(depth + 1)) return false;
      }
      return true;
    case Type::M:
      if (!length(n)) return false;
      size_ += 3 + n;
      for (; n > 0; --n) {
        if (!name(ignored) || !skip(depth + 1)) return false;
      }
      return true;
    case Type::SS:
    case Type::NS:
    case Type::BS:
      if (!length(n)) return false;
      for (; n > 0; --n) {
        if (!scalar(t, ignored)) return false;
      }
      return true;
  }
  return false;
}

bool Walker::list(Value& out, size_t depth) {
  size_t n = 0;
  if (!length(n)) return false;
  size_ += 3 + n;
  Value::List& elements = out.list_ref();
  elements.resize(n);
  return std::all_of(elements.begin(), elements.end(), [&](Value& v) { return read(v, depth + 1); });
}

bool Walker::set(Type type, Value& out) {
  size_t n = 0;
  if (!length(n)) return false;
  Value::List& elements = out.list_ref();
  elements.reserve(n);
  for (; n > 0; --n) {
    std::string_view content;
    std::string text;
    if (!scalar(type, content)) return false;
    if (type == Type::NS && !number(content, text)) return false;
    if (type != Type::NS) text = content;
    elements.push_back(type == Type::BS ? Value(Blob{std::move(text)}) : Value(std::move(text)));
  }
  return true;
}

bool Walker::read(Value& out, size_t depth) {
  Type t = Type::Null;
  if (depth > kMaxDepth || !type(t)) return false;
  Value content;
  std::string_view bytes;
  switch (t) {
    case Type::S:
    case Type::B:
      if (!scalar(t, bytes)) return false;
      content = t == Type::S ? Value(bytes) : Value(Blob{std::string(bytes)});
      break;
    case Type::N: {
      std::string text;
      if (!scalar(t, bytes) || !number(bytes, text)) return false;
      content = Value(std::move(text));
      break;
    }
    case Type::Null:
      ++size_;
      content = Value(true);
      break;
    case Type::Bool:
      if (rest_.empty()) return false;
      ++size_;
      content = Value(rest_[0] != '\0');
      rest_.remove_prefix(1);
      break;
    case Type::L:
      if (!list(content, depth)) return false;
      break;
    case Type::M:
      if (!members(content, depth + 1)) return false;
      size_ += 3 + content.size();
      break;
    case Type::SS:
    case Type::NS:
    case Type::BS:
      if (!set(t, content)) return false;
      break;
    default:
      return false;
  }
  out.map_ref().emplace_back(name_of(t), std::move(content));
  return true;
}

bool Walker::members(Value& out, size_t depth) {
  size_t n = 0;
  if (!length(n)) return false;
  Value::Map& map = out.map_ref();
  map.reserve(n);
  for (; n > 0; --n) {
    std::string_view text;
    if (!name(text)) return false;
    map.emplace_back(std::string(text), Value());
    if (!read(map.back().second, depth)) return false;
  }
  return true;
}

}  // namespace

std::string_view EncodedAttribute::key_text() const {
  Walker walker(bytes.substr(1));
  std::string_view out;
  (void)walker.text(out);
  return out;
}

size_t EncodedAttribute::size() const {
  Walker walker(bytes);
  (void)walker.skip(1);
  return walker.size();
}

Result<EncodedItem> EncodedItem::read(std::string_view bytes) {
  EncodedItem out;
  out.bytes_ = bytes;
  Walker walker(bytes);
  size_t n = 0;
  if (!walker.length(n)) return damaged();
  out.members_.reserve(n);
  for (; n > 0; --n) {
    Member m;
    const char* start = walker.at();
    if (!walker.text(m.name)) return damaged();
    const char* value = walker.at();
    if (!walker.skip(1)) return damaged();
    m.value.bytes = {value, static_cast<size_t>(walker.at() - value)};
    m.whole = {start, static_cast<size_t>(walker.at() - start)};
    out.members_.push_back(m);
  }
  if (!walker.done()) return damaged();
  return out;
}

const EncodedAttribute* EncodedItem::find(std::string_view name) const {
  const auto it = std::lower_bound(members_.begin(), members_.end(), name,
                                   [](const Member& m, std::string_view wanted) { return m.name < wanted; });
  return it != members_.end() && it->name == name ? &it->value : nullptr;
}

size_t EncodedItem::size() const {
  size_t n = 0;
  for (const Member& m : members_) n += m.name.size() + m.value.size();
  return n;
}

std::string EncodedItem::only(const std::vector<std::string>& names) const {
  std::string content;
  size_t n = 0;
  for (const Member& m : members_) {
    if (!std::binary_search(names.begin(), names.end(), m.name, std::less<>())) continue;
    content += m.whole;
    ++n;
  }
  std::string out;
  put_length(out, n);
  return out += content;
}

Result<Value> document_of(std::string_view bytes, size_t& size) {
  Walker walker(bytes);
  Value out = Value::map();
  if (!walker.members(out, 1) || !walker.done()) return damaged();
  size = walker.size();
  return out;
}

}  // namespace gust::dynamodb
