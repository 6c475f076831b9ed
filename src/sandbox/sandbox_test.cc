// SPDX-License-Identifier: Apache-2.0

// Real sandboxes: a starter and a remover as the supervisor forks them, a probe program inside. Needs root. Each refusal
// has its positive control: the same probe outside, in throw-away namespaces of its own.

#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <thread>

#include "base/ids.h"
#include "net/socket.h"
#include "os/files.h"
#include "sandbox/cgroup.h"
#include "sandbox/init_protocol.h"
#include "sandbox/root_tree.h"
#include "sandbox/warden_client.h"
#include "sandbox/warden_process.h"

namespace gust::sandbox {
namespace {

constexpr char kCode[] = "c0de";

class SandboxTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    directory_ = testing::TempDir() + "gust-sandbox-" + new_id(8);
    ASSERT_TRUE(files::make_directories(directory_ + "/code/" + kCode));
    auto probe = files::read(PROBE_PATH);
    ASSERT_TRUE(probe);
    ASSERT_TRUE(files::write(directory_ + "/code/" + kCode + "/probe", *probe, 0755));
    auto root = ensure_root(testing::TempDir() + "gust-test-roots", MANIFEST_PATH);
    ASSERT_TRUE(root) << root.error().message;
    config_ = {.state_directory = directory_, .root_directory = *root, .init_path = INIT_PATH, .boot_id = "test" + new_id(6),
               .host_cpus = std::thread::hardware_concurrency()};
    auto daemon = net::packet_pair(), remover = net::packet_pair();
    remover_ = spawn([&] { return daemon->first.reset(), daemon->second.reset(), remover->first.reset(), run_remover(std::move(remover->second), config_); });
    starter_ = spawn([&] { return daemon->first.reset(), remover->second.reset(), run_starter(std::move(daemon->second), std::move(remover->first), config_); });
    daemon->second.reset();
    warden_ = make_warden(loop_, std::move(daemon->first), [] {});
    warden_->on_exit([this](uint64_t id, Exit exit) { exits_[id] = exit; });
  }
  void TearDown() override {
    if (directory_.empty()) return;
    warden_.reset();
    for (pid_t pid : {starter_, remover_}) {
      int status = -1;
      if (pid > 0) waitpid(pid, &status, 0);
      EXPECT_EQ(status, 0);
    }
    auto parents = existing_parents();
    EXPECT_EQ(std::count(parents.begin(), parents.end(), "gust-" + config_.boot_id), 0);
    (void)files::remove_tree(directory_);
    EXPECT_FALSE(files::exists(directory_));
  }
  template <class F>
  pid_t spawn(F f) {
    pid_t pid = fork();
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      _exit(f());
    }
    return pid;
  }
  // Runs the loop until the condition holds (20 s at most).
  template <class C>
  bool until(C condition) {
    bool late = false, met = false;  // conditions take messages: each is asked once after it held
    net::Timer end(loop_);
    end.start(20'000'000, [&] { late = true; });
    net::Timer tick(loop_);
    std::function<void()> check = [&] {
      met = condition();
      if (late || met) return loop_.stop();
      tick.start(1000, check);
    };
    tick.start(0, check);
    loop_.run();
    return met;
  }
  Started* start(std::vector<std::string> arguments, Limits limits = {}) {
    StartSpec spec;
    spec.id = ++last_id_;
    spec.code = kCode;
    spec.limits = limits;
    spec.arguments = std::move(arguments);
    spec.arguments.insert(spec.arguments.begin(), "/var/task/probe");
    spec.environment = {"PROBE=seen"};
    uint64_t id = spec.id;
    std::optional<std::string> failure;
    warden_->start(std::move(spec), [&, id](Result<Started> started) {
      if (started) started_[id] = std::move(*started);
      else failure = started.error().message;
    });
    until([&] { return failure || started_.count(id); });
    EXPECT_FALSE(failure) << *failure;
    return started_.count(id) ? &started_[id] : nullptr;
  }
  gust_init_report report_of(Started& s) {
    gust_init_report report{};
    until([&] { return recv(s.control.get(), &report, sizeof report, MSG_DONTWAIT) == sizeof report; });
    return report;
  }
  std::string output_of(Started& s, bool all = true) {
    std::string text;
    char buffer[4096];
    if (all) report_of(s);
    until([&] {
      ssize_t n = read(s.output.get(), buffer, sizeof buffer);
      if (n > 0) text.append(buffer, static_cast<size_t>(n));
      return n == 0 || !text.empty();
    });
    return text;
  }
  std::string inside(std::vector<std::string> arguments, Limits limits = {}) {
    Started* s = start(std::move(arguments), limits);
    return s ? output_of(*s) : "not started";
  }
  // The same probe in namespaces of its own, as root there: what it may do without our walls.
  std::string outside(std::vector<std::string> arguments) {
    std::string command = "unshare --mount --pid --net --uts --ipc --fork --kill-child --propagation private timeout 20 " PROBE_PATH;
    for (auto& a : arguments) command += " '" + a + "'";
    FILE* pipe = popen(command.c_str(), "r");
    char buffer[4096];
    size_t n = fread(buffer, 1, sizeof buffer, pipe);
    pclose(pipe);
    return {buffer, n};
  }

  std::string directory_;
  WardenConfig config_;
  net::Loop loop_;
  pid_t starter_ = 0, remover_ = 0;
  std::unique_ptr<Warden> warden_;
  uint64_t last_id_ = 0;
  std::map<uint64_t, Started> started_;
  std::map<uint64_t, Exit> exits_;
};

