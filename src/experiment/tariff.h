// SPDX-License-Identifier: Apache-2.0

#pragma once

// What work costs after a dated tariff. Tariffs are data (data/tariffs/*.json): date, source, prices; the shipped ones are
// also built into the binary, files of the same name win. Money is a double in the tariff's currency: sums of 1e6 units of
// 1e-6 keep 9 digits. No I/O but load_tariffs. Errors: Invalid (a malformed file), NotFound (no such tariff or type).

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gust::experiment {

struct LambdaTariff {
  std::string name, date, source, currency, architecture;
  std::string document;  // the JSON that it was read from
  int64_t quantum_ms = 1;
  double price_per_request = 0;
  bool init_billed = false;
  struct Tier {
    double up_to_gb_s = 0;  // of a month; 0: no end
    double price_per_gb_s = 0;
  };
  std::vector<Tier> tiers;
  double free_gb_s = 0, free_requests = 0;  // of a month
  // A tariff that lists prices per unit (2018: nano-USD per 100 ms, 64-MB steps), rounded to whole nano-USD.
  struct UnitTable {
    int64_t step_mb = 0, least_mb = 0, most_mb = 0;
  } unit_table;

  int64_t units(int64_t duration_us, int64_t init_us) const;  // billed units of one execution, rounded up
  double price_per_unit(int64_t memory_mb) const;             // first tier
  double duration_price(int64_t memory_mb, int64_t units) const { return static_cast<double>(units) * price_per_unit(memory_mb); }
};

struct Ec2Tariff {
  std::string name, date, source, currency;
  std::string document;
  double least_seconds = 60;
  std::map<std::string, double> price_per_hour;
  Result<double> per_second(const std::string& type) const;
  Result<double> price(const std::string& type, double seconds) const;  // of one start: whole seconds, the minimum at least
  Result<double> per_day(const std::string& type) const;                // always on
};

struct Tariffs {
  std::map<std::string, LambdaTariff> lambda;
  std::map<std::string, Ec2Tariff> ec2;
  Result<LambdaTariff> find_lambda(const std::string& name) const;
  Result<Ec2Tariff> find_ec2(const std::string& name) const;
};

Result<> add_tariff(std::string_view json, Tariffs& tariffs);
Result<Tariffs> shipped_tariffs();
Result<Tariffs> load_tariffs(const std::string& directory);  // the shipped ones and those in the directory (may be empty)

constexpr double kDaysPerYear = 365;

// Uploads per day above which the server is the cheaper one, and whether the server could do that many.
struct BreakEven {
  double uploads_per_day = 0;
  double server_capacity_per_day = 0;
  bool within_capacity() const { return uploads_per_day <= server_capacity_per_day; }
};
BreakEven break_even(double server_per_day, double price_per_image, double server_workers, double server_seconds_per_image);

}  // namespace gust::experiment
