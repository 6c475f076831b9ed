// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/number.h"

#include <algorithm>

namespace gust::dynamodb {
namespace {

constexpr char kNegative = 0x10, kZero = 0x20, kPositive = 0x30;
constexpr int kBias = -Number::kMinExponent;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

Failure not_numeric(std::string_view text) {
  return fail(Errc::Invalid, text.empty() ? "The parameter cannot be converted to a numeric value"
                                          : "The parameter cannot be converted to a numeric value: " + std::string(text));
}

// The decimal digit of 0.d1d2... x 10^exponent at 10^position, as a number.
int digit_at(const std::string& digits, int exponent, int position) {
  const int index = exponent - 1 - position;
  return index >= 0 && index < static_cast<int>(digits.size()) ? digits[static_cast<size_t>(index)] - '0' : 0;
}

}  // namespace

Result<Number> Number::checked(int sign, std::string digits, int64_t exponent) {
  const size_t first = digits.find_first_not_of('0');
  if (first == std::string::npos) return Number();
  digits.erase(0, first);
  exponent -= static_cast<int64_t>(first);
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.size() > kMaxDigits) return fail(Errc::Invalid, "Attempting to store more than 38 significant digits in a Number");
  if (exponent > kMaxExponent) {
    return fail(Errc::Invalid, "Number overflow. Attempting to store a number with magnitude larger than supported range");
  }
  if (exponent < kMinExponent) {
    return fail(Errc::Invalid, "Number underflow. Attempting to store a number with magnitude smaller than supported range");
  }
  Number n;
  n.sign_ = sign;
  n.exponent_ = static_cast<int>(exponent);
  n.digits_ = std::move(digits);
  return n;
}

Number Number::of(int64_t value) { return *parse(std::to_string(value)); }

Result<Number> Number::parse(std::string_view text) {
  size_t i = 0;
  int sign = 1;
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) sign = text[i++] == '-' ? -1 : 1;
  std::string digits;
  int64_t exponent = 0;
  bool any = false;
  for (; i < text.size() && is_digit(text[i]); ++i) any = true, digits += text[i], ++exponent;
  if (i < text.size() && text[i] == '.') {
    for (++i; i < text.size() && is_digit(text[i]); ++i) any = true, digits += text[i];
  }
  if (!any) return not_numeric(text);
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    const bool minus = i < text.size() && text[i] == '-';
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (i == text.size()) return not_numeric(text);
    int64_t power = 0;
    for (; i < text.size() && is_digit(text[i]); ++i) power = std::min<int64_t>(power * 10 + (text[i] - '0'), 1'000'000'000);
    exponent += minus ? -power : power;
  }
  if (i != text.size()) return not_numeric(text);
  return checked(sign, std::move(digits), exponent);
}

Number Number::negated() const {
  Number n = *this;
  n.sign_ = -n.sign_;
  return n;
}

Result<Number> Number::add(const Number& a, const Number& b) {
  if (a.sign_ == 0) return b;
  if (b.sign_ == 0) return a;
  const auto lowest = [](const Number& n) { return n.exponent_ - static_cast<int>(n.digits_.size()); };
  const int low = std::min(lowest(a), lowest(b)), high = std::max(a.exponent_, b.exponent_) + 1;
  // Of opposite signs, the smaller magnitude is taken from the larger one.
  const auto order = (a.sign_ < 0 ? a.negated() : a) <=> (b.sign_ < 0 ? b.negated() : b);
  if (a.sign_ != b.sign_ && order == 0) return Number();
  const Number& large = order < 0 ? b : a;
  const Number& small = order < 0 ? a : b;
  const int factor = a.sign_ == b.sign_ ? 1 : -1;
  std::string digits(static_cast<size_t>(high - low), '0');
  int carry = 0;
  for (int p = low; p < high; ++p) {
    int d = digit_at(large.digits_, large.exponent_, p) + factor * digit_at(small.digits_, small.exponent_, p) + carry;
    carry = d > 9 ? 1 : d < 0 ? -1 : 0;
    digits[static_cast<size_t>(high - 1 - p)] = static_cast<char>('0' + d - 10 * carry);
  }
  return checked(large.sign_, std::move(digits), high);
}

std::string Number::text() const {
  if (sign_ == 0) return "0";
  std::string out = sign_ < 0 ? "-" : "";
  const int n = static_cast<int>(digits_.size());
  if (exponent_ <= 0) return out.append("0.").append(static_cast<size_t>(-exponent_), '0').append(digits_);
  if (exponent_ >= n) return out.append(digits_).append(static_cast<size_t>(exponent_ - n), '0');
  return out.append(digits_, 0, static_cast<size_t>(exponent_)).append(".").append(digits_, static_cast<size_t>(exponent_));
}

std::string Number::key() const {
  if (sign_ == 0) return std::string(1, kZero);
  std::string out(1, sign_ < 0 ? kNegative : kPositive);
  out += static_cast<char>(exponent_ + kBias);
  for (size_t i = 0; i < digits_.size(); i += 2) {
    const int second = i + 1 < digits_.size() ? digits_[i + 1] - '0' : 0;
    out += static_cast<char>((digits_[i] - '0') * 10 + second + 1);
  }
  if (sign_ > 0) return out;
  for (size_t i = 1; i < out.size(); ++i) out[i] = static_cast<char>(~out[i]);
  return out += '\xFF';  // of two negative numbers the one with more digits is the lesser
}

Result<Number> Number::from_key(std::string_view key) {
  if (key == std::string_view(&kZero, 1)) return Number();
  if (key.size() < 3 || (key[0] != kNegative && key[0] != kPositive)) return fail(Errc::Invalid, "no number key");
  const bool negative = key[0] == kNegative;
  if (negative && key.back() != '\xFF') return fail(Errc::Invalid, "a number key without its end");
  if (negative) key.remove_suffix(1);
  const auto at = [&](size_t i) { return static_cast<unsigned char>(negative ? ~key[i] : key[i]); };
  std::string digits;
  for (size_t i = 2; i < key.size(); ++i) {
    if (at(i) < 1 || at(i) > 100) return fail(Errc::Invalid, "a number key with a wrong pair of digits");
    digits += static_cast<char>('0' + (at(i) - 1) / 10);
    digits += static_cast<char>('0' + (at(i) - 1) % 10);
  }
  if (key.size() < 3) return fail(Errc::Invalid, "a number key without digits");
  return checked(negative ? -1 : 1, std::move(digits), at(1) - kBias);
}

size_t Number::size() const { return 1 + (digits_.size() + 1) / 2 + (sign_ < 0 ? 1 : 0); }

std::strong_ordering Number::operator<=>(const Number& other) const {
  if (sign_ != other.sign_) return sign_ <=> other.sign_;
  const auto magnitude = exponent_ != other.exponent_ ? exponent_ <=> other.exponent_ : digits_.compare(other.digits_) <=> 0;
  return sign_ < 0 ? 0 <=> magnitude : magnitude;
}

}  // namespace gust::dynamodb
