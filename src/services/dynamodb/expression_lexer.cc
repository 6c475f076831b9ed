// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/expression_lexer.h"

namespace gust::dynamodb {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

size_t run(std::string_view text, size_t i) {
  while (i < text.size() && (is_letter(text[i]) || is_digit(text[i]) || text[i] == '_')) ++i;
  return i;
}

Token next(std::string_view text, size_t i) {
  const char c = text[i];
  size_t end = i + 1;
  Tok kind = Tok::Symbol;
  if (is_letter(c)) {
    kind = Tok::Word, end = run(text, i);
  } else if (is_digit(c)) {
    kind = Tok::Number;
    while (end < text.size() && is_digit(text[end])) ++end;
  } else if (c == '#' || c == ':') {
    end = run(text, i + 1);
    kind = end == i + 1 ? Tok::Bad : c == '#' ? Tok::Name : Tok::Value;
  } else if (c == '<' || c == '>') {
    if (end < text.size() && (text[end] == '=' || (c == '<' && text[end] == '>'))) ++end;
  } else if (std::string_view("()[],.=+-").find(c) == std::string_view::npos) {
    kind = Tok::Bad;
    while (end < text.size() && (text[end] & 0xC0) == 0x80) ++end;  // whole characters of UTF-8
  }
  return {kind, text.substr(i, end - i), i};
}

}  // namespace

std::vector<Token> tokenize(std::string_view text) {
  std::vector<Token> out;
  out.reserve(16);
  for (size_t i = 0; i < text.size();) {
    if (std::string_view(" \t\r\n").find(text[i]) != std::string_view::npos) {
      ++i;
      continue;
    }
    out.push_back(next(text, i));
    i += out.back().text.size();
  }
  out.push_back({Tok::End, "<EOF>", text.size()});
  return out;
}

}  // namespace gust::dynamodb
