// SPDX-License-Identifier: Apache-2.0

// Recursive descent over the tokens. Depth is bounded by the number of operators, since redundant parentheses are refused.

#include <array>

#include "base/encoding.h"
#include "model/errors.h"
#include "services/dynamodb/expression.h"
#include "services/dynamodb/expression_lexer.h"

namespace gust::dynamodb {
namespace {

constexpr size_t kMaxPathDepth = 32, kMaxInOperands = 100, kMaxNesting = 150;

struct Function {
  std::string_view name;
  Condition::Kind kind;
  size_t operands;
};
constexpr std::array<Function, 5> kFunctions = {{{"attribute_exists", Condition::Kind::Exists, 1},
                                                 {"attribute_not_exists", Condition::Kind::NotExists, 1},
                                                 {"attribute_type", Condition::Kind::HasType, 2},
                                                 {"begins_with", Condition::Kind::BeginsWith, 2},
                                                 {"contains", Condition::Kind::Contains, 2}}};

bool is_ordered(Type t) { return t == Type::S || t == Type::N || t == Type::B; }

class Parser {
 public:
  Parser(std::string_view label, std::string_view text, Placeholders& placeholders)
      : label_(label), text_(text), placeholders_(placeholders) {}

  Api<Condition> condition() {
    if (auto e = begin()) return ApiFailure(std::move(*e));
    auto out = disjunction();
    if (out && peek().kind != Tok::End) return syntax();
    return out;
  }
  Api<std::vector<Path>> projection() {
    if (auto e = begin()) return ApiFailure(std::move(*e));
    std::vector<Path> out;
    do {
      auto p = path();
      if (!p) return ApiFailure(std::move(p.error()));
      out.push_back(std::move(*p));
    } while (accept(","));
    if (peek().kind != Tok::End) return syntax();
    std::vector<const Path*> all;
    for (const Path& p : out) all.push_back(&p);
    if (auto e = overlapping(all)) return ApiFailure(std::move(*e));
    return out;
  }
  Api<Update> update();

