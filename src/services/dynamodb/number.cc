// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/number.h"

#include <algorithm>
#include <array>

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
int digit_at(std::string_view digits, int exponent, int position) {
  const int index = exponent - 1 - position;
  return index >= 0 && index < static_cast<int>(digits.size()) ? digits[static_cast<size_t>(index)] - '0' : 0;
}

// Whether a text is what Number::text() would write: the digits, first without exponent, sign and zeros. Most are.
bool is_canonical(std::string_view text) {
  if (text == "0") return true;
  if (!text.empty() && text[0] == '-') text.remove_prefix(1);
  const size_t point = std::min(text.find('.'), text.size());
  if (text.size() > Number::kMaxDigits || point == 0 || text.back() == '.') return false;
  if (text[0] == '0' && point != 1) return false;
  if (point == text.size() ? text[0] == '0' : text.back() == '0') return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i != point && !is_digit(text[i])) return false;
  }
  return true;
}

}  // namespace

// `digits`: any decimal digits.
Result<Number> Number::checked(int sign, std::string_view digits, int64_t exponent) {
  const size_t first = digits.find_first_not_of('0');
  if (first == std::string_view::npos) return Number();
  digits = digits.substr(first, digits.find_last_not_of('0') + 1 - first);
  exponent -= static_cast<int64_t>(first);
  if (digits.size() > kMaxDigits) return fail(Errc::Invalid, "Attempting to store more than 38 significant digits in a Number");
  if (exponent > kMaxExponent) {
    return fail(Errc::Invalid, "Number overflow. Attempting to store a number with magnitude larger than supported range");
  }
  if (exponent < kMinExponent) {
    return fail(Errc::Invalid, "Number underflow. Attempting to store a number with magnitude smaller than supported range");
  }
  Number n;
  n.sign_ = static_cast<int8_t>(sign);
  n.exponent_ = static_cast<int16_t>(exponent);
  n.count_ = static_cast<uint8_t>(digits.size());
  std::copy(digits.begin(), digits.end(), n.digits_.begin());
  return n;
}

Number Number::of(int64_t value) { return *parse(std::to_string(value)); }

Result<Number> Number::parse(std::string_view text) {
  size_t i = 0;
  int sign = 1;
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) sign = text[i++] == '-' ? -1 : 1;
  const size_t start = i;
  while (i < text.size() && is_digit(text[i])) ++i;
  std::string_view digits = text.substr(start, i - start);
  int64_t exponent = static_cast<int64_t>(digits.size());
  std::string joined;
  if (i < text.size() && text[i] == '.') {
    const size_t fraction = ++i;
    while (i < text.size() && is_digit(text[i])) ++i;
    joined.append(digits).append(text.substr(fraction, i - fraction));
    digits = joined;
  }
  if (digits.empty()) return not_numeric(text);
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
  return checked(sign, digits, exponent);
}

Result<std::string> Number::canonical(std::string_view text) {
  if (is_canonical(text)) return std::string(text);
  return TRY(parse(text)).text();
}

Number Number::negated() const {
  Number n = *this;
  n.sign_ = static_cast<int8_t>(-n.sign_);
  return n;
}

Result<Number> Number::add(const Number& a, const Number& b) {
  if (a.sign_ == 0) return b;
  if (b.sign_ == 0) return a;
  const auto lowest = [](const Number& n) { return n.exponent_ - static_cast<int>(n.count_); };
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
    int d = digit_at(large.digits(), large.exponent_, p) + factor * digit_at(small.digits(), small.exponent_, p) + carry;
    carry = d > 9 ? 1 : d < 0 ? -1 : 0;
    digits[static_cast<size_t>(high - 1 - p)] = static_cast<char>('0' + d - 10 * carry);
  }
  return checked(large.sign_, digits, high);
}

std::string Number::text() const {
  if (sign_ == 0) return "0";
  std::string out = sign_ < 0 ? "-" : "";
  if (exponent_ <= 0) return out.append("0.").append(static_cast<size_t>(-exponent_), '0').append(digits());
  const auto whole = static_cast<size_t>(exponent_);
  if (whole >= count_) return out.append(digits()).append(whole - count_, '0');
  return out.append(digits().substr(0, whole)).append(".").append(digits().substr(whole));
}

size_t Number::key_size() const { return sign_ == 0 ? 1 : 2 + (count_ + 1u) / 2 + (sign_ < 0 ? 1 : 0); }

void Number::append_key(std::string& out) const {
  if (sign_ == 0) {
    out += kZero;
    return;
  }
  const int flip = sign_ < 0 ? 0xFF : 0;
  out += sign_ < 0 ? kNegative : kPositive;
  out += static_cast<char>((exponent_ + kBias) ^ flip);
  for (size_t i = 0; i < count_; i += 2) {
    const int second = i + 1 < count_ ? digits_[i + 1] - '0' : 0;
    out += static_cast<char>(((digits_[i] - '0') * 10 + second + 1) ^ flip);
  }
  if (sign_ < 0) out += '\xFF';  // of two negative numbers the one with more digits is the lesser
}

std::string Number::key() const {
  std::string out;
  append_key(out);
  return out;
}

Result<Number> Number::from_key(std::string_view key) {
  if (key == std::string_view(&kZero, 1)) return Number();
  if (key.size() < 3 || key.size() > kMaxKeyBytes || (key[0] != kNegative && key[0] != kPositive)) {
    return fail(Errc::Invalid, "no number key");
  }
  const bool negative = key[0] == kNegative;
  if (negative && key.back() != '\xFF') return fail(Errc::Invalid, "a number key without its end");
  if (negative) key.remove_suffix(1);
  if (key.size() < 3) return fail(Errc::Invalid, "a number key without digits");
  const auto at = [&](size_t i) { return static_cast<unsigned char>(negative ? ~key[i] : key[i]); };
  std::array<char, 2 * kMaxKeyBytes> digits;
  size_t n = 0;
  for (size_t i = 2; i < key.size(); ++i) {
    if (at(i) < 1 || at(i) > 100) return fail(Errc::Invalid, "a number key with a wrong pair of digits");
    digits[n++] = static_cast<char>('0' + (at(i) - 1) / 10);
    digits[n++] = static_cast<char>('0' + (at(i) - 1) % 10);
  }
  return checked(negative ? -1 : 1, std::string_view(digits.data(), n), at(1) - kBias);
}

// DynamoDB keeps pairs of digits on both sides of the decimal point, so that an even number of digits may touch a pair more.
size_t Number::size() const {
  if (sign_ == 0) return 1;
  const bool split = count_ % 2 == 0 && exponent_ % 2 != 0;
  return 1 + (count_ + 1u) / 2 + (split ? 1 : 0) + (sign_ < 0 ? 1 : 0);
}

std::strong_ordering Number::operator<=>(const Number& other) const {
  if (sign_ != other.sign_) return sign_ <=> other.sign_;
  const auto magnitude = exponent_ != other.exponent_ ? exponent_ <=> other.exponent_ : digits().compare(other.digits()) <=> 0;
  return sign_ < 0 ? 0 <=> magnitude : magnitude;
}

}  // namespace gust::dynamodb
