// SPDX-License-Identifier: Apache-2.0

#pragma once

// What the parsers of conditions, projections and updates share: tokens, errors, document paths, placeholders. A syntax
// error ends parsing (functions return false then); what is wrong besides is noted and parsing goes on, since DynamoDB
// answers a syntax error wherever it is, then the first of the gravest other faults.

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/dynamodb/expression.h"
#include "services/dynamodb/expression_lexer.h"

namespace gust::dynamodb {

// Gravest first.
enum class Fault { Parentheses, Function, Reserved, UpdateFunction, Section, Undefined, Path, Overlap, Misuse, Operand };

class ExpressionParser {
 protected:
  ExpressionParser(std::string_view label, std::string_view text, Placeholders& placeholders)
      : label_(label), text_(text), placeholders_(placeholders) {}

  bool begin();  // false where the text is empty or too long
  template <class T>
  Api<T> finish(bool parsed, T out) {
    if (parsed && peek().kind != Tok::End) syntax();
    if (error_) return ApiFailure(std::move(*error_));
    if (noted_) return ApiFailure(std::move(*noted_));
    return out;
  }

  const Token& peek(size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  void advance() { at_ = std::min(at_ + 1, tokens_.size() - 1); }
  size_t position() const { return at_; }
  const std::vector<Token>& tokens() const { return tokens_; }
  bool is_symbol(std::string_view s) const { return peek().kind == Tok::Symbol && peek().text == s; }
  bool is_keyword(std::string_view word) const;
  bool is_call() const { return peek().kind == Tok::Word && peek(1).kind == Tok::Symbol && peek(1).text == "("; }
  bool accept(std::string_view symbol);
  bool accept_keyword(std::string_view word);
  bool expect(std::string_view symbol) { return accept(symbol) || syntax(); }

  bool syntax();                          // the next token has no place here
  bool fail_with(std::string_view text);  // a limit that ends parsing
  void note(Fault fault, std::string_view text);
  void note_type(std::string_view function, std::string_view type);
  void note_count(std::string_view function, size_t operands);
  void note_overlap(const std::vector<const Path*>& paths);  // in the order of the text
  bool count_operator();
  bool enter();  // one level deeper; leave() where it was true
  void leave() { --nesting_; }

  bool path(Path& out);
  bool value(Constant& out);

  std::span<const std::string_view> keywords_;  // words of the grammar, which are no names

 private:
  bool name(std::string& out);
  bool index(Path& out);
  model::ApiError error(std::string_view text) const;

  std::string_view label_, text_;
  Placeholders& placeholders_;
  std::vector<Token> tokens_;
  size_t at_ = 0, operators_ = 0, nesting_ = 0;
  std::optional<model::ApiError> error_, noted_;
  Fault noted_fault_ = Fault::Operand;
};

}  // namespace gust::dynamodb
