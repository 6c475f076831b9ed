// SPDX-License-Identifier: Apache-2.0

#include "model/document_writer.h"

#include <array>
#include <charconv>
#include <cmath>

#include "base/encoding.h"
#include "base/json.h"
#include "base/log.h"
#include "model/scalar.h"

namespace gust::model {
namespace {

constexpr auto kEscapes = [] {  // 0: as it is, 'u': \u00XX, else the letter after the backslash
  std::array<char, 256> out{};
  for (size_t c = 0; c < 0x20; ++c) out[c] = 'u';
  out['\b'] = 'b';
  out['\f'] = 'f';
  out['\n'] = 'n';
  out['\r'] = 'r';
  out['\t'] = 't';
  out['"'] = '"';
  out['\\'] = '\\';
  return out;
}();

void append_text(std::string& out, std::string_view text) {
  std::string repaired;
  if (!is_utf8(text)) text = repaired = to_utf8(text);
  out += '"';
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    char escape = kEscapes[c];
    if (escape == 0) continue;
    out.append(text.substr(start, i - start)).append(1, '\\').append(1, escape);
    if (escape == 'u') out.append("00").append(1, "0123456789ABCDEF"[c >> 4]).append(1, "0123456789ABCDEF"[c & 15]);
    start = i + 1;
  }
  out.append(text.substr(start)).append(1, '"');
}

void append_int(std::string& out, int64_t v) {
  char buffer[24];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, v).ptr);
}

void append_scalar(std::string& out, TimeFormat format, const Value& v) {
  if (v.is_string()) {
    append_text(out, v.as_string());
  } else if (v.is_int()) {
    append_int(out, v.as_int());
  } else if (v.is_bool()) {
    out += v.as_bool() ? "true" : "false";
  } else if (v.is_blob()) {
    out.append(1, '"').append(base64_encode(v.as_string())).append(1, '"');
  } else if (v.is_timestamp() && format != TimeFormat::Default && format != TimeFormat::Unix) {
    out.append(1, '"').append(scalar_to_text(v, format)).append(1, '"');
  } else if (v.is_double() && !std::isfinite(v.as_double())) {
    out.append(1, '"').append(scalar_to_text(v, format)).append(1, '"');
  } else {
    out += json::write(v);
  }
}

void append_structure(const ServiceTable& table, std::string& out, const Shape& s, const Value& value) {
  out += '{';
  MemberFinder finder(table, s);
  bool first = true;
  for (const auto& [name, v] : value.as_map()) {
    const Member* m = finder.find(name);
    if (m == nullptr) {
      log::error(table.id(), "answer has a member that its shape does not know", {{"member", name}});
      continue;
    }
    if (!in_answer(m->location) || v.is_null()) continue;
    if (!first) out += ',';
    first = false;
    out.append(1, '"').append(table.text(m->wire)).append("\":");
    append_json(table, out, m->shape, m->time, v);
  }
  out += '}';
}

}  // namespace

void append_json(const ServiceTable& table, std::string& out, uint16_t index, TimeFormat format, const Value& value) {
  const Shape& s = table.shape(index);
  if (s.kind == Kind::Structure) return append_structure(table, out, s, value);
  if (s.kind == Kind::List && value.is_list()) {
    out += '[';
    for (const Value& v : value.as_list()) {
      if (&v != value.as_list().data()) out += ',';
      append_json(table, out, s.element, table.shape(s.element).time, v);
    }
    out += ']';
  } else if (s.kind == Kind::Map && value.is_map()) {
    out += '{';
    bool first = true;
    for (const auto& [key, v] : value.as_map()) {
      if (!first) out += ',';
      first = false;
      append_text(out, key);
      out += ':';
      append_json(table, out, s.element, table.shape(s.element).time, v);
    }
    out += '}';
  } else if (s.kind == Kind::Document) {
    out += json::write(value);
  } else if (s.kind == Kind::Blob && value.is_string()) {
    out.append(1, '"').append(base64_encode(value.as_string())).append(1, '"');
  } else {
    append_scalar(out, format, value);
  }
}

}  // namespace gust::model
