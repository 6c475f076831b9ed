// SPDX-License-Identifier: Apache-2.0

// What strangers send, by its first byte: expressions (parsed, evaluated against an item, applied as an update), numbers and
// stored bytes, attribute values, and the parameters that came before expressions.

#include "services/dynamodb/expression.h"
#include "services/dynamodb/legacy.h"

using namespace gust;
using namespace gust::dynamodb;

namespace {

Value typed(std::string_view type, Value content) {
  Value v = Value::map();
  v.set(type, std::move(content));
  return v;
}

Value input() {
  Value v = Value::map();
  v.set("ConditionExpression", "x");
  Value& names = v.set("ExpressionAttributeNames", Value::map());
  names.set("#a", "a");
  names.set("#b", "b.c");
  Value& values = v.set("ExpressionAttributeValues", Value::map());
  values.set(":n", typed("N", "12.5"));
  values.set(":s", typed("S", "text"));
  values.set(":l", typed("L", Value(Value::List{typed("N", "1")})));
  values.set(":t", typed("SS", Value(Value::List{Value("x"), Value("y")})));
  return v;
}

Item item() {
  Value v = Value::map();
  v.set("a", typed("N", "3"));
  v.set("b", typed("M", Value(Value::Map{{"c", typed("L", Value(Value::List{typed("S", "text"), typed("N", "7")}))}})));
  v.set("t", typed("SS", Value(Value::List{Value("x"), Value("z")})));
  return *parse_item(v);
}

// A document made of the input: each byte says what comes next. Names and texts are those that the parsers know, or bytes.
class Documents {
 public:
  explicit Documents(std::string_view bytes) : rest_(bytes) {}
  Value next(size_t depth = 0) {
    const unsigned what = byte();
    const unsigned n = depth > 40 ? 0 : what / 8 % 4;
    switch (what % 8) {
      case 0:
        return Value(what >= 128);
      case 1:
        return Value(Blob{std::string(text())});
      case 2:
        return {};
      case 3: {
        Value out = Value::list();
        for (unsigned i = 0; i < n; ++i) out.push(next(depth + 1));
        return out;
      }
      case 4:
        return Value(text());
      default: {
        Value out = Value::map();
        for (unsigned i = 0; i < n; ++i) {
          const std::string_view name = text();
          out.set(name, next(depth + 1));
        }
        return out;
      }
    }
  }

 private:
  unsigned byte() {
    if (rest_.empty()) return 2;
    const auto b = static_cast<unsigned char>(rest_[0]);
    rest_.remove_prefix(1);
    return b;
  }
  std::string_view text() {
    static constexpr std::string_view kTexts[] = {"S",
                                                  "N",
                                                  "B",
                                                  "BOOL",
                                                  "NULL",
                                                  "L",
                                                  "M",
                                                  "SS",
                                                  "NS",
                                                  "BS",
                                                  "a",
                                                  "b",
                                                  "t",
                                                  "1",
                                                  "-2.5",
                                                  "1e125",
                                                  "text",
                                                  "ComparisonOperator",
                                                  "AttributeValueList",
                                                  "Value",
                                                  "Exists",
                                                  "Action",
                                                  "PUT",
                                                  "ADD",
                                                  "DELETE",
                                                  "EQ",
                                                  "NE",
                                                  "LE",
                                                  "GT",
                                                  "NOT_NULL",
                                                  "CONTAINS",
                                                  "NOT_CONTAINS",
                                                  "BEGINS_WITH",
                                                  "IN",
                                                  "BETWEEN"};
    const unsigned which = byte();
    if (which < std::size(kTexts)) return kTexts[which];
    const std::string_view out = rest_.substr(0, which % 16);
    rest_.remove_prefix(out.size());
    return out;
  }

  std::string_view rest_;
};

void through_the_store(const Item& item) {
  std::string bytes;
  encode(item, bytes);
  if (!(decode_item(bytes) == item)) __builtin_trap();
}

void attribute_values(std::string_view bytes, const Item& known) {
  const auto parsed = parse_item(Documents(bytes).next());
  if (!parsed) return;
  through_the_store(*parsed);
  (void)size_of(*parsed);
  for (const Member& m : parsed->members()) {
    (void)describe(m.value);
    if (const Attribute* other = known.find(m.name)) (void)order(m.value, *other);
  }
  if (!(parse_item(to_value(*parsed)) == *parsed)) __builtin_trap();
}

void legacy_parameters(std::string_view bytes, const Item& known) {
  Value input = Value::map();
  const Value document = Documents(bytes).next();
  for (std::string_view member : {"Expected", "QueryFilter", "KeyConditions", "AttributeUpdates", "AttributesToGet"}) {
    input.set(member, document);
  }
  for (const auto& condition : {legacy::expected(input), legacy::filter(input, "QueryFilter"), legacy::key_conditions(input)}) {
    if (condition && *condition) (void)holds(**condition, known);
  }
  if (const auto update = legacy::attribute_updates(input); update && *update) {
    if (const auto next = apply(**update, known)) through_the_store(*next);
  }
  if (const auto paths = legacy::attributes_to_get(input); paths && *paths) (void)project(known, **paths);
}

#ifdef GUST_PLANTED_BUG
bool has_between_with_path(const Condition& c) {
  if (c.kind == Condition::Kind::Between &&
      (c.operands[1].kind == Operand::Kind::Path || c.operands[2].kind == Operand::Kind::Path))
    return true;
  for (const Condition& child : c.children) {
    if (has_between_with_path(child)) return true;
  }
  return false;
}
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Value kInput = input();
  static const Item kItem = item();
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto placeholders = Placeholders::read(kInput, {"ConditionExpression"});
  const unsigned kind = data[0] % 6;
  if (kind == 0) {
    if (auto c = parse_condition("ConditionExpression", text, *placeholders)) {
      (void)holds(*c, kItem);
#ifdef GUST_PLANTED_BUG
      if (has_between_with_path(*c)) __builtin_trap();
#endif
    }
  } else if (kind == 1) {
    if (auto p = parse_projection(text, *placeholders)) (void)project(kItem, *p);
  } else if (kind == 2) {
    if (auto u = parse_update(text, *placeholders)) {
      if (auto next = apply(*u, kItem)) through_the_store(*next);
    }
  } else if (kind == 4) {
    attribute_values(text, kItem);
  } else if (kind == 5) {
    legacy_parameters(text, kItem);
  } else {
    (void)decode_item(text);
    if (auto n = Number::parse(text)) {
      const auto canonical = Number::canonical(text);
      if (Number::from_key(n->key())->text() != n->text() || canonical != n->text()) __builtin_trap();
      if (Number::canonical(n->text()) != n->text()) __builtin_trap();
    } else if (Number::canonical(text)) {
      __builtin_trap();
    }
  }
  return 0;
}
