// SPDX-License-Identifier: Apache-2.0

#include "experiment/zip.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

namespace gust::experiment {
namespace {

struct Entry {
  std::string name, content;
  unsigned mode = 0;
};

std::vector<Entry> read_zip(const std::string& bytes) {
  std::vector<Entry> out;
  archive* a = archive_read_new();
  archive_read_support_format_zip(a);
  EXPECT_EQ(archive_read_open_memory(a, bytes.data(), bytes.size()), ARCHIVE_OK);
  archive_entry* entry = nullptr;
  while (archive_read_next_header(a, &entry) == ARCHIVE_OK) {
    Entry e{archive_entry_pathname(entry), std::string(static_cast<size_t>(archive_entry_size(entry)), '\0'),
            archive_entry_perm(entry)};
    EXPECT_EQ(archive_read_data(a, e.content.data(), e.content.size()), static_cast<la_ssize_t>(e.content.size()));
    out.push_back(std::move(e));
  }
  EXPECT_EQ(archive_read_free(a), ARCHIVE_OK);
  return out;
}

TEST(Zip, AnotherReaderFindsNamesModesAndContents) {
  std::string large(100'000, 'x');
  large[5] = '\0';
  std::vector<Entry> read =
      read_zip(make_zip({{"bootstrap", large, 0755}, {"lib/data.txt", "hello", 0644}, {"empty", "", 0600}}));
  ASSERT_EQ(read.size(), 3u);
  EXPECT_EQ(read[0].name, "bootstrap");
  EXPECT_EQ(read[0].content, large);
  EXPECT_EQ(read[0].mode, 0755u);
  EXPECT_EQ(read[1].name, "lib/data.txt");
  EXPECT_EQ(read[1].content, "hello");
  EXPECT_EQ(read[2].content, "");
  EXPECT_EQ(read[2].mode, 0600u);
}

TEST(Zip, TheSameFilesGiveTheSameBytes) {
  EXPECT_EQ(make_zip({{"a", "1"}}), make_zip({{"a", "1"}}));
  EXPECT_NE(make_zip({{"a", "1"}}), make_zip({{"a", "2"}}));
  EXPECT_EQ(make_zip({{"a", "1"}}).size(), 30u + 1 + 1 + 46 + 1 + 22);
}

}  // namespace
}  // namespace gust::experiment
