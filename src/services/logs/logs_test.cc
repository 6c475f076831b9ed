// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "services/logs/filter.h"
#include "services/logs/logs_service.h"

namespace gust::logs {
namespace {

struct Sink : model::Responder::Sink {
  void reply(model::Reply r) override { output = std::move(r.output); }
  void error(model::ApiError e) override { code = e.code, message = e.message; }
  Value output;
  std::string code, message;
};

constexpr int64_t kDay_us = 86'400'000'000, kStart_us = 1'700'000'000'000'000;  // 2023-11-14T22:13:20Z

class Logs : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/gust-logs-XXXXXX";
    root_ = ::mkdtemp(name);
    sink_ = std::make_unique<meter::LogSink>(root_, meter::LogLimits{});
    service_ = std::make_unique<LogsService>(root_, *sink_);
    for (int i = 0; i < 10; ++i) {
      sink_->line("f", kStart_us + i * 1'000'000, i % 2 ? "envb" : "enva", "req", "line " + std::to_string(i));
    }
    sink_->line("f", kStart_us + kDay_us, "envb", "req", "next day\nwith\ttwo lines and a \\");
    sink_->line("g", kStart_us, "envc", "req", "other");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  Sink call(std::string_view operation, std::initializer_list<std::pair<const char*, Value>> members) {
    auto sink = std::make_shared<Sink>();
    model::Call c;
    c.operation = operation;
    for (const auto& [name, value] : members) c.input.set(name, value);
    service_->call(std::move(c), model::Responder(sink));
    return *sink;
  }
  static std::vector<std::string> messages(const Value& output) {
    std::vector<std::string> all;
    for (const Value& event : output["events"].as_list()) all.emplace_back(event["message"].as_string());
    return all;
  }

