// SPDX-License-Identifier: Apache-2.0

#pragma once

// From a directory of records to everything that is shown. Blocking.

#include <string>

#include "experiment/analysis.h"

namespace gust::experiment {

struct Shown {
  std::string text, json, html;
  bool clean = false;  // reconciled
  bool interrupted = false;
};
Result<Shown> show(const Collected& collected);

// Replaces the tariffs of what was loaded by shipped ones, where a name is given.
Result<> use_tariffs(const std::string& lambda, const std::string& ec2, Collected& collected);

}  // namespace gust::experiment
