// SPDX-License-Identifier: Apache-2.0

#pragma once

// Attribute values and items: from documents as they come over the wire ({"S": "..."}) and back, to and from the bytes of
// the store, sizes as DynamoDB counts them. Maps are sorted by name and sets by text, so that look-ups are logarithmic and
// equal values are equal bytes. Nesting is at most 32 deep. Plain values; not shared between threads.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/value.h"
#include "model/service.h"
#include "services/dynamodb/number.h"

namespace gust::dynamodb {

template <class T>
using Api = tl::expected<T, model::ApiError>;
using ApiFailure = tl::unexpected<model::ApiError>;

constexpr size_t kMaxItemBytes = 400 << 10;
constexpr size_t kMaxDepth = 32;

enum class Type : uint8_t { S = 1, N, B, Bool, Null, L, M, SS, NS, BS };  // on disk: never renumber
std::string_view name_of(Type type);                                      // "BOOL"
bool parse_type(std::string_view name, Type& type);

struct Member;
struct Attribute;

// A map of attributes, sorted by name.
class Item {
 public:
  const Attribute* find(std::string_view name) const;
  Attribute* find(std::string_view name);
  void set(std::string_view name, Attribute value);
  bool erase(std::string_view name);
  std::vector<Member>& members() { return members_; }
  const std::vector<Member>& members() const { return members_; }
  bool empty() const { return members_.empty(); }
  bool operator==(const Item&) const;

 private:
  std::vector<Member> members_;
};

struct Attribute {
  Type type = Type::Null;
  bool flag = false;             // BOOL
  std::string text;              // S, B; N as Number::text writes it
  std::vector<Attribute> list;   // L
  std::vector<std::string> set;  // SS, NS, BS
  Item map;                      // M
  bool operator==(const Attribute&) const;

  static Attribute number(const Number& n);
  static Attribute string(std::string text);
};
struct Member {
  std::string name;
  Attribute value;
  bool operator==(const Member&) const = default;
};

// Errors: ValidationException with AWS's text.
Api<Attribute> parse_attribute(const Value& value, size_t depth = 1);
Api<Item> parse_item(const Value& map);

Value to_value(const Attribute& attribute);
Value to_value(const Item& item);
std::string describe(const Attribute& attribute);  // "{N:2}", as errors print it

// At most about twice size_of(item), so that every item up to kMaxItemBytes fits into a store's value.
void encode(const Item& item, std::string& out);
Result<Item> decode_item(std::string_view bytes);  // Invalid where damaged

// Whether nothing is nested deeper than kMaxDepth: an update can make what no request could say at once.
bool within_depth(const Item& item);

size_t size_of(const Attribute& attribute);
size_t size_of(const Item& item);

}  // namespace gust::dynamodb
