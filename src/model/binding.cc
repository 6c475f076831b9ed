// SPDX-License-Identifier: Apache-2.0

#include "model/binding.h"

#include "base/encoding.h"
#include "model/errors.h"
#include "model/scalar.h"

namespace gust::model {
namespace {

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
          if (!is_utf8(name)) continue;
          entry(m, name, text);
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
    auto v = element(m, text);
    if (!v) return unreadable(m, text, v.error().message);
    member(m, Value::list()).push(std::move(*v));
    return {};
  }
  Result<Value> element(const Member& m, std::string_view text) const {
    const Shape& s = table_.shape(table_.shape(m.shape).element);
    TimeFormat format = s.time;
    if (s.kind == Kind::Timestamp && format == TimeFormat::Default && m.location == Location::Header) format = TimeFormat::Rfc822;
    return scalar_from_text(s.kind, format, text);
  }
  // The input's member, made as `empty` first where it is not there.
  Value& member(const Member& m, Value empty) {
    std::string_view name = table_.text(m.name);
    for (auto& [key, v] : input_.map_ref()) {
      if (key == name) return v;
    }
    return input_.map_ref().emplace_back(name, std::move(empty)).second;
  }
  // The members of a map are parameters of their own: all of them, the named ones too. A list takes every one of a name.
  void entry(const Member& m, const std::string& name, const std::string& text) {
    Value& map = member(m, Value::map());
    bool list = table_.shape(table_.shape(m.shape).element).kind == Kind::List;
    if (!list) {
      if (!map.has(name)) map.set(name, text);
      return;
    }
    if (!map.has(name)) map.set(name, Value::list());
    for (auto& [key, v] : map.map_ref()) {
      if (key == name) v.push(text);
    }
  }
  std::optional<ApiError> header(const Member& m, const std::string& text) {
    Kind kind = table_.shape(m.shape).kind;
    if (kind == Kind::List) {
      Value list = Value::list();
      for (const std::string& part : split_header(m, text)) {
        auto v = element(m, part);
        if (!v) return unreadable(m, text, v.error().message);
        list.push(std::move(*v));
      }
      input_.set(table_.text(m.name), std::move(list));
      return {};
    }
    // RFC 9110: a date that cannot be read is as good as none.
    if (kind == Kind::Timestamp && !scalar_from_text(kind, m.time, text)) return {};
    if (m.flags & kJsonText) {
      auto json = base64_decode(text);
      if (!json || !is_utf8(*json)) return unreadable(m, text, "not base64 of text");
      input_.set(table_.text(m.name), std::move(*json));
      return {};
    }
    return scalar(m, text);
  }
  // Elements of a list in a header: separated by commas, in quotes where one holds a comma (RFC 9110 section 5.6). Dates have a
  // comma of their own.
  std::vector<std::string> split_header(const Member& m, std::string_view text) const {
    const Shape& s = table_.shape(table_.shape(m.shape).element);
    bool dates = s.kind == Kind::Timestamp && (s.time == TimeFormat::Default || s.time == TimeFormat::Rfc822);
    std::vector<std::string> out;
    std::string part;
    bool quoted = false, was_quoted = false;
    size_t commas = 0;
    auto end = [&] {
      out.push_back(was_quoted ? part : std::string(trim(part)));
      part.clear();
      was_quoted = false;
    };
    for (size_t i = 0; i < text.size(); ++i) {
      char c = text[i];
      if (quoted && c == '\\' && i + 1 < text.size()) {
        part += text[++i];
      } else if (c == '"' && (quoted || trim(part).empty())) {
        quoted = !quoted;
        was_quoted = true;
        if (quoted) part.clear();
      } else if (c == ',' && !quoted && (!dates || ++commas % 2 == 0)) {
        end();
      } else if (quoted || !was_quoted) {
        part += c;
      }
    }
    if (!text.empty()) end();
    return out;
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
    if (table_.id() != "s3") return serialization("The value of " + wire + " is " + std::string(why) + ".");
    bool integer = table_.shape(m.shape).kind == Kind::Integer || table_.shape(m.shape).kind == Kind::Long;
    return invalid_argument(integer ? "Provided " + wire + " not an integer or within integer range"
                                    : "The value of " + wire + " is " + std::string(why),
                            wire, text);
  }

  const ServiceTable& table_;
  Value& input_;
};

std::string quoted(std::string text) {
  if (text.find_first_of(",\"") == text.npos) return text;
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string header_text(const ServiceTable& table, const Member& m, const Value& v) {
  if (m.flags & kJsonText) return base64_encode(v.as_string());
  if (!v.is_list()) return scalar_to_text(v, m.time);
  const Shape& s = table.shape(table.shape(m.shape).element);
  bool date = s.kind == Kind::Timestamp && s.time == TimeFormat::Default;
  std::string text;
  for (const Value& e : v.as_list()) {
    if (!text.empty()) text += ",";
    text += e.is_string() ? quoted(scalar_to_text(e, s.time)) : scalar_to_text(e, date ? TimeFormat::Rfc822 : s.time);
  }
  return text;
}

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
    if (m->location == Location::Header) headers.add(table.text(m->wire), header_text(table, *m, v));
    if (m->location == Location::Headers) {
      for (const auto& [key, e] : v.as_map()) headers.add(std::string(table.text(m->wire)) + key, e.as_string());
    }
  }
}

}  // namespace gust::model
