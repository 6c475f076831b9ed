// SPDX-License-Identifier: Apache-2.0

#pragma once

// For tests: attribute values as documents, in few characters.

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "services/dynamodb/attribute_value.h"

namespace gust::dynamodb {

inline Value typed(std::string_view type, Value content) {
  Value v = Value::map();
  v.set(type, std::move(content));
  return v;
}
inline Value map(std::initializer_list<Value::Member> members) { return Value(Value::Map(members)); }
inline Value list(std::initializer_list<Value> elements) { return Value(Value::List(elements)); }

inline Value s(std::string_view text) { return typed("S", text); }
inline Value n(std::string_view text) { return typed("N", text); }
inline Value b(std::string bytes) { return typed("B", Blob{std::move(bytes)}); }
inline Value boolean(bool flag) { return typed("BOOL", flag); }
inline Value null() { return typed("NULL", true); }
inline Value l(std::initializer_list<Value> elements) { return typed("L", list(elements)); }
inline Value m(std::initializer_list<Value::Member> members) { return typed("M", map(members)); }
inline Value texts(std::string_view type, std::initializer_list<const char*> elements) {
  Value content = Value::list();
  for (const char* e : elements) content.push(e);
  return typed(type, std::move(content));
}
inline Value ss(std::initializer_list<const char*> elements) { return texts("SS", elements); }
inline Value ns(std::initializer_list<const char*> elements) { return texts("NS", elements); }

inline Item item(const Value& document) { return parse_item(document).value(); }

}  // namespace gust::dynamodb
