// SPDX-License-Identifier: Apache-2.0

#pragma once

// The results as tables of text, which terminal and page show alike, and the terminal's report. Pure functions. Cells may
// hold texts of strangers (error messages): whoever shows them escapes them.

#include <string>
#include <vector>

#include "experiment/analysis.h"

namespace gust::experiment {

struct Table {
  std::vector<std::string> head;  // [0] names the first column
  struct Line {
    std::string label;
    std::vector<std::string> cells;
    bool group = false;  // starts a group of lines
  };
  std::vector<Line> lines;
};

Table result_table(const Collected& collected, const Analysis& analysis);  // a column per arm
Table reconciliation_table(const Analysis& analysis);                      // a column per arm
std::vector<std::string> price_formulas(const Collected& collected, const Analysis& analysis);
std::string run_line(const Collected& collected);                 // what was run, in one line
std::vector<std::string> host_lines(const Collected& collected);  // where, with which versions
std::string arm_title(const Arm& arm);                            // "1728 MB", "c4.large"

// For a terminal of 80 columns or more; texts of strangers made harmless. Ends with a newline.
std::string text_report(const Collected& collected, const Analysis& analysis);

}  // namespace gust::experiment
