// SPDX-License-Identifier: Apache-2.0

#pragma once

// Tokens of expressions. Views into the text, which must outlive them.

#include <string_view>
#include <vector>

namespace gust::dynamodb {

enum class Tok { Word, Name, Value, Number, Symbol, End, Bad };  // Name: #n, Value: :v

struct Token {
  Tok kind = Tok::End;
  std::string_view text;
  size_t offset = 0;
};

// Always ends with an End token. Bad: what is no part of the language; a word does not begin with an underscore.
std::vector<Token> tokenize(std::string_view text);

}  // namespace gust::dynamodb
