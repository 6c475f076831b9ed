// SPDX-License-Identifier: Apache-2.0

#include "base/ids.h"

#include <sys/random.h>

#include <cstdlib>
#include <cstring>
#include <ctime>

#include "base/encoding.h"

namespace gust {
namespace {

std::tm utc(int64_t unix_ms) {
  std::time_t seconds = unix_ms >= 0 ? unix_ms / 1000 : -((999 - unix_ms) / 1000);
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  return tm;
}

std::string format(int64_t unix_ms, const char* pattern) {
  std::tm tm = utc(unix_ms);
  char buffer[64];
  size_t n = std::strftime(buffer, sizeof buffer, pattern, &tm);
  return {buffer, n};
}

std::string millis(int64_t unix_ms) {
  char buffer[8];
  std::snprintf(buffer, sizeof buffer, ".%03d", static_cast<int>(((unix_ms % 1000) + 1000) % 1000));
  return buffer;
}

}  // namespace

std::string random_bytes(size_t n) {
  std::string out(n, '\0');
  size_t done = 0;
  while (done < n) {
    ssize_t got = getrandom(out.data() + done, n - done, 0);
    // getrandom cannot fail for these arguments on Linux 3.17+ once the pool is ready (getrandom(2)).
    if (got < 0) std::abort();
    done += static_cast<size_t>(got);
  }
  return out;
}

std::string new_uuid() {
  std::string bytes = random_bytes(16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3F) | 0x80);
  std::string hex = hex_encode(bytes);
  for (size_t at : {20, 16, 12, 8}) hex.insert(at, 1, '-');
  return hex;
}

std::string new_id(size_t hex_digits) { return hex_encode(random_bytes((hex_digits + 1) / 2)).substr(0, hex_digits); }

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < 36; ++i) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    bool hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f') || (text[i] >= 'A' && text[i] <= 'F');
    if (dash ? text[i] != '-' : !hex) return false;
  }
  return true;
}

std::string iso8601(int64_t unix_ms) { return format(unix_ms, "%Y-%m-%dT%H:%M:%S") + millis(unix_ms) + "Z"; }
std::string iso8601_lambda(int64_t unix_ms) { return format(unix_ms, "%Y-%m-%dT%H:%M:%S") + millis(unix_ms) + "+0000"; }
std::string iso8601_basic(int64_t unix_ms) { return format(unix_ms, "%Y%m%dT%H%M%SZ"); }
std::string http_date(int64_t unix_ms) { return format(unix_ms, "%a, %d %b %Y %H:%M:%S GMT"); }

Result<int64_t> parse_iso8601(std::string_view text) {
  std::string copy(text.substr(0, 64));
  std::tm tm{};
  const char* end = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &tm);
  if (!end) end = strptime(copy.c_str(), "%Y%m%dT%H%M%S", &tm);
  if (!end) return fail(Errc::Invalid, "not an ISO 8601 time: '" + escape_terminal(copy) + "'");
  int64_t ms = static_cast<int64_t>(timegm(&tm)) * 1000;
  if (*end == '.') {
    int64_t unit = 100;
    for (++end; *end >= '0' && *end <= '9'; ++end, unit /= 10) ms += (*end - '0') * unit;
  }
  if (*end == '+' || *end == '-') {
    int64_t sign = *end == '+' ? -1 : 1;
    std::string digits;
    for (++end; *end; ++end) {
      if (*end != ':') digits += *end;
    }
    auto offset = parse_uint(digits);
    if (digits.size() != 4 || !offset) return fail(Errc::Invalid, "not a time zone offset: '" + escape_terminal(copy) + "'");
    ms += sign * static_cast<int64_t>((*offset / 100 * 60 + *offset % 100) * 60000);
  } else if (*end != 'Z' || end[1] != '\0') {
    return fail(Errc::Invalid, "a time without its zone: '" + escape_terminal(copy) + "'");
  }
  return ms;
}

Result<int64_t> parse_http_date(std::string_view text) {
  std::string copy(text.substr(0, 64));
  std::tm tm{};
  const char* end = strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &tm);
  if (!end || *end) return fail(Errc::Invalid, "not an HTTP date: '" + escape_terminal(copy) + "'");
  return static_cast<int64_t>(timegm(&tm)) * 1000;
}

}  // namespace gust
