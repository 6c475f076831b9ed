// SPDX-License-Identifier: Apache-2.0

#include "experiment/report.h"

#include <cstdio>

#include "base/json.h"
#include "experiment/experiment.h"
#include "experiment/page.h"
#include "experiment/tables.h"
#include "os/files.h"

namespace gust::experiment {
namespace {

Result<int> report(const ReportOptions& options) {
  Collected collected = TRY(load_records(options.run));
  TRY(use_tariffs(options.tariff, options.ec2_tariff, collected));
  if (options.uploads_per_day > 0) collected.run.uploads_per_day = options.uploads_per_day;
  Shown shown = TRY(show(collected));
  if (!options.html.empty()) TRY(files::write(options.html, shown.html));
  fputs(options.json ? shown.json.c_str() : shown.text.c_str(), stdout);
  return shown.clean ? shown.interrupted ? kFailed : kReconciled : kNotReconciled;
}

}  // namespace

Result<Shown> show(const Collected& collected) {
  const Analysis analysis = TRY(analyze(collected));
  Shown out;
  out.text = text_report(collected, analysis);
  out.json = json::write_pretty(to_value(analysis, collected)) + "\n";
  out.html = html_report(collected, analysis);
  out.clean = analysis.reconciliation.clean();
  out.interrupted = collected.run.interrupted;
  return out;
}

Result<> use_tariffs(const std::string& lambda, const std::string& ec2, Collected& collected) {
  Tariffs tariffs = TRY(shipped_tariffs());
  if (!lambda.empty()) collected.lambda = TRY(tariffs.find_lambda(lambda));
  if (!ec2.empty()) collected.ec2 = TRY(tariffs.find_ec2(ec2));
  return {};
}

int report_experiment(const ReportOptions& options) {
  auto status = report(options);
  if (status) return *status;
  fprintf(stderr, "gust exp report: %s\n", status.error().message.c_str());
  return kFailed;
}

}  // namespace gust::experiment
