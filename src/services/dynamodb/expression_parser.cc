// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/expression_parser.h"

#include <algorithm>

#include "base/encoding.h"
#include "model/errors.h"

namespace gust::dynamodb {
namespace {

constexpr size_t kMaxPathDepth = 32, kMaxNesting = 150;

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (std::string_view p : parts) out += p;
  return out;
}

// Sorts what overlaps or conflicts side by side.
bool before(const Path* a, const Path* b) {
  return std::lexicographical_compare(a->steps.begin(), a->steps.end(), b->steps.begin(), b->steps.end(),
                                      [](const Step& x, const Step& y) {
                                        if (x.is_index != y.is_index) return x.is_index;
                                        return x.is_index ? x.index < y.index : x.name < y.name;
                                      });
}

enum class Relation { Apart, Overlap, Conflict };  // Conflict: what is a list for one is a map for the other
Relation relation(const Path& a, const Path& b) {
  for (size_t i = 0; i < std::min(a.steps.size(), b.steps.size()); ++i) {
    if (a.steps[i].is_index != b.steps[i].is_index) return Relation::Conflict;
    if (!(a.steps[i] == b.steps[i])) return Relation::Apart;
  }
  return Relation::Overlap;
}

}  // namespace

bool ExpressionParser::begin() {
  if (text_.empty()) return fail_with("The expression can not be empty;");
  if (text_.size() > kMaxExpressionBytes) {
    return fail_with("Expression size has exceeded the maximum allowed size; expression size: " + std::to_string(text_.size()));
  }
  tokens_ = tokenize(text_);
  return peek().kind != Tok::End || fail_with("The expression can not be empty;");
}

bool ExpressionParser::is_keyword(std::string_view word) const {
  return peek().kind == Tok::Word && equal_ignoring_case(peek().text, word);
}
bool ExpressionParser::accept(std::string_view symbol) { return is_symbol(symbol) ? (++at_, true) : false; }
bool ExpressionParser::accept_keyword(std::string_view word) { return is_keyword(word) ? (++at_, true) : false; }

model::ApiError ExpressionParser::error(std::string_view text) const {
  return model::validation(joined({"Invalid ", label_, ": ", text}));
}

bool ExpressionParser::fail_with(std::string_view text) {
  if (!error_) error_ = error(text);
  return false;
}

// The text near a token: from the one before it to the one after it.
bool ExpressionParser::syntax() {
  const size_t from = at_ > 0 ? tokens_[at_ - 1].offset : peek().offset;
  const Token& last = peek(1);
  const size_t to = std::min(last.offset + (last.kind == Tok::End ? 0 : last.text.size()), text_.size());
  return fail_with(
      joined({"Syntax error; token: \"", peek().text, "\", near: \"", text_.substr(from, to > from ? to - from : 0), "\""}));
}

void ExpressionParser::note(Fault fault, std::string_view text) {
  if (noted_ && noted_fault_ <= fault) return;
  noted_ = error(text);
  noted_fault_ = fault;
}
void ExpressionParser::note_type(std::string_view function, std::string_view type) {
  note(Fault::Operand,
       joined({"Incorrect operand type for operator or function; operator or function: ", function, ", operand type: ", type}));
}
void ExpressionParser::note_count(std::string_view function, size_t operands) {
  note(Fault::Operand, joined({"Incorrect number of operands for operator or function; operator or function: ", function,
                               ", number of operands: ", std::to_string(operands)}));
}

void ExpressionParser::note_overlap(const std::vector<const Path*>& paths) {
  std::vector<const Path*> sorted = paths;
  std::sort(sorted.begin(), sorted.end(), before);
  const auto related = [](const Path* a, const Path* b) { return relation(*a, *b) != Relation::Apart; };
  if (std::adjacent_find(sorted.begin(), sorted.end(), related) == sorted.end()) return;
  for (size_t j = 1; j < paths.size(); ++j) {
    for (size_t i = 0; i < j; ++i) {
      const Relation r = relation(*paths[i], *paths[j]);
      if (r == Relation::Apart) continue;
      note(Fault::Overlap, joined({"Two document paths ", r == Relation::Overlap ? "overlap" : "conflict",
                                   " with each other; must remove or rewrite one of these paths; path one: ", paths[i]->text(),
                                   ", path two: ", paths[j]->text()}));
      return;
    }
  }
}

bool ExpressionParser::count_operator() {
  if (++operators_ <= kMaxOperators) return true;
  return fail_with("The expression contains more than the maximum number of operators and functions; maximum: " +
                   std::to_string(kMaxOperators));
}

bool ExpressionParser::enter() {
  if (nesting_ == kMaxNesting) return fail_with("The expression is nested too deep;");
  return ++nesting_, true;
}

bool ExpressionParser::value(Constant& out) {
  const std::string_view key = peek().text;
  if (const Constant* found = placeholders_.value(key)) {
    out = *found;
  } else {
    note(Fault::Undefined, joined({"An expression attribute value used in expression is not defined; attribute value: ", key}));
  }
  advance();
  return true;
}

bool ExpressionParser::name(std::string& out) {
  const std::string_view text = peek().text;
  if (peek().kind == Tok::Name) {
    const std::string* found = placeholders_.name(text);
    if (found == nullptr) {
      note(Fault::Undefined,
           joined({"An expression attribute name used in the document path is not defined; attribute name: ", text}));
    }
    out = found ? std::string_view(*found) : text;
    return advance(), true;
  }
  if (peek().kind != Tok::Word) return syntax();
  if (std::any_of(keywords_.begin(), keywords_.end(), [this](std::string_view k) { return is_keyword(k); })) return syntax();
  if (is_reserved(text)) {
    note(Fault::Reserved, joined({"Attribute name is a reserved keyword; reserved keyword: ", text}));
  }
  out = text;
  return advance(), true;
}

bool ExpressionParser::index(Path& out) {
  if (peek().kind != Tok::Number) return syntax();
  const auto n = parse_uint(peek().text);
  if (!n || *n >= INT32_MAX) {
    note(Fault::Path, joined({"List index is not within the allowable range; index: [", peek().text, "]"}));
  }
  advance();
  out.steps.push_back({.index = n ? static_cast<uint32_t>(*n) : 0, .is_index = true});
  return expect("]");
}

bool ExpressionParser::path(Path& out) {
  out.steps.emplace_back();
  if (!name(out.steps.back().name)) return false;
  while (true) {
    if (accept(".")) {
      out.steps.emplace_back();
      if (!name(out.steps.back().name)) return false;
    } else if (accept("[")) {
      if (!index(out)) return false;
    } else {
      break;
    }
  }
  if (out.steps.size() > kMaxPathDepth) {
    note(Fault::Path, "The document path has too many nesting elements; nesting levels: " + std::to_string(out.steps.size()));
  }
  return true;
}

Constant constant(Attribute value) { return std::make_shared<const Attribute>(std::move(value)); }
const Constant& nothing() {
  static const Constant kNull = constant({});
  return kNull;
}

std::string Path::text() const {
  std::string out = "[";
  for (const Step& s : steps) {
    if (out.size() > 1) out += ", ";
    out += s.is_index ? "[" + std::to_string(s.index) + "]" : s.name;
  }
  return out + "]";
}

}  // namespace gust::dynamodb
