// SPDX-License-Identifier: Apache-2.0

// Projections and updates. Recursive descent; depth is bounded by ExpressionParser::enter.

#include <array>

#include "services/dynamodb/expression_parser.h"

namespace gust::dynamodb {
namespace {

constexpr std::array<std::string_view, 4> kSections = {"SET", "REMOVE", "ADD", "DELETE"};

bool is_set(Type t) { return t == Type::SS || t == Type::NS || t == Type::BS; }

// As the errors of ADD and DELETE name types.
std::string_view long_name(Type t) {
  constexpr std::string_view kNames[] = {"",     "STRING", "NUMBER",     "BINARY",     "BOOLEAN",   "NULL",
                                         "LIST", "MAP",    "STRING_SET", "NUMBER_SET", "BINARY_SET"};
  return kNames[static_cast<size_t>(t)];
}

class ProjectionParser : ExpressionParser {
 public:
  ProjectionParser(std::string_view text, Placeholders& placeholders)
      : ExpressionParser("ProjectionExpression", text, placeholders) {}
  Api<std::vector<Path>> parse() {
    std::vector<Path> out;
    const bool parsed = begin() && paths(out);
    return finish(parsed, std::move(out));
  }

 private:
  bool paths(std::vector<Path>& out) {
    do {
      if (!path(out.emplace_back())) return false;
    } while (accept(","));
    std::vector<const Path*> all;
    all.reserve(out.size());
    for (const Path& p : out) all.push_back(&p);
    note_overlap(all);
    return true;
  }
};

class UpdateParser : ExpressionParser {
 public:
  UpdateParser(std::string_view text, Placeholders& placeholders) : ExpressionParser("UpdateExpression", text, placeholders) {
    keywords_ = kSections;
  }
  Api<Update> parse() {
    Update out;
    const bool parsed = begin() && sections(out);
    return finish(parsed, std::move(out));
  }

 private:
  bool sections(Update& out);
  bool section(std::string_view name, Update& out);
  bool change(std::string_view name, std::vector<Update::Change>& out);
  bool term(Term& out);
  bool simple_term(Term& out);
  bool call(Term& out);
  void check_call(std::string_view name, Term& out);
};

bool UpdateParser::sections(Update& out) {
  std::vector<std::string_view> seen;
  while (peek().kind != Tok::End) {
    const auto found = std::find_if(kSections.begin(), kSections.end(), [this](std::string_view s) { return is_keyword(s); });
    if (found == kSections.end()) return syntax();
    if (std::find(seen.begin(), seen.end(), *found) == seen.end()) {
      seen.push_back(*found);
    } else {
      note(Fault::Section, "The \"" + std::string(*found) + "\" section can only be used once in an update expression;");
    }
    advance();
    if (!section(*found, out)) return false;
  }
  std::vector<const Path*> paths;  // in the order of the text
  for (std::string_view name : seen) {
    if (name == "SET") {
      for (const auto& s : out.sets) paths.push_back(&s.path);
    } else if (name == "REMOVE") {
      for (const Path& p : out.removes) paths.push_back(&p);
    } else {
      for (const auto& c : name == "ADD" ? out.adds : out.deletes) paths.push_back(&c.path);
    }
  }
  note_overlap(paths);
  return true;
}

bool UpdateParser::section(std::string_view name, Update& out) {
  do {
    if (name == "SET") {
      Update::Assignment& a = out.sets.emplace_back();
      if (!path(a.path) || !expect("=") || !term(a.term)) return false;
    } else if (name == "REMOVE") {
      if (!path(out.removes.emplace_back())) return false;
    } else if (!change(name, name == "ADD" ? out.adds : out.deletes)) {
      return false;
    }
  } while (accept(","));
  return true;
}

bool UpdateParser::change(std::string_view name, std::vector<Update::Change>& out) {
  Update::Change& c = out.emplace_back();
  if (!path(c.path)) return false;
  if (peek().kind != Tok::Value) return syntax();
  value(c.value);
  if (is_set(c.value->type) || (name == "ADD" && c.value->type == Type::N)) return true;
  note(Fault::Operand, "Incorrect operand type for operator or function; operator: " + std::string(name) + ", operand type: " +
                           std::string(long_name(c.value->type)) + ", typeSet: ALLOWED_FOR_" + std::string(name) + "_OPERAND");
  return true;
}

bool UpdateParser::term(Term& out) {
  if (!simple_term(out)) return false;
  if (!is_symbol("+") && !is_symbol("-")) return true;
  if (!count_operator()) return false;
  const std::string_view name = peek().text;
  Term first = std::move(out);
  out = Term{.kind = name == "+" ? Term::Kind::Plus : Term::Kind::Minus};
  out.terms.reserve(2);
  out.terms.push_back(std::move(first));
  advance();
  if (!simple_term(out.terms.emplace_back())) return false;
  for (const Term& t : out.terms) {
    if (t.kind == Term::Kind::Value && t.value->type != Type::N) note_type(name, name_of(t.value->type));
  }
  return true;
}

bool UpdateParser::simple_term(Term& out) {
  if (peek().kind == Tok::Value) return value(out.value);
  if (is_call()) return call(out);
  if (!accept("(")) {
    out.kind = Term::Kind::Path;
    return path(out.path);
  }
  if (!enter() || !term(out)) return false;
  leave();
  return expect(")");
}

bool UpdateParser::call(Term& out) {
  const std::string_view name = peek().text;
  for (std::string_view k : kSections) {
    if (is_keyword(k)) return syntax();
  }
  advance(), advance();
  if (!count_operator() || !enter()) return false;
  do {
    if (!simple_term(out.terms.emplace_back())) return false;
  } while (accept(","));
  leave();
  check_call(name, out);
  return expect(")");
}

void UpdateParser::check_call(std::string_view name, Term& out) {
  const bool appends = name == "list_append";
  if (!appends && name != "if_not_exists") {
    return note(Fault::UpdateFunction, "Invalid function name; function: " + std::string(name));
  }
  if (out.terms.size() != 2) return note_count(name, out.terms.size());
  if (appends) {
    out.kind = Term::Kind::ListAppend;
    for (const Term& t : out.terms) {
      if (t.kind == Term::Kind::Value && t.value->type != Type::L) note_type(name, name_of(t.value->type));
    }
    return;
  }
  if (out.terms[0].kind != Term::Kind::Path) {
    return note(Fault::Operand, "Operator or function requires a document path; operator or function: " + std::string(name));
  }
  out.kind = Term::Kind::IfNotExists;
  out.path = std::move(out.terms[0].path);
  out.terms.erase(out.terms.begin());
}

}  // namespace

std::vector<const Path*> Update::paths() const {
  std::vector<const Path*> out;
  out.reserve(sets.size() + removes.size() + adds.size() + deletes.size());
  for (const auto& s : sets) out.push_back(&s.path);
  for (const auto& r : removes) out.push_back(&r);
  for (const auto& a : adds) out.push_back(&a.path);
  for (const auto& d : deletes) out.push_back(&d.path);
  return out;
}

Api<std::vector<Path>> parse_projection(std::string_view text, Placeholders& placeholders) {
  return ProjectionParser(text, placeholders).parse();
}
Api<Update> parse_update(std::string_view text, Placeholders& placeholders) { return UpdateParser(text, placeholders).parse(); }

}  // namespace gust::dynamodb