 private:
  // ---- tokens
  std::optional<model::ApiError> begin() {
    if (text_.find_first_not_of(" \t\r\n") == std::string_view::npos) return error("The expression can not be empty;");
    if (text_.size() > kMaxExpressionBytes) {
      return error("Expression size has exceeded the maximum allowed size; expression size: " + std::to_string(text_.size()));
    }
    tokens_ = tokenize(text_);
    return std::nullopt;
  }
  const Token& peek(size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  bool is_symbol(std::string_view s) const { return peek().kind == Tok::Symbol && peek().text == s; }
  bool is_keyword(std::string_view word) const { return peek().kind == Tok::Word && equal_ignoring_case(peek().text, word); }
  bool accept(std::string_view symbol) { return is_symbol(symbol) ? (++at_, true) : false; }
  bool accept_keyword(std::string_view word) { return is_keyword(word) ? (++at_, true) : false; }

  // ---- errors
  model::ApiError error(std::string_view text) const {
    return model::validation("Invalid " + std::string(label_) + ": " + std::string(text));
  }
  ApiFailure fails(std::string_view text) const { return ApiFailure(error(text)); }
  ApiFailure syntax() const {
    const size_t from = at_ > 0 ? tokens_[at_ - 1].offset : peek().offset;
    const Token& last = peek(1);
    const size_t to = std::min(last.offset + (last.kind == Tok::End ? 0 : last.text.size()), text_.size());
    return fails("Syntax error; token: \"" + std::string(peek().text) + "\", near: \"" +
                 std::string(text_.substr(from, to > from ? to - from : 0)) + "\"");
  }
  ApiFailure wrong_type(std::string_view function, Type type) const {
    return fails("Incorrect operand type for operator or function; operator or function: " + std::string(function) +
                 ", operand type: " + std::string(name_of(type)));
  }
  ApiFailure wrong_count(std::string_view function, size_t n) const {
    return fails("Incorrect number of operands for operator or function; operator or function: " + std::string(function) +
                 ", number of operands: " + std::to_string(n));
  }
  std::optional<model::ApiError> count_operator() {
    if (++operators_ <= kMaxOperators) return std::nullopt;
    return error("The expression contains more than the maximum number of operators and functions; maximum: " +
                 std::to_string(kMaxOperators));
  }
  std::optional<model::ApiError> overlapping(const std::vector<const Path*>& paths) const;

  // ---- grammar
  Api<Condition> disjunction();
  Api<Condition> conjunction();
  Api<Condition> negation();
  Api<Condition> primary();
  Api<Condition> parenthesised();
  Api<Condition> function(const Function& f);
  Api<Condition> comparison();
  Api<Condition> between(Operand first);
  Api<Condition> in(Operand first);
  std::optional<model::ApiError> check_function(const Function& f, const Condition& c) const;
  Api<Operand> operand();
  Api<Path> path();
  Api<std::string> path_name();
  Api<Attribute> value();
  Api<Term> term();
  Api<Term> simple_term();
  std::optional<model::ApiError> section(std::string_view name, Update& out);
  std::optional<model::ApiError> assignment(Update& out);
  std::optional<model::ApiError> change(std::string_view name, std::vector<Update::Change>& out);

  std::string_view label_, text_;
  Placeholders& placeholders_;
  std::vector<Token> tokens_;
  size_t at_ = 0, operators_ = 0, nesting_ = 0;
  bool just_parenthesised_ = false;
};

Api<Condition> Parser::disjunction() {
  auto first = conjunction();
  if (!first || !is_keyword("OR")) return first;
  Condition out{.kind = Condition::Kind::Or};
  out.children.push_back(std::move(*first));
  while (accept_keyword("OR")) {
    if (auto e = count_operator()) return ApiFailure(std::move(*e));
    auto next = conjunction();
    if (!next) return next;
    out.children.push_back(std::move(*next));
  }
  just_parenthesised_ = false;
  return out;
}

Api<Condition> Parser::conjunction() {
  auto first = negation();
  if (!first || !is_keyword("AND")) return first;
  Condition out{.kind = Condition::Kind::And};
  out.children.push_back(std::move(*first));
  while (accept_keyword("AND")) {
    if (auto e = count_operator()) return ApiFailure(std::move(*e));
    auto next = negation();
    if (!next) return next;
    out.children.push_back(std::move(*next));
  }
  just_parenthesised_ = false;
  return out;
}

Api<Condition> Parser::negation() {
  if (!accept_keyword("NOT")) return primary();
  if (auto e = count_operator()) return ApiFailure(std::move(*e));
  if (++nesting_ > kMaxNesting) return fails("The expression is nested too deep;");
  auto inner = negation();
  --nesting_;
  if (!inner) return inner;
  Condition out{.kind = Condition::Kind::Not};
  out.children.push_back(std::move(*inner));
  just_parenthesised_ = false;
  return out;
}

Api<Condition> Parser::primary() {
  if (is_symbol("(")) return parenthesised();
  just_parenthesised_ = false;
  const bool call = peek().kind == Tok::Word && peek(1).kind == Tok::Symbol && peek(1).text == "(";
  if (!call || peek().text == "size") return comparison();
  for (const Function& f : kFunctions) {
    if (f.name == peek().text) return function(f);
  }
  if (is_reserved(peek().text)) return syntax();
  return fails("Invalid function name; function: " + std::string(peek().text));
}

Api<Condition> Parser::parenthesised() {
  ++at_;
  if (++nesting_ > kMaxNesting) return fails("The expression is nested too deep;");
  auto inner = disjunction();
  --nesting_;
  if (!inner) return inner;
  if (just_parenthesised_) return fails("The expression has redundant parentheses;");
  if (!accept(")")) return syntax();
  just_parenthesised_ = true;
  return inner;
}

Api<Condition> Parser::function(const Function& f) {
  if (auto e = count_operator()) return ApiFailure(std::move(*e));
  at_ += 2;
  Condition out{.kind = f.kind};
  if (!is_symbol(")")) {
    do {
      auto o = operand();
      if (!o) return ApiFailure(std::move(o.error()));
      out.operands.push_back(std::move(*o));
    } while (accept(","));
  }
  if (!accept(")")) return syntax();
  if (auto e = check_function(f, out)) return ApiFailure(std::move(*e));
  return out;
}

std::optional<model::ApiError> Parser::check_function(const Function& f, const Condition& c) const {
  if (c.operands.size() != f.operands) return wrong_count(f.name, c.operands.size()).value();
  const Operand& first = c.operands[0];
  const bool needs_path = f.kind == Condition::Kind::Exists || f.kind == Condition::Kind::NotExists;
  if (needs_path && first.kind != Operand::Kind::Path) {
    return error("Operator or function requires a document path; operator or function: " + std::string(f.name));
  }
  if (f.operands < 2) return std::nullopt;
  const Operand& second = c.operands[1];
  if (first.kind == Operand::Kind::Path && second.kind == Operand::Kind::Path && first.path == second.path) {
    return error("The first operand must be distinct from the remaining operands for this operator or function; operator: " +
                 std::string(f.name) + ", first operand: " + first.path.text());
  }
  if (second.kind != Operand::Kind::Value && f.kind == Condition::Kind::HasType) return wrong_type(f.name, Type::M).value();
  if (second.kind != Operand::Kind::Value) return std::nullopt;
  const Type type = second.value.type;
  if (f.kind == Condition::Kind::BeginsWith && type != Type::S && type != Type::B) return wrong_type(f.name, type).value();
  if (f.kind == Condition::Kind::HasType) {
    Type named;
    if (type != Type::S) return wrong_type(f.name, type).value();
    if (!parse_type(second.value.text, named)) {
      return error("Invalid attribute type name found; type: " + second.value.text +
                   ", valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}");
    }
  }
  return std::nullopt;
}

Api<Condition> Parser::comparison() {
  auto first = operand();
  if (!first) return ApiFailure(std::move(first.error()));
  if (is_keyword("BETWEEN")) return between(std::move(*first));
  if (is_keyword("IN")) return in(std::move(*first));
  static constexpr std::string_view kComparators[] = {"=", "<>", "<", "<=", ">", ">="};
  for (size_t i = 0; i < std::size(kComparators); ++i) {
    if (!accept(kComparators[i])) continue;
    if (auto e = count_operator()) return ApiFailure(std::move(*e));
    auto second = operand();
    if (!second) return ApiFailure(std::move(second.error()));
    for (const Operand* o : {&*first, &*second}) {
      if (i >= 2 && o->kind == Operand::Kind::Value && !is_ordered(o->value.type))
        return wrong_type(kComparators[i], o->value.type);
    }
    if (first->kind == Operand::Kind::Path && second->kind == Operand::Kind::Path && first->path == second->path) {
      return fails("The first operand must be distinct from the remaining operands for this operator or function; operator: " +
                   std::string(kComparators[i]) + ", first operand: " + first->path.text());
    }
    Condition out{.kind = Condition::Kind::Compare, .comparator = static_cast<Comparator>(i)};
    out.operands.push_back(std::move(*first));
    out.operands.push_back(std::move(*second));
    return out;
  }
  if (first->kind == Operand::Kind::Size) {
    return fails("The function is not allowed to be used this way in an expression; function: size");
  }
  return syntax();
}

Api<Condition> Parser::between(Operand first) {
  ++at_;
  if (auto e = count_operator()) return ApiFailure(std::move(*e));
  auto low = operand();
  if (!low) return ApiFailure(std::move(low.error()));
  if (!accept_keyword("AND")) return syntax();
  auto high = operand();
  if (!high) return ApiFailure(std::move(high.error()));
  for (const Operand* o : {&*low, &*high}) {
    if (o->kind == Operand::Kind::Value && !is_ordered(o->value.type)) return wrong_type("BETWEEN", o->value.type);
  }
  if (low->kind == Operand::Kind::Value && high->kind == Operand::Kind::Value) {
    const Attribute &a = low->value, &b = high->value;
    const std::string bounds =
        "; lower bound operand: AttributeValue: " + describe(a) + ", upper bound operand: AttributeValue: " + describe(b);
    if (a.type != b.type) return fails("The BETWEEN operator requires same data type for lower and upper bounds" + bounds);
    const bool wrong = a.type == Type::N ? *Number::parse(b.text) < *Number::parse(a.text) : b.text < a.text;
    if (wrong) return fails("The BETWEEN operator requires upper bound to be greater than or equal to lower bound" + bounds);
  }
  Condition out{.kind = Condition::Kind::Between};
  for (Operand* o : {&first, &*low, &*high}) out.operands.push_back(std::move(*o));
  return out;
}

Api<Condition> Parser::in(Operand first) {
  ++at_;
  if (auto e = count_operator()) return ApiFailure(std::move(*e));
  if (!accept("(")) return syntax();
  Condition out{.kind = Condition::Kind::In};
  out.operands.push_back(std::move(first));
  do {
    auto o = operand();
    if (!o) return ApiFailure(std::move(o.error()));
    out.operands.push_back(std::move(*o));
  } while (accept(","));
  if (!accept(")")) return syntax();
  if (out.operands.size() > kMaxInOperands + 1) return wrong_count("IN", out.operands.size());
  return out;
}

Api<Operand> Parser::operand() {
  Operand out;
  if (peek().kind == Tok::Value) {
    auto v = value();
    if (!v) return ApiFailure(std::move(v.error()));
    out.value = std::move(*v);
    return out;
  }
  const bool call = peek().kind == Tok::Word && peek(1).kind == Tok::Symbol && peek(1).text == "(";
  if (call && peek().text != "size") {
    for (const Function& f : kFunctions) {
      if (f.name == peek().text) {
        return fails("The function is not allowed to be used this way in an expression; function: " + std::string(f.name));
      }
    }
    return fails("Invalid function name; function: " + std::string(peek().text));
  }
  if (call) {
    if (auto e = count_operator()) return ApiFailure(std::move(*e));
    at_ += 2;
    if (peek().kind == Tok::Value) return fails("Operator or function requires a document path; operator or function: size");
  }
  out.kind = call ? Operand::Kind::Size : Operand::Kind::Path;
  auto p = path();
  if (!p) return ApiFailure(std::move(p.error()));
  out.path = std::move(*p);
  if (call && !accept(")")) return syntax();
  return out;
}

Api<Attribute> Parser::value() {
  const std::string_view key = peek().text;
  const Attribute* found = placeholders_.value(key);
  if (found == nullptr)
    return fails("An expression attribute value used in expression is not defined; attribute value: " + std::string(key));
  ++at_;
  return *found;
}

Api<std::string> Parser::path_name() {
  const Token& token = peek();
  if (token.kind == Tok::Name) {
    const std::string* name = placeholders_.name(token.text);
    if (name == nullptr) {
      return fails("An expression attribute name used in the document path is not defined; attribute name: " +
                   std::string(token.text));
    }
    ++at_;
    return *name;
  }
  if (token.kind != Tok::Word || token.text[0] == '_') return syntax();
  if (is_reserved(token.text)) return fails("Attribute name is a reserved keyword; reserved keyword: " + std::string(token.text));
  ++at_;
  return std::string(token.text);
}

Api<Path> Parser::path() {
  Path out;
  auto first = path_name();
  if (!first) return ApiFailure(std::move(first.error()));
  out.steps.push_back({std::move(*first)});
  while (true) {
    if (accept(".")) {
      auto name = path_name();
      if (!name) return ApiFailure(std::move(name.error()));
      out.steps.push_back({std::move(*name)});
    } else if (accept("[")) {
      if (peek().kind != Tok::Number) return syntax();
      const auto n = parse_uint(peek().text);
      if (!n || *n >= UINT32_MAX)
        return fails("List index is not within the allowable range; index: [" + std::string(peek().text) + "]");
      ++at_;
      if (!accept("]")) return syntax();
      out.steps.push_back({.index = static_cast<uint32_t>(*n), .is_index = true});
    } else {
      break;
    }
    if (out.steps.size() > kMaxPathDepth) {
      return fails("The document path has too many nesting elements; nesting level: " + std::to_string(out.steps.size()));
    }
  }
  return out;
}

std::optional<model::ApiError> Parser::overlapping(const std::vector<const Path*>& paths) const {
  for (size_t i = 0; i < paths.size(); ++i) {
    for (size_t j = i + 1; j < paths.size(); ++j) {
      const auto &a = paths[i]->steps, &b = paths[j]->steps;
      const size_t n = std::min(a.size(), b.size());
      if (!std::equal(a.begin(), a.begin() + static_cast<ptrdiff_t>(n), b.begin())) continue;
      return error("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: " +
                   paths[i]->text() + ", path two: " + paths[j]->text());
    }
  }
  return std::nullopt;
}

// ---- update expressions

Api<Update> Parser::update() {
  if (auto e = begin()) return ApiFailure(std::move(*e));
  Update out;
  std::vector<std::string_view> seen;
  while (peek().kind != Tok::End) {
    std::string_view found;
    for (std::string_view name : {"SET", "REMOVE", "ADD", "DELETE"}) {
      if (is_keyword(name)) found = name;
    }
    if (found.empty()) return syntax();
    for (std::string_view name : seen) {
      if (name == found) return fails("The \"" + std::string(name) + "\" section can only be used once in an update expression;");
    }
    seen.push_back(found);
    ++at_;
    if (auto e = section(found, out)) return ApiFailure(std::move(*e));
  }
  if (auto e = overlapping(out.paths())) return ApiFailure(std::move(*e));
  return out;
}

std::optional<model::ApiError> Parser::section(std::string_view name, Update& out) {
  do {
    if (name == "SET") {
      if (auto e = assignment(out)) return e;
    } else if (name == "REMOVE") {
      auto p = path();
      if (!p) return std::move(p.error());
      out.removes.push_back(std::move(*p));
    } else if (auto e = change(name, name == "ADD" ? out.adds : out.deletes)) {
      return e;
    }
  } while (accept(","));
  return std::nullopt;
}

std::optional<model::ApiError> Parser::assignment(Update& out) {
  auto p = path();
  if (!p) return std::move(p.error());
  if (!accept("=")) return syntax().value();
  auto t = term();
  if (!t) return std::move(t.error());
  out.sets.push_back({std::move(*p), std::move(*t)});
  return std::nullopt;
}

std::optional<model::ApiError> Parser::change(std::string_view name, std::vector<Update::Change>& out) {
  auto p = path();
  if (!p) return std::move(p.error());
  if (peek().kind != Tok::Value) return syntax().value();
  auto v = value();
  if (!v) return std::move(v.error());
  const bool is_set = v->type == Type::SS || v->type == Type::NS || v->type == Type::BS;
  if (!is_set && !(name == "ADD" && v->type == Type::N)) return wrong_type(name, v->type).value();
  out.push_back({std::move(*p), std::move(*v)});
  return std::nullopt;
}

Api<Term> Parser::term() {
  auto first = simple_term();
  if (!first || (!is_symbol("+") && !is_symbol("-"))) return first;
  if (auto e = count_operator()) return ApiFailure(std::move(*e));
  Term out{.kind = is_symbol("+") ? Term::Kind::Plus : Term::Kind::Minus};
  const std::string_view op = peek().text;
  ++at_;
  auto second = simple_term();
  if (!second) return second;
  for (const Term* t : {&*first, &*second}) {
    if (t->kind == Term::Kind::Value && t->value.type != Type::N) return wrong_type(op, t->value.type);
  }
  out.terms.push_back(std::move(*first));
  out.terms.push_back(std::move(*second));
  return out;
}

Api<Term> Parser::simple_term() {
  if (++nesting_ > kMaxNesting) return fails("The expression is nested too deep;");
  struct Leave {
    size_t& n;
    ~Leave() { --n; }
  } leave{nesting_};
  Term out;
  if (peek().kind == Tok::Value) {
    auto v = value();
    if (!v) return ApiFailure(std::move(v.error()));
    out.value = std::move(*v);
    return out;
  }
  if (accept("(")) {
    auto inner = term();
    if (inner && !accept(")")) return syntax();
    return inner;
  }
  const bool call = peek().kind == Tok::Word && peek(1).kind == Tok::Symbol && peek(1).text == "(";
  if (!call) {
    auto p = path();
    if (!p) return ApiFailure(std::move(p.error()));
    out.kind = Term::Kind::Path;
    out.path = std::move(*p);
    return out;
  }
  const std::string name(peek().text);
  if (name != "if_not_exists" && name != "list_append") return fails("Invalid function name; function: " + name);
  if (auto e = count_operator()) return ApiFailure(std::move(*e));
  at_ += 2;
  out.kind = name == "list_append" ? Term::Kind::ListAppend : Term::Kind::IfNotExists;
  do {
    auto t = simple_term();
    if (!t) return t;
    if (out.kind == Term::Kind::ListAppend && t->kind == Term::Kind::Value && t->value.type != Type::L)
      return wrong_type(name, t->value.type);
    out.terms.push_back(std::move(*t));
  } while (accept(","));
  if (!accept(")")) return syntax();
  if (out.terms.size() != 2) return wrong_count(name, out.terms.size());
  if (out.kind == Term::Kind::IfNotExists) {
    if (out.terms[0].kind != Term::Kind::Path)
      return fails("Operator or function requires a document path; operator or function: " + name);
    out.path = std::move(out.terms[0].path);
    out.terms.erase(out.terms.begin());
  }
  return out;
}

}  // namespace

std::string Path::text() const {
  std::string out = "[";
  for (const Step& s : steps) {
    if (out.size() > 1) out += ", ";
    out += s.is_index ? "[" + std::to_string(s.index) + "]" : s.name;
  }
  return out + "]";
}

std::vector<const Path*> Update::paths() const {
  std::vector<const Path*> out;
  for (const auto& s : sets) out.push_back(&s.path);
  for (const auto& r : removes) out.push_back(&r);
  for (const auto& a : adds) out.push_back(&a.path);
  for (const auto& d : deletes) out.push_back(&d.path);
  return out;
}

Api<Condition> parse_condition(std::string_view label, std::string_view text, Placeholders& placeholders) {
  return Parser(label, text, placeholders).condition();
}
Api<std::vector<Path>> parse_projection(std::string_view text, Placeholders& placeholders) {
  return Parser("ProjectionExpression", text, placeholders).projection();
}
Api<Update> parse_update(std::string_view text, Placeholders& placeholders) {
  return Parser("UpdateExpression", text, placeholders).update();
}

}  // namespace gust::dynamodb