TEST_F(SandboxTest, AProgramRunsWithItsArgumentsAndEnvironmentAndItsEndIsReported) {
  Started* s = start({"echo", "hello"});
  ASSERT_TRUE(s);
  gust_init_report report = report_of(*s);
  EXPECT_EQ(report.event, static_cast<uint32_t>(GUST_INIT_EXITED));
  EXPECT_EQ(WEXITSTATUS(report.status), 7);
  EXPECT_EQ(output_of(*s, false), "hello seen\n");
}

TEST_F(SandboxTest, AMissingProgramIsReportedWithItsErrno) {
  StartSpec spec;
  spec.id = 77;
  spec.code = kCode;
  spec.arguments = {"/var/task/absent"};
  warden_->start(std::move(spec), [&](Result<Started> r) { started_[77] = std::move(*r); });
  ASSERT_TRUE(until([&] { return started_.count(77) > 0; }));
  gust_init_report report = report_of(started_[77]);
  EXPECT_EQ(report.event, static_cast<uint32_t>(GUST_INIT_FAILED));
  EXPECT_EQ(report.status, ENOENT);
}

TEST_F(SandboxTest, ItRunsAsItsOwnUserWithoutPrivileges) {
  EXPECT_EQ(inside({"id"}).substr(0, 8), "993 993 ");
  std::string status = inside({"status"});
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_NE(status.find(std::string(set) + ":\t0000000000000000"), std::string::npos) << status;
  }
  EXPECT_NE(status.find("NoNewPrivs:\t1"), std::string::npos);
  EXPECT_NE(status.find("Seccomp:\t2"), std::string::npos);
}

TEST_F(SandboxTest, WhatReachesBeyondIsRefusedInsideAndWorksOutside) {
  std::string secret = directory_ + "/secret";
  ASSERT_TRUE(files::write(secret, "x"));
  const std::vector<std::string> probes[] = {
      {"mount"}, {"remount"}, {"userns"}, {"raw"}, {"packet"}, {"ptrace"}, {"keyctl"}, {"bpf"}, {"uring"},
      {"mknod", "/tmp/gust-probe-" + new_id(8)}, {"setuid"}, {"chroot"}, {"hostname"}, {"read", secret},
      {"read", "/dev/kmsg"}, {"read", "/sys/kernel"}, {"write", "/var/task/probe"}, {"write", "/etc/passwd-probe"},
  };
  int proven = 0;
  for (const auto& probe : probes) {
    std::string in = inside(probe);
    EXPECT_NE(in.find("refused"), std::string::npos) << probe[0] << " " << in;
    if (probe[0] == "write") {
      // The control must not touch the host: /tmp of the sandbox is the place where the same call works.
      EXPECT_NE(inside({"write", "/tmp/x"}).find("done"), std::string::npos);
      ++proven;
      continue;
    }
    std::string out = outside(probe);
    bool works = out.find("done") != std::string::npos;
    proven += works;
    if (!works) printf("no positive control on this machine: %s -> %s", probe[0].c_str(), out.c_str());
    if (probe[0] == "mknod") (void)files::remove(probe[1]);
  }
  EXPECT_GE(proven, static_cast<int>(std::size(probes)) - 3);
}

