// SPDX-License-Identifier: Apache-2.0

#pragma once

// The article's experiment: real photographs are uploaded to functions of several sizes and to an always-on server, each
// arm alone in interleaved blocks, open loop; four independent sources (replay log, meter, table, bucket) are collected and
// reconciled; latency and price are compared. Behind `gust exp run` and `gust exp report`.
//
// run_experiment() is a client of a running Gust: it makes bucket, table, functions and service itself. It leaves a
// directory from which report_experiment() rebuilds everything without a daemon (byte-equal figures):
//   summary.json       what was run, where, how; versioned       sent.jsonl       one line per upload (replay log)
//   executions.csv     one line per execution (meter)             rows.jsonl       one line per row of the table
//   renditions.txt     one key per line (bucket listing)          tariff.json      the tariffs that priced it
// Both block, print to stdout (progress to stderr) and are called from the main thread; the run takes SIGINT and SIGTERM
// while it lasts: the first one stops sending, drains and reports what exists, the second one ends the process.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gust/aws.h"

namespace gust::experiment {

// Exit statuses of both.
inline constexpr int kReconciled = 0;
inline constexpr int kFailed = 1;          // bad options, no photographs, a directory that is no run
inline constexpr int kNotReconciled = 2;   // a remainder: an upload, execution, row or rendition without its partner
inline constexpr int kInfrastructure = 3;  // Gust did not answer, or refused what the run needs

struct RunOptions {
  aws::Config aws;                       // where Gust listens, whose keys
  std::string account = "000000000000";  // for the functions' role
  std::vector<std::string> arms;         // "fn-1728", "svc-c4.large"; empty: fn-512, fn-1728, fn-3008, svc-c4.large
  size_t uploads = 60;                   // of each arm
  double speed = 1;                      // 2: arrivals twice as dense
  uint64_t seed = 1;                     // photographs, arrivals, order of blocks
  std::string images;                    // directory of JPEGs; empty: the installed Debian packages of docs/photographs.md
  std::string output;                    // directory for the records; made; empty: exp-RUN in the working directory
  std::string html;                      // file for the page; empty: report.html in `output`
  std::string programs;                  // directory that holds `bootstrap` and `image-scaler-service`
  std::string tariff = "lambda-2018-02", ec2_tariff = "ec2-2018-02-eu-central-1";
  size_t rounds = 3;                // each arm has one block in each, in random order; more where a block passed 100 uploads
  double grace_seconds = 60;        // for what is unsettled after the last upload of a block
  double uploads_per_day = 60'696;  // what prices per day and year are for: the article's captured hour, 24 times
  bool json = false;                // the summary as JSON instead of the table
};
int run_experiment(const RunOptions& options);

struct ReportOptions {
  std::string run;                 // directory that a run left
  std::string html;                // file for the page; empty: none is written
  std::string tariff, ec2_tariff;  // shipped ones instead of those in tariff.json; empty: the run's
  double uploads_per_day = 0;      // 0: the run's
  bool json = false;
};
int report_experiment(const ReportOptions& options);

}  // namespace gust::experiment
