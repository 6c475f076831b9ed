// SPDX-License-Identifier: Apache-2.0

#include "experiment/records.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/json.h"
#include "experiment/synthetic_run.h"
#include "os/files.h"

namespace gust::experiment {
namespace {

class RecordFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/gust-records-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override { ASSERT_TRUE(files::remove_tree(directory_)); }

  void save(const Collected& collected) {
    ASSERT_TRUE(save_records(directory_, collected));
    Value summary = Value::map();
    summary.set("version", kRunVersion);
    summary.set("run", to_value(collected.run));
    ASSERT_TRUE(files::write(directory_ + "/summary.json", json::write(summary)));
  }

  std::string directory_;
};

TEST_F(RecordFiles, EverythingComesBack) {
  Collected written = synthetic_run({5});
  written.run.interrupted = true;
  written.run.blocks = {{0, 0, 5, "fn-512", 1'770'372'930'000'001, 2.25, 0.5}};
  save(written);
  Collected read = *load_records(directory_);
  EXPECT_EQ(to_value(read.run), to_value(written.run));
  EXPECT_EQ(read.items, written.items);
  EXPECT_EQ(read.records.rendition_keys, written.records.rendition_keys);
  ASSERT_EQ(read.records.sent.size(), 20u);
  EXPECT_EQ(read.records.sent[7].to_value(), written.records.sent[7].to_value());
  EXPECT_EQ(executions_csv(read.records.executed), executions_csv(written.records.executed));
  EXPECT_EQ(read.records.rows.size(), 20u);
  EXPECT_EQ(read.lambda.name, "lambda-2018-02");
  EXPECT_EQ(read.lambda.price_per_unit(1728), written.lambda.price_per_unit(1728));
  EXPECT_EQ(read.ec2.price_per_hour, written.ec2.price_per_hour);
}

TEST_F(RecordFiles, ASpreadsheetSeesNoFormulaAndTheReaderSeesTheText) {
  std::vector<Executed> executed(3);
  executed[0].error_type = "=HYPERLINK(\"http://evil\")";
  executed[1].error_type = "a,b\"c\"\nd";
  executed[2].error_type = "'quoted";
  for (Executed& e : executed) e.request_id = "-1";
  const std::string csv = executions_csv(executed);
  EXPECT_EQ(csv.find(",=HYPER"), std::string::npos);
  EXPECT_EQ(csv.find("\n-1,"), std::string::npos);
  EXPECT_NE(csv.find("\"'=HYPERLINK(\"\"http://evil\"\")\""), std::string::npos);
  std::vector<Executed> read = *executions_of_csv(csv);
  ASSERT_EQ(read.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(read[i].error_type, executed[i].error_type);
    EXPECT_EQ(read[i].request_id, "-1");
  }
}

TEST_F(RecordFiles, WhatIsNoRunIsRefused) {
  EXPECT_EQ(load_records(directory_).error().code, Errc::NotFound);
  save(synthetic_run({2}));
  ASSERT_TRUE(load_records(directory_));
  ASSERT_TRUE(files::write(directory_ + "/rows.jsonl", "{\"arm\":{\"S\":\"fn-512\"}}\n"));
  EXPECT_NE(load_records(directory_).error().message.find("rows.jsonl, line 1"), std::string::npos);
  ASSERT_TRUE(files::write(directory_ + "/rows.jsonl", "[\n"));
  EXPECT_EQ(load_records(directory_).error().code, Errc::Invalid);
  ASSERT_TRUE(files::write(directory_ + "/rows.jsonl", ""));
  ASSERT_TRUE(files::write(directory_ + "/executions.csv", "request_id\na\n"));
  EXPECT_EQ(load_records(directory_).error().code, Errc::Invalid);
  ASSERT_TRUE(files::write(directory_ + "/summary.json", R"({"version":2,"run":{"id":"x"}})"));
  EXPECT_NE(load_records(directory_).error().message.find("version 2"), std::string::npos);
}

}  // namespace
}  // namespace gust::experiment
