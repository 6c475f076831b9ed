// SPDX-License-Identifier: Apache-2.0

#pragma once

// `gust exp`: the experiment of experiment/experiment.h, whose exit statuses these return.

#include "cli/context.h"
#include "experiment/experiment.h"

namespace gust::cli {

// Fills in whom to talk to and, where `programs` is empty, where the example's programs lie: image-scaler beside this program.
int exp_run(const Context& context, experiment::RunOptions options);
int exp_report(bool json, experiment::ReportOptions options);

}  // namespace gust::cli
