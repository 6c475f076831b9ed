// SPDX-License-Identifier: Apache-2.0

#include "cli/output.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/json.h"

namespace gust::cli {

TEST(Output, TablesAreAlignedAndNumbersStandRight) {
  Table table({"NAME", "MB", "STATE"});
  table.add({"a", "128", "idle"});
  table.add({"long-näme", "1769", ""});
  EXPECT_EQ(table.text(),
            "NAME         MB  STATE\n"
            "a           128  idle\n"
            "long-näme  1769\n");
  EXPECT_EQ(Table({"A", "B"}).text("  "), "  A  B\n");
}

TEST(Output, StrangersCannotMoveTheCursor) {
  Table table({"NAME"});
  table.add({"\x1b[2Jx\ny"});
  EXPECT_EQ(table.text(), "NAME\n\\x1b[2Jx\\x0ay\n");
  EXPECT_EQ(readable("a\tb\x1b\nc\t\r\n", "    "), "a  b\\x1b\n    c");
  EXPECT_EQ(readable("\n\n"), "");
  EXPECT_EQ(text_of(Value("\x07")), "\\x07");
}

TEST(Output, ScalarsAreTextAndTheRestIsJson) {
  EXPECT_EQ(text_of(Value()), "-");
  EXPECT_EQ(text_of(Value(12)), "12");
  EXPECT_EQ(text_of(Value(true)), "true");
  EXPECT_EQ(text_of(*json::parse(R"({"a":[1]})")), R"({"a":[1]})");
}

TEST(Output, AnyDocumentIsReadable) {
  const auto document =
      json::parse(R"({"waiting":2,"oldest":null,"none":[],"events":[{"id":"a","retry_in_s":3},{"id":"b","why":"throttled"}],
                                        "limits":{"bytes":1024}})");
  ASSERT_TRUE(document);
  EXPECT_EQ(document_text(*document),
            "waiting  2\n"
            "oldest   -\n"
            "none: none\n"
            "events\n"
            "  ID  RETRY IN S  WHY\n"
            "  a            3  -\n"
            "  b            -  throttled\n"
            "limits\n"
            "  bytes  1024\n");
}

TEST(Output, ManyWordsAreWrapped) {
  EXPECT_EQ(wrapped({}, "  "), "");
  EXPECT_EQ(wrapped({"a", "b"}, "  "), "  a, b\n");
  const std::string lines = wrapped(std::vector<std::string>(40, "nine-char"), "  ");
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 5);
  EXPECT_EQ(wrapped({std::string(200, 'x'), "y"}, ""), std::string(200, 'x') + ",\ny\n");
}

TEST(Output, AListIsTheDocumentOrAMemberOfIt) {
  const Value list = *json::parse("[1,2]"), map = *json::parse(R"({"services":[1]})");
  EXPECT_EQ(list_of(list, "services").size(), 2u);
  EXPECT_EQ(list_of(map, "services").size(), 1u);
  EXPECT_EQ(list_of(map, "other").size(), 0u);
}

}  // namespace gust::cli
