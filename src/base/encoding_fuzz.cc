// SPDX-License-Identifier: Apache-2.0

// The small text encodings: what a decoder takes, the encoder gives back; what an escaper gives is safe whatever came.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/log.h"

using namespace gust;

namespace {

bool printable(std::string_view text, std::string_view controls_allowed) {
  for (unsigned char c : text) {
    if ((c < 0x20 && controls_allowed.find(static_cast<char>(c)) == std::string_view::npos) || c == 0x7F) return false;
  }
  return true;
}

void check_decoders(std::string_view text) {
  if (auto bytes = base64_decode(text)) GUST_CHECK(base64_decode(base64_encode(*bytes)) == *bytes);
  if (auto bytes = hex_decode(text)) GUST_CHECK(hex_encode(*bytes) == lower(text));
  for (Plus plus : {Plus::Literal, Plus::Space}) {
    if (auto bytes = percent_decode(text, plus)) {
#ifdef GUST_PLANTED_BUG
      if (bytes->find('\0') != bytes->npos && text.find('\0') == text.npos) std::abort();
#endif
      GUST_CHECK(bytes->size() <= text.size() && percent_decode(percent_encode(*bytes, Slash::Encode), plus) == *bytes);
    }
  }
  if (auto n = parse_uint(text)) GUST_CHECK(parse_uint(std::to_string(*n)) == *n);
  if (auto n = parse_int(text)) GUST_CHECK(parse_int(std::to_string(*n)) == *n);
}

void check_times(std::string_view text) {
  if (auto ms = parse_iso8601(text)) GUST_CHECK(std::abs(*ms) < int64_t{400'000'000'000'000});
  if (auto ms = parse_http_date(text)) {
    GUST_CHECK(std::abs(*ms) < int64_t{400'000'000'000'000});
    if (*ms >= 0) GUST_CHECK(parse_http_date(http_date(*ms)) == *ms);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  check_decoders(text);
  check_times(text);
  GUST_CHECK(base64_decode(base64_encode(text)) == text);
  GUST_CHECK(hex_decode(hex_encode(text)) == text);
  GUST_CHECK(percent_decode(percent_encode(text, Slash::Keep)) == text);
  std::string xml = escape_xml(text);
  GUST_CHECK(is_utf8(xml) && xml.find_first_of("<>\"'") == std::string::npos);
  GUST_CHECK(printable(xml, "\t\n") || text.find('\x7F') != text.npos);
  GUST_CHECK(printable(escape_terminal(text), ""));
  std::string clean = to_utf8(text);
  GUST_CHECK(is_utf8(clean) && (!is_utf8(text) || clean == text));
  return 0;
}
