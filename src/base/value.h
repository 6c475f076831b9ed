// SPDX-License-Identifier: Apache-2.0

#pragma once

// Value: a document (JSON-like tree plus blobs and timestamps). What the wire codecs of model/ decode requests into and
// encode answers from; handlers of services see only this, never JSON, XML or HTTP. Not for hot data: items and objects
// have their own encodings.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace gust {

class Value;
struct Blob {
  std::string bytes;
  bool operator==(const Blob&) const = default;
};
struct Timestamp {
  int64_t unix_ms = 0;  // milliseconds since 1970-01-01 UTC
  bool operator==(const Timestamp&) const = default;
};

class Value {
 public:
  using List = std::vector<Value>;
  using Member = std::pair<std::string, Value>;
  using Map = std::vector<Member>;  // insertion order is kept; names are unique (set() replaces)

  Value() = default;  // null
  Value(std::nullptr_t) {}
  Value(bool v) : v_(v) {}
  Value(int v) : v_(int64_t{v}) {}
  Value(long v) : v_(int64_t{v}) {}
  Value(long long v) : v_(int64_t{v}) {}
  Value(unsigned v) : v_(int64_t{v}) {}
  Value(unsigned long v) : v_(static_cast<int64_t>(v)) {}
  Value(double v) : v_(v) {}
  Value(const char* v) : v_(std::string(v)) {}
  Value(std::string v) : v_(std::move(v)) {}
  Value(std::string_view v) : v_(std::string(v)) {}
  Value(Blob v) : v_(std::move(v)) {}
  Value(Timestamp v) : v_(v) {}
  Value(List v) : v_(std::move(v)) {}
  Value(Map v) : v_(std::move(v)) {}
  static Value list() { return Value(List{}); }
  static Value map() { return Value(Map{}); }

  bool is_null() const { return std::holds_alternative<std::monostate>(v_); }
  bool is_bool() const { return std::holds_alternative<bool>(v_); }
  bool is_int() const { return std::holds_alternative<int64_t>(v_); }
  bool is_double() const { return std::holds_alternative<double>(v_); }
  bool is_number() const { return is_int() || is_double(); }
  bool is_string() const { return std::holds_alternative<std::string>(v_); }
  bool is_blob() const { return std::holds_alternative<Blob>(v_); }
  bool is_timestamp() const { return std::holds_alternative<Timestamp>(v_); }
  bool is_list() const { return std::holds_alternative<List>(v_); }
  bool is_map() const { return std::holds_alternative<Map>(v_); }

  // The content, or the given default where the kind differs (a double with an integral value counts as int and back).
  bool as_bool(bool otherwise = false) const;
  int64_t as_int(int64_t otherwise = 0) const;
  double as_double(double otherwise = 0) const;
  std::string_view as_string(std::string_view otherwise = {}) const;  // of strings and blobs; valid while this lives
  Timestamp as_timestamp(Timestamp otherwise = {}) const;
  const List& as_list() const;  // empty where this is no list
  const Map& as_map() const;    // empty where this is no map
  List& list_ref();             // makes this an empty list first where it is none
  Map& map_ref();               // makes this an empty map first where it is none

  // Member access: never throws. A missing member reads as null.
  const Value& operator[](std::string_view name) const;
  const Value* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  Value& set(std::string_view name, Value value);  // makes this a map; returns the stored member
  bool erase(std::string_view name);
  void push(Value value) { list_ref().push_back(std::move(value)); }
  size_t size() const;  // of a list or map, else 0

  bool operator==(const Value&) const = default;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Blob, Timestamp, List, Map> v_;
};

}  // namespace gust
