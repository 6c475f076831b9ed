// SPDX-License-Identifier: Apache-2.0

#include "model/scalar.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>

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
  if (auto special = special_number(text)) return Value(*special);
  double v = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(v)) return fail(Errc::Invalid, "not a number");
  return Value(v);
}

std::string seconds(int64_t ms) {
  if (ms % 1000 == 0) return std::to_string(ms / 1000);
  std::string text = std::to_string(std::abs(ms) % 1000 + 1000);
  return (ms < 0 ? "-" : "") + std::to_string(std::abs(ms) / 1000) + "." + text.substr(1);
}

// iso8601 without the C library, which is slow for a thousand entries of a listing.
std::string iso_text(int64_t unix_ms) {
  using namespace std::chrono;
  constexpr int64_t kLast = 253'402'300'799'999;  // year 9999
  if (unix_ms < 0 || unix_ms > kLast) return iso8601(unix_ms);
  milliseconds since{unix_ms};
  sys_days day = floor<days>(sys_time<milliseconds>(since));
  year_month_day date{day};
  int64_t ms = (sys_time<milliseconds>(since) - day).count();
  std::string out = "0000-00-00T00:00:00.000Z";
  auto put = [&](size_t at, size_t digits, int64_t n) {
    for (size_t i = digits; i-- > 0; n /= 10) out[at + i] = static_cast<char>('0' + n % 10);
  };
  put(0, 4, int{date.year()});
  put(5, 2, unsigned{date.month()});
  put(8, 2, unsigned{date.day()});
  put(11, 2, ms / 3'600'000);
  put(14, 2, ms / 60'000 % 60);
  put(17, 2, ms / 1000 % 60);
  put(20, 3, ms % 1000);
  return out;
}

Result<Value> timestamp(TimeFormat format, std::string_view text) {
  text = trim(text);
  if (format == TimeFormat::Rfc822) {
    if (auto ms = parse_http_date(text)) return Value(Timestamp{*ms});
  }
  if (auto ms = parse_iso8601(text)) return Value(Timestamp{*ms});
  auto number = real(text);
  if (!number || !(std::abs(number->as_double()) < 1e12)) return fail(Errc::Invalid, "not a timestamp");
  return Value(Timestamp{static_cast<int64_t>(std::llround(number->as_double() * 1000))});
}

}  // namespace

std::optional<double> special_number(std::string_view text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

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
    if (format == TimeFormat::Unix) return seconds(ms);
    return iso_text(ms);
  }
  if (value.is_double()) {
    double v = value.as_double();
    if (std::isnan(v)) return "NaN";
    if (std::isinf(v)) return v < 0 ? "-Infinity" : "Infinity";
    char buffer[40];
    auto end = std::to_chars(buffer, buffer + sizeof buffer, v).ptr;
    return {buffer, end};
  }
  return std::string(value.as_string());
}

}  // namespace gust::model
