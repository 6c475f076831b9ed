// SPDX-License-Identifier: Apache-2.0

#pragma once

// From records to results: what each arm took, what it costs after the tariffs, and the answers to the article's three
// questions, in sentences made of the numbers. Pure functions: the same records and tariffs give the same analysis.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "experiment/reconcile.h"
#include "experiment/records.h"
#include "experiment/statistics.h"

namespace gust::experiment {

struct ArmResult {
  Arm arm;
  size_t images = 0, failed = 0;                                     // uploads with an ok row; without one
  Summary overall, download, decode, resize, upload, resize_upload;  // milliseconds; resize contains the encoding
  Summary delay;                                                     // from the upload's answer to the start of its handler, ms
  Summary end_to_end;                                                // from the scheduled time of the upload to its row, ms
  std::vector<double> overall_sorted, end_to_end_sorted;             // for the ECDFs
  size_t executions = 0, contended = 0;                              // of the meter
  std::map<std::string, size_t> cold;                                // starts by cause
  size_t cold_starts() const;
  double cpu_ms = -1;              // per image, mean; -1: not known
  uint64_t memory_peak_bytes = 0;  // 0: not known
  double waited_share = -1;        // of its running time: runnable, granted by its quota, no CPU free; -1: not known
  double busy_share = 0;           // of a service: overall time of its images / (time on * workers)
  double on_seconds = 0;           // of a service
  // Functions
  int64_t units = 0;      // billed, all executions
  double units_mean = 0;  // per image
  double unit_price = 0;
  double duration_price = 0;             // per image, as the article counts
  double image_price = 0;                // and with the price of the requests; of a service: its day / uploads per day
  double day_price = 0, year_price = 0;  // at Run::uploads_per_day
  BreakEven break_even;                  // against the server; 0 uploads where there is none
  // Services
  double capacity_per_day = 0;
  size_t instances = 1;  // for Run::uploads_per_day
};

struct Answer {
  std::string question, verdict, text;  // verdict: "Yes", "No", "Similar" ...
};

struct Comparison {
  std::string claim, here;  // what the article found, what this run found
};

struct Analysis {
  std::vector<ArmResult> arms;  // in the run's order
  std::string server_type;      // what functions are compared with, "c4.large"
  double server_day = 0, server_hour = 0;
  std::vector<Answer> answers;  // performance, cost, advantages
  std::string flip;             // under which condition the answer to cost is another one
  std::vector<Comparison> article;
  std::vector<std::string> notes;  // what limits the result: contention, smaller host, interruption
  Reconciliation reconciliation;
  const ArmResult* server() const;    // the first service, or null
  const ArmResult* cheapest() const;  // function by price per image, or null
  const ArmResult* fastest() const;   // function by mean overall time, or null
};

// Errors: NotFound (the tariff has no such instance type).
Result<Analysis> analyze(const Collected& collected);

Value to_value(const Analysis& analysis, const Collected& collected);  // summary.json, `run` included

}  // namespace gust::experiment
