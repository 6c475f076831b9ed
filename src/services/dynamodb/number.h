// SPDX-License-Identifier: Apache-2.0

#pragma once

// DynamoDB's numbers: exact decimals of up to 38 significant digits, magnitude 1E-130 to 9.99..E+125 (DynamoDB guide,
// "Data types", Number). Values are immutable; any thread. Errors carry AWS's text, ready for a ValidationException.

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
  // Bytes that compare as the numbers do: sign, biased exponent, pairs of digits; complemented for negative ones.
  std::string key() const;
  static Result<Number> from_key(std::string_view key);
  size_t size() const;  // what it counts in an item's size

  std::strong_ordering operator<=>(const Number& other) const;
  bool operator==(const Number& other) const = default;

 private:
  static Result<Number> checked(int sign, std::string digits, int64_t exponent);

  int sign_ = 0;  // -1, 0, 1
  int exponent_ = 0;
  std::string digits_;  // first and last are not '0'; empty for zero
};

}  // namespace gust::dynamodb
