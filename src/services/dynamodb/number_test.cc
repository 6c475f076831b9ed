// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/number.h"

#include <gtest/gtest.h>

#include <optional>

namespace gust::dynamodb {
namespace {

struct NumberCase {
  const char* text;
  const char* canonical;
};
struct SumCase {
  const char* a;
  const char* b;
  const char* sum;  // empty: not representable
};
#include "services/dynamodb/testdata/number_golden.inc"

TEST(Number, texts_and_order_agree_with_pythons_decimal) {
  std::optional<Number> last;
  for (const NumberCase& c : kNumberCases) {
    auto n = Number::parse(c.text);
    ASSERT_TRUE(n) << c.text << ": " << n.error().message;
    EXPECT_EQ(n->text(), c.canonical);
    EXPECT_EQ(Number::canonical(c.text), std::string(c.canonical));
    EXPECT_EQ(Number::canonical(c.canonical), std::string(c.canonical));
    EXPECT_EQ(n->key_size(), n->key().size());
    EXPECT_EQ(Number::parse(c.canonical)->key(), n->key());
    auto back = Number::from_key(n->key());
    ASSERT_TRUE(back) << c.text;
    EXPECT_EQ(back->text(), c.canonical);
    if (last) {
      EXPECT_LT(last->key(), n->key()) << last->text() << " before " << c.text;
      EXPECT_TRUE(*last < *n) << last->text() << " before " << c.text;
    }
    last = *n;
  }
}

TEST(Number, sums_agree_with_pythons_decimal) {
  for (const SumCase& c : kSumCases) {
    auto sum = Number::add(*Number::parse(c.a), *Number::parse(c.b));
    EXPECT_EQ(sum ? sum->text() : "", c.sum) << c.a << " + " << c.b;
  }
}

TEST(Number, what_is_no_number_or_out_of_range_is_refused_in_awss_words) {
  auto error = [](std::string_view text) {
    auto n = Number::parse(text);
    return n ? std::string() : n.error().message;
  };
  EXPECT_EQ(error("1e3"), "");  // control
  for (const char* text : {"", "-", ".", "e5", "1e", "1e+", "1x", " 1", "1 ", "--1", "1.2.3", "NaN", "Infinity", "0x10"}) {
    EXPECT_TRUE(error(text).starts_with("The parameter cannot be converted to a numeric value")) << text;
  }
  EXPECT_EQ(error("1E126"), "Number overflow. Attempting to store a number with magnitude larger than supported range");
  EXPECT_EQ(error("1e99999999999999999999"), error("1E126"));
  EXPECT_EQ(error("9E-131"), "Number underflow. Attempting to store a number with magnitude smaller than supported range");
  EXPECT_EQ(error("123456789012345678901234567890123456789"), "Attempting to store more than 38 significant digits in a Number");
  EXPECT_EQ(Number::parse("0e999999")->text(), "0");
}

TEST(Number, damaged_keys_are_refused) {
  for (std::string_view key :
       {std::string_view(""), std::string_view("\x30"), std::string_view("\x30\x81"), std::string_view("\x30\x81\xff"),
        std::string_view("\x10\x7e\x10"), std::string_view("\x99\x81\x10")}) {
    EXPECT_FALSE(Number::from_key(key));
  }
  EXPECT_TRUE(Number::from_key(Number::of(-42).key()));  // control
}

}  // namespace
}  // namespace gust::dynamodb
