// SPDX-License-Identifier: Apache-2.0

#include "model/binding.h"

#include "base/encoding.h"
#include "model/errors.h"
#include "model/scalar.h"

namespace gust::model {
namespace {

constexpr size_t kMaxFormDepth = 16;
constexpr size_t kMaxFormList = 1000;

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

class Binder {
 public:
  Binder(const ServiceTable& table, Value& input) : table_(table), input_(input) {}

  std::optional<ApiError> labels(const Match& match) {
    for (size_t i = 0; i < match.label_count; ++i) {
      auto [member, raw] = match.labels[i];
      auto text = percent_decode(raw);
      if (!text || !is_utf8(*text)) return unreadable(*member, raw, "not percent-encoded UTF-8");
      if (auto error = scalar(*member, *text)) return error;
    }
    return {};
  }

  std::optional<ApiError> query(const Shape& s, const Match& match) {
    if (match.query.empty()) return {};
    for (const Member& m : table_.members(s)) {
      if (m.location != Location::Query && m.location != Location::QueryMap) continue;
      for (const auto& [name, text] : match.query) {
        if (!is_utf8(text)) continue;
        if (m.location == Location::QueryMap) {
          input_.set(table_.text(m.name), Value::map()).set(name, text);
        } else if (name == table_.text(m.wire)) {
          if (auto error = parameter(m, text)) return error;
        }
      }
    }
    return {};
  }

  std::optional<ApiError> headers(const Shape& s, const http::Headers& fields) {
    for (const Member& m : table_.members(s)) {
      if (m.location == Location::Headers) prefixed(m, fields);
      if (m.location != Location::Header) continue;
      const std::string* text = fields.find(table_.text(m.wire));
      if (text == nullptr || !is_utf8(*text)) continue;
      if (auto error = header(m, *text)) return error;
    }
    return {};
  }

 private:
  std::optional<ApiError> parameter(const Member& m, const std::string& text) {
    if (table_.shape(m.shape).kind != Kind::List) return scalar(m, text);
    Value list = input_[table_.text(m.name)];
    list.push(text);
    input_.set(table_.text(m.name), std::move(list));
    return {};
  }
  std::optional<ApiError> header(const Member& m, const std::string& text) {
    Kind kind = table_.shape(m.shape).kind;
    if (kind == Kind::List) {
      Value list = Value::list();
      std::string_view rest = text;
      while (!rest.empty()) {
        size_t comma = std::min(rest.find(','), rest.size());
        list.push(trim(rest.substr(0, comma)));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
      }
      input_.set(table_.text(m.name), std::move(list));
      return {};
    }
    // RFC 9110: a date that cannot be read is as good as none.
    if (kind == Kind::Timestamp && !scalar_from_text(kind, m.time, text)) return {};
    return scalar(m, text);
  }
  void prefixed(const Member& m, const http::Headers& fields) {
    std::string_view prefix = table_.text(m.wire);
    Value map = Value::map();
    for (const auto& [name, text] : fields.fields()) {
      if (!starts_with_ignoring_case(name, prefix) || name.size() == prefix.size()) continue;
      map.set(lower(std::string_view(name).substr(prefix.size())), text);
    }
    if (map.size() > 0) input_.set(table_.text(m.name), std::move(map));
  }
  std::optional<ApiError> scalar(const Member& m, std::string_view text) {
    auto v = scalar_from_text(table_.shape(m.shape).kind, m.time, text);
    if (!v) return unreadable(m, text, v.error().message);
    input_.map_ref().emplace_back(table_.text(m.name), std::move(*v));
    return {};
  }
  ApiError unreadable(const Member& m, std::string_view text, std::string_view why) const {
    std::string wire(table_.text(m.wire));
    if (table_.protocol != Protocol::RestXml) return serialization("The value of " + wire + " is " + std::string(why) + ".");
    bool integer = table_.shape(m.shape).kind == Kind::Integer || table_.shape(m.shape).kind == Kind::Long;
    return invalid_argument(integer ? "Provided " + wire + " not an integer or within integer range"
                                    : "The value of " + wire + " is " + std::string(why),
                            wire, text);
  }

