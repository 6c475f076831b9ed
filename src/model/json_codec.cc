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

Failure mismatch(const ServiceTable& table, Kind kind, const Value& v) {
  bool container_wanted = kind == Kind::Structure || kind == Kind::List || kind == Kind::Map;
  if (v.is_list())
    return fail(Errc::Invalid, container_wanted ? "Unrecognized collection type class java.util.ArrayList"
                                                : "Start of list found where not expected");
  if (v.is_map()) return fail(Errc::Invalid, "Start of structure or map found where not expected.");
  if (container_wanted) return fail(Errc::Invalid, "Unexpected field type");
  std::string_view token = v.is_bool()     ? (v.as_bool() ? "TRUE_VALUE" : "FALSE_VALUE")
                           : v.is_int()    ? "NUMBER_VALUE"
                           : v.is_double() ? "DECIMAL_VALUE"
                                           : "STRING_VALUE";
  // DynamoDB's front end and the other services' word this differently.
  bool dynamo = table.id() == "dynamodb";
  std::string text(token);
  text += dynamo ? " cannot be converted to " : " can not be converted to ";
  if (!dynamo) text += kind == Kind::Integer ? "an " : "a ";
  return fail(Errc::Invalid, text.append(kind_name(kind)));
}

class Decoder {
 public:
  explicit Decoder(const ServiceTable& table) : table_(table) {}

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
        return v.is_string() ? Result<Value>(std::move(v)) : mismatch(table_, s.kind, v);
      case Kind::Boolean:
        return v.is_bool() ? Result<Value>(std::move(v)) : mismatch(table_, s.kind, v);
      case Kind::Double:
        return v.is_number() ? Result<Value>(v.as_double()) : mismatch(table_, s.kind, v);
      case Kind::Integer:
      case Kind::Long:
        return integer(s.kind, v);
      case Kind::Timestamp:
        return timestamp(format, v);
      case Kind::Blob:
        return blob(v);
    }
    return mismatch(table_, s.kind, v);
  }

 private:
  Result<Value> structure(const Shape& s, Value v) const {
    if (!v.is_map()) return mismatch(table_, s.kind, v);
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
    if (!v.is_list()) return mismatch(table_, s.kind, v);
    for (Value& element : v.list_ref()) {
      if (!element.is_null()) element = TRY(decode(s.element, TimeFormat::Default, std::move(element)));
    }
    return v;
  }
  Result<Value> map(const Shape& s, Value v) const {
    if (!v.is_map()) return mismatch(table_, s.kind, v);
    for (auto& [name, element] : v.map_ref()) {
      if (!element.is_null()) element = TRY(decode(s.element, TimeFormat::Default, std::move(element)));
    }
    std::erase_if(v.map_ref(), [](const Value::Member& m) { return m.second.is_null(); });
    return v;
  }
  Result<Value> integer(Kind kind, const Value& v) const {
    bool whole = v.is_int() || (v.is_double() && v.as_int(1) == v.as_int(2));
    if (!whole || (kind == Kind::Integer && (v.as_int() < INT32_MIN || v.as_int() > INT32_MAX))) {
      return mismatch(table_, kind, v);
    }
    return Value(v.as_int());
  }
  Result<Value> timestamp(TimeFormat format, const Value& v) const {
    if (v.is_number() && std::abs(v.as_double()) < 1e12) {
      return Value(Timestamp{static_cast<int64_t>(std::llround(v.as_double() * 1000))});
    }
    if (!v.is_string()) return mismatch(table_, Kind::Timestamp, v);
    auto parsed = scalar_from_text(Kind::Timestamp, format, v.as_string());
    return parsed ? std::move(parsed) : mismatch(table_, Kind::Timestamp, v);
  }
  Result<Value> blob(const Value& v) const {
    if (!v.is_string()) return mismatch(table_, Kind::Blob, v);
    auto bytes = base64_decode(v.as_string());
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
};

}  // namespace

Result<Value> from_json(const ServiceTable& table, uint16_t shape, Value document) {
  return Decoder(table).decode(shape, TimeFormat::Default, std::move(document));
}

Value to_json(const ServiceTable& table, uint16_t index, TimeFormat format, Value value) {
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
        if (m->location != Location::Body || v.is_null()) continue;
        members.emplace_back(table.text(m->wire), to_json(table, m->shape, m->time, std::move(v)));
      }
      return out;
    }
    case Kind::List:
      for (Value& v : value.list_ref()) v = to_json(table, s.element, TimeFormat::Default, std::move(v));
      return value;
    case Kind::Map:
      for (auto& member : value.map_ref()) {
        member.second = to_json(table, s.element, TimeFormat::Default, std::move(member.second));
      }
      return value;
    case Kind::Blob:
      return value.is_string() ? Value(Blob{std::string(value.as_string())}) : std::move(value);
    case Kind::Timestamp:
      if (!value.is_timestamp() || format == TimeFormat::Default || format == TimeFormat::Unix) return value;
      return Value(scalar_to_text(value, format));
    default:
      return value;
  }
}

}  // namespace gust::model
