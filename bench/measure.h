// SPDX-License-Identifier: Apache-2.0

#pragma once

// The rows of the bench. Each function measures one thing against a running Gust and appends rows; a row says what was
// measured, how often, and what must be reached (issue "The spine", section 4).

#include <string>
#include <vector>

#include "base/result.h"
#include "connection.h"
#include "gust/aws.h"
#include "processes.h"

namespace gust::bench {

struct Row {
  std::string name, unit;
  double median = 0, low = 0, high = 0;  // of the runs: p10 and p90
  size_t runs = 0;
  double reach = 0;  // at most; negative: at least; 0: no promise
  std::string baseline;
};

struct Context {
  const Gust& gust;
  Signer signer;
  aws::Config aws;
  std::string function_zip;  // of the trivial handler
  bool quick = false;        // fewer runs: only to see that it works
  std::vector<Row> rows;
  size_t times(size_t n) const { return quick ? std::max<size_t>(n / 20, 5) : n; }
};

Row row_of(std::string name, std::string unit, std::vector<double> values, double reach, std::string baseline = {});

Result<> measure_start(const std::string& program, std::vector<Row>& rows, size_t runs);
Result<> measure_idle_memory(Context& context);
inline constexpr char kBucket[] = "bench-bucket", kTable[] = "bench-table";
Result<> prepare(Context& context);  // function, bucket and table of the following
Result<> measure_warm_invoke(Context& context);
Result<> measure_cold_start(Context& context);
Result<> measure_objects(Context& context);  // measure_data.cc
Result<> measure_listings(Context& context);
Result<> measure_items(Context& context);
Result<> measure_queries(Context& context);
Result<> measure_upload_to_handler(Context& context);

}  // namespace gust::bench
