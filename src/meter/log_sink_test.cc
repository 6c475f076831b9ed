// SPDX-License-Identifier: Apache-2.0

#include "meter/log_sink.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/encoding.h"
#include "base/ids.h"
#include "meter/log_format.h"
#include "os/files.h"

namespace gust::meter {
namespace {

constexpr int64_t kDay = 86'400'000'000;
const int64_t kStart = *parse_iso8601("2026-11-23T03:21:09.123Z") * 1000;

TEST(LogFormat, ALineHasFourPartsAndEndsWithItsNewline) {
  EXPECT_EQ(log_line(kStart, "env", "req", "two\nlines\tand a tab"),
            "2026-11-23T03:21:09.123Z\tenv\treq\ttwo\\nlines\tand a tab\n");
  EXPECT_EQ(log_line(kStart + 1'000, "env", "req", ""), "2026-11-23T03:21:09.124Z\tenv\treq\t\n");
  for (int64_t at : {int64_t{0}, int64_t{999'999}, int64_t{1'000'000}, kStart + kDay, kStart}) {
    EXPECT_EQ(log_line(at, "", "", "").substr(0, 24), iso8601(at / 1000)) << at;
  }
}

TEST(LogFormat, EveryByteComesBack) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  for (const std::string& text : {all, all + all, std::string("\\n"), std::string("\\\\x41"), std::string("\\"),
                                  std::string("a\\"), std::string("\r\n\x1B[31mred\x1B[0m")}) {
    const std::string escaped = escape_log_text(text);
    EXPECT_EQ(unescape_log_text(escaped), text);
    EXPECT_TRUE(
        std::none_of(escaped.begin(), escaped.end(), [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7F; }));
  }
  EXPECT_EQ(escape_log_text("a\nb\\c\x1B"), "a\\nb\\\\c\\x1b");
}

TEST(LogFormat, WhatIsNoEscapeIsReadAsItStands) {
  EXPECT_EQ(unescape_log_text("\\q"), "q");
  EXPECT_EQ(unescape_log_text("\\x4"), "x4");
  EXPECT_EQ(unescape_log_text("\\xzz"), "xzz");
  EXPECT_EQ(unescape_log_text("end\\"), "end\\");
}

class LogSinkTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "gust-logs-XXXXXX";
    ASSERT_TRUE(mkdtemp(root_.data()));
  }
  void TearDown() override {
    sink_.reset();
    (void)files::remove_tree(root_);
  }
  void open(LogLimits limits = {}) { sink_ = std::make_unique<LogSink>(root_, limits); }
  void write(const std::string& function, int day, size_t bytes) {
    sink_->line(function, kStart + day * kDay, "e", "r", std::string(bytes, 'x'));
    sink_->flush();
  }
  std::string read(const std::string& path) const { return files::read(root_ + "/" + path).value_or(""); }
  std::vector<std::string> list(const std::string& folder) const {
    return files::list(root_ + "/" + folder).value_or(std::vector<std::string>());
  }

  std::string root_;
  std::unique_ptr<LogSink> sink_;
};

TEST_F(LogSinkTest, LinesAndRecordsGoIntoTheFileOfTheirDay) {
  open();
  sink_->line("f", kStart, "env", "req", "hello");
  sink_->line("f", kStart + kDay, "env", "req", "next day");
  sink_->record("meter/executions", kStart, R"({"a":1})");
  sink_->flush();
  EXPECT_EQ(read("logs/f/2026-11-23.log"), "2026-11-23T03:21:09.123Z\tenv\treq\thello\n");
  EXPECT_EQ(read("logs/f/2026-11-24.log"), "2026-11-24T03:21:09.123Z\tenv\treq\tnext day\n");
  EXPECT_EQ(read("meter/executions-2026-11-23.jsonl"), "{\"a\":1}\n");
}

TEST_F(LogSinkTest, LinesOfManyThreadsStayWholeAndInOrder) {
  open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) sink_->line("f", kStart, "e", std::to_string(t), std::to_string(i));
    });
  }
  for (auto& thread : threads) thread.join();
  sink_->flush();
  std::string text = read("logs/f/2026-11-23.log");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2000);
  for (int t = 0; t < 4; ++t) {
    size_t at = 0;
    for (int i = 0; i < 500; ++i) {
      at = text.find("\te\t" + std::to_string(t) + "\t" + std::to_string(i) + "\n", at);
      ASSERT_NE(at, text.npos);
    }
  }
}

TEST_F(LogSinkTest, ItsEndWritesWhatItHolds) {
  open();
  for (int i = 0; i < 100; ++i) sink_->line("f", kStart, "e", "r", "x");
  sink_.reset();
  std::string text = read("logs/f/2026-11-23.log");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 100);
}

