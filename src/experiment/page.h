// SPDX-License-Identifier: Apache-2.0

#pragma once

// The report as one HTML file: opens offline, requests nothing, runs no script, light and dark, prints. Every text that
// comes from outside is escaped. Pure: equal input gives equal bytes.

#include <string>

#include "experiment/analysis.h"

namespace gust::experiment {

std::string html_report(const Collected& collected, const Analysis& analysis);

}  // namespace gust::experiment
