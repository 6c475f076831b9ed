// SPDX-License-Identifier: Apache-2.0

#include <string>
#include <vector>

#include "cli/cli.h"
#include "daemon/serve.h"

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && arguments[0] == "serve") {
    arguments.erase(arguments.begin());
    return gust::daemon::serve(arguments);
  }
  return gust::cli::run(arguments);
}
