// SPDX-License-Identifier: Apache-2.0

#include "experiment/analysis.h"

#include <gtest/gtest.h>

#include "experiment/answers.h"
#include "experiment/synthetic_run.h"

namespace gust::experiment {
namespace {

// Two uploads with round numbers on one function and one server.
Collected by_hand() {
  Collected out = synthetic_run({1});
  out.run.arms = {*parse_arm("fn-1728"), *parse_arm("svc-c4.large")};
  out.run.planned = {{"fn-1728", 2}, {"svc-c4.large", 2}};
  out.run.services = {{"svc-c4.large", {20, 0.5, 0.03, 60 << 20}}};
  out.records = {};
  for (uint64_t i = 0; i < 2; ++i) {
    for (const Arm& arm : out.run.arms) {
      out.records.sent.push_back(synthetic::sent(out.run, arm, i, static_cast<int64_t>(i) * 1'000'000));
      Row row;
      row.arm = arm.name;
      row.sequence = i;
      row.status = "ok";
      row.attempt = 1;
      row.request_id = arm.name + std::to_string(i);
      row.start_us = static_cast<int64_t>(i) * 1'000'000 + 16'000;  // answered after 6 ms, started after 10 more
      row.end_us = row.start_us + 200'000;
      row.download_ms = 10;
      row.decode_ms = 50;
      row.resize_ms = 100;
      row.upload_ms = 40;
      row.overall_ms = arm.kind == Arm::Kind::Service ? 300 : i == 0 ? 150 : 250;
      out.records.rows.push_back(row);
      for (uint32_t width : kRenditionWidths) out.records.rendition_keys.push_back(rendition_key(out.run.id, arm.name, i, width));
      if (arm.kind == Arm::Kind::Service) continue;
      Executed e;
      e.request_id = row.request_id;
      e.function = arm.resource();
      e.outcome = "ok";
      e.duration_us = i == 0 ? 150'000 : 250'000;  // 2 and 3 units of 100 ms
      e.cpu_us = 100'000;
      e.cold_cause = i == 0 ? "first" : "";
      e.run_delay_us = 20'000;
      e.memory_peak_bytes = (40 + i) << 20;
      out.records.executed.push_back(e);
    }
  }
  return out;
}

TEST(Analysis, OfTwoUploadsCheckedByHand) {
  const Analysis a = *analyze(by_hand());
  const ArmResult& fn = a.arms[0];
  EXPECT_EQ(fn.images, 2u);
  EXPECT_EQ(fn.failed, 0u);
  EXPECT_DOUBLE_EQ(fn.overall.mean, 200);
  EXPECT_DOUBLE_EQ(fn.resize_upload.mean, 190);
  EXPECT_DOUBLE_EQ(fn.delay.p50, 10);
  EXPECT_DOUBLE_EQ(fn.end_to_end.p50, 216);
  EXPECT_EQ(fn.cold_starts(), 1u);
  EXPECT_DOUBLE_EQ(fn.cpu_ms, 100);
  EXPECT_EQ(fn.memory_peak_bytes, uint64_t{41} << 20);
  EXPECT_EQ(fn.contended, 2u);
  EXPECT_DOUBLE_EQ(fn.waited_share, 0.1);
  EXPECT_EQ(fn.units, 5);
  EXPECT_DOUBLE_EQ(fn.units_mean, 2.5);
  EXPECT_NEAR(fn.duration_price, 2.5 * 0.000002813, 1e-15);
  EXPECT_NEAR(fn.image_price, 2.5 * 0.000002813 + 0.0000002, 1e-15);
  EXPECT_NEAR(fn.day_price, 60'696 * fn.image_price, 1e-12);
  EXPECT_NEAR(fn.year_price, 365 * fn.day_price, 1e-9);
  EXPECT_NEAR(fn.break_even.uploads_per_day, 2.736 / fn.image_price, 1e-3);
  EXPECT_NEAR(fn.break_even.server_capacity_per_day, 2 * 86400 / 0.3, 1e-6);
  const ArmResult& server = *a.server();
  EXPECT_NEAR(server.day_price, 2.736, 1e-9);
  EXPECT_NEAR(server.year_price, 998.64, 1e-6);
  EXPECT_DOUBLE_EQ(server.cpu_ms, 250);
  EXPECT_DOUBLE_EQ(server.waited_share, 0.05);
  EXPECT_DOUBLE_EQ(server.busy_share, 0.6 / 40);
  EXPECT_TRUE(a.reconciliation.clean());
}

TEST(Analysis, AFailedExecutionIsPaidForToo) {
  Collected c = by_hand();
  Executed lost = c.records.executed[0];
  lost.outcome = "timeout";
  lost.duration_us = 60'000'000;
  c.records.executed.push_back(lost);
  const Analysis a = *analyze(c);
  EXPECT_EQ(a.arms[0].units, 605);
  EXPECT_NEAR(a.arms[0].image_price, 302.5 * 0.000002813 + 1.5 * 0.0000002, 1e-12);
}

TEST(Analysis, MoreUploadsThanOneServerCanDoNeedMoreServers) {
  Collected c = by_hand();
  c.run.uploads_per_day = 1'200'000;  // one does 576 000
  const Analysis a = *analyze(c);
  EXPECT_EQ(a.server()->instances, 3u);
  EXPECT_NEAR(a.server()->day_price, 3 * 2.736, 1e-9);
}

TEST(Analysis, AnUnknownInstanceTypeIsAnError) {
  Collected c = by_hand();
  c.run.arms[1] = *parse_arm("svc-x9.huge");
  EXPECT_EQ(analyze(c).error().code, Errc::NotFound);
}

TEST(Answers, FollowTheNumbers) {
  const Analysis plain = *analyze(synthetic_run({40}));
  ASSERT_EQ(plain.answers.size(), 3u);
  EXPECT_TRUE(plain.answers[0].verdict.starts_with("Yes")) << plain.answers[0].text;
  EXPECT_TRUE(plain.answers[1].verdict.starts_with("Yes"));
  EXPECT_NE(plain.flip.find("above that one c4.large is cheaper"), std::string::npos) << plain.flip;

  SyntheticOptions fast{40};
  fast.server_speed = 3;
  const Analysis slower = *analyze(synthetic_run(fast));
  EXPECT_TRUE(slower.answers[0].verdict.starts_with("No")) << slower.answers[0].text;
}

TEST(Answers, ACheaperServerTurnsTheAnswerToCost) {
  Collected c = synthetic_run({40});
  c.ec2.price_per_hour["c4.large"] = 0.0001;
  const Analysis a = *analyze(c);
  EXPECT_TRUE(a.answers[1].verdict.starts_with("No")) << a.answers[1].text;
  c.ec2.price_per_hour["c4.large"] = 114;
  const Analysis dear = *analyze(c);
  EXPECT_NE(dear.flip.find("does not change"), std::string::npos) << dear.flip;
  EXPECT_FALSE(dear.arms[0].break_even.within_capacity());
}

TEST(Answers, APairedRatioIgnoresThatPhotographsDiffer) {
  Collected c = synthetic_run({40});
  for (Row& row : c.records.rows) {
    if (row.arm != "fn-3008") continue;
    for (const Row& other : c.records.rows) {
      if (other.arm == "fn-1728" && other.sequence == row.sequence) row.overall_ms = 2 * other.overall_ms;
    }
  }
  Ratio r = overall_ratio(c, *parse_arm("fn-3008"), *parse_arm("fn-1728"));
  EXPECT_EQ(r.n, 40u);
  EXPECT_NEAR(r.mean, 2, 1e-9);
  EXPECT_NEAR(r.ci.low, 2, 1e-9);
  EXPECT_NEAR(r.ci.high, 2, 1e-9);
}

TEST(Answers, AHostThatIsSmallerThanTheArmIsNamed) {
  Collected c = synthetic_run({10});
  auto mentions = [&](const std::string& text) {
    const Analysis a = *analyze(c);
    return std::any_of(a.notes.begin(), a.notes.end(),
                       [&](const std::string& note) { return note.find(text) != std::string::npos; });
  };
  c.run.services["svc-c4.large"].run_delay_seconds = 0.2;
  EXPECT_TRUE(mentions("smaller than c4.large"));
  EXPECT_TRUE(mentions("read its times as upper bounds"));
  c.run.services["svc-c4.large"].run_delay_seconds = 0;
  EXPECT_TRUE(mentions("hardly mattered"));
  c.run.services["svc-c4.large"].run_delay_seconds = -1;
  EXPECT_TRUE(mentions("was not measured"));
  EXPECT_FALSE(mentions("hardly mattered"));
  c.run.host.cores = 16;
  EXPECT_FALSE(mentions("smaller than c4.large"));
}

TEST(Answers, NothingMeasuredIsSaidSo) {
  Collected c = synthetic_run({3});
  c.records = {};
  for (auto& [arm, planned] : c.run.planned) planned = 0;
  const Analysis a = *analyze(c);
  EXPECT_EQ(a.answers[0].verdict, "Not measured");
  EXPECT_EQ(a.answers[1].verdict, "Not measured");
}

}  // namespace
}  // namespace gust::experiment
