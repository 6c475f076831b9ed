// SPDX-License-Identifier: Apache-2.0

#include "meter/log_format.h"

#include "base/encoding.h"
#include "base/ids.h"

namespace gust::meter {
namespace {

bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; }

void append_escaped(std::string& out, std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\\') {
      out += "\\\\";
    } else if (is_control(c)) {
      out.append("\\x").append(1, kDigits[(c >> 4) & 15]).append(1, kDigits[c & 15]);
    } else {
      out += c;
    }
  }
}

// Formatting the date costs more than everything else about a line.
void append_time(std::string& out, int64_t unix_us) {
  thread_local int64_t second = INT64_MIN;
  thread_local std::string text;
  int64_t now = unix_us >= 0 ? unix_us / 1'000'000 : (unix_us - 999'999) / 1'000'000;
  if (now != second) {
    text = iso8601(now * 1000).substr(0, 20);  // with the dot
    second = now;
  }
  int64_t ms = unix_us / 1000 - now * 1000;
  if (ms < 0) ms = 0;
  out += text;
  for (int64_t unit : {100, 10, 1}) out += static_cast<char>('0' + ms / unit % 10);
  out += 'Z';
}

}  // namespace

std::string log_line(int64_t unix_us, std::string_view environment, std::string_view request_id, std::string_view text) {
  std::string line;
  line.reserve(28 + environment.size() + request_id.size() + text.size() + 8);
  append_time(line, unix_us);
  line.append("\t").append(environment).append("\t").append(request_id).append("\t");
  append_escaped(line, text);
  line += '\n';
  return line;
}

std::string escape_log_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  append_escaped(out, text);
  return out;
}

std::string unescape_log_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    char kind = text[++i];
    auto byte = kind == 'x' ? hex_decode(text.substr(i + 1, 2)) : Result<std::string>(std::string());
    if (kind == 'x' && byte && byte->size() == 1) {
      out += *byte;
      i += 2;
    } else {
      out += kind == 'n' ? '\n' : kind;
    }
  }
  return out;
}

}  // namespace gust::meter
