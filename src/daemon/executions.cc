// SPDX-License-Identifier: Apache-2.0

#include "daemon/executions.h"

#include <fstream>

#include "base/ids.h"
#include "base/json.h"
#include "os/files.h"

namespace gust::daemon {
namespace {

constexpr std::string_view kPrefix = "executions-", kSuffix = ".jsonl";

bool wanted(std::string_view line, const ExecutionQuery& query, const std::string& arn_end) {
  if (!query.function.empty() && line.find(arn_end) == line.npos) return false;  // most lines end here, unparsed
  const auto document = json::parse(line, {.depth = 4, .bytes = 64 << 10});
  return document && (*document)["started_us"].as_int() >= query.from_us;
}

}  // namespace

Result<std::string> read_executions(const std::string& meter_directory, const ExecutionQuery& query) {
  const std::string arn_end = ":function:" + query.function + "\"";
  const std::string first_day = iso8601(query.from_us / 1000).substr(0, 10);
  std::string out;
  size_t lines = 0;
  for (const std::string& name : TRY(files::list(meter_directory))) {
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    if (name.substr(kPrefix.size(), 10) < first_day) continue;
    std::ifstream file(meter_directory + "/" + name);
    for (std::string line; lines < query.limit && std::getline(file, line);) {
      if (!wanted(line, query, arn_end)) continue;
      if (out.size() + line.size() > kMostExecutionBytes)
        return fail(Errc::TooLarge, "more executions than one answer holds: ask with from_us and limit");
      out.append(line).append("\n");
      ++lines;
    }
  }
  return out;
}

}  // namespace gust::daemon
