// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/encoded_item.h"

#include <gtest/gtest.h>

#include <random>

#include "services/dynamodb/item_key.h"
#include "services/dynamodb/test_items.h"

namespace gust::dynamodb {
namespace {

Value everything() {
  return map({{"b", b(std::string(300, '\0'))},
              {"bs", typed("BS", list({Blob{"x"}, Blob{"y"}}))},
              {"f", boolean(false)},
              {"l", l({s("a"), l({}), m({{"n", n("-12.5")}})})},
              {"m", m({{"m", m({{"x", null()}})}, {"z", n("0")}})},
              {"n", n("1E-130")},
              {"neg", n("-99999999999999999999999999999999999999")},
              {"ns", ns({"1", "-2", "3.5"})},
              {"s", s("text")},
              {"ss", ss({"a", "b"})},
              {"t", boolean(true)},
              {"zero", n("0")}});
}
std::string encoded(const Value& document) {
  std::string bytes;
  encode(item(document), bytes);
  return bytes;
}

TEST(EncodedItem, says_the_same_as_the_decoded_one) {
  const Item whole = item(everything());
  const std::string bytes = encoded(everything());
  const auto read = EncodedItem::read(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->size(), size_of(whole));
  ASSERT_EQ(read->members().size(), whole.members().size());
  for (const Member& m : whole.members()) {
    const EncodedAttribute* a = read->find(m.name);
    ASSERT_NE(a, nullptr);
    EXPECT_EQ(a->type(), m.value.type);
    EXPECT_EQ(a->size(), size_of(m.value)) << m.name;
    const bool scalar = m.value.type == Type::S || m.value.type == Type::N || m.value.type == Type::B;
    EXPECT_EQ(scalar ? a->key_text() : "", scalar ? key_text(m.value) : "");
  }
  EXPECT_EQ(read->find("absent"), nullptr);
  size_t size = 0;
  EXPECT_EQ(*document_of(bytes, size), to_value(whole));
  EXPECT_EQ(size, size_of(whole));
}

TEST(EncodedItem, shows_a_part_of_it) {
  const std::string bytes = encoded(map({{"a", n("1")}, {"b", s("x")}, {"c", n("2")}}));
  EXPECT_EQ(EncodedItem::read(bytes)->only({"a", "c", "d"}), encoded(map({{"a", n("1")}, {"c", n("2")}})));
  EXPECT_EQ(EncodedItem::read(bytes)->only({}), encoded(Value::map()));
}

// Whatever is cut off or changed: both readers agree, and neither reads beyond.
TEST(EncodedItem, damaged_bytes_are_found_as_by_decoding) {
  const std::string good = encoded(everything());
  size_t size = 0;
  for (size_t i = 0; i < good.size(); ++i) {
    const std::string cut = good.substr(0, i);
    EXPECT_FALSE(EncodedItem::read(cut)) << i;
    EXPECT_FALSE(document_of(cut, size)) << i;
  }
  EXPECT_FALSE(EncodedItem::read(good + "x"));
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {
    std::string bad = good;
    bad[random() % bad.size()] = static_cast<char>(random());
    const auto decoded = decode_item(bad);
    const auto document = document_of(bad, size);
    EXPECT_EQ(decoded.has_value(), document.has_value());
    (void)EncodedItem::read(bad);
  }
}

}  // namespace
}  // namespace gust::dynamodb
