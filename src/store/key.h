// SPDX-License-Identifier: Apache-2.0

#pragma once

// Order-preserving composite keys: parts compare one after the other, text parts by their bytes, numbers by value.
// A text part is escaped (0x00 -> 0x00 0xFF) and ended by 0x00 0x01, so that no part is a prefix of another's key.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gust::store {

class Key {
 public:
  Key& text(std::string_view part);
  Key& number(uint64_t part);       // 8 bytes, big endian
  Key& raw(std::string_view part);  // as it is; only as the last part
  const std::string& bytes() const { return bytes_; }
  // The least key that is greater than every key starting with this one: the end of a prefix scan.
  std::string end() const;

 private:
  std::string bytes_;
};

std::string prefix_end(std::string_view prefix);

// Reads parts back in the order in which they were written.
class KeyReader {
 public:
  explicit KeyReader(std::string_view key) : rest_(key) {}
  Result<std::string> text();
  Result<uint64_t> number();
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace gust::store
