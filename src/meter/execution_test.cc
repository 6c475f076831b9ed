// SPDX-License-Identifier: Apache-2.0

#include "meter/execution.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace gust::meter {
namespace {

Execution example() {
  return {.request_id = "0d4c",
          .function_arn = "arn:aws:lambda:us-east-1:000000000000:function:f",
          .environment = "e1",
          .attempt = 2,
          .memory_mb = 512,
          .outcome = Outcome::FunctionError,
          .error_type = "a\"b\\c\n\xC3\xA4",
          .cold_cause = "first",
          .received_us = 1'700'000'000'000'001,
          .started_us = 1'700'000'000'000'500,
          .duration_us = 12'345,
          .init_us = 900,
          .sandbox_us = 700,
          .queue_us = 499,
          .billed_ms = 14,
          .cpu_user_us = 10'000,
          .cpu_system_us = 250,
          .throttled_us = 3,
          .run_delay_us = 4,
          .memory_peak_bytes = 1 << 20,
          .contended = true};
}

TEST(Execution, ItsLineIsItsValueAsJson) {
  for (Execution e : {example(), Execution()}) {
    EXPECT_EQ(to_line(e), json::write(to_value(e)));
    auto parsed = json::parse(to_line(e));
    ASSERT_TRUE(parsed);
    EXPECT_EQ((*parsed)["error_type"].as_string(), e.error_type);
    EXPECT_EQ((*parsed)["run_delay_us"].as_int(), static_cast<int64_t>(e.run_delay_us));
    EXPECT_EQ((*parsed)["contended"].as_bool(), e.contended);
  }
}

TEST(Execution, ContendedMeansThatOthersTookMoreThanATwentieth) {
  Execution e{.duration_us = 100'000};
  e.run_delay_us = 5'000;
  EXPECT_FALSE(is_contended(e));
  e.run_delay_us = 5'001;
  EXPECT_TRUE(is_contended(e));
  e.throttled_us = 5'000;  // its own quota held it back, nobody else
  EXPECT_FALSE(is_contended(e));
  e.throttled_us = 90'000;
  EXPECT_FALSE(is_contended(e));
  e = {.duration_us = 100'000, .init_us = 900'000, .run_delay_us = 40'000};
  EXPECT_FALSE(is_contended(e));  // the wall includes the init, as the counters do
  EXPECT_FALSE(is_contended({.run_delay_us = 5}));
}

}  // namespace
}  // namespace gust::meter
