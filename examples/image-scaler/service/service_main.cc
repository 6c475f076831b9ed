// SPDX-License-Identifier: Apache-2.0

// image-scaler-service: the always-on arm. Environment: BUCKET, TABLE, PREFIX (uploads/RUN/ARM/), PROGRESS_KEY,
// INSTANCE_TYPE, WORKERS (2), BATCH (25), POLL_SECONDS (5), and what gust/aws.h reads. Ends on SIGTERM after the batch.

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "base/encoding.h"
#include "poller.h"

namespace {

std::atomic<bool> stop_requested{false};
void on_signal(int) { stop_requested = true; }

std::string environment(const char* name, const char* otherwise = "") {
  const char* text = getenv(name);
  return text && *text ? text : otherwise;
}

int number(const char* name, const char* otherwise) {
  auto value = gust::parse_uint(environment(name, otherwise));
  return value && *value > 0 && *value <= 10'000 ? static_cast<int>(*value) : atoi(otherwise);
}

}  // namespace

int main() {
  gust::scaler::PollerOptions options;
  options.bucket = environment("BUCKET");
  options.prefix = environment("PREFIX", "uploads/");
  options.job.table = environment("TABLE");
  if (options.bucket.empty() || options.job.table.empty()) {
    fprintf(stderr, "BUCKET and TABLE must be set\n");
    return 2;
  }
  options.progress_key = environment("PROGRESS_KEY", "progress/image-scaler-service.json");
  options.job.size_name = "instance_type";
  options.job.size_value = environment("INSTANCE_TYPE", "unknown");
  options.workers = number("WORKERS", "2");
  options.batch = number("BATCH", "25");
  options.poll_us = number("POLL_SECONDS", "5") * int64_t{1'000'000};
  options.aws = gust::aws::config_from_environment();
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  gust::scaler::Poller poller(options);
  if (auto resumed = poller.resume(); !resumed) {
    fprintf(stderr, "cannot read bucket or table: %s\n", resumed.error().message.c_str());
    return 1;
  }
  poller.run(stop_requested);
  return 0;
}
