// SPDX-License-Identifier: Apache-2.0

#include "model/scalar.h"

#include <charconv>
#include <cmath>

#include "base/encoding.h"
#include "base/ids.h"

namespace gust::model {
namespace {

Result<Value> integer(Kind kind, std::string_view text) {
  auto v = parse_int(trim(text));
  if (!v || (kind == Kind::Integer && (*v < INT32_MIN || *v > INT32_MAX))) return fail(Errc::Invalid, "not an integer");
  return Value(*v);
}

Result<Value> real(std::string_view text) {
  text = trim(text);
  double v = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(v)) return fail(Errc::Invalid, "not a number");
  return Value(v);
}

Result<Value> timestamp(TimeFormat format, std::string_view text) {
  text = trim(text);
  if (format == TimeFormat::Rfc822) {
    if (auto ms = parse_http_date(text)) return Value(Timestamp{*ms});
  }
  if (auto ms = parse_iso8601(text)) return Value(Timestamp{*ms});
  auto seconds = real(text);
  if (!seconds || std::abs(seconds->as_double()) > 1e12) return fail(Errc::Invalid, "not a timestamp");
  return Value(Timestamp{static_cast<int64_t>(std::llround(seconds->as_double() * 1000))});
}

}  // namespace

Result<Value> scalar_from_text(Kind kind, TimeFormat format, std::string_view text) {
  switch (kind) {
    case Kind::String:
      return Value(text);
    case Kind::Integer:
    case Kind::Long:
      return integer(kind, text);
    case Kind::Double:
      return real(text);
    case Kind::Boolean:
      if (equal_ignoring_case(trim(text), "true")) return Value(true);
      if (equal_ignoring_case(trim(text), "false")) return Value(false);
      return fail(Errc::Invalid, "not a boolean");
    case Kind::Timestamp:
      return timestamp(format, text);
    case Kind::Blob:
      return Value(Blob{TRY(base64_decode(trim(text)))});
    default:
      return fail(Errc::Invalid, "not a scalar");
  }
}

std::string scalar_to_text(const Value& value, TimeFormat format) {
  if (value.is_bool()) return value.as_bool() ? "true" : "false";
  if (value.is_int()) return std::to_string(value.as_int());
  if (value.is_blob()) return base64_encode(value.as_string());
  if (value.is_timestamp()) {
    int64_t ms = value.as_timestamp().unix_ms;
    if (format == TimeFormat::Rfc822) return http_date(ms);
    if (format == TimeFormat::Unix) return std::to_string(ms / 1000);
    return iso8601(ms);
  }
  if (value.is_double()) {
    char buffer[40];
    auto end = std::to_chars(buffer, buffer + sizeof buffer, value.as_double()).ptr;
    return {buffer, end};
  }
  return std::string(value.as_string());
}

}  // namespace gust::model
