// SPDX-License-Identifier: Apache-2.0

#pragma once

// The command `gust`: every verb but `serve`. All of them are clients over HTTP, except env, doctor and exp report, which
// work without a daemon.
//
// Exit status: 0 done; 1 it failed (one line on standard error says why and what to do next); 2 wrong use. `aws` has the
// AWS CLI's own, `exp` those of experiment/experiment.h. Results go to standard output, everything else to standard error.

#include <string>
#include <vector>

namespace gust::cli {

// Arguments after the program's name. Main thread; blocks until done.
int run(const std::vector<std::string>& arguments);

}  // namespace gust::cli
