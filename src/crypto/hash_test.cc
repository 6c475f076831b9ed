// SPDX-License-Identifier: Apache-2.0

#include "crypto/hash.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace gust {
namespace {

TEST(Hash, known_digests_of_empty_and_abc) {
  EXPECT_EQ(hex_encode(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex_encode(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_encode(md5("")), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(hex_encode(md5("abc")), "900150983cd24fb0d6963f7d28e17f72");
}

TEST(Hash, hmac_of_rfc_4231_case_2_and_rfc_2202_case_2) {
  EXPECT_EQ(hex_encode(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex_encode(hmac_sha1("Jefe", "what do ya want for nothing?")), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
}

TEST(Hash, hmac_takes_keys_longer_than_a_block) {  // RFC 4231 case 6
  EXPECT_EQ(hex_encode(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hash, crc_check_values_of_the_catalogue) {
  EXPECT_EQ(crc32("123456789"), 0xCBF43926u);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc64nvme("123456789"), 0xAE8B14860A799888u);
  EXPECT_EQ(crc32(""), 0u);
  EXPECT_EQ(crc64nvme(""), 0u);
}

TEST(Hash, crc_of_long_texts_is_that_of_single_bytes) {  // other code from 128 bytes on
  std::string text;
  uint32_t a = 0, b = 0;
  uint64_t c = 0;
  for (int i = 0; i < 5000; ++i) {
    char byte = static_cast<char>(i * 31 + i / 7);
    text += byte;
    a = crc32({&byte, 1}, a);
    b = crc32c({&byte, 1}, b);
    c = crc64nvme({&byte, 1}, c);
    if (i > 700 && i < 4900) continue;
    ASSERT_EQ(crc32(text), a) << i;
    ASSERT_EQ(crc32c(text), b) << i;
    ASSERT_EQ(crc64nvme(text), c) << i;
  }
  EXPECT_EQ(crc64nvme(std::string(4096, '\0')), 0x6482D367EB22B64Eu);  // NVM Express base specification, its examples
  EXPECT_EQ(crc64nvme(std::string(4096, '\xff')), 0xC0DDBA7302ECA3ACu);
}

TEST(Hash, crc_continues_where_it_stopped_at_any_split) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(i * 7);
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(crc32(text.substr(cut), crc32(text.substr(0, cut))), crc32(text));
    EXPECT_EQ(crc32c(text.substr(cut), crc32c(text.substr(0, cut))), crc32c(text));
    EXPECT_EQ(crc64nvme(text.substr(cut), crc64nvme(text.substr(0, cut))), crc64nvme(text));
  }
}

TEST(Hash, big_endian_bytes) {
  EXPECT_EQ(hex_encode(big_endian32(0x01020304)), "01020304");
  EXPECT_EQ(hex_encode(big_endian64(0x0102030405060708)), "0102030405060708");
}

TEST(Hash, incremental_digest_equals_the_one_shot) {
  Digest sha(Digest::Kind::Sha256), m(Digest::Kind::Md5), sha1(Digest::Kind::Sha1);
  for (std::string_view part : {"a", "", "bc"}) {
    sha.update(part);
    m.update(part);
    sha1.update(part);
  }
  EXPECT_EQ(sha.finish(), sha256("abc"));
  EXPECT_EQ(m.finish(), md5("abc"));
  EXPECT_EQ(hex_encode(sha1.finish()), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST(Hash, two_digests_at_once_are_those_of_each) {
  if (!Md5Sha256::available()) GTEST_SKIP() << "this processor has no SHA instructions";
  std::string text;
  for (int i = 0; i < 5000; ++i) text += static_cast<char>(i * 37 + i / 11);
  for (size_t size : {0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 1000, 5000}) {
    for (size_t step : {size_t{1}, size_t{7}, size_t{64}, size_t{1000}}) {
      std::string_view left = std::string_view(text).substr(0, size);
      Md5Sha256 both;
      for (; !left.empty(); left.remove_prefix(std::min(step, left.size()))) both.update(left.substr(0, step));
      auto [m, s] = both.finish();
      EXPECT_EQ(hex_encode(m), hex_encode(md5(text.substr(0, size)))) << size;
      EXPECT_EQ(hex_encode(s), hex_encode(sha256(text.substr(0, size)))) << size;
    }
  }
}

TEST(Hash, constant_time_comparison) {
  EXPECT_TRUE(equal_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_constant_time("abc", "abcd"));
  EXPECT_TRUE(equal_constant_time("", ""));
}

}  // namespace
}  // namespace gust
