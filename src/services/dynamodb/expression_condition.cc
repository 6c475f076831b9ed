// SPDX-License-Identifier: Apache-2.0

// Conditions: of ConditionExpression, FilterExpression and KeyConditionExpression. Recursive descent; depth is bounded by
// ExpressionParser::enter.

#include <array>

#include "base/encoding.h"
#include "services/dynamodb/expression_parser.h"

namespace gust::dynamodb {
namespace {

constexpr size_t kMaxInOperands = 100;
constexpr std::array<std::string_view, 5> kKeywords = {"AND", "OR", "NOT", "BETWEEN", "IN"};
constexpr std::array<std::string_view, 6> kComparators = {"=", "<>", "<", "<=", ">", ">="};
constexpr std::string_view kSize = "size";

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

const Function* find_function(std::string_view name) {
  for (const Function& f : kFunctions) {
    if (f.name == name) return &f;
  }
  return nullptr;
}

bool is_ordered(Type t) { return t == Type::S || t == Type::N || t == Type::B; }

// What an operand's type is known to be before there is an item.
std::optional<Type> type_of(const Operand& o) {
  if (o.kind == Operand::Kind::Size) return Type::N;
  if (o.kind == Operand::Kind::Value) return o.value->type;
  return std::nullopt;
}

struct Call {
  std::string_view name;
  std::vector<Operand> operands;
};

class ConditionParser : ExpressionParser {
 public:
  ConditionParser(std::string_view label, std::string_view text, Placeholders& placeholders)
      : ExpressionParser(label, text, placeholders) {
    keywords_ = kKeywords;
  }
  Api<Condition> parse() {
    Condition out;
    const bool parsed = begin() && disjunction(out);
    return finish(parsed, std::move(out));
  }

 private:
  bool disjunction(Condition& out);
  bool conjunction(Condition& out);
  bool negation(Condition& out);
  bool primary(Condition& out);
  bool parenthesised(Condition& out);
  bool comparison(Operand first, Condition& out);
  bool compare(Operand first, Comparator comparator, Condition& out);
  bool between(Operand first, Condition& out);
  bool in(Operand first, Condition& out);
  bool operand(Operand& out);
  bool call(Call& out);
  void condition_of(Call call, Condition& out);
  void operand_of(Call call, Operand& out);
  void check_function(const Function& f, const Call& call);
  void check_bounds(const Operand& low, const Operand& high);
  void check_distinct(std::string_view function, const Operand& first, const Operand& second);
  bool at_operand_in_parentheses() const;
  bool is_comparison(const Token& token) const;

