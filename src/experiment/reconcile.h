// SPDX-License-Identifier: Apache-2.0

#pragma once

// Compares the four independent sources of a run: replay log, meter, table, bucket. Whatever one knows and another should
// know but does not is a remainder, named by id; a run with remainders fails. Pure functions.

#include <map>
#include <string>
#include <vector>

#include "experiment/model.h"

namespace gust::experiment {

struct Remainder {
  std::string arm;
  std::string id;       // sequence, request id or key
  std::string problem;  // "acknowledged upload without a row"
  bool operator==(const Remainder&) const = default;
};

struct ArmCount {
  std::string arm;
  size_t planned = 0, sent = 0, refused = 0;         // replay log
  size_t executions = 0, executions_failed = 0;      // meter (functions only)
  size_t rows = 0, ok = 0, failed = 0, skipped = 0;  // table: rows; uploads by their last attempt
  size_t unsettled = 0;                              // acknowledged, no row
  size_t repeated = 0;                               // rows beyond the first of an upload: explained, no remainder
  size_t renditions = 0;                             // bucket
};

struct Reconciliation {
  std::vector<ArmCount> arms;
  std::vector<Remainder> remainders;
  bool clean() const { return remainders.empty(); }
};

// `planned`: uploads by arm.
Reconciliation reconcile(const std::string& run, const std::vector<Arm>& arms, const std::map<std::string, size_t>& planned,
                         const Records& records);

}  // namespace gust::experiment
