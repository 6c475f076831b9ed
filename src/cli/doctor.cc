// SPDX-License-Identifier: Apache-2.0

// `gust doctor`: prints what the probes found.

#include <algorithm>

#include "base/json.h"
#include "cli/output.h"
#include "cli/probes.h"
#include "cli/verbs.h"

namespace gust::cli {
namespace {

std::string text_of(const std::vector<Check>& checks) {
  Table table({"", "", ""});
  for (const Check& check : checks) {
    table.add({std::string(name_of(check.health)), check.name, check.found});
    if (!check.advice.empty()) table.add({"", "", check.advice});
  }
  return table.text();
}

Value document_of(const std::vector<Check>& checks, bool usable) {
  Value out = Value::map();
  out.set("usable", usable);
  Value& list = out.set("checks", Value::list());
  for (const Check& check : checks) {
    Value v = Value::map();
    v.set("name", check.name);
    v.set("status", name_of(check.health));
    v.set("found", check.found);
    if (!check.advice.empty()) v.set("advice", check.advice);
    list.push(std::move(v));
  }
  return out;
}

}  // namespace

int doctor(bool json) {
  const std::vector<Check> checks = examine(this_host());
  const bool usable =
      std::none_of(checks.begin(), checks.end(), [](const Check& check) { return check.health == Health::Missing; });
  print(json ? json::write_pretty(document_of(checks, usable)) + "\n" : text_of(checks));
  if (!json && !usable) note("gust: something that is required is missing: see above");
  return usable ? kOk : kFailed;
}

}  // namespace gust::cli
