// SPDX-License-Identifier: Apache-2.0

#pragma once

// The report's figures as inline SVG. Colours come from the page's custom properties (--arm-0, --arm-1, ... --ink, --muted,
// --grid, --paper), so that one figure serves light, dark and print. Numbers are printed the same everywhere: equal input
// gives equal bytes. Pure functions.

#include <string>

#include "experiment/analysis.h"

namespace gust::experiment {

std::string average_figure(const Analysis& analysis);    // mean time per arm, split in two, with its 95 % interval
std::string time_ecdf_figure(const Analysis& analysis);  // distribution of the overall time
std::string end_ecdf_figure(const Analysis& analysis);   // distribution of the time from upload to row
std::string day_figure(const Analysis& analysis);        // price per day
std::string year_figure(const Analysis& analysis);       // price per year
std::string volume_figure(const Collected& collected, const Analysis& analysis);  // price per day over uploads per day

}  // namespace gust::experiment
