// SPDX-License-Identifier: Apache-2.0

#include "experiment/model.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace gust::experiment {
namespace {

TEST(Model, ArmsByName) {
  Arm function = *parse_arm("fn-1728");
  EXPECT_EQ(function.kind, Arm::Kind::Function);
  EXPECT_EQ(function.resource(), "image-scaler-1728");
  EXPECT_NEAR(function.vcpus, 0.977, 0.001);
  Arm service = *parse_arm("svc-c4.large");
  EXPECT_EQ(service.kind, Arm::Kind::Service);
  EXPECT_EQ(service.resource(), "image-scaler-c4-large");
  EXPECT_EQ(service.instance_type, "c4.large");
  for (auto bad :
       {"", "fn-", "fn-127", "fn-10241", "fn-12x", "fn--512", "svc-", "svc-a/b", "svc-a#b", "svc-<b>", "svc-A", "lambda-512"}) {
    EXPECT_EQ(parse_arm(bad).error().code, Errc::Invalid) << bad;
  }
  EXPECT_EQ(default_arms().size(), 4u);
}

TEST(Model, Keys) {
  EXPECT_EQ(upload_key("r", "fn-512", 42), "uploads/r/fn-512/000042.jpg");
  EXPECT_EQ(rendition_key("r", "fn-512", 42, 160), "renditions/r/fn-512/000042/160.jpg");
  EXPECT_EQ(sequence_text(1'234'567), "1234567");
}

TEST(Model, ARowAsDynamoDbReturnsIt) {
  Value item = *json::parse(R"({"pk":{"S":"r#fn-512"},"sk":{"S":"000003#02"},"arm":{"S":"fn-512"},"seq":{"S":"000003"},
    "attempt":{"N":"2"},"status":{"S":"ok"},"first_call":{"BOOL":true},"overall_ms":{"N":"231.5"},"t_start":{"N":"1770372930123456"},
    "renditions":{"N":"4"}})");
  Row row = *row_of(item);
  EXPECT_EQ(row.sequence, 3u);
  EXPECT_EQ(row.attempt, 2);
  EXPECT_TRUE(row.first_call);
  EXPECT_DOUBLE_EQ(row.overall_ms, 231.5);
  EXPECT_EQ(row.start_us, 1'770'372'930'123'456);
  EXPECT_FALSE(row_of(*json::parse(R"({"arm":{"S":"fn-512"}})")));
  EXPECT_FALSE(row_of(*json::parse(R"({"arm":{"S":"fn-512"},"seq":{"S":"x"}})")));
}

TEST(Model, AnExecutionAsTheMeterWritesIt) {
  Value line =
      *json::parse(R"({"request_id":"a","function_arn":"arn:aws:lambda:us-east-1:000000000000:function:image-scaler-512:$LATEST",
    "outcome":"ok","duration_us":100000,"cpu_user_us":20,"cpu_system_us":5,"run_delay_us":71000,"throttled_us":65000})");
  Executed e = *executed_of(line);
  EXPECT_EQ(e.function, "image-scaler-512");
  EXPECT_EQ(e.attempt, 1u);
  EXPECT_EQ(e.cpu_us, 25u);
  EXPECT_EQ(e.waited_us(), 6000u);  // its own quota's share is not others' doing
  EXPECT_TRUE(e.contended());
  e.run_delay_us = 69'000;
  EXPECT_FALSE(e.contended());
  e.run_delay_us = 10;
  EXPECT_EQ(e.waited_us(), 0u);
  EXPECT_FALSE(executed_of(*json::parse(R"({"request_id":"a","function_arn":"nonsense"})")));
}

TEST(Model, AnUploadSurvivesItsLine) {
  Sent sent;
  sent.arm = "fn-512";
  sent.key = "uploads/r/fn-512/000001.jpg";
  sent.error = "SlowDown: \"later\"\n";
  sent.sequence = 1;
  sent.bytes = 5;
  sent.done_us = 1'770'372'930'123'456;
  Sent again = *sent_of(*json::parse(json::write(sent.to_value())));
  EXPECT_EQ(again.error, sent.error);
  EXPECT_EQ(again.sequence, 1u);
  EXPECT_EQ(again.done_us, sent.done_us);
  EXPECT_FALSE(sent_of(*json::parse(R"({"arm":"fn-512","key":"k"})")));
}

}  // namespace
}  // namespace gust::experiment
