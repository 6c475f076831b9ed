// SPDX-License-Identifier: Apache-2.0

#include "model/json_codec.h"

#include <cmath>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/log.h"
#include "model/scalar.h"

namespace gust::model {
namespace {

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::String:
      return "String";
    case Kind::Integer:
      return "Integer";
    case Kind::Long:
      return "Long";
    case Kind::Double:
      return "Double";
    case Kind::Boolean:
      return "Boolean";
    case Kind::Blob:
      return "Blob";
    case Kind::Timestamp:
      return "Timestamp";
    default:
      return "Structure";
  }
}

std::string_view token_name(const Value& v) {
  if (v.is_bool()) return v.as_bool() ? "TRUE_VALUE" : "FALSE_VALUE";
  return v.is_int() ? "NUMBER_VALUE" : v.is_double() ? "DECIMAL_VALUE" : "STRING_VALUE";
}

bool is_container(Kind kind) { return kind == Kind::Structure || kind == Kind::List || kind == Kind::Map; }

bool is_dynamodb(const ServiceTable& table) { return table.id().starts_with("dynamodb"); }

// Java's name of a shape in DynamoDB's front end.
std::string class_name(const ServiceTable& table, const Shape& s) {
  if (s.kind == Kind::Structure) return "com.amazonaws.dynamodb.v20120810." + std::string(table.text(s.name));
  if (s.kind == Kind::Blob) return "java.nio.ByteBuffer";
  if (s.kind == Kind::Timestamp) return "java.util.Date";
  return "java.lang." + std::string(kind_name(s.kind));
}

Failure dynamodb_mismatch(const ServiceTable& table, const Shape& s, const Value& v) {
  if (v.is_list()) {
    std::string text = "Unrecognized collection type ";
    if (s.kind != Kind::Map) return fail(Errc::Invalid, text + "class " + class_name(table, s));
    return fail(Errc::Invalid, text + "java.util.Map<java.lang.String, " + class_name(table, table.shape(s.element)) + ">");
  }
  if (v.is_map()) return fail(Errc::Invalid, "Start of structure or map found where not expected");
  if (is_container(s.kind)) return fail(Errc::Invalid, "Unexpected field type");
  if (s.kind == Kind::Blob) return fail(Errc::Invalid, "only base-64-encoded strings are convertible to bytes");
  if (s.kind == Kind::Boolean && v.is_string()) return fail(Errc::Invalid, "Unexpected token received from parser");
  return fail(Errc::Invalid, std::string(token_name(v)).append(" cannot be converted to ").append(kind_name(s.kind)));
}

Failure mismatch(const ServiceTable& table, const Shape& s, const Value& v) {
  if (is_dynamodb(table)) return dynamodb_mismatch(table, s, v);
  if (v.is_list()) {
    return fail(Errc::Invalid, is_container(s.kind) ? "Unrecognized collection type class java.util.ArrayList"
                                                    : "Start of list found where not expected");
  }
  if (v.is_map()) return fail(Errc::Invalid, "Start of structure or map found where not expected.");
  if (is_container(s.kind)) return fail(Errc::Invalid, "Unexpected field type");
  std::string text(token_name(v));
  text.append(" can not be converted to ").append(s.kind == Kind::Integer ? "an " : "a ").append(kind_name(s.kind));
  return fail(Errc::Invalid, std::move(text));
}

// DynamoDB reads what Java's parsers read.
std::optional<bool> lenient_bool(std::string_view word) {
  std::string text = lower(word);
  if (text == "true" || text == "1" || text == "yes") return true;
  if (text == "false" || text == "0" || text == "no") return false;
  return std::nullopt;
}

class Decoder {
 public:
  Decoder(const ServiceTable& table, Notation notation) : table_(table), notation_(notation) {}

  Result<Value> decode(uint16_t index, TimeFormat format, Value v) const {
    const Shape& s = table_.shape(index);
    switch (s.kind) {
      case Kind::Structure:
        return structure(s, std::move(v));
      case Kind::List:
        return list(s, std::move(v));
      case Kind::Map:
        return map(s, std::move(v));
      case Kind::String:
        return v.is_string() ? Result<Value>(std::move(v)) : mismatch(table_, s, v);
      case Kind::Boolean:
        return boolean(s, std::move(v));
      case Kind::Double:
        return real(s, v);
      case Kind::Integer:
      case Kind::Long:
        return integer(s, v);
      case Kind::Timestamp:
        return timestamp(s, format, v);
      case Kind::Blob:
        return blob(s, v);
      case Kind::Document:
        return v;
    }
    return mismatch(table_, s, v);
  }

