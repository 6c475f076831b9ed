// SPDX-License-Identifier: Apache-2.0

#pragma once

// Reads items as they are stored (attribute_value.h's encode()) without making an Item of them: for what touches every row
// or runs on the store's writer thread. Views into the given bytes, which must outlive them. Damaged bytes are Invalid.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/value.h"
#include "services/dynamodb/attribute_value.h"

namespace gust::dynamodb {

// One attribute: its type and content as stored.
struct EncodedAttribute {
  std::string_view bytes;
  Type type() const { return static_cast<Type>(bytes[0]); }
  std::string_view key_text() const;  // of S, N, B: as key_text() of the attribute
  size_t size() const;                // as DynamoDB counts
};

class EncodedItem {
 public:
  struct Member {
    std::string_view name;
    EncodedAttribute value;
    std::string_view whole;  // name and value as stored
  };
  static Result<EncodedItem> read(std::string_view bytes);
  const EncodedAttribute* find(std::string_view name) const;
  const std::vector<Member>& members() const { return members_; }
  std::string_view bytes() const { return bytes_; }
  size_t size() const;  // as DynamoDB counts
  // The item with the given attributes alone, encoded. `names` are sorted.
  std::string only(const std::vector<std::string>& names) const;

 private:
  std::string_view bytes_;
  std::vector<Member> members_;  // sorted by name, as stored
};

// The item as a document; `size` becomes what it counts.
Result<Value> document_of(std::string_view bytes, size_t& size);

}  // namespace gust::dynamodb
