// SPDX-License-Identifier: Apache-2.0

#include "image-scaler/job/job.h"

#include <gtest/gtest.h>

#include "image-scaler/job/small_cloud.h"

namespace gust::scaler {
namespace {

using Fault = SmallCloud::Fault;

class JobTest : public ::testing::Test {
 protected:
  JobTest() : client_(cloud_.config()), job_(client_, {"results", "memory_mb", "512", {}, {}}) { cloud_.put(kKey, small_jpeg()); }

  Upload upload(const std::string& request_id = "request-1") {
    return {"bucket", kKey, "etag", 1'770'372'930'000'000, request_id, true};
  }
  Value row(const std::string& sort_key) { return cloud_.rows()["r#fn-512 " + sort_key]; }

  const std::string kKey = "uploads/r/fn-512/000007.jpg";
  SmallCloud cloud_;
  aws::Client client_;
  Job job_;
};

TEST(Key, OnlyUploadsHaveParts) {
  KeyParts parts = *parse_key("uploads/run-1/fn-512/000042.jpg");
  EXPECT_EQ(parts.run, "run-1");
  EXPECT_EQ(parts.arm, "fn-512");
  EXPECT_EQ(parts.sequence, "000042");
  EXPECT_EQ(parse_key("uploads/r/a/000042")->sequence, "000042");
  for (auto bad : {"", "uploads/", "uploads/a.jpg", "uploads/r/a.jpg", "uploads//a/1.jpg", "uploads/r//1.jpg", "uploads/r/a/.jpg",
                   "uploads/r/a/b/1.jpg", "renditions/r/a/1.jpg", "uploads/r#x/a/1.jpg", "uploads/r/a#b/1.jpg"}) {
    EXPECT_EQ(parse_key(bad).error().code, Errc::Invalid) << bad;
  }
}

TEST_F(JobTest, OneUploadBecomesFourRenditionsAndOneRow) {
  ASSERT_TRUE(job_.run(upload()));
  ASSERT_EQ(cloud_.rows().size(), 1u);
  Value item = row("000007#01");
  EXPECT_EQ(aws::string_of(item, "status"), "ok");
  EXPECT_EQ(aws::string_of(item, "request_id"), "request-1");
  EXPECT_EQ(aws::number_of(item, "renditions"), 4);
  EXPECT_EQ(aws::number_of(item, "attempt"), 1);
  EXPECT_EQ(aws::number_of(item, "memory_mb"), 512);
  EXPECT_EQ(aws::number_of(item, "w"), 320);
  EXPECT_TRUE(aws::bool_of(item, "first_call"));
  for (auto name : {"download_ms", "decode_ms", "resize_ms", "upload_ms", "overall_ms", "queue_ms", "t_start", "t_end"})
    EXPECT_TRUE(item.has(name)) << name;
  EXPECT_EQ(cloud_.count("renditions/r/fn-512/000007/"), 4u);
  EXPECT_EQ(scale(cloud_.object("renditions/r/fn-512/000007/160.jpg"))->width, 160u);
}

TEST_F(JobTest, ASecondExecutionGetsTheNextAttempt) {
  ASSERT_TRUE(job_.run(upload("first")));
  ASSERT_TRUE(job_.run(upload("second")));
  ASSERT_EQ(cloud_.rows().size(), 2u);
  EXPECT_EQ(aws::string_of(row("000007#01"), "request_id"), "first");
  EXPECT_EQ(aws::string_of(row("000007#02"), "request_id"), "second");
  EXPECT_EQ(aws::number_of(row("000007#02"), "attempt"), 2);
}

// The put took effect, its answer was lost, the client repeats it and finds its own row.
TEST_F(JobTest, ARepeatedPutIsNoSecondAttempt) {
  cloud_.order_fault("PutItem", Fault::After);
  ASSERT_TRUE(job_.run(upload()));
  EXPECT_EQ(cloud_.rows().size(), 1u);
}

TEST_F(JobTest, WhatIsNoJpegIsAFailedRowAndNoError) {
  cloud_.put(kKey, "GIF89a, certainly no JPEG");
  ASSERT_TRUE(job_.run(upload()));
  EXPECT_EQ(aws::string_of(row("000007#01"), "status"), "failed");
  EXPECT_EQ(aws::string_of(row("000007#01"), "error_type"), "UnsupportedImage");
  EXPECT_FALSE(aws::string_of(row("000007#01"), "error").empty());
  cloud_.put(kKey, small_jpeg().substr(0, 500));
  ASSERT_TRUE(job_.run(upload("cut")));
  EXPECT_EQ(aws::string_of(row("000007#02"), "error_type"), "CorruptImage");
  EXPECT_EQ(cloud_.count("renditions/"), 0u);
}

TEST_F(JobTest, AnObjectThatIsGoneIsSkipped) {
  Upload gone = upload();
  gone.key = "uploads/r/fn-512/000008.jpg";
  ASSERT_TRUE(job_.run(gone));
  EXPECT_EQ(aws::string_of(row("000008#01"), "status"), "skipped");
}

TEST_F(JobTest, APlatformFailureIsARowAndAnErrorSoThatItIsTriedAgain) {
  cloud_.order_fault("PUT renditions/", Fault::Before, 3);
  EXPECT_EQ(job_.run(upload("first")).error().code, Errc::Unavailable);
  EXPECT_EQ(aws::string_of(row("000007#01"), "status"), "failed");
  ASSERT_TRUE(job_.run(upload("second")));
  EXPECT_EQ(aws::string_of(row("000007#02"), "status"), "ok");
}

TEST_F(JobTest, AShortFailureIsNotSeen) {
  cloud_.order_fault("GET uploads/", Fault::Before, 2);
  ASSERT_TRUE(job_.run(upload()));
  EXPECT_EQ(aws::string_of(row("000007#01"), "status"), "ok");
}

}  // namespace
}  // namespace gust::scaler