TEST_F(SandboxTest, AFullTmpIsAnErrorInsideAndItsBytesAreNotMemory) {
  EXPECT_EQ(inside({"fill", "/tmp/big"}, {.memory_bytes = 64 << 20}), "fill refused 28\n");  // ENOSPC
}

TEST_F(SandboxTest, TheProcessLimitIsAnErrorInside) {
  EXPECT_EQ(inside({"forks", "100"}, {.pids = 20}), "forks refused 11\n");  // EAGAIN
  EXPECT_EQ(inside({"forks", "10"}, {.pids = 20}), "forks done\n");
}

TEST_F(SandboxTest, TooMuchMemoryKillsTheProgramAndIsSeenInTheUsage) {
  Started* s = start({"memory", "200"}, {.memory_bytes = 64 << 20});
  ASSERT_TRUE(s);
  gust_init_report report = report_of(*s);
  EXPECT_TRUE(WIFSIGNALED(report.status) && WTERMSIG(report.status) == SIGKILL) << report.status;
  auto usage = read_usage(*s);
  ASSERT_TRUE(usage);
  EXPECT_GT(usage->oom_kills, 0u);
  EXPECT_GT(usage->memory_peak_bytes, 60u << 20);
  EXPECT_EQ(inside({"memory", "30"}, {.memory_bytes = 64 << 20}), "memory done\n");
}

TEST_F(SandboxTest, ItsSocketsAreReachableFromInsideAlone) {
  Started* s = start({"connect", "9001"});
  ASSERT_TRUE(s);
  EXPECT_EQ(output_of(*s), "connect done\n");
  Fd connection(accept4(s->runtime_listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_TRUE(connection.valid());
  EXPECT_NE(inside({"connect", "22"}).find("refused"), std::string::npos);
}

TEST_F(SandboxTest, ResetKillsTheProgramAndRunStartsItAgain) {
  Started* s = start({"sleep"});
  ASSERT_TRUE(s);
  EXPECT_EQ(output_of(*s, false), "sleeping\n");
  gust_init_request reset{GUST_INIT_VERSION, GUST_INIT_RESET}, run{GUST_INIT_VERSION, GUST_INIT_RUN};
  ASSERT_EQ(send(s->control.get(), &reset, sizeof reset, 0), static_cast<ssize_t>(sizeof reset));
  gust_init_report report = report_of(*s);
  EXPECT_TRUE(WIFSIGNALED(report.status));
  ASSERT_EQ(send(s->control.get(), &run, sizeof run, 0), static_cast<ssize_t>(sizeof run));
  EXPECT_EQ(output_of(*s, false), "sleeping\n");
}

TEST_F(SandboxTest, ClosingTheControlEndsItAndKillingReportsTheExit) {
  Started* a = start({"sleep"});
  ASSERT_TRUE(a);
  a->control.reset();
  EXPECT_TRUE(until([&] { return exits_.count(1) > 0; }));
  Started* b = start({"sleep"});
  ASSERT_TRUE(b);
  warden_->kill(2);
  EXPECT_TRUE(until([&] { return exits_.count(2) > 0; }));
  EXPECT_EQ(WTERMSIG(exits_[2].status), SIGKILL);
}

TEST_F(SandboxTest, TwoSandboxesDoNotSeeEachOther) {
  Started* a = start({"write", "/tmp/mine"});
  ASSERT_TRUE(a);
  EXPECT_EQ(output_of(*a), "write done\n");
  EXPECT_NE(inside({"read", "/tmp/mine"}).find("refused"), std::string::npos);
  std::string host_pid = std::to_string(starter_);
  EXPECT_NE(inside({"kill", host_pid}).find("refused"), std::string::npos);
}

TEST_F(SandboxTest, MalformedNamesAreRefused) {
  for (const char* code : {"../x", "a/b", "ABC", ""}) {
    StartSpec spec;
    spec.id = ++last_id_;
    spec.code = code;
    spec.output = code[0] ? "" : "../out";
    spec.arguments = {"/var/task/probe"};
    std::optional<bool> ok;
    warden_->start(std::move(spec), [&](Result<Started> r) { ok = r.has_value(); });
    ASSERT_TRUE(until([&] { return ok.has_value(); }));
    EXPECT_FALSE(*ok) << code;
  }
}

}  // namespace
}  // namespace gust::sandbox
