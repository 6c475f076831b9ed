// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/item_key.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "services/dynamodb/test_items.h"

namespace gust::dynamodb {
namespace {

TEST(ItemKey, segments_cover_the_table_without_gaps) {
  const Keys table{.account = "000000000000", .region = "us-east-1", .storage = 7, .hash = {"pk", Type::S}};
  for (uint64_t total : {uint64_t{1}, uint64_t{2}, uint64_t{3}, uint64_t{1'000'000}}) {
    EXPECT_LE(segment(table, 0, total).from, all_items(table).from + std::string(8, '\0'));
    EXPECT_EQ(segment(table, total - 1, total).to, all_items(table).to);
    for (uint64_t i = 1; i < std::min<uint64_t>(total, 100); ++i)
      EXPECT_EQ(segment(table, i - 1, total).to, segment(table, i, total).from);
  }
}

// Stored: a change of the hash or the encoding would lose every item there is.
TEST(ItemKey, is_what_it_was) {
  const Keys table{.account = "1",
                   .region = "r",
                   .storage = 0x0102030405060708,
                   .hash = {"pk", Type::S},
                   .range = KeyAttribute{"sk", Type::N}};
  const auto key = key_of_key(table, item(map({{"pk", s("a")}, {"sk", n("-12")}})));
  ASSERT_TRUE(key);
  EXPECT_EQ(hex_encode(*key), "310001720001010203040506070882a2a958a9bece5b610001107cf2ff0001");
}

}  // namespace
}  // namespace gust::dynamodb
