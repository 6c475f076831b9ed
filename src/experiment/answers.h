// SPDX-License-Identifier: Apache-2.0

#pragma once

// The sentences of a report: the article's three questions answered from the numbers, what would turn the answer, how the
// article's findings look here, and what limits the result. Changed numbers change the sentences. Pure.

#include <vector>

#include "experiment/analysis.h"

namespace gust::experiment {

// Fills answers, flip, article and notes from the rest of `analysis`.
void answer(const Collected& collected, Analysis& analysis);

// Overall time of `a` over that of `b`, photograph by photograph.
Ratio overall_ratio(const Collected& collected, const Arm& a, const Arm& b);

}  // namespace gust::experiment