  std::string root_;
  std::unique_ptr<meter::LogSink> sink_;
  std::unique_ptr<LogsService> service_;
};

const char kGroup[] = "/aws/lambda/f", kStreamA[] = "2023/11/14/[$LATEST]enva", kStreamB[] = "2023/11/14/[$LATEST]envb";
using Texts = std::vector<std::string>;

TEST_F(Logs, AStreamIsReadForwardInPagesUntilTheTokenStays) {
  Sink page =
      call("GetLogEvents", {{"logGroupName", kGroup}, {"logStreamName", kStreamA}, {"startFromHead", true}, {"limit", 2}});
  EXPECT_EQ(messages(page.output), (Texts{"line 0\n", "line 2\n"}));
  std::string token;
  Texts rest;
  for (int i = 0; i < 10; ++i) {
    const std::string next(page.output["nextForwardToken"].as_string());
    if (next == token) break;
    token = next;
    page = call("GetLogEvents", {{"logGroupName", kGroup}, {"logStreamName", kStreamA}, {"nextToken", token}, {"limit", 2}});
    for (std::string& text : messages(page.output)) rest.push_back(std::move(text));
  }
  EXPECT_EQ(rest, (Texts{"line 4\n", "line 6\n", "line 8\n"}));
  EXPECT_EQ(page.output["nextForwardToken"].as_string(), token);
}

TEST_F(Logs, WithoutStartFromHeadTheNewestComeFirstAndTheTokenGoesBack) {
  Sink page = call("GetLogEvents", {{"logGroupName", kGroup}, {"logStreamName", kStreamB}, {"limit", 2}});
  EXPECT_EQ(messages(page.output), (Texts{"line 9\n", "next day\nwith\ttwo lines and a \\\n"}));  // across midnight
  page = call("GetLogEvents", {{"logGroupName", kGroup},
                               {"logStreamName", kStreamB},
                               {"limit", 3},
                               {"nextToken", std::string(page.output["nextBackwardToken"].as_string())}});
  EXPECT_EQ(messages(page.output), (Texts{"line 3\n", "line 5\n", "line 7\n"}));
}

TEST_F(Logs, TimesBoundWhatIsRead) {
  const auto get = [&](int64_t from, int64_t to) {
    return messages(call("GetLogEvents", {{"logGroupName", kGroup},
                                          {"logStreamName", kStreamA},
                                          {"startTime", static_cast<long long>(from)},
                                          {"endTime", static_cast<long long>(to)}})
                        .output);
  };
  const int64_t start = kStart_us / 1000;
  EXPECT_EQ(get(start + 2000, start + 6000), (Texts{"line 2\n", "line 4\n"}));  // the end is left out
  EXPECT_EQ(get(start + 100'000'000, start + 200'000'000), Texts{});
  EXPECT_EQ(messages(call("FilterLogEvents", {{"logGroupName", kGroup},
                                              {"startTime", static_cast<long long>(start + 8000)},
                                              {"endTime", static_cast<long long>(start + 9000)}})
                         .output),
            (Texts{"line 8\n", "line 9\n"}));  // the end is in
}

TEST_F(Logs, FilteringGoesOverAllStreamsInPages) {
  const Sink all = call("FilterLogEvents", {{"logGroupName", kGroup}, {"filterPattern", "line -3"}, {"limit", 4}});
  EXPECT_EQ(messages(all.output), (Texts{"line 0\n", "line 1\n", "line 2\n", "line 4\n"}));
  EXPECT_EQ(all.output["events"].as_list()[1]["logStreamName"].as_string(), kStreamB);
  const Sink next = call(
      "FilterLogEvents",
      {{"logGroupName", kGroup}, {"filterPattern", "line -3"}, {"nextToken", std::string(all.output["nextToken"].as_string())}});
  EXPECT_EQ(messages(next.output).front(), "line 5\n");
  EXPECT_FALSE(next.output.has("nextToken"));
  EXPECT_EQ(messages(call("FilterLogEvents", {{"logGroupName", kGroup}, {"logStreamNames", Value::List{Value(kStreamA)}}}).output)
                .size(),
            5u);
}

TEST_F(Logs, GroupsAndStreamsAreListed) {
  const Sink groups = call("DescribeLogGroups", {{"logGroupNamePrefix", "/aws/lambda/"}, {"limit", 1}});
  ASSERT_EQ(groups.output["logGroups"].size(), 1u);
  EXPECT_EQ(groups.output["logGroups"].as_list()[0]["logGroupName"].as_string(), kGroup);
  EXPECT_GT(groups.output["logGroups"].as_list()[0]["storedBytes"].as_int(), 0);
  const Sink more = call("DescribeLogGroups", {{"nextToken", std::string(groups.output["nextToken"].as_string())}});
  EXPECT_EQ(more.output["logGroups"].as_list()[0]["logGroupName"].as_string(), "/aws/lambda/g");
  EXPECT_FALSE(more.output.has("nextToken"));
  const Sink streams = call("DescribeLogStreams", {{"logGroupName", kGroup}, {"orderBy", "LastEventTime"}, {"descending", true}});
  ASSERT_EQ(streams.output["logStreams"].size(), 2u);
  EXPECT_EQ(streams.output["logStreams"].as_list()[0]["logStreamName"].as_string(), kStreamB);
  EXPECT_EQ(streams.output["logStreams"].as_list()[0]["lastEventTimestamp"].as_int(), (kStart_us + kDay_us) / 1000);
}

TEST_F(Logs, WhatIsNotThereOrNotBuiltIsSaid) {
  EXPECT_EQ(call("GetLogEvents", {{"logGroupName", "/aws/lambda/none"}, {"logStreamName", kStreamA}}).message,
            "The specified log group does not exist.");
  EXPECT_EQ(call("GetLogEvents", {{"logGroupName", "/aws/lambda/../meter"}, {"logStreamName", kStreamA}}).code,
            "ResourceNotFoundException");
  EXPECT_EQ(call("GetLogEvents", {{"logGroupName", kGroup}, {"logStreamName", "nonsense"}}).message,
            "The specified log stream does not exist.");
  EXPECT_EQ(call("GetLogEvents", {{"logGroupName", kGroup}, {"logStreamName", "2023/11/14/[$LATEST]zzz"}}).code,
            "ResourceNotFoundException");
  EXPECT_EQ(call("GetLogEvents", {{"logGroupName", kGroup}, {"logStreamName", kStreamA}, {"nextToken", "junk"}}).code,
            "InvalidParameterException");
  EXPECT_EQ(call("FilterLogEvents", {{"logGroupName", kGroup}, {"filterPattern", "{ $.x = 1 }"}}).code, "NotImplemented");
  EXPECT_EQ(call("PutLogEvents", {}).code, "NotImplemented");
  EXPECT_FALSE(service_->implements("PutLogEvents"));
}

TEST_F(Logs, HalfALineAtTheEndAndDamagedLinesAreSkipped) {
  sink_->flush();
  const std::string path = root_ + "/logs/g/2023-11-14.log";
  FILE* file = ::fopen(path.c_str(), "a");
  ::fputs("garbage without tabs\n2023-11-14T22:13:21.000Z\tenvc\treq\tgood\n2023-11-14T22:13:22.000Z\tenvc\treq\thalf", file);
  ::fclose(file);
  EXPECT_EQ(messages(call("FilterLogEvents", {{"logGroupName", "/aws/lambda/g"}}).output), (Texts{"other\n", "good\n"}));
}

TEST(Filters, TermsPhrasesExclusionsAndAlternatives) {
  struct Case {
    const char *pattern, *message;
    bool expected;
  };
  for (const Case& c : std::initializer_list<Case>{{"", "anything", true},
                                                   {"ERROR", "an ERROR here", true},
                                                   {"ERROR", "an error here", false},
                                                   {"a b", "b and a", true},
                                                   {"a z", "b and a", false},
                                                   {"\"b and\"", "b and a", true},
                                                   {"\"and b\"", "b and a", false},
                                                   {"ERROR -timeout", "ERROR timeout", false},
                                                   {"?x ?y", "only y", true},
                                                   {"?x ?y", "none", false}}) {
    EXPECT_EQ(Filter::parse(c.pattern)->matches(c.message), c.expected) << c.pattern << " / " << c.message;
  }
  EXPECT_EQ(Filter::parse("\"open").error().code, Errc::Invalid);
  EXPECT_EQ(Filter::parse("[a, b]").error().code, Errc::Unsupported);
}

}  // namespace
}  // namespace gust::logs
