// SPDX-License-Identifier: Apache-2.0

#include "experiment/tariff.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gust::experiment {
namespace {

Tariffs shipped() {
  auto tariffs = shipped_tariffs();
  EXPECT_TRUE(tariffs) << tariffs.error().message;
  return *tariffs;
}

// The article's arithmetic, recomputed: what it printed, what is right.
TEST(Tariff, TheArticlesWorkedExampleHasTheWrongRowAndASlippedDecimal) {
  LambdaTariff t = *shipped().find_lambda("lambda-2018-02");
  EXPECT_EQ(t.units(3'120'000, 0), 32);
  EXPECT_NEAR(32 * 0.000000313, 0.000010016, 1e-12);       // A1: not 0.00010016
  EXPECT_NEAR(t.price_per_unit(192), 0.000000313, 1e-15);  // A2: that price is 192 MB's
  EXPECT_NEAR(t.price_per_unit(256), 0.000000417, 1e-15);
  EXPECT_NEAR(t.duration_price(256, t.units(3'120'000, 0)), 0.000013344, 1e-12);
}

TEST(Tariff, AServerCostsItsMinimumOfSixtySeconds) {
  Ec2Tariff t = *shipped().find_ec2("ec2-2018-02-eu-central-1");
  EXPECT_NEAR(*t.per_second("c4.large"), 0.000031667, 5e-10);    // A3
  EXPECT_NEAR(4 * *t.per_second("c4.large"), 0.00012667, 5e-9);  // A4: the article's figure
  EXPECT_NEAR(*t.price("c4.large", 3.12), 0.0019, 1e-9);         // A4: by its own rule
  EXPECT_NEAR(*t.price("c4.large", 61.2), 62 * 0.114 / 3600, 1e-12);
  EXPECT_NEAR(*t.price("c4.large", 3.12) / 0.000013344, 142, 1);
  EXPECT_NEAR(4 * *t.per_second("c4.large") / 0.000013344, 9.5, 0.05);
  EXPECT_EQ(t.price("m1.small", 1).error().code, Errc::NotFound);
}

TEST(Tariff, AllFortySixSizesOfFebruary2018) {
  LambdaTariff t = *shipped().find_lambda("lambda-2018-02");
  const int nano[46] = {208,  313,  417,  521,  625,  729,  834,  938,  1042, 1146, 1250, 1354, 1459, 1563, 1667, 1771,
                        1875, 1980, 2084, 2188, 2292, 2396, 2501, 2605, 2709, 2813, 2917, 3021, 3126, 3230, 3334, 3438,
                        3542, 3647, 3751, 3855, 3959, 4063, 4168, 4272, 4376, 4480, 4584, 4688, 4793, 4897};
  for (int i = 0; i < 46; ++i) {
    int memory = 128 + 64 * i;
    EXPECT_EQ(std::lround(t.price_per_unit(memory) * 1e9), nano[i]) << memory << " MB";  // A5: 512, 1728, 3008 among them
  }
}

TEST(Tariff, TheArticlesYearIsFoundAgain) {
  Tariffs tariffs = shipped();
  const double day = *tariffs.find_ec2("ec2-2018-02-eu-central-1")->per_day("c4.large");
  EXPECT_NEAR(day, 2.736, 1e-9);
  EXPECT_NEAR(day * kDaysPerYear, 998.64, 1e-6);
  EXPECT_NEAR(day * kDaysPerYear - 708, 290.64, 1e-6);  // A7: what the functions then cost
  LambdaTariff t = *tariffs.find_lambda("lambda-2018-02");
  const double units_per_day = 290.64 / kDaysPerYear / t.price_per_unit(1728);
  EXPECT_NEAR(units_per_day, 283'069, 10);
  struct Pair {
    double seconds, thousands;
  };
  for (Pair p : {Pair{0.5, 56.6}, Pair{1, 28.3}, Pair{1.5, 18.9}, Pair{2, 14.2}, Pair{3, 9.4}}) {
    EXPECT_NEAR(units_per_day / static_cast<double>(t.units(static_cast<int64_t>(p.seconds * 1e6), 0)) / 1000, p.thousands, 0.06);
  }
  EXPECT_NEAR(units_per_day / 60'696, 4.66, 0.01);                       // 2529 uploads an hour
  EXPECT_NEAR(60'696 * kDaysPerYear * t.price_per_request, 4.43, 0.01);  // A8: the request fee that it leaves out
  EXPECT_EQ(4 * 2529 - 10'070, 46);                                      // A6
}

TEST(Tariff, BreakEvenTableAgainstC4Large) {
  LambdaTariff t = *shipped().find_lambda("lambda-2018-02");
  struct Row {
    double seconds;
    double at512, at1728, at3008;
  };
  for (Row row : {Row{0.5, 626'087, 191'798, 110'837}, Row{1, 320'375, 96'576, 55'644}, Row{1.5, 215'264, 64'536, 37'146},
                  Row{2, 162'085, 48'459, 27'879}, Row{3, 108'485, 32'344, 18'598}, Row{4, 81'526, 24'273, 13'953}}) {
    auto at = [&](int64_t memory) {
      double image = t.duration_price(memory, t.units(static_cast<int64_t>(row.seconds * 1e6), 0)) + t.price_per_request;
      return break_even(2.736, image, 2, 3).uploads_per_day;
    };
    EXPECT_NEAR(at(512), row.at512, 1);
    EXPECT_NEAR(at(1728), row.at1728, 1);
    EXPECT_NEAR(at(3008), row.at3008, 1);
  }
  BreakEven beyond = break_even(2.736, t.duration_price(1728, 15) + t.price_per_request, 2, 3);
  EXPECT_NEAR(beyond.server_capacity_per_day, 57'600, 1e-6);
  EXPECT_FALSE(beyond.within_capacity());
  EXPECT_TRUE(break_even(2.736, t.duration_price(1728, 20) + t.price_per_request, 2, 3).within_capacity());
}

TEST(Tariff, LaterOnesBillByTheMillisecondAndSince2025TheInit) {
  Tariffs tariffs = shipped();
  EXPECT_EQ(tariffs.find_lambda("lambda-2018-02")->units(100'001, 500'000), 2);
  EXPECT_EQ(tariffs.find_lambda("lambda-2020-12")->units(100'001, 500'000), 101);
  EXPECT_EQ(tariffs.find_lambda("lambda-2025-08")->units(100'001, 500'000), 601);
  EXPECT_EQ(tariffs.find_lambda("lambda-2018-02")->units(0, 0), 1) << "never nothing";
  EXPECT_NEAR(tariffs.find_lambda("lambda-2020-12")->price_per_unit(1024), 1.66667e-8, 1e-14);
  EXPECT_EQ(tariffs.find_lambda("lambda-1999").error().code, Errc::NotFound);
}

TEST(Tariff, AFileWithoutDateOrSourceIsRefused) {
  Tariffs t;
  EXPECT_FALSE(add_tariff(R"({"name":"x","kind":"ec2","price_per_hour":{"a":1},"least_seconds":60})", t));
  EXPECT_FALSE(add_tariff(R"({"name":"x","date":"d","source":"s","kind":"gcp"})", t));
  EXPECT_FALSE(add_tariff(R"({"name":"x","date":"d","source":"s","kind":"lambda","quantum_ms":0})", t));
  EXPECT_FALSE(add_tariff("nonsense", t));
  EXPECT_TRUE(add_tariff(R"({"name":"x","date":"d","source":"s","kind":"ec2","price_per_hour":{"a":1},"least_seconds":60})", t));
}

}  // namespace
}  // namespace gust::experiment
