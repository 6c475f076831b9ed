// SPDX-License-Identifier: Apache-2.0

// Expressions from strangers: parse, evaluate against an item, apply as an update. First byte: which kind.

#include "services/dynamodb/expression.h"

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
  if (data[0] % 4 == 0) {
    if (auto c = parse_condition("ConditionExpression", text, *placeholders)) {
      (void)holds(*c, kItem);
#ifdef GUST_PLANTED_BUG
      if (has_between_with_path(*c)) __builtin_trap();
#endif
    }
  } else if (data[0] % 4 == 1) {
    if (auto p = parse_projection(text, *placeholders)) (void)project(kItem, *p);
  } else if (data[0] % 4 == 2) {
    if (auto u = parse_update(text, *placeholders)) {
      if (auto next = apply(*u, kItem)) {
        std::string bytes;
        encode(*next, bytes);
        if (!(decode_item(bytes) == *next)) __builtin_trap();
      }
    }
  } else {
    (void)decode_item(text);
    if (auto n = Number::parse(text); n && Number::from_key(n->key())->text() != n->text()) __builtin_trap();
  }
  return 0;
}
