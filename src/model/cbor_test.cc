// SPDX-License-Identifier: Apache-2.0

#include "model/cbor.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/encoding.h"
#include "base/json.h"

namespace gust::model {
namespace {

std::string bytes(std::string_view hex) { return *hex_decode(hex); }
Result<Value> parse(std::string_view hex, CborLimits limits = {}) { return parse_cbor(bytes(hex), limits); }
std::string wrote(const Value& v) { return hex_encode(write_cbor(v)); }

// Examples of RFC 8949 appendix A, where Value has the kind.
TEST(Cbor, reads_the_examples_of_its_specification) {
  EXPECT_EQ(*parse("00"), Value(0));
  EXPECT_EQ(*parse("1818"), Value(24));
  EXPECT_EQ(*parse("1b000000e8d4a51000"), Value(1000000000000));
  EXPECT_EQ(*parse("3903e7"), Value(-1000));
  EXPECT_EQ(*parse("f93c00"), Value(1.0));
  EXPECT_EQ(*parse("f90001"), Value(5.960464477539063e-8));
  EXPECT_EQ(*parse("f9c400"), Value(-4.0));
  EXPECT_EQ(*parse("fa47c35000"), Value(100000.0));
  EXPECT_EQ(*parse("fb3ff199999999999a"), Value(1.1));
  EXPECT_TRUE(std::isinf(parse("f97c00")->as_double()));
  EXPECT_TRUE(std::isnan(parse("f97e00")->as_double()));
  EXPECT_EQ(*parse("f4"), Value(false));
  EXPECT_TRUE(parse("f6")->is_null());
  EXPECT_TRUE(parse("f7")->is_null());
  EXPECT_EQ(*parse("c11a514b67b0"), Value(Timestamp{1363896240000}));
  EXPECT_EQ(*parse("c1fb41d452d9ec200000"), Value(Timestamp{1363896240500}));
  EXPECT_EQ(*parse("4401020304"), Value(Blob{std::string("\1\2\3\4")}));
  EXPECT_EQ(*parse("62c3bc"), Value("\u00fc"));
  EXPECT_EQ(json::write(*parse("826161a161626163")), R"(["a",{"b":"c"}])");
  EXPECT_EQ(*parse("5f42010243030405ff"), Value(Blob{std::string("\1\2\3\4\5")}));
  EXPECT_EQ(*parse("7f657374726561646d696e67ff"), Value("streaming"));
  EXPECT_EQ(json::write(*parse("9f018202039f0405ffff")), "[1,[2,3],[4,5]]");
  EXPECT_EQ(json::write(*parse("bf6346756ef563416d7421ff")), R"({"Fun":true,"Amt":-2})");
}

TEST(Cbor, writes_the_shortest_form) {
  EXPECT_EQ(wrote(Value(0)), "00");
  EXPECT_EQ(wrote(Value(24)), "1818");
  EXPECT_EQ(wrote(Value(256)), "190100");
  EXPECT_EQ(wrote(Value(int64_t{1} << 40)), "1b0000010000000000");
  EXPECT_EQ(wrote(Value(-1)), "20");
  EXPECT_EQ(wrote(Value(std::numeric_limits<int64_t>::min())), "3b7fffffffffffffff");
  EXPECT_EQ(wrote(Value(1.5)), "fa3fc00000");
  EXPECT_EQ(wrote(Value(1.1)), "fb3ff199999999999a");
  EXPECT_EQ(wrote(Value(1e300)), "fb7e37e43c8800759c");
  EXPECT_EQ(wrote(Value(Timestamp{1363896240000})), "c11a514b67b0");
  EXPECT_EQ(wrote(Value(Timestamp{1363896240500})), "c1fb41d452d9ec200000");
  EXPECT_EQ(wrote(Value(Blob{"\1"})), "4101");
  EXPECT_EQ(wrote(*json::parse(R"({"a":[null,true,"b"]})")), "a1616183f6f56162");
  EXPECT_EQ(wrote(Value("\xFF")), "63efbfbd");  // no UTF-8
}

TEST(Cbor, of_a_repeated_key_the_last_one_counts) { EXPECT_EQ(json::write(*parse("a3616101616202616103")), R"({"b":2,"a":3})"); }

TEST(Cbor, what_is_broken_is_refused) {
  for (std::string_view hex : {
           "",
           "18",
           "1a0000",
           "61",
           "6261",  // ends too soon
           "0000",  // goes on
           "1c",
           "1f",
           "3f",
           "df",
           "ff",
           "f800",
           "f820",
           "e0",  // no such head
           "5f6161ff",
           "5f5f4101ffff",
           "7f",  // chunks
           "9f",
           "bf6161ff",
           "bf6161",
           "8201",
           "a16161",  // containers
           "a10102",
           "a1f6f6",  // keys
           "61ff",
           "62c328",  // text
           "1bffffffffffffffff",
           "3bffffffffffffffff",  // integers
           "c16161",
           "c1fb7ff0000000000000",
           "c11b00ffffffffffffff",
           "c1f97e00",  // timestamps
       }) {
    EXPECT_FALSE(parse(hex).has_value()) << hex;
  }
  EXPECT_TRUE(parse("a161610c").has_value());  // control
}

TEST(Cbor, what_a_head_claims_is_not_believed) {
  EXPECT_FALSE(parse("9bffffffffffffffff").has_value());
  EXPECT_FALSE(parse("bbffffffffffffffff").has_value());
  EXPECT_FALSE(parse("5bffffffffffffffff").has_value());
  EXPECT_FALSE(parse("7b7fffffffffffffff").has_value());
}

TEST(Cbor, depth_and_number_of_items_are_bounded) {
  auto nested = [](size_t n, std::string_view open) {
    std::string hex;
    for (size_t i = 0; i < n; ++i) hex += open;
    return hex + "00";
  };
  EXPECT_TRUE(parse(nested(64, "81")).has_value());
  EXPECT_EQ(parse(nested(65, "81")).error().code, Errc::TooLarge);
  EXPECT_EQ(parse(nested(10'000, "81")).error().code, Errc::TooLarge);
  EXPECT_EQ(parse(nested(10'000, "c2")).error().code, Errc::TooLarge);
  EXPECT_EQ(parse("8300"
                  "0000",
                  {64, 3})
                .error()
                .code,
            Errc::TooLarge);
  EXPECT_TRUE(parse("8300"
                    "0000",
                    {64, 4})
                  .has_value());
}

}  // namespace
}  // namespace gust::model
