// SPDX-License-Identifier: Apache-2.0

#pragma once

// DynamoDB's numbers: exact decimals of up to 38 significant digits, magnitude 1E-130 to 9.99..E+125 (DynamoDB guide,
// "Data types", Number). Values are immutable; any thread. Errors carry AWS's text, ready for a ValidationException.

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gust::dynamodb {

class Number {
 public:
  static constexpr size_t kMaxDigits = 38;
  static constexpr int kMinExponent = -129, kMaxExponent = 126;  // of 0.d1d2d3... x 10^exponent

  Number() = default;  // zero
  static Number of(int64_t value);
  static Result<Number> parse(std::string_view text);
  static Result<Number> add(const Number& a, const Number& b);
  Number negated() const;

  std::string text() const;  // without exponent, without superfluous zeros, as DynamoDB answers it
  // `text` as text() would write it. Errors: as parse().
  static Result<std::string> canonical(std::string_view text);
  // Bytes that compare as the numbers do: sign, biased exponent, pairs of digits; complemented for negative ones.
  std::string key() const;
  void append_key(std::string& out) const;
  size_t key_size() const;  // 1 to kMaxKeyBytes
  static constexpr size_t kMaxKeyBytes = 2 + kMaxDigits / 2 + 1;
  static Result<Number> from_key(std::string_view key);
  size_t size() const;  // what it counts in an item's size

  std::strong_ordering operator<=>(const Number& other) const;
  bool operator==(const Number& other) const { return (*this <=> other) == 0; }

 private:
  static Result<Number> checked(int sign, std::string_view digits, int64_t exponent);
  std::string_view digits() const { return {digits_.data(), count_}; }

  int8_t sign_ = 0;  // -1, 0, 1
  int16_t exponent_ = 0;
  uint8_t count_ = 0;                      // of digits; none of zero
  std::array<char, kMaxDigits> digits_{};  // first and last are not '0'
};

}  // namespace gust::dynamodb
