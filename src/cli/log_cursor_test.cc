// SPDX-License-Identifier: Apache-2.0

#include "cli/log_cursor.h"

#include <gtest/gtest.h>

#include <vector>

namespace gust::cli {
namespace {

struct Event {
  std::string id;
  int64_t at;
};

// What a server answers to a poll from `start` on.
std::vector<std::string> poll(LogCursor& cursor, const std::vector<Event>& server) {
  std::vector<std::string> shown;
  const int64_t start = cursor.next_start_ms();
  for (const Event& event : server) {
    if (event.at >= start && cursor.take(event.id, event.at)) shown.push_back(event.id);
  }
  return shown;
}

}  // namespace

TEST(LogCursor, ShowsEachEventOnceThoughPollsOverlap) {
  LogCursor cursor(1'000'000);
  std::vector<Event> server = {{"old", 999'999}, {"a", 1'000'000}, {"b", 1'000'500}};
  EXPECT_EQ(poll(cursor, server), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(poll(cursor, server), (std::vector<std::string>{}));
  server.push_back({"c", 1'000'500});
  EXPECT_EQ(poll(cursor, server), (std::vector<std::string>{"c"}));
}

TEST(LogCursor, ShowsWhatBecomesVisibleLate) {
  LogCursor cursor(1'000'000);
  std::vector<Event> server = {{"a", 1'100'000}};
  EXPECT_EQ(poll(cursor, server).size(), 1u);
  server.insert(server.begin(), {"late", 1'100'000 - LogCursor::kOverlapMs});
  EXPECT_EQ(poll(cursor, server), (std::vector<std::string>{"late"}));
  EXPECT_EQ(poll(cursor, server), (std::vector<std::string>{}));
}

TEST(LogCursor, ForgetsWhatCannotComeAgain) {
  LogCursor cursor(0);
  for (int i = 0; i < 1000; ++i) cursor.take(std::to_string(i), i * 1000);
  EXPECT_EQ(cursor.next_start_ms(), 999'000 - LogCursor::kOverlapMs);
  EXPECT_EQ(cursor.remembered(), 11u);
}

}  // namespace gust::cli
