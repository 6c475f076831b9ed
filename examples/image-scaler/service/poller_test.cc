// SPDX-License-Identifier: Apache-2.0

#include "image-scaler/service/poller.h"

#include <gtest/gtest.h>

#include "image-scaler/job/small_cloud.h"

namespace gust::scaler {
namespace {

using Fault = SmallCloud::Fault;

class PollerTest : public ::testing::Test {
 protected:
  PollerOptions options() {
    PollerOptions out;
    out.bucket = "bucket";
    out.prefix = "uploads/r/svc/";
    out.progress_key = "progress/r/svc.json";
    out.job = {"results", "instance_type", "c4.large", {}, {}};
    out.aws = cloud_.config();
    out.batch = 3;
    return out;
  }
  void put(int first, int count) {
    for (int i = first; i < first + count; ++i)
      cloud_.put("uploads/r/svc/00000" + std::to_string(i) + ".jpg", small_jpeg(64, 48));
  }
  // Rows that say ok, by upload.
  std::map<std::string, int> done() {
    std::map<std::string, int> out;
    for (const auto& [name, row] : cloud_.rows()) {
      if (aws::string_of(row, "status") == "ok") ++out[std::string(aws::string_of(row, "seq"))];
    }
    return out;
  }

  SmallCloud cloud_;
};

TEST_F(PollerTest, WorksThroughWhatIsNewAndOnlyThat) {
  put(0, 5);
  Poller poller(options());
  ASSERT_TRUE(poller.resume());
  EXPECT_EQ(*poller.poll_once(), 5u);
  EXPECT_EQ(*poller.poll_once(), 0u);
  put(5, 2);
  EXPECT_EQ(*poller.poll_once(), 2u);
  std::map<std::string, int> rows = done();
  EXPECT_EQ(rows.size(), 7u);
  for (const auto& [sequence, n] : rows) EXPECT_EQ(n, 1) << sequence;
  EXPECT_EQ(cloud_.count("renditions/r/svc/"), 28u);
}

TEST_F(PollerTest, AnotherLifeBeginsWhereTheFirstEnded) {
  put(0, 4);
  {
    Poller first(options());
    ASSERT_EQ(*first.poll_once(), 4u);
  }
  put(4, 1);
  Poller second(options());
  ASSERT_TRUE(second.resume());
  EXPECT_EQ(*second.poll_once(), 1u);
  EXPECT_EQ(done().size(), 5u);
  EXPECT_EQ(cloud_.rows().size(), 5u);
}

// Progress that was never saved: the rows tell what was done.
TEST_F(PollerTest, ACrashInTheMiddleOfABatchSkipsNothingAndRecordsNothingTwice) {
  put(0, 4);
  {
    cloud_.order_fault("PUT progress/", Fault::Before, 100);
    Poller first(options());
    EXPECT_FALSE(first.poll_once());
  }
  EXPECT_EQ(done().size(), 3u);  // one batch
  cloud_.order_fault("", Fault::None, 0);
  Poller second(options());
  ASSERT_TRUE(second.resume());
  EXPECT_EQ(*second.poll_once(), 1u);
  std::map<std::string, int> rows = done();
  EXPECT_EQ(rows.size(), 4u);
  for (const auto& [sequence, n] : rows) EXPECT_EQ(n, 1) << sequence;
}

TEST_F(PollerTest, AFailureOfThePlatformIsTriedAgainAtTheNextPoll) {
  put(0, 1);
  Poller poller(options());
  cloud_.order_fault("GET uploads/", Fault::Before, 3);
  EXPECT_EQ(*poller.poll_once(), 1u);
  EXPECT_TRUE(done().empty());
  EXPECT_EQ(*poller.poll_once(), 1u);
  EXPECT_EQ(done().size(), 1u);
}

TEST_F(PollerTest, AKeyOfAnotherShapeDoesNotHoldTheOthers) {
  put(0, 1);
  cloud_.put("uploads/r/svc/a/b.jpg", small_jpeg(8, 8));
  Poller poller(options());
  EXPECT_EQ(*poller.poll_once(), 2u);
  EXPECT_EQ(*poller.poll_once(), 0u);
  EXPECT_EQ(done().size(), 1u);
}

}  // namespace
}  // namespace gust::scaler
