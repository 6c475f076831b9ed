// SPDX-License-Identifier: Apache-2.0

#pragma once

// `gust serve`: configuration, listening sockets, root tree, then the supervisor with its three processes.

#include <string>
#include <vector>

namespace gust::daemon {

// Arguments after the verb. Exit status: 0 after SIGTERM or SIGINT, 1 a failure that was logged, 2 bad configuration.
int serve(const std::vector<std::string>& arguments);

}  // namespace gust::daemon
