// SPDX-License-Identifier: Apache-2.0

// scaler_bench FILE.jpg [RUNS]: CPU seconds, phases and peak memory of scaling one picture (bench/run calls it).

#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "base/encoding.h"
#include "os/files.h"
#include "scaler.h"

namespace {

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    fprintf(stderr, "usage: %s FILE.jpg [RUNS]\n", arguments[0]);
    return 2;
  }
  auto jpeg = gust::files::read(arguments[1]);
  if (!jpeg) {
    fprintf(stderr, "%s\n", jpeg.error().message.c_str());
    return 1;
  }
  uint64_t runs = count > 2 ? gust::parse_uint(arguments[2]).value_or(7) : 7;
  std::vector<double> seconds;
  gust::scaler::Output last;
  for (uint64_t i = 0; i < std::max<uint64_t>(runs, 1); ++i) {
    double before = cpu_seconds();
    auto out = gust::scaler::scale(*jpeg);
    if (!out) {
      fprintf(stderr, "%s\n", out.error().message.c_str());
      return 1;
    }
    seconds.push_back(cpu_seconds() - before);
    last = std::move(*out);
  }
  std::sort(seconds.begin(), seconds.end());
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  printf(
      "{\"width\":%u,\"height\":%u,\"progressive\":%s,\"runs\":%zu,\"cpu_s_median\":%.3f,\"cpu_s_min\":%.3f,"
      "\"decode_ms\":%.1f,\"resize_ms\":%.1f,\"encode_ms\":%.1f,\"peak_rss_mb\":%.1f}\n",
      last.width, last.height, last.progressive ? "true" : "false", seconds.size(), seconds[seconds.size() / 2], seconds[0],
      static_cast<double>(last.decode_us) / 1e3, static_cast<double>(last.resize_us) / 1e3,
      static_cast<double>(last.encode_us) / 1e3, static_cast<double>(usage.ru_maxrss) / 1024);
}
