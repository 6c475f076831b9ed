// SPDX-License-Identifier: Apache-2.0

#pragma once

// ConsumedCapacity, computed as DynamoDB bills (DynamoDB guide, "Read and write operations"); nothing is throttled by it.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/value.h"

namespace gust::dynamodb {

enum class Report { None, Total, Indexes };  // ReturnConsumedCapacity
Report capacity_report(const Value& input);

enum class Consistency { Eventual, Strong };
Consistency consistency(const Value& input);

double read_units(size_t bytes, Consistency consistency);  // 1 per 4 KiB begun, at least one; half if eventually consistent
double write_units(size_t before, size_t after);           // 1 per KiB begun of the larger item, at least one

// What one request used of one table. `name`: as the request gave it (a name or an ARN).
struct Consumed {
  std::string name;
  double table = 0;
  std::vector<std::pair<std::string, double>> local, global;  // by index name
};
Value consumed_capacity(const Consumed& consumed, Report report);

}  // namespace gust::dynamodb
