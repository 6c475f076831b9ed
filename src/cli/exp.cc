// SPDX-License-Identifier: Apache-2.0

#include "cli/exp.h"

#include <climits>
#include <unistd.h>

namespace gust::cli {
namespace {

// Everything that ships with the program lies beside it.
std::string directory_of_program() {
  char path[PATH_MAX];
  const ssize_t n = readlink("/proc/self/exe", path, sizeof path);
  if (n <= 0) return ".";
  const std::string program(path, static_cast<size_t>(n));
  return program.substr(0, program.rfind('/'));
}

}  // namespace

int exp_run(const Context& context, experiment::RunOptions options) {
  options.aws = context.aws;
  options.account = context.account;
  options.json = context.json;
  if (options.programs.empty()) options.programs = directory_of_program() + "/image-scaler";
  return experiment::run_experiment(options);
}

int exp_report(bool json, experiment::ReportOptions options) {
  options.json = json;
  return experiment::report_experiment(options);
}

}  // namespace gust::cli
