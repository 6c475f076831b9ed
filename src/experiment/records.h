// SPDX-License-Identifier: Apache-2.0

#pragma once

// A run on disk: everything that a report is made of, in files that other programs read too (see experiment.h for the
// list). What is read back gives the same report, byte by byte. Texts of strangers (errors, keys) are quoted so that no
// spreadsheet takes them for formulas. Blocking. Errors: Invalid (not a run, or of a later version), NotFound, Io.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/value.h"
#include "experiment/model.h"
#include "experiment/tariff.h"

namespace gust::experiment {

inline constexpr int kRunVersion = 1;  // of summary.json

struct Host {
  std::string cpu_model, kernel, machine;
  int64_t cores = 0;
  uint64_t memory_mib = 0;
  double load_before = 0, load_after = 0;  // 1-minute averages
  double steal_percent = 0;                // taken by the hypervisor during the run
};
Host this_host();  // without load_after and steal_percent

// One arm's part of one round.
struct Block {
  size_t round = 0, first = 0, count = 0;  // uploads first .. first + count - 1
  std::string arm;
  int64_t started_us = 0;  // wall clock
  double sending_seconds = 0, draining_seconds = 0;
};

struct Run {
  std::string id;  // "20260206-101530-5f3a": part of keys and of the bucket's name
  std::string gust_version, bucket, table;
  int64_t started_ms = 0;
  double seconds = 0, photographs_seconds = 0;
  std::vector<Arm> arms;
  std::map<std::string, size_t> planned;  // uploads by arm; after an interruption those that were sent until then
  size_t uploads = 0;                     // of each arm, as asked for
  bool interrupted = false;
  double speed = 1, uploads_per_day = 0;
  uint64_t seed = 1;
  std::string tariff, ec2_tariff;
  std::string images;  // directory; empty: the packages of docs/photographs.md
  size_t sources = 0;  // pictures that the uploads were cut from
  double megapixels_mean = 0;
  int workers = 2;  // of a service
  double poll_seconds = 5;
  std::map<std::string, double> deploy_ms;     // by arm: until it could serve
  std::map<std::string, ServiceRun> services;  // by arm
  std::vector<Block> blocks;
  Host host;
};

Value to_value(const Run& run);
Result<Run> run_of(const Value& value);

struct Collected {
  Run run;
  Records records;
  std::vector<Value> items;  // the table's rows as DynamoDB gave them; records.rows are made from them
  LambdaTariff lambda;
  Ec2Tariff ec2;
};

// Everything but summary.json. The tariffs' documents come from the shipped ones, by name.
Result<> save_records(const std::string& directory, const Collected& collected);
Result<Collected> load_records(const std::string& directory);

std::string executions_csv(const std::vector<Executed>& executed);
Result<std::vector<Executed>> executions_of_csv(std::string_view text);

}  // namespace gust::experiment
