// SPDX-License-Identifier: Apache-2.0

// store_bench: durable puts of 1 KiB and 4 KiB with 16 in flight, by CPU per operation (the machines that this runs on are
// shared: wall time says little). The load's own CPU is in the figure.

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>
#include <string>
#include <utility>

#include "base/ids.h"
#include "os/files.h"
#include "store/key.h"
#include "store/sqlite/sqlite_store.h"

namespace gust::store {
namespace {

struct Arguments {
  int operations = 30'000;
  int in_flight = 16;
  std::string directory = ".";
  bool json = false;
};

struct Figure {
  size_t size = 0;
  double cpu_us = 0, per_second = 0;
  int failed = 0;
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Keeps a fixed number of puts waiting, the way as many connections would.
class Load {
 public:
  Load(Store& store, int in_flight, size_t size, uint64_t seed)
      : store_(store), seed_(seed), free_(in_flight), value_(size, '\0') {
    std::mt19937_64 random(1);
    for (char& c : value_) c = static_cast<char>(random());
  }

  void run(int operations) {
    for (int i = 0; i < operations;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return free_ > 0; });
      int take = std::min(std::exchange(free_, 0), operations - i);
      lock.unlock();
      for (int n = 0; n < take; ++n, ++i) submit();
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return done_ == submitted_; });
  }
  int failed() const { return failed_; }

 private:
  void submit() {
    // Keys arrive in no order, as hashed ones do.
    uint64_t id = (seed_ + ++submitted_) * 0x9E3779B97F4A7C15;
    std::string key = Key().text("000000000000/us-east-1").text("table").number(id).bytes();
    store_.commit([this, key = std::move(key)](Transaction& t) { return t.put(Space::Item, key, value_); },
                  [this](Result<> result) { finished(result.has_value()); });
  }
  void finished(bool good) {
    std::lock_guard lock(mutex_);
    ++done_;
    ++free_;
    failed_ += !good;
    if (free_ == 1 || done_ == submitted_) changed_.notify_one();
  }

  Store& store_;
  uint64_t seed_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int free_;
  std::atomic<uint64_t> submitted_ = 0;
  uint64_t done_ = 0;
  int failed_ = 0;
  std::string value_;
};

Result<Figure> measure(const Arguments& arguments, size_t size) {
  std::string directory = arguments.directory + "/store-bench-" + new_id(8);
  TRY(files::make_directories(directory));
  auto store = open_sqlite_store(directory + "/gust.db");
  Figure figure{size};
  if (store) {
    Load warm(**store, arguments.in_flight, size, 1 << 30);
    warm.run(arguments.operations / 10);
    double cpu = cpu_seconds();
    auto start = std::chrono::steady_clock::now();
    Load load(**store, arguments.in_flight, size, 0);
    load.run(arguments.operations);
    std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    figure.cpu_us = (cpu_seconds() - cpu) * 1e6 / arguments.operations;
    figure.per_second = arguments.operations / wall.count();
    figure.failed = warm.failed() + load.failed();
    store->reset();
  }
  (void)files::remove_tree(directory);
  if (!store) return Failure(store.error());
  return figure;
}

bool parse(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i];
    if (name == "--json") {
      arguments.json = true;
      continue;
    }
    if (i + 1 == argc) return false;
    const char* value = argv[++i];
    if (name == "--ops") {
      arguments.operations = std::max(1, std::atoi(value));
    } else if (name == "--in-flight") {
      arguments.in_flight = std::max(1, std::atoi(value));
    } else if (name == "--dir") {
      arguments.directory = value;
    } else {
      return false;
    }
  }
  return true;
}

int run(int argc, char** argv) {
  Arguments arguments;
  if (!parse(argc, argv, arguments)) {
    std::fprintf(stderr, "usage: store_bench [--ops N] [--in-flight N] [--dir DIRECTORY] [--json]\n");
    return 2;
  }
  std::string json;
  for (size_t size : {size_t{1} << 10, size_t{4} << 10}) {
    auto figure = measure(arguments, size);
    if (!figure) {
      std::fprintf(stderr, "store_bench: %s\n", figure.error().message.c_str());
      return 1;
    }
    char line[200];
    const char* format = arguments.json ? "%s{\"bytes\": %zu, \"cpu_us\": %.1f, \"per_second\": %.0f, \"failed\": %d}"
                                        : "%sdurable put of %zu bytes: %.1f us CPU, %.0f/s, %d failed\n";
    std::snprintf(line, sizeof line, format, arguments.json && !json.empty() ? ", " : "", size, figure->cpu_us,
                  figure->per_second, figure->failed);
    json += line;
    if (!arguments.json) std::fputs(line, stdout);
    if (figure->failed) return 1;
  }
  if (arguments.json) std::printf("{\"in_flight\": %d, \"puts\": [%s]}\n", arguments.in_flight, json.c_str());
  return 0;
}

}  // namespace
}  // namespace gust::store

int main(int argc, char** argv) { return gust::store::run(argc, argv); }
