// SPDX-License-Identifier: Apache-2.0

#include "experiment/tariff.h"

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "experiment/shipped_tariffs.h"
#include "os/files.h"

namespace gust::experiment {
namespace {

Result<double> positive(const Value& document, std::string_view name) {
  const Value& value = document[name];
  if (!value.is_number() || value.as_double() < 0 || !std::isfinite(value.as_double())) {
    return fail(Errc::Invalid, "'" + std::string(name) + "' must be a number of at least 0");
  }
  return value.as_double();
}

template <class T>
void take_head(const Value& document, T& tariff) {
  tariff.name = document["name"].as_string();
  tariff.date = document["date"].as_string();
  tariff.source = document["source"].as_string();
  tariff.currency = document["currency"].as_string("USD");
}

Result<LambdaTariff> lambda_of(const Value& document) {
  LambdaTariff tariff;
  take_head(document, tariff);
  tariff.architecture = document["architecture"].as_string("x86_64");
  tariff.quantum_ms = document["quantum_ms"].as_int();
  if (tariff.quantum_ms < 1) return fail(Errc::Invalid, "'quantum_ms' must be at least 1");
  tariff.price_per_request = TRY(positive(document, "price_per_request"));
  tariff.init_billed = document["init_billed"].as_bool();
  for (const Value& tier : document["duration"].as_list()) {
    tariff.tiers.push_back({TRY(positive(tier, "up_to_gb_s")), TRY(positive(tier, "price_per_gb_s"))});
  }
  if (tariff.tiers.empty()) return fail(Errc::Invalid, "'duration' must list at least one price");
  tariff.free_gb_s = document["free_tier"]["gb_s_per_month"].as_double();
  tariff.free_requests = document["free_tier"]["requests_per_month"].as_double();
  const Value& table = document["unit_table_nano"];
  tariff.unit_table = {table["step_mb"].as_int(), table["least_mb"].as_int(), table["most_mb"].as_int()};
  return tariff;
}

Result<Ec2Tariff> ec2_of(const Value& document) {
  Ec2Tariff tariff;
  take_head(document, tariff);
  tariff.least_seconds = TRY(positive(document, "least_seconds"));
  for (const auto& [type, price] : document["price_per_hour"].as_map()) {
    tariff.price_per_hour[type] = TRY(positive(document["price_per_hour"], type));
  }
  if (tariff.price_per_hour.empty()) return fail(Errc::Invalid, "'price_per_hour' names no type");
  return tariff;
}

template <class Map>
std::string names(const Map& map) {
  std::string out;
  for (const auto& [name, value] : map) out.append(out.empty() ? "" : ", ").append(name);
  return out;
}

}  // namespace

int64_t LambdaTariff::units(int64_t duration_us, int64_t init_us) const {
  int64_t billed = std::max<int64_t>(duration_us, 0) + (init_billed ? std::max<int64_t>(init_us, 0) : 0);
  int64_t quantum = quantum_ms * 1000;
  return std::max<int64_t>(1, (billed + quantum - 1) / quantum);
}

double LambdaTariff::price_per_unit(int64_t memory_mb) const {
  double exact = static_cast<double>(memory_mb) / 1024 * tiers.front().price_per_gb_s * static_cast<double>(quantum_ms) / 1000;
  if (unit_table.step_mb == 0) return exact;
  return std::floor(exact * 1e9 + 0.5) / 1e9;  // as printed in the table: whole nano-USD
}

Result<double> Ec2Tariff::per_second(const std::string& type) const {
  auto found = price_per_hour.find(type);
  if (found == price_per_hour.end()) {
    return fail(Errc::NotFound, name + " has no price for '" + type + "'; it has " + names(price_per_hour));
  }
  return found->second / 3600;
}

Result<double> Ec2Tariff::price(const std::string& type, double seconds) const {
  return std::max(least_seconds, std::ceil(seconds)) * TRY(per_second(type));
}

Result<double> Ec2Tariff::per_day(const std::string& type) const { return TRY(per_second(type)) * 86400; }

Result<LambdaTariff> Tariffs::find_lambda(const std::string& name) const {
  auto found = lambda.find(name);
  if (found == lambda.end()) return fail(Errc::NotFound, "no Lambda tariff '" + name + "'; there are " + names(lambda));
  return found->second;
}

Result<Ec2Tariff> Tariffs::find_ec2(const std::string& name) const {
  auto found = ec2.find(name);
  if (found == ec2.end()) return fail(Errc::NotFound, "no EC2 tariff '" + name + "'; there are " + names(ec2));
  return found->second;
}

Result<> add_tariff(std::string_view text, Tariffs& tariffs) {
  Value document = TRY(json::parse(text));
  std::string name(document["name"].as_string()), kind(document["kind"].as_string());
  if (name.empty() || document["date"].as_string().empty() || document["source"].as_string().empty()) {
    return fail(Errc::Invalid, "a tariff needs 'name', 'date' and 'source'");
  }
  if (kind == "lambda") {
    LambdaTariff& tariff = tariffs.lambda[name] = TRY(lambda_of(document));
    tariff.document = text;
  } else if (kind == "ec2") {
    Ec2Tariff& tariff = tariffs.ec2[name] = TRY(ec2_of(document));
    tariff.document = text;
  } else {
    return fail(Errc::Invalid, "'kind' must be lambda or ec2, not '" + kind + "'");
  }
  return {};
}

Result<Tariffs> shipped_tariffs() {
  Tariffs out;
  for (std::string_view text : kShippedTariffs) TRY(add_tariff(text, out));
  return out;
}

Result<Tariffs> load_tariffs(const std::string& directory) {
  Tariffs out = TRY(shipped_tariffs());
  if (directory.empty()) return out;
  for (const std::string& name : TRY(files::list(directory))) {
    if (!name.ends_with(".json")) continue;
    std::string text = TRY(files::read(directory + "/" + name, 1 << 20));
    if (auto added = add_tariff(text, out); !added) return Failure(std::move(added.error()).in(directory + "/" + name));
  }
  return out;
}

BreakEven break_even(double server_per_day, double price_per_image, double server_workers, double server_seconds_per_image) {
  BreakEven out;
  out.uploads_per_day = price_per_image > 0 ? server_per_day / price_per_image : 0;
  out.server_capacity_per_day = server_seconds_per_image > 0 ? server_workers * 86400 / server_seconds_per_image : 0;
  return out;
}

}  // namespace gust::experiment
