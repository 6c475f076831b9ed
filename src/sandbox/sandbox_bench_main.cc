// SPDX-License-Identifier: Apache-2.0

// sandbox_bench [--json] [--quick] [--runs N] [--alive N]: from asking for a sandbox with all its limits to the first byte that
// its program writes, seen by the asking process; alone and with N others alive. Interleaved with the same program started bare
// (posix_spawn, the same pipe). CPU time of a start by process. Needs root; release builds only mean something.

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "sandbox/sandbox_fixture.h"

namespace gust::sandbox {
namespace {

constexpr int64_t kPauseUs = 15'000;  // between starts: the pool of prepared parts is full again

struct Options {
  bool json = false;
  int runs = 400, alive = 500;
};

int64_t now_us() { return system_clock().monotonic_us(); }

// Of one process, in microseconds.
double cpu_of(pid_t pid) {
  auto text = files::read("/proc/" + std::to_string(pid) + "/schedstat");
  return text ? static_cast<double>(strtoull(text->c_str(), nullptr, 10)) / 1000 : 0;
}

struct Series {
  std::vector<double> values;
  double at(double quantile) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[std::min(values.size() - 1, static_cast<size_t>(quantile * static_cast<double>(values.size())))];
  }
};

struct Figures {
  Series sandbox, bare;
  double starter_us = 0, remover_us = 0, inside_us = 0, asking_us = 0;  // CPU a start
};

class Bench {
 public:
  explicit Bench(const Options& options) : options_(options), warden_(GUST_INIT_PROGRAM, GUST_MANIFEST, 8) {
    std::string code = warden_.config.state_directory + "/code/" + warden_.code();
    GUST_CHECK(files::write(code + "/bootstrap", *files::read(GUST_FIRST_BYTE_PROGRAM), 0755).has_value());
    // What else runs on this machine shall not be measured: the highest priority for all that takes part.
    setpriority(PRIO_PROCESS, 0, -20);
    warden_.config.cpu_weight = 10'000;
    warden_.run();
    pause(200'000);
  }

  Figures measure() {
    Figures f;
    for (int i = 0; i < 20; ++i) one_sandbox();
    double starter = cpu_of(warden_.starter), remover = cpu_of(warden_.remover), own = cpu_of(getpid());
    double inside = 0;
    for (int i = 0; i < options_.runs; ++i) {
      auto [us, cpu] = one_sandbox();
      f.sandbox.values.push_back(us);
      inside += cpu;
    }
    double n = options_.runs;
    f.starter_us = (cpu_of(warden_.starter) - starter) / n;
    f.remover_us = (cpu_of(warden_.remover) - remover) / n;
    f.asking_us = (cpu_of(getpid()) - own) / n;
    f.inside_us = inside / n;
    for (int i = 0; i < options_.runs; ++i) f.bare.values.push_back(one_bare());
    return f;
  }

  void keep_alive(int count) {
    int failed = 0;
    for (int i = 0; i < count; ++i) {
      auto started = warden_.start(spec(false));
      if (started) {
        alive_.push_back(std::move(*started));
      } else if (++failed == 1) {
        std::fprintf(stderr, "start: %s\n", started.error().message.c_str());
      }
    }
    GUST_CHECK(failed == 0);
    pause(500'000);
  }

 private:
  StartSpec spec(bool ends) {
    StartSpec spec;
    spec.id = warden_.next_id++;
    spec.code = "c0de";
    spec.arguments = {"/var/task/bootstrap"};
    if (ends) spec.arguments.push_back("end");
    spec.environment = {"PATH=/usr/bin"};
    return spec;
  }
  void pause(int64_t us) {
    warden_.wait([] { return false; }, us);
  }

  // Microseconds to the first byte, and CPU time of the sandbox itself.
  std::pair<double, double> one_sandbox() {
    pause(kPauseUs);
    StartSpec asked = spec(true);
    uint64_t id = asked.id;
    std::optional<Started> started;
    std::unique_ptr<net::Watch> watch;
    int64_t begin = now_us(), end = 0;
    warden_.loop->post([&] {
      warden_.warden->start(std::move(asked), [&](Result<Started> s) {
        GUST_CHECK(s.has_value());
        started = std::move(*s);
        watch = std::make_unique<net::Watch>(*warden_.loop, started->output.get());
        watch->when_readable([&] {
          char byte = 0;
          GUST_CHECK(read(started->output.get(), &byte, 1) == 1);
          end = now_us();
          warden_.loop->stop();
        });
      });
    });
    warden_.loop->run();
    watch.reset();
    warden_.warden->kill(id);
    warden_.wait([&] { return warden_.exits.count(id) != 0; });
    const Exit& exit = warden_.exits[id];
    return {static_cast<double>(end - begin), static_cast<double>(exit.cpu_user_us + exit.cpu_system_us)};
  }

  double one_bare() {
    int ends[2];
    GUST_CHECK(pipe2(ends, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    const char* arguments[] = {"bootstrap", "end", nullptr};
    const char* environment[] = {nullptr};
    pid_t pid = 0;
    int64_t begin = now_us();
    GUST_CHECK(posix_spawn(&pid, GUST_FIRST_BYTE_PROGRAM, &actions, nullptr, const_cast<char**>(arguments),
                           const_cast<char**>(environment)) == 0);
    char byte = 0;
    GUST_CHECK(read(ends[0], &byte, 1) == 1);
    int64_t end = now_us();
    close(ends[0]), close(ends[1]);
    waitpid(pid, nullptr, 0);
    posix_spawn_file_actions_destroy(&actions);
    return static_cast<double>(end - begin);
  }

  Options options_;
  TestWarden warden_;
  std::vector<Started> alive_;
};

void print(const char* name, Figures& f, bool json, bool last) {
  if (json) {
    std::printf(
        "  \"%s\": {\"first_byte_us\": {\"p10\": %.0f, \"p50\": %.0f, \"p90\": %.0f, \"p99\": %.0f}, \"bare_us\": {\"p50\": "
        "%.0f, \"p99\": %.0f}, "
        "\"cpu_us\": {\"starter\": %.0f, \"remover\": %.0f, \"sandbox\": %.0f, \"asking\": %.0f}}%s\n",
        name, f.sandbox.at(.1), f.sandbox.at(.5), f.sandbox.at(.9), f.sandbox.at(.99), f.bare.at(.5), f.bare.at(.99),
        f.starter_us, f.remover_us, f.inside_us, f.asking_us, last ? "" : ",");
    return;
  }
  std::printf(
      "%-10s first byte us p10 %5.0f p50 %5.0f p90 %5.0f p99 %6.0f | bare p50 %4.0f | CPU us: starter %4.0f remover %5.0f "
      "sandbox %4.0f asking %4.0f\n",
      name, f.sandbox.at(.1), f.sandbox.at(.5), f.sandbox.at(.9), f.sandbox.at(.99), f.bare.at(.5), f.starter_us, f.remover_us,
      f.inside_us, f.asking_us);
}

int run(const Options& options) {
  if (geteuid() != 0) return std::fprintf(stderr, "sandbox_bench needs root\n"), 1;
  rlimit files{65536, 65536};
  setrlimit(RLIMIT_NOFILE, &files);
  Bench bench(options);
  Figures alone = bench.measure();
  if (options.json) std::printf("{\n  \"bench\": \"sandbox\", \"runs\": %d, \"alive_count\": %d,\n", options.runs, options.alive);
  print("alone", alone, options.json, options.alive == 0);
  if (options.alive > 0) {
    bench.keep_alive(options.alive);
    Figures crowded = bench.measure();
    print("alive", crowded, options.json, true);
  }
  if (options.json) std::printf("}\n");
  return 0;
}

}  // namespace
}  // namespace gust::sandbox

int main(int argc, char** argv) {
  gust::sandbox::Options options;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--json")) {
      options.json = true;
    } else if (!std::strcmp(argv[i], "--quick")) {
      options.runs = 100;
    } else if (!std::strcmp(argv[i], "--runs") && i + 1 < argc) {
      options.runs = std::max(1, std::atoi(argv[++i]));
    } else if (!std::strcmp(argv[i], "--alive") && i + 1 < argc) {
      options.alive = std::max(0, std::atoi(argv[++i]));
    } else {
      std::fprintf(stderr, "usage: sandbox_bench [--json] [--quick] [--runs N] [--alive N]\n");
      return 2;
    }
  }
  return gust::sandbox::run(options);
}