 private:
  Result<Value> structure(const Shape& s, Value v) const {
    if (!v.is_map()) return mismatch(table_, s, v);
    Value out = Value::map();
    auto& members = out.map_ref();
    for (auto& [name, member_value] : v.map_ref()) {
      const Member* m = wire_member(s, name);
      if (m == nullptr || member_value.is_null()) continue;
      members.emplace_back(table_.text(m->name), TRY(decode(m->shape, m->time, std::move(member_value))));
    }
    return out;
  }
  Result<Value> list(const Shape& s, Value v) const {
    if (!v.is_list()) return mismatch(table_, s, v);
    for (Value& element : v.list_ref()) {
      if (!element.is_null()) element = TRY(decode(s.element, table_.shape(s.element).time, std::move(element)));
    }
    return v;
  }
  Result<Value> map(const Shape& s, Value v) const {
    if (!v.is_map()) return mismatch(table_, s, v);
    for (auto& [name, element] : v.map_ref()) {
      if (!element.is_null()) element = TRY(decode(s.element, table_.shape(s.element).time, std::move(element)));
    }
    std::erase_if(v.map_ref(), [](const Value::Member& m) { return m.second.is_null(); });
    return v;
  }
  Result<Value> real(const Shape& s, const Value& v) const {
    if (v.is_number()) return Value(v.as_double());
    if (v.is_string() && notation_ == Notation::Json) {
      if (auto special = special_number(v.as_string())) return Value(*special);
    }
    return mismatch(table_, s, v);
  }
  Result<Value> integer(const Shape& s, const Value& v) const {
    int64_t n = v.as_int();
    bool whole = v.is_int() || (v.is_double() && v.as_int(1) == v.as_int(2));
    if (!whole && v.is_double() && is_dynamodb(table_) && std::abs(v.as_double()) < 1e15) {
      n = static_cast<int64_t>(v.as_double());
      whole = true;
    }
    if (!whole || (s.kind == Kind::Integer && (n < INT32_MIN || n > INT32_MAX))) return mismatch(table_, s, v);
    return Value(n);
  }
  Result<Value> boolean(const Shape& s, Value v) const {
    if (v.is_bool()) return v;
    if (is_dynamodb(table_) && v.is_string()) {
      if (auto read = lenient_bool(v.as_string())) return Value(*read);
    }
    return mismatch(table_, s, v);
  }
  Result<Value> timestamp(const Shape& s, TimeFormat format, const Value& v) const {
    if (v.is_timestamp()) return v;
    if (notation_ == Notation::Cbor) return mismatch(table_, s, v);
    if (v.is_number() && std::abs(v.as_double()) < 1e12) {
      return Value(Timestamp{static_cast<int64_t>(std::llround(v.as_double() * 1000))});
    }
    if (!v.is_string()) return mismatch(table_, s, v);
    auto parsed = scalar_from_text(Kind::Timestamp, format, v.as_string());
    return parsed ? std::move(parsed) : mismatch(table_, s, v);
  }
  Result<Value> blob(const Shape& s, const Value& v) const {
    if (v.is_blob()) return v;
    if (!v.is_string() || notation_ == Notation::Cbor) return mismatch(table_, s, v);
    auto bytes = base64_decode(v.as_string());
    if (!bytes && is_dynamodb(table_)) {
      size_t n = v.as_string().size();
      return n % 4 == 0
                 ? fail(Errc::Invalid, "Invalid last non-pad Base64 character dectected")
                 : fail(Errc::Invalid, "Base64 encoded length is expected a multiple of 4 bytes but found: " + std::to_string(n));
    }
    if (!bytes) return fail(Errc::Invalid, "Invalid base64 in a binary value");
    return Value(Blob{std::move(*bytes)});
  }
  const Member* wire_member(const Shape& s, std::string_view wire) const {
    for (const Member& m : table_.members(s)) {
      if (m.location == Location::Body && table_.text(m.wire) == wire) return &m;
    }
    return nullptr;
  }

  const ServiceTable& table_;
  Notation notation_;
};

Value real_for(Notation notation, Value v) {
  if (notation == Notation::Cbor || !v.is_double() || std::isfinite(v.as_double())) return v;
  return Value(scalar_to_text(v, TimeFormat::Default));
}

}  // namespace

Result<Value> from_document(const ServiceTable& table, uint16_t shape, Notation notation, Value document) {
  return Decoder(table, notation).decode(shape, TimeFormat::Default, std::move(document));
}

Value to_document(const ServiceTable& table, uint16_t index, Notation notation, TimeFormat format, Value value) {
  const Shape& s = table.shape(index);
  switch (s.kind) {
    case Kind::Structure: {
      Value out = Value::map();
      auto& members = out.map_ref();
      for (auto& [name, v] : value.map_ref()) {
        const Member* m = table.member(s, name);
        if (m == nullptr) {
          log::error(table.id(), "answer has a member that its shape does not know", {{"member", name}});
          continue;
        }
        if (!in_answer(m->location) || v.is_null()) continue;
        members.emplace_back(table.text(m->wire), to_document(table, m->shape, notation, m->time, std::move(v)));
      }
      return out;
    }
    case Kind::List:
      for (Value& v : value.list_ref()) v = to_document(table, s.element, notation, table.shape(s.element).time, std::move(v));
      return value;
    case Kind::Map:
      for (auto& member : value.map_ref()) {
        member.second = to_document(table, s.element, notation, table.shape(s.element).time, std::move(member.second));
      }
      return value;
    case Kind::Blob:
      return value.is_string() ? Value(Blob{std::string(value.as_string())}) : std::move(value);
    case Kind::Double:
      return real_for(notation, std::move(value));
    case Kind::Timestamp:
      if (notation == Notation::Cbor) return value;
      if (!value.is_timestamp() || format == TimeFormat::Default || format == TimeFormat::Unix) return value;
      return Value(scalar_to_text(value, format));
    default:
      return value;
  }
}

}  // namespace gust::model