TEST_F(LogSinkTest, AFunctionOverItsShareLosesItsOldestDays) {
  open({.function_bytes = 2'500});
  for (int day = 0; day < 4; ++day) write("f", day, 1'000);
  write("other", 0, 1'000);
  EXPECT_EQ(list("logs/f"), (std::vector<std::string>{"2026-11-25.log", "2026-11-26.log"}));
  EXPECT_EQ(list("logs/other"), (std::vector<std::string>{"2026-11-23.log"}));
  EXPECT_EQ(sink_->dropped(), 0u);
}

TEST_F(LogSinkTest, AllTogetherOverTheTotalLoseTheOldestDayOfAny) {
  open({.function_bytes = 10'000, .total_bytes = 3'500});
  write("a", 1, 1'000);
  write("b", 0, 1'000);
  write("a", 2, 1'000);
  write("c", 3, 1'000);
  EXPECT_EQ(list("logs/b"), std::vector<std::string>());
  EXPECT_EQ(list("logs/a"), (std::vector<std::string>{"2026-11-24.log", "2026-11-25.log"}));
  write("c", 4, 1'000);
  EXPECT_EQ(list("logs/a"), (std::vector<std::string>{"2026-11-25.log"}));
}

TEST_F(LogSinkTest, ADayThatIsOverTheLimitAloneDropsItsLinesAndSaysSo) {
  open({.function_bytes = 5'000});
  for (int i = 0; i < 20; ++i) write("f", 0, 1'000);
  write("quiet", 0, 1'000);
  EXPECT_EQ(sink_->dropped(), 16u);
  std::string text = read("logs/f/2026-11-23.log");
  EXPECT_LT(text.size(), 5'500u);
  EXPECT_NE(text.find("gust: the limit of this log"), text.npos);
  EXPECT_EQ(text.find("gust:"), text.rfind("gust:"));
  EXPECT_EQ(list("logs/quiet").size(), 1u);
  write("f", 1, 1'000);  // the next day begins anew
  EXPECT_EQ(list("logs/f"), (std::vector<std::string>{"2026-11-24.log"}));
}

TEST_F(LogSinkTest, FilesOfAnEarlierProcessCount) {
  open();
  for (int day = 0; day < 3; ++day) write("f", day, 1'000);
  sink_.reset();
  open({.function_bytes = 2'200});
  write("f", 3, 1'000);
  EXPECT_EQ(list("logs/f"), (std::vector<std::string>{"2026-11-25.log", "2026-11-26.log"}));
}

TEST_F(LogSinkTest, RecordsLoseOldDaysButNeverToday) {
  open({.function_bytes = 1'500, .total_bytes = 1'000});
  for (int day = 0; day < 3; ++day) {
    for (int i = 0; i < 3; ++i) sink_->record("meter/executions", kStart + day * kDay, std::string(600, '1'));
    sink_->record("meter/services", kStart, "{}");
    sink_->flush();
  }
  EXPECT_EQ(list("meter"), (std::vector<std::string>{"executions-2026-11-25.jsonl", "services-2026-11-23.jsonl"}));
  EXPECT_EQ(read("meter/executions-2026-11-25.jsonl").size(), 3u * 601);
  EXPECT_EQ(sink_->dropped(), 0u);
}

TEST_F(LogSinkTest, ADiskThatTakesNothingCostsLinesAndNothingElse) {
  ASSERT_TRUE(files::write(root_ + "/logs", "a file where the folder should be"));
  open();
  for (int i = 0; i < 10; ++i) sink_->line("f", kStart, "e", "r", "x");
  sink_->flush();
  EXPECT_EQ(sink_->dropped(), 10u);
  sink_->record("meter/executions", kStart, "{}");
  sink_->flush();
  EXPECT_EQ(read("meter/executions-2026-11-23.jsonl"), "{}\n");
}

TEST_F(LogSinkTest, ADiskThatLagsIsToldAndMemoryStaysBounded) {
  // A pipe that nobody reads stands for a disk that does not move.
  ASSERT_TRUE(files::make_directories(root_ + "/logs/f"));
  ASSERT_EQ(mkfifo((root_ + "/logs/f/2026-11-23.log").c_str(), 0600), 0);
  open();
  EXPECT_FALSE(sink_->full());
  const std::string large(1 << 20, 'x');
  for (int i = 0; i < 40; ++i) sink_->line("f", kStart, "e", "r", large);
  EXPECT_TRUE(sink_->full());
  EXPECT_EQ(sink_->dropped(), 0u);
  for (int i = 0; i < 40; ++i) sink_->line("f", kStart, "e", "r", large);
  EXPECT_GT(sink_->dropped(), 0u);
  EXPECT_LT(sink_->dropped(), 40u);
  std::thread reader([&] {
    auto fd = files::open(root_ + "/logs/f/2026-11-23.log", O_RDONLY);
    std::string buffer(1 << 20, '\0');
    while (::read(fd->get(), buffer.data(), buffer.size()) > 0 || sink_->full()) {
    }
  });
  sink_->flush();
  EXPECT_FALSE(sink_->full());
  reader.join();
}

}  // namespace
}  // namespace gust::meter
