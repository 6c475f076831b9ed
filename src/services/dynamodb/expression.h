// SPDX-License-Identifier: Apache-2.0

#pragma once

// Condition, projection and update expressions: parsed once per request, then evaluated against items. Limits: 4 KB of
// text, 300 operators and functions, paths 32 deep, 100 operands of IN, 2 MB of names and values (DynamoDB guide, "Quotas").
// Parsed expressions are immutable and may be evaluated on any thread. Errors: ValidationException in AWS's words, beginning with
// "Invalid ConditionExpression: " or as the label says.

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/dynamodb/attribute_value.h"

namespace gust::dynamodb {

constexpr size_t kMaxExpressionBytes = 4096;
constexpr size_t kMaxOperators = 300;

struct Step {
  std::string name;
  uint32_t index = 0;
  bool is_index = false;
  bool operator==(const Step&) const = default;
};
struct Path {
  std::vector<Step> steps;   // the first is a name
  std::string text() const;  // "[a, b, [0]]", as errors print it
  bool operator==(const Path&) const = default;
};

// A value of an expression, never null. Shared, since 4 KB of text can use a value of two megabytes hundreds of times, and an
// expression outlives the Placeholders that it was parsed with.
using Constant = std::shared_ptr<const Attribute>;
Constant constant(Attribute value);
const Constant& nothing();  // a NULL

struct Operand {
  enum class Kind { Path, Value, Size };
  Kind kind = Kind::Value;
  Path path;                   // Path, Size
  Constant value = nothing();  // Value
  bool computed = false;       // Value: by size() of a value
};

enum class Comparator { Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual };

struct Condition {
  enum class Kind { And, Or, Not, Compare, Between, In, Exists, NotExists, HasType, BeginsWith, Contains };
  Kind kind = Kind::And;
  Comparator comparator = Comparator::Equal;
  std::vector<Operand> operands;
  std::vector<Condition> children;
};

// Right side of SET.
struct Term {
  enum class Kind { Path, Value, IfNotExists, ListAppend, Plus, Minus };
  Kind kind = Kind::Value;
  Path path;                   // Path, IfNotExists
  Constant value = nothing();  // Value
  std::vector<Term> terms;     // operands of ListAppend, Plus, Minus; the fallback of IfNotExists
};
struct Update {
  struct Assignment {
    Path path;
    Term term;
  };
  struct Change {
    Path path;
    Constant value = nothing();
  };
  std::vector<Assignment> sets;
  std::vector<Path> removes;
  std::vector<Change> adds, deletes;
  bool legacy = false;  // of AttributeUpdates: its words for what does not fit, and ADD takes lists
  std::vector<const Path*> paths() const;
};

// ExpressionAttributeNames and -Values of a request. Knows what was used, since what is not used is an error.
class Placeholders {
 public:
  // `expressions`: the request's expression members, for "... can only be specified when using expressions".
  static Api<Placeholders> read(const Value& input, std::initializer_list<std::string_view> expressions);
  const std::string* name(std::string_view key);
  const Constant* value(std::string_view key);
  std::optional<model::ApiError> unused() const;  // after all expressions have been parsed

 private:
  template <class T>
  struct Entry {
    std::string key;
    T content;
    size_t position = 0;  // in the request
    bool used = false;
  };
  std::vector<Entry<std::string>> names_;  // sorted by key
  std::vector<Entry<Constant>> values_;
};

Api<Condition> parse_condition(std::string_view label, std::string_view text, Placeholders& placeholders);
Api<std::vector<Path>> parse_projection(std::string_view text, Placeholders& placeholders);
Api<Update> parse_update(std::string_view text, Placeholders& placeholders);

bool is_reserved(std::string_view word);  // any case; DynamoDB guide, "Reserved words"

const Attribute* resolve(const Item& item, const Path& path);
std::optional<size_t> measure(const Attribute& attribute);                          // what size() says of it
std::optional<std::strong_ordering> order(const Attribute& a, const Attribute& b);  // of two S, two N or two B
bool holds(const Condition& condition, const Item& item);
Item project(const Item& item, const std::vector<Path>& paths);
// The item after the update; `item` is the one before (or just its key). An ApiError where a path or type does not fit.
Api<Item> apply(const Update& update, const Item& item);

}  // namespace gust::dynamodb
