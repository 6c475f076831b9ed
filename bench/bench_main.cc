// SPDX-License-Identifier: Apache-2.0

// gust_bench GUST_PROGRAM FUNCTION_BOOTSTRAP [--json] [--quick] [--only PART]: starts a Gust of its own in strict mode and
// measures. See bench/run for the rest of the table.

#include <cmath>
#include <cstdio>
#include <cstring>

#include "base/json.h"
#include "experiment/zip.h"
#include "measure.h"
#include "os/files.h"

namespace gust::bench {
namespace {

constexpr struct Part {
  std::string_view name;
  Result<> (*measure)(Context&);
} kParts[] = {{"invoke", measure_warm_invoke},      {"cold", measure_cold_start},
              {"objects", measure_objects},         {"items", measure_items},
              {"queries", measure_queries},         {"listings", measure_listings},
              {"upload", measure_upload_to_handler}};

Result<std::vector<Row>> measure(const std::string& program, const std::string& bootstrap, bool quick, const std::string& only) {
  std::vector<Row> rows;
  if (only.empty()) TRY(measure_start(program, rows, quick ? 2 : 9));
  const Gust gust = TRY(Gust::start(program));
  const std::string text = TRY(files::read(gust.credentials_file()));
  const Value keys = TRY(json::parse(text));
  const Value& key = keys["keys"].as_list().at(0);
  Context context{.gust = gust, .quick = quick};
  context.signer.credentials = {std::string(key["access_key_id"].as_string()), std::string(key["secret_access_key"].as_string()),
                                ""};
  context.signer.region = "us-east-1";
  context.signer.authority = gust.endpoint().text();
  context.aws.endpoint = "http://" + gust.endpoint().text();
  context.aws.credentials = context.signer.credentials;
  const std::string content = TRY(files::read(bootstrap));
  context.function_zip = experiment::make_zip({{"bootstrap", content, 0755}});
  TRY(measure_idle_memory(context));
  TRY(prepare(context));
  for (const Part& part : kParts) {
    if (only.empty() || only == part.name) TRY(part.measure(context));
  }
  rows.insert(rows.end(), context.rows.begin(), context.rows.end());
  return rows;
}

void print_table(const std::vector<Row>& rows) {
  printf("%-72s %10s %10s %10s %6s %8s\n", "what", "p50", "p10", "p90", "runs", "reach");
  for (const Row& r : rows) {
    char reach[32] = "";
    if (r.reach != 0) snprintf(reach, sizeof reach, "%s %g", r.reach < 0 ? ">=" : "<=", std::abs(r.reach));
    const bool missed = r.reach < 0 ? r.median < -r.reach : r.reach > 0 && r.median > r.reach;
    printf("%-72s %7.2f %-3s %9.2f %9.2f %6zu %8s%s\n", r.name.c_str(), r.median, r.unit.c_str(), r.low, r.high, r.runs, reach,
           missed ? "  missed" : "");
  }
}

void print_json(const std::vector<Row>& rows) {
  for (const Row& r : rows) {
    Value v = Value::map();
    v.set("name", r.name), v.set("unit", r.unit), v.set("p50", r.median), v.set("p10", r.low), v.set("p90", r.high);
    v.set("runs", r.runs), v.set("reach", r.reach), v.set("baseline", r.baseline);
    printf("%s\n", json::write(v).c_str());
  }
}

}  // namespace
}  // namespace gust::bench

int main(int argc, char** argv) {
  bool as_json = false, quick = false;
  std::string only;
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    if (!strcmp(argv[i], "--json")) as_json = true;
    else if (!strcmp(argv[i], "--quick")) quick = true;
    else if (!strcmp(argv[i], "--only") && i + 1 < argc) only = argv[++i];
    else files.emplace_back(argv[i]);
  }
  if (files.size() != 2) {
    fprintf(stderr,
            "usage: gust_bench GUST_PROGRAM FUNCTION_BOOTSTRAP [--json] [--quick] [--only "
            "invoke|cold|objects|items|queries|listings|upload]\n");
    return 2;
  }
  const auto rows = gust::bench::measure(files[0], files[1], quick, only);
  if (!rows) {
    fprintf(stderr, "gust_bench: %s\n", rows.error().message.c_str());
    return 1;
  }
  as_json ? gust::bench::print_json(*rows) : gust::bench::print_table(*rows);
  return 0;
}
