// SPDX-License-Identifier: Apache-2.0

#pragma once

// For tests and the bench: a whole warden (starter and remover as processes) over a temporary state directory, and calls that
// wait. One thread.

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/log.h"
#include "net/loop.h"
#include "net/socket.h"
#include "os/clock.h"
#include "os/files.h"
#include "sandbox/init_protocol.h"
#include "sandbox/root_tree.h"
#include "sandbox/warden_client.h"
#include "sandbox/warden_process.h"

namespace gust::sandbox {

// How long tests wait before they give up, in units of what an idle machine needs: emulated ones are slow.
inline int64_t patience() {
  const char* text = getenv("GUST_TEST_PATIENCE");
  return text ? std::max(1, atoi(text)) : 1;
}

// The curated root, built once a process, or once at all in the directory GUST_TEST_ROOTS.
struct TestRoot {
  explicit TestRoot(const std::string& manifest) {
    if (const char* kept = getenv("GUST_TEST_ROOTS")) {
      directory = kept;
    } else {
      char path[] = "/tmp/gust-roots-XXXXXX";
      GUST_CHECK(mkdtemp(path) != nullptr);
      directory = path;
      owner = getpid();
    }
    auto built = build_root(directory, manifest);
    if (!built) log::error("test", built.error().message);
    GUST_CHECK(built.has_value());
    root = *built;
  }
  ~TestRoot() {
    if (getpid() == owner) (void)files::remove_tree(directory);
  }
  static const std::string& of(const std::string& manifest) {
    static TestRoot one(manifest);
    return one.root;
  }
  std::string directory, root;
  pid_t owner = 0;
};

class TestWarden {
 public:
  static constexpr int64_t kLimitUs = 20'000'000;
  explicit TestWarden(const std::string& init, const std::string& manifest, uint32_t kits = 4) {
    char path[] = "/tmp/gust-sandbox-XXXXXX";
    if (!mkdtemp(path)) return;
    directory_ = path;
    (void)files::make_directories(directory_ + "/state/code");
    config.state_directory = directory_ + "/state";
    config.root_directory = TestRoot::of(manifest);
    config.init_path = init;
    config.boot_id = new_id(8);
    config.kits = kits;
  }
  ~TestWarden() {
    stop();
    (void)files::remove_tree(directory_);
  }

  void run() {
    auto [daemon_side, warden_side] = *net::packet_pair();
    auto [starter_side, remover_side] = *net::packet_pair();
    remover = fork();
    if (remover == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      daemon_side.reset(), warden_side.reset(), starter_side.reset();
      _exit(run_remover(std::move(remover_side), config));
    }
    starter = fork();
    if (starter == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      daemon_side.reset(), remover_side.reset();
      _exit(run_starter(std::move(warden_side), std::move(starter_side), config));
    }
    loop = std::make_unique<net::Loop>();
    warden = make_warden(*loop, std::move(daemon_side));
    warden->on_exit([this](uint64_t id, Exit exit) { exits[id] = exit; });
  }

  // Closes the channel and waits for both processes; their statuses.
  std::pair<int, int> stop() {
    warden.reset();
    loop.reset();
    std::pair<int, int> statuses{-1, -1};
    if (starter > 0) waitpid(starter, &statuses.first, 0);
    if (remover > 0) waitpid(remover, &statuses.second, 0);
    starter = remover = 0;
    return statuses;
  }

  bool wait(const std::function<bool()>& done, int64_t limit_us = kLimitUs) {
    int64_t end = system_clock().monotonic_us() + limit_us * (limit_us >= kLimitUs ? patience() : 1);
    net::Timer timer(*loop);
    std::function<void()> check = [&] {
      if (done() || system_clock().monotonic_us() > end) return loop->stop();
      timer.start(1000, check);
    };
    loop->post(check);
    loop->run();
    return done();
  }

  Result<Started> start(StartSpec spec) {
    auto result = std::make_shared<std::optional<Result<Started>>>();  // the answer may come after we gave up
    warden->start(std::move(spec), [result](Result<Started> r) { *result = std::move(r); });
    if (!wait([&] { return result->has_value(); })) return fail(Errc::Timeout, "no answer from the warden");
    return std::move(**result);
  }

  // A new directory under STATE/code.
  std::string code(const std::string& name = "c0de") {
    (void)files::make_directories(config.state_directory + "/code/" + name);
    return name;
  }

  StartSpec shell(const std::string& script) {
    StartSpec spec;
    spec.id = next_id++;
    spec.code = code();
    spec.arguments = {"/bin/bash", "-c", script};
    spec.environment = {"PATH=/usr/bin"};
    return spec;
  }

  // Everything that was written until `end` is in it, or until the sandbox ended, or for too long.
  std::string read_until(const Started& s, const std::string& end) {
    std::string text;
    int64_t limit = system_clock().monotonic_us() + kLimitUs * patience();
    while (text.find(end) == std::string::npos && system_clock().monotonic_us() < limit) {
      pollfd p{s.output.get(), POLLIN, 0};
      poll(&p, 1, 100);
      char buffer[4096];
      ssize_t n = ::read(s.output.get(), buffer, sizeof buffer);
      if (n > 0) text.append(buffer, static_cast<size_t>(n));
      if (n == 0) break;
    }
    return text;
  }

  static void drain(const Started& s, std::string& text) {
    char buffer[4096];
    for (ssize_t n; (n = ::read(s.output.get(), buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(n));
  }

  // The output of a script that runs to its end, then "|" and its wait status.
  std::string run_shell(const std::string& script, Limits limits = {}) {
    StartSpec spec = shell(script);
    spec.limits = limits;
    uint64_t id = spec.id;
    auto started = start(std::move(spec));
    if (!started) return "start: " + started.error().message;
    std::string text;
    gust_init_report report{};
    for (int i = 0; i < 400 * patience() && report.event == 0; ++i) {
      report = next_report(*started, 50);
      drain(*started, text);
    }
    last_usage = read_usage(*started);
    started->control.reset();
    wait([&] { return exits.count(id) != 0; });
    drain(*started, text);
    return text + "|" + std::to_string(report.status);
  }

  gust_init_report next_report(const Started& s, int wait_ms = 30'000) {
    gust_init_report report{};
    pollfd p{s.control.get(), POLLIN, 0};
    if (poll(&p, 1, wait_ms >= 1000 ? wait_ms * static_cast<int>(patience()) : wait_ms) <= 0 ||
        ::read(s.control.get(), &report, sizeof report) != sizeof report)
      report.event = 0;
    return report;
  }
  void tell(const Started& s, gust_init_verb verb) {
    gust_init_request request{GUST_INIT_VERSION, static_cast<uint32_t>(verb)};
    GUST_CHECK(::write(s.control.get(), &request, sizeof request) == sizeof request);
  }

  WardenConfig config;
  pid_t starter = 0, remover = 0;
  std::unique_ptr<net::Loop> loop;
  std::unique_ptr<Warden> warden;
  std::map<uint64_t, Exit> exits;
  uint64_t next_id = 1;
  Result<Usage> last_usage;

 private:
  std::string directory_;
};

}  // namespace gust::sandbox
