// SPDX-License-Identifier: Apache-2.0

#include "base/encoding.h"

#include <gtest/gtest.h>

namespace gust {
namespace {

TEST(Encoding, Utf8IsToldFromOtherBytesAtAnyPlace) {
  for (const char* good : {"", "plain ASCII text", "é", "12345678é€😀", "\xEF\xBF\xBD"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
    EXPECT_EQ(to_utf8(good), good);
  }
  for (const char* bad : {"\x80", "12345678\xff", "1234567\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
    EXPECT_TRUE(is_utf8(to_utf8(bad)));
  }
  EXPECT_EQ(to_utf8("a\xC3(\xE2\x82"), "a\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Encoding, WhatIsEscapedForXmlCanStandInADocument) {
  EXPECT_EQ(escape_xml("<a href='x'>&\"\r\n\x01\xff"), "&lt;a href=&apos;x&apos;&gt;&amp;&quot;&#xD;\n\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Encoding, DecodersRefuseWhatTheirEncodersNeverGive) {
  for (const char* bad : {"AA", "AA=A", "====", "AAA\n", "A-_A"}) EXPECT_FALSE(base64_decode(bad)) << bad;
  for (const char* bad : {"%", "%2", "%zz", "a%"}) EXPECT_FALSE(percent_decode(bad)) << bad;
  for (const char* bad : {"", "+1", "-1", " 1", "1 ", "18446744073709551616"}) EXPECT_FALSE(parse_uint(bad)) << bad;
  EXPECT_EQ(base64_decode("AA=="), std::string(1, '\0'));
  EXPECT_EQ(percent_decode("a%2Fb+"), "a/b+");
  EXPECT_EQ(parse_uint("18446744073709551615"), UINT64_MAX);
}

}  // namespace
}  // namespace gust
