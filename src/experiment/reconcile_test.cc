// SPDX-License-Identifier: Apache-2.0

#include "experiment/reconcile.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "experiment/synthetic_run.h"

namespace gust::experiment {
namespace {

class Reconcile : public ::testing::Test {
 protected:
  Collected run_ = synthetic_run({6});
  Records& records_ = run_.records;

  Reconciliation check() { return reconcile(run_.run.id, run_.run.arms, run_.run.planned, records_); }
  Row& row(const std::string& arm, uint64_t sequence) {
    return *std::find_if(records_.rows.begin(), records_.rows.end(),
                         [&](const Row& r) { return r.arm == arm && r.sequence == sequence; });
  }
  Executed& execution(const std::string& request_id) {
    return *std::find_if(records_.executed.begin(), records_.executed.end(),
                         [&](const Executed& e) { return e.request_id == request_id; });
  }
  void drop_row(const std::string& arm, uint64_t sequence) {
    std::erase_if(records_.rows, [&](const Row& r) { return r.arm == arm && r.sequence == sequence; });
  }
  void expect_only(const std::vector<Remainder>& expected) {
    std::vector<Remainder> found = check().remainders;
    ASSERT_EQ(found.size(), expected.size()) << (found.empty() ? "" : found[0].id + " " + found[0].problem);
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].arm, expected[i].arm);
      EXPECT_EQ(found[i].id, expected[i].id);
      EXPECT_NE(found[i].problem.find(expected[i].problem), std::string::npos) << found[i].problem;
    }
  }
};

TEST_F(Reconcile, AConsistentRunIsClean) {
  Reconciliation r = check();
  EXPECT_TRUE(r.clean());
  ASSERT_EQ(r.arms.size(), 4u);
  EXPECT_EQ(r.arms[0].sent, 6u);
  EXPECT_EQ(r.arms[0].ok, 6u);
  EXPECT_EQ(r.arms[0].executions, 6u);
  EXPECT_EQ(r.arms[0].renditions, 24u);
  EXPECT_EQ(r.arms[3].executions, 0u) << "a service has none";
}

TEST_F(Reconcile, AMissingRowAndAMissingRenditionAreNamed) {
  drop_row("fn-1728", 3);
  std::erase(records_.rendition_keys, rendition_key(run_.run.id, "svc-c4.large", 2, 512));
  expect_only({{"fn-1728", "000003", "acknowledged upload without a row; 4 of its renditions are there"},
               {"fn-1728", "fn-1728-request-3", "execution that succeeded without a row"},
               {"svc-c4.large", rendition_key(run_.run.id, "svc-c4.large", 2, 512), "rendition is missing"}});
}

TEST_F(Reconcile, AnUploadThatWasRefusedOrNeverSentIsNamed) {
  for (Sent& s : records_.sent) {
    if (s.arm == "svc-c4.large" && s.sequence == 1) s.error = "SlowDown";
  }
  drop_row("svc-c4.large", 1);
  std::erase_if(records_.rendition_keys,
                [](const std::string& key) { return key.find("svc-c4.large/000001") != std::string::npos; });
  run_.run.planned["fn-512"] = 7;
  expect_only({{"fn-512", "000006", "never sent"}, {"svc-c4.large", "000001", "upload refused: SlowDown"}});
}

TEST_F(Reconcile, ARowWithoutExecutionOrUploadIsNamed) {
  std::erase_if(records_.executed, [](const Executed& e) { return e.request_id == "fn-512-request-0"; });
  Row stranger = row("svc-c4.large", 0);
  stranger.sequence = 99;
  stranger.status = "skipped";
  records_.rows.push_back(stranger);
  stranger.arm = "fn-9999";
  records_.rows.push_back(stranger);
  expect_only({{"fn-512", "fn-512-request-0", "without an execution in the meter"},
               {"svc-c4.large", "000099", "never sent"},
               {"fn-9999", "000099", "an arm that was not run"}});
}

TEST_F(Reconcile, AFailedUploadIsNamedAndItsRenditionsAreNotExpected) {
  Row& failed = row("fn-3008", 5);
  failed.status = "failed";
  failed.error_type = "CorruptImage";
  std::erase_if(records_.rendition_keys, [](const std::string& key) { return key.find("fn-3008/000005") != std::string::npos; });
  expect_only({{"fn-3008", "000005", "failed: CorruptImage"}});
  EXPECT_EQ(check().arms[2].failed, 1u);
}

TEST_F(Reconcile, ARepeatedExecutionIsExplainedByItsRow) {
  execution("fn-512-request-4").outcome = "timeout";  // the first attempt had put its row already
  Executed second = execution("fn-512-request-4");
  second.outcome = "ok";
  second.attempt = 2;
  records_.executed.push_back(second);
  Row again = row("fn-512", 4);
  again.attempt = 2;
  records_.rows.push_back(again);
  Reconciliation r = check();
  EXPECT_TRUE(r.clean());
  EXPECT_EQ(r.arms[0].repeated, 1u);
  EXPECT_EQ(r.arms[0].executions_failed, 1u);
  records_.rows.push_back(again);  // a third row has no execution
  expect_only({{"fn-512", "fn-512-request-4", "3 rows of 2 executions"}});
}

TEST_F(Reconcile, ARenditionThatNobodyMadeIsNamed) {
  const std::string key = rendition_key(run_.run.id, "fn-512", 77, 160);
  records_.rendition_keys.push_back(key);
  records_.rendition_keys.push_back("renditions/another-run/fn-512/000001/160.jpg");  // not ours
  expect_only({{"fn-512", key, "without a row that says ok"}});
}

}  // namespace
}  // namespace gust::experiment