  const ServiceTable& table_;
  Value& input_;
};

class FormReader {
 public:
  FormReader(const ServiceTable& table, const QueryList& form) : table_(table), form_(form) {}

  Result<Value> read(uint16_t index, TimeFormat format, const std::string& prefix, size_t depth) const {
    if (depth > kMaxFormDepth) return fail(Errc::TooLarge, "parameters nested too deep");
    const Shape& s = table_.shape(index);
    if (s.kind == Kind::Structure) return structure(s, prefix, depth);
    if (s.kind == Kind::List) return list(s, prefix, depth);
    if (s.kind == Kind::Map) return fail(Errc::Unsupported, "a map parameter");
    for (const auto& [name, text] : form_) {
      if (name != prefix) continue;
      auto v = scalar_from_text(s.kind, format, text);
      if (!v) return fail(Errc::Invalid, prefix + " is " + v.error().message);
      return v;
    }
    return Value();
  }

 private:
  bool any(const std::string& prefix) const {
    for (const auto& [name, text] : form_) {
      if (name.starts_with(prefix) && (name.size() == prefix.size() || name[prefix.size()] == '.')) return true;
    }
    return false;
  }
  Result<Value> structure(const Shape& s, const std::string& prefix, size_t depth) const {
    Value out = Value::map();
    for (const Member& m : table_.members(s)) {
      std::string name = prefix.empty() ? std::string(table_.text(m.wire)) : prefix + "." + std::string(table_.text(m.wire));
      if (!any(name)) continue;
      Value v = TRY(read(m.shape, m.time, name, depth + 1));
      if (!v.is_null()) out.set(table_.text(m.name), std::move(v));
    }
    return out;
  }
  Result<Value> list(const Shape& s, const std::string& prefix, size_t depth) const {
    Value out = Value::list();
    for (size_t i = 1; i <= kMaxFormList; ++i) {
      std::string name = prefix + "." + std::string(table_.text(s.element_name)) + "." + std::to_string(i);
      if (!any(name)) break;
      out.push(TRY(read(s.element, TimeFormat::Default, name, depth + 1)));
    }
    return out;
  }

  const ServiceTable& table_;
  const QueryList& form_;
};

}  // namespace

std::optional<ApiError> bind_input(const ServiceTable& table, const Match& match, const RequestView& request, Value& input) {
  if (match.operation->input == kNone) return {};
  const Shape& s = table.shape(match.operation->input);
  Binder binder(table, input);
  if (auto error = binder.labels(match)) return error;
  if (auto error = binder.query(s, match)) return error;
  return request.headers ? binder.headers(s, *request.headers) : std::nullopt;
}

void bind_output(const ServiceTable& table, uint16_t shape, const Value& output, http::Headers& headers, int& status) {
  const Shape& s = table.shape(shape);
  for (const auto& [name, v] : output.as_map()) {
    const Member* m = table.member(s, name);
    if (m == nullptr || v.is_null()) continue;
    if (m->location == Location::StatusCode) status = static_cast<int>(v.as_int(status));
    if (m->location == Location::Header) {
      std::string text;
      if (v.is_list()) {
        for (const Value& e : v.as_list()) text.append(text.empty() ? "" : ",").append(scalar_to_text(e, m->time));
      }
      headers.add(table.text(m->wire), v.is_list() ? text : scalar_to_text(v, m->time));
    }
    if (m->location == Location::Headers) {
      for (const auto& [key, e] : v.as_map()) headers.add(std::string(table.text(m->wire)) + key, e.as_string());
    }
  }
}

Result<Value> from_form(const ServiceTable& table, uint16_t shape, const QueryList& form) {
  return FormReader(table, form).read(shape, TimeFormat::Default, {}, 0);
}

}  // namespace gust::model
