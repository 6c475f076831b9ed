// SPDX-License-Identifier: Apache-2.0

#include "base/value.h"

#include <cmath>

namespace gust {

bool Value::as_bool(bool otherwise) const {
  const bool* v = std::get_if<bool>(&v_);
  return v ? *v : otherwise;
}

int64_t Value::as_int(int64_t otherwise) const {
  if (const auto* v = std::get_if<int64_t>(&v_)) return *v;
  if (const auto* v = std::get_if<double>(&v_); v && std::abs(*v) < 9e15 && *v == std::floor(*v)) {
    return static_cast<int64_t>(*v);
  }
  return otherwise;
}

double Value::as_double(double otherwise) const {
  if (const auto* v = std::get_if<double>(&v_)) return *v;
  if (const auto* v = std::get_if<int64_t>(&v_)) return static_cast<double>(*v);
  return otherwise;
}

std::string_view Value::as_string(std::string_view otherwise) const {
  if (const auto* v = std::get_if<std::string>(&v_)) return *v;
  if (const auto* v = std::get_if<Blob>(&v_)) return v->bytes;
  return otherwise;
}

Timestamp Value::as_timestamp(Timestamp otherwise) const {
  const auto* v = std::get_if<Timestamp>(&v_);
  return v ? *v : otherwise;
}

const Value::List& Value::as_list() const {
  static const List empty;
  const auto* v = std::get_if<List>(&v_);
  return v ? *v : empty;
}

const Value::Map& Value::as_map() const {
  static const Map empty;
  const auto* v = std::get_if<Map>(&v_);
  return v ? *v : empty;
}

Value::List& Value::list_ref() {
  if (!is_list()) v_ = List{};
  return std::get<List>(v_);
}

Value::Map& Value::map_ref() {
  if (!is_map()) v_ = Map{};
  return std::get<Map>(v_);
}

const Value* Value::find(std::string_view name) const {
  for (const auto& member : as_map()) {
    if (member.first == name) return &member.second;
  }
  return nullptr;
}

const Value& Value::operator[](std::string_view name) const {
  static const Value null;
  const Value* found = find(name);
  return found ? *found : null;
}

Value& Value::set(std::string_view name, Value value) {
  Map& map = map_ref();
  for (auto& member : map) {
    if (member.first == name) return member.second = std::move(value);
  }
  return map.emplace_back(std::string(name), std::move(value)).second;
}

bool Value::erase(std::string_view name) {
  return is_map() && std::erase_if(map_ref(), [&](const Member& m) { return m.first == name; }) > 0;
}

size_t Value::size() const {
  if (const auto* v = std::get_if<List>(&v_)) return v->size();
  if (const auto* v = std::get_if<Map>(&v_)) return v->size();
  return 0;
}

}  // namespace gust