  bool just_parenthesised_ = false;
};

bool ConditionParser::disjunction(Condition& out) {
  if (!conjunction(out)) return false;
  if (!is_keyword("OR")) return true;
  Condition first = std::move(out);
  out = Condition{.kind = Condition::Kind::Or};
  out.children.push_back(std::move(first));
  while (accept_keyword("OR")) {
    if (!count_operator() || !conjunction(out.children.emplace_back())) return false;
  }
  just_parenthesised_ = false;
  return true;
}

bool ConditionParser::conjunction(Condition& out) {
  if (!negation(out)) return false;
  if (!is_keyword("AND")) return true;
  Condition first = std::move(out);
  out = Condition{.kind = Condition::Kind::And};
  out.children.push_back(std::move(first));
  while (accept_keyword("AND")) {
    if (!count_operator() || !negation(out.children.emplace_back())) return false;
  }
  just_parenthesised_ = false;
  return true;
}

bool ConditionParser::negation(Condition& out) {
  if (!accept_keyword("NOT")) return primary(out);
  if (!count_operator() || !enter()) return false;
  out.kind = Condition::Kind::Not;
  if (!negation(out.children.emplace_back())) return false;
  leave();
  just_parenthesised_ = false;
  return true;
}

bool ConditionParser::primary(Condition& out) {
  if (is_symbol("(") && !at_operand_in_parentheses()) return parenthesised(out);
  just_parenthesised_ = false;
  Operand first;
  if (!is_call()) return operand(first) && comparison(std::move(first), out);
  Call c;
  if (!call(c)) return false;
  if (!is_comparison(peek())) return condition_of(std::move(c), out), true;
  operand_of(std::move(c), first);
  return comparison(std::move(first), out);
}

bool ConditionParser::parenthesised(Condition& out) {
  advance();
  if (!enter() || !disjunction(out)) return false;
  leave();
  if (just_parenthesised_) note(Fault::Parentheses, "The expression has redundant parentheses;");
  just_parenthesised_ = true;
  return expect(")");
}

bool ConditionParser::is_comparison(const Token& token) const {
  if (token.kind == Tok::Word) return equal_ignoring_case(token.text, "BETWEEN") || equal_ignoring_case(token.text, "IN");
  return token.kind == Tok::Symbol && std::find(kComparators.begin(), kComparators.end(), token.text) != kComparators.end();
}

// "(a) = :v" against "(a = :v)": what follows the matching parenthesis tells.
bool ConditionParser::at_operand_in_parentheses() const {
  size_t open = 0;
  for (size_t i = position(); i + 1 < tokens().size(); ++i) {
    const Token& t = tokens()[i];
    if (t.kind == Tok::Word && i > position() && is_comparison(t)) return false;
    if (t.kind != Tok::Symbol) continue;
    if (is_comparison(t)) return false;
    if (t.text == "(") ++open;
    if (t.text == ")" && --open == 0) return is_comparison(tokens()[i + 1]);
  }
  return false;
}

bool ConditionParser::comparison(Operand first, Condition& out) {
  if (accept_keyword("BETWEEN")) return count_operator() && between(std::move(first), out);
  if (accept_keyword("IN")) return count_operator() && in(std::move(first), out);
  for (size_t i = 0; i < kComparators.size(); ++i) {
    if (accept(kComparators[i])) return count_operator() && compare(std::move(first), static_cast<Comparator>(i), out);
  }
  return syntax();
}

bool ConditionParser::compare(Operand first, Comparator comparator, Condition& out) {
  Operand second;
  if (!operand(second)) return false;
  const std::string_view name = kComparators[static_cast<size_t>(comparator)];
  const bool orders = comparator != Comparator::Equal && comparator != Comparator::NotEqual;
  for (const Operand* o : {&first, &second}) {
    if (orders && o->kind == Operand::Kind::Value && !is_ordered(o->value->type)) note_type(name, name_of(o->value->type));
  }
  check_distinct(name, first, second);
  out.kind = Condition::Kind::Compare;
  out.comparator = comparator;
  out.operands.reserve(2);
  out.operands.push_back(std::move(first));
  out.operands.push_back(std::move(second));
  return true;
}

bool ConditionParser::between(Operand first, Condition& out) {
  Operand low, high;
  if (!operand(low) || !(accept_keyword("AND") || syntax()) || !operand(high)) return false;
  check_bounds(low, high);
  out.kind = Condition::Kind::Between;
  out.operands.reserve(3);
  for (Operand* o : {&first, &low, &high}) out.operands.push_back(std::move(*o));
  return true;
}

void ConditionParser::check_bounds(const Operand& low, const Operand& high) {
  if (low.kind == Operand::Kind::Value && high.kind == Operand::Kind::Value) {
    const std::string bounds = "; lower bound operand: AttributeValue: " + describe(*low.value) +
                               ", upper bound operand: AttributeValue: " + describe(*high.value);
    if (low.value->type != high.value->type) {
      note(Fault::Operand, "The BETWEEN operator requires same data type for lower and upper bounds" + bounds);
    } else if (order(*low.value, *high.value) == std::strong_ordering::greater) {
      note(Fault::Operand, "The BETWEEN operator requires upper bound to be greater than or equal to lower bound" + bounds);
    }
  }
  for (const Operand* o : {&low, &high}) {
    if (o->kind == Operand::Kind::Value && !is_ordered(o->value->type)) note_type("BETWEEN", name_of(o->value->type));
  }
}

bool ConditionParser::in(Operand first, Condition& out) {
  if (!expect("(")) return false;
  out.kind = Condition::Kind::In;
  out.operands.push_back(std::move(first));
  do {
    if (!operand(out.operands.emplace_back())) return false;
  } while (accept(","));
  if (const size_t n = out.operands.size() - 1; n > kMaxInOperands) {
    note(Fault::Operand, "The IN operator is provided with too many operands; number of operands: " + std::to_string(n));
  }
  return expect(")");
}

bool ConditionParser::operand(Operand& out) {
  if (peek().kind == Tok::Value) return value(out.value);
  if (accept("(")) {
    const bool twice = is_symbol("(");
    if (!enter() || !operand(out)) return false;
    leave();
    if (twice) note(Fault::Parentheses, "The expression has redundant parentheses;");
    return expect(")");
  }
  if (is_call()) {
    Call c;
    if (!call(c)) return false;
    operand_of(std::move(c), out);
    return true;
  }
  out.kind = Operand::Kind::Path;
  return path(out.path);
}

bool ConditionParser::call(Call& out) {
  for (std::string_view k : kKeywords) {
    if (is_keyword(k)) return syntax();
  }
  out.name = peek().text;
  advance(), advance();
  if (!count_operator() || !enter()) return false;
  do {
    if (!operand(out.operands.emplace_back())) return false;
  } while (accept(","));
  leave();
  const Function* f = find_function(out.name);
  if (f != nullptr) {
    check_function(*f, out);
  } else if (out.name != kSize) {
    note(Fault::Function, "Invalid function name; function: " + std::string(out.name));
  } else if (out.operands.size() != 1) {
    note_count(kSize, out.operands.size());
  } else if (const auto type = type_of(out.operands[0]); type == Type::N || type == Type::Bool || type == Type::Null) {
    note_type(kSize, name_of(*type));
  }
  return expect(")");
}

void ConditionParser::condition_of(Call call, Condition& out) {
  if (const Function* f = find_function(call.name)) {
    out.kind = f->kind;
    out.operands = std::move(call.operands);
  } else {
    note(Fault::Misuse, "The function is not allowed to be used this way in an expression; function: " + std::string(call.name));
  }
}

void ConditionParser::operand_of(Call call, Operand& out) {
  if (call.name != kSize) {
    note(Fault::Misuse, "The function is not allowed to be used this way in an expression; function: " + std::string(call.name));
    return;
  }
  out = std::move(call.operands[0]);
  if (out.kind == Operand::Kind::Path) {
    out.kind = Operand::Kind::Size;
  } else {
    out.computed = true;
    if (const auto size = measure(*out.value)) out.value = constant(Attribute::number(Number::of(static_cast<int64_t>(*size))));
  }
}

void ConditionParser::check_distinct(std::string_view function, const Operand& first, const Operand& second) {
  if (first.kind != Operand::Kind::Path || second.kind != Operand::Kind::Path || !(first.path == second.path)) return;
  note(Fault::Operand,
       "The first operand must be distinct from the remaining operands for this operator or function; operator: " +
           std::string(function) + ", first operand: " + first.path.text());
}

void ConditionParser::check_function(const Function& f, const Call& c) {
  using Kind = Condition::Kind;
  if (c.operands.size() != f.operands) return note_count(f.name, c.operands.size());
  if (f.operands == 1) {
    if (c.operands[0].kind == Operand::Kind::Path) return;
    return note(Fault::Operand, "Operator or function requires a document path; operator or function: " + std::string(f.name));
  }
  check_distinct(f.name, c.operands[0], c.operands[1]);
  if (f.kind == Kind::BeginsWith) {
    for (const Operand& o : c.operands) {
      if (const auto type = type_of(o); type && *type != Type::S && *type != Type::B) note_type(f.name, name_of(*type));
    }
  }
  if (f.kind != Kind::HasType) return;
  const Operand& wanted = c.operands[1];
  const auto type = type_of(wanted);
  Type named;
  if (!type) return note_type(f.name, "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}");
  if (*type != Type::S) return note_type(f.name, name_of(*type));
  if (parse_type(wanted.value->text, named)) return;
  note(Fault::Operand,
       "Invalid attribute type name found; type: " + wanted.value->text + ", valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}");
}

}  // namespace

Api<Condition> parse_condition(std::string_view label, std::string_view text, Placeholders& placeholders) {
  return ConditionParser(label, text, placeholders).parse();
}

}  // namespace gust::dynamodb
