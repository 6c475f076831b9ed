// SPDX-License-Identifier: Apache-2.0

// Real sandboxes on this machine's kernel: a starter and a remover as the supervisor forks them, bash and coreutils of the
// curated root inside. Needs root. tests/probes has what must not be possible from inside.

#include "sandbox/sandbox.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "sandbox/cgroup.h"
#include "sandbox/sandbox_fixture.h"
#include "sandbox/warden_names.h"

namespace gust::sandbox {
namespace {

constexpr char kBurn[] = "echo on; while :; do :; done";

class SandboxTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(geteuid(), 0u) << "sandboxes need root";
    t.emplace(GUST_INIT_PROGRAM, GUST_MANIFEST);
  }
  // Runs the warden with what `t->config` says by now and starts a script.
  Started start(StartSpec spec) {
    last_id = spec.id;
    if (t->starter == 0) t->run();
    auto started = t->start(std::move(spec));
    EXPECT_TRUE(started) << started.error().message;
    return started ? std::move(*started) : Started{};
  }
  Started start(const std::string& script, Limits limits = {}) {
    StartSpec spec = t->shell(script);
    spec.limits = limits;
    return start(std::move(spec));
  }
  std::string run(const std::string& script, Limits limits = {}) {
    if (t->starter == 0) t->run();
    return t->run_shell(script, limits);
  }
  bool ended(uint64_t id) {
    return t->wait([&] { return t->exits.count(id) != 0; });
  }
  static Usage usage(Started& s) {
    auto usage = read_usage(s);
    EXPECT_TRUE(usage) << usage.error().message;
    return usage ? *usage : Usage{};
  }
  static uint64_t cpu_us(const Usage& u) { return u.cpu_user_us + u.cpu_system_us; }
  void pause(int64_t us) {
    t->wait([] { return false; }, us);
  }
  // What went by between two samples: CPU, run delay, throttled, wall; all in microseconds.
  struct Window {
    double cpu, delay, throttled, wall;
  };
  Window watch(Started& s, int64_t us) {
    int64_t begin = system_clock().monotonic_us();
    Usage before = usage(s);
    pause(us);
    Usage after = usage(s);
    return {static_cast<double>(cpu_us(after) - cpu_us(before)), static_cast<double>(after.run_delay_us - before.run_delay_us),
            static_cast<double>(after.throttled_us - before.throttled_us),
            static_cast<double>(system_clock().monotonic_us() - begin)};
  }
  static pid_t pid_of(Started& s) {
    auto info = files::read("/proc/self/fdinfo/" + std::to_string(s.pidfd.get()));
    size_t at = info ? info->find("Pid:\t") : std::string::npos;
    return at == std::string::npos ? 0 : static_cast<pid_t>(strtol(info->c_str() + at + 5, nullptr, 10));
  }
  static uint32_t host_uid_of(Started& s) {
    // Init is not dumpable, so that its files in /proc are root's: its status names the user.
    auto status = files::read("/proc/" + std::to_string(pid_of(s)) + "/status");
    size_t at = status ? status->find("Uid:\t") : std::string::npos;
    return at == std::string::npos ? 0 : static_cast<uint32_t>(strtoul(status->c_str() + at + 5, nullptr, 10));
  }
  void TearDown() override { t.reset(); }

  std::optional<TestWarden> t;
  uint64_t last_id = 0;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// ---- start, end

TEST_F(SandboxTest, AProgramRunsAndItsOutputAndStatusArrive) {
  EXPECT_EQ(run("echo hello; echo wrong >&2; exit 3"), "hello\nwrong\n|" + std::to_string(3 << 8));
  EXPECT_EQ(run("kill -ABRT $$"), "|6");
}

TEST_F(SandboxTest, ArgumentsEnvironmentAndDirectoryAreExactlyTheGivenOnes) {
  StartSpec spec = t->shell("");
  spec.arguments = {"/bin/bash", "-c", "printf '<%s>' \"$@\"; /usr/bin/env | /usr/bin/sort; pwd", "name", "a b", "", "ü"};
  spec.environment = {"X=1=2", "EMPTY=", "LINES_IN=a\nb"};
  spec.working_directory = "/tmp";
  Started s = start(std::move(spec));
  std::string text = t->read_until(s, "\n/tmp\n");
  EXPECT_EQ(text.substr(0, text.find('>')), "<a b");
  EXPECT_NE(text.find("<a b><><ü>"), std::string::npos) << text;
  EXPECT_NE(text.find("X=1=2\n"), std::string::npos) << text;
  EXPECT_NE(text.find("EMPTY=\n"), std::string::npos) << text;
  EXPECT_NE(text.find("LINES_IN=a\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("HOME="), std::string::npos) << text;
}

TEST_F(SandboxTest, LargeEnvironmentsArriveAndTooLargeOnesAreRefused) {
  StartSpec spec = t->shell("echo ${#BIG}-${V999}-$#");
  spec.environment.push_back("BIG=" + std::string(100'000, 'x'));
  for (int i = 0; i < 1000; ++i) spec.environment.push_back("V" + std::to_string(i) + "=" + std::to_string(i));
  Started s = start(std::move(spec));
  EXPECT_EQ(t->read_until(s, "\n"), "100000-999-0\n");
  spec = t->shell("");
  spec.environment.push_back("BIG=" + std::string(200'000, 'x'));
  EXPECT_EQ(t->start(std::move(spec)).error().code, Errc::TooLarge);
  spec = t->shell("");
  spec.environment.push_back(std::string("A=\0B", 4));
  EXPECT_EQ(t->start(std::move(spec)).error().code, Errc::Invalid);
}

TEST_F(SandboxTest, WhatCannotBeExecutedIsReportedWithItsErrno) {
  StartSpec spec = t->shell("");
  spec.arguments = {"/var/task/absent"};
  Started s = start(std::move(spec));
  gust_init_report report = t->next_report(s);
  EXPECT_EQ(report.event, static_cast<uint32_t>(GUST_INIT_FAILED));
  EXPECT_EQ(report.status, ENOENT);
  EXPECT_EQ(t->next_report(s).event, static_cast<uint32_t>(GUST_INIT_EXITED));
}

TEST_F(SandboxTest, BadRequestsAreRefusedByName) {
  t->run();
  struct Case {
    const char* text;
    std::function<void(StartSpec&)> change;
  };
  for (const Case& c :
       {Case{"a path", [](StartSpec& s) { s.code = "../state"; }}, Case{"a slash", [](StartSpec& s) { s.code = "a/b"; }},
        Case{"a dot", [](StartSpec& s) { s.code = "."; }}, Case{"nothing", [](StartSpec& s) { s.code = ""; }},
        Case{"output of a function", [](StartSpec& s) { s.output = "out"; }},
        Case{"no memory", [](StartSpec& s) { s.limits.memory_bytes = 1; }},
        Case{"no pids", [](StartSpec& s) { s.limits.pids = 0; }}, Case{"no CPU", [](StartSpec& s) { s.limits.visible_cpus = 0; }},
        Case{"a kind", [](StartSpec& s) { s.kind = static_cast<Kind>(9); }},
        Case{"descriptors", [](StartSpec& s) { s.inherit = {0}; }},
        Case{"no unpacker", [](StartSpec& s) { s.kind = Kind::Unpack, s.code = "", s.output = "out"; }}}) {
    StartSpec spec = t->shell("echo bad");
    c.change(spec);
    auto started = t->start(std::move(spec));
    ASSERT_FALSE(started) << c.text;
    EXPECT_EQ(started.error().code, Errc::Invalid) << c.text;
  }
  StartSpec absent = t->shell("");
  absent.code = "absent";
  EXPECT_EQ(t->start(std::move(absent)).error().code, Errc::NotFound);
  (void)symlink("c0de", (t->config.state_directory + "/code/link").c_str());
  StartSpec link = t->shell("");
  link.code = "link";
  EXPECT_FALSE(t->start(std::move(link)));
  Started good = start("echo good; sleep 100");
  StartSpec twice = t->shell("");
  twice.id = last_id;
  EXPECT_EQ(t->start(std::move(twice)).error().code, Errc::Exists);
  EXPECT_EQ(t->read_until(good, "\n"), "good\n");
}

TEST_F(SandboxTest, KillingEndsEverythingInside) {
  Started s = start("(sleep 1000 & exec sleep 1000 &); echo on; sleep 1000");
  t->read_until(s, "on\n");
  uint32_t uid = host_uid_of(s);
  EXPECT_GE(uid, t->config.uid_base + 16);
  t->warden->kill(last_id);
  ASSERT_TRUE(ended(last_id));
  EXPECT_TRUE(WIFSIGNALED(t->exits[last_id].status) && WTERMSIG(t->exits[last_id].status) == SIGKILL);
  EXPECT_FALSE(t->exits[last_id].oom);
  pollfd p{s.pidfd.get(), POLLIN, 0};
  EXPECT_EQ(poll(&p, 1, 0), 1);
  EXPECT_EQ(t->read_until(s, "never"), "");              // all writers are gone
  EXPECT_TRUE(t->wait([&] { return !read_usage(s); }));  // its control group is gone as well
}

TEST_F(SandboxTest, ClosingTheControlSocketEndsEverythingInside) {
  Started s = start("echo on; sleep 1000");
  t->read_until(s, "on\n");
  s.control.reset();
  ASSERT_TRUE(ended(last_id));
  EXPECT_EQ(t->exits[last_id].status, 0);
}

TEST_F(SandboxTest, ABurstOfStartsIsServedAndWaitingOnesCanBeKilled) {
  t->run();
  constexpr int kBurst = 80;
  int good = 0, killed = 0, other = 0;
  std::map<uint64_t, Started> all;
  std::vector<uint64_t> ids;
  for (int i = 0; i < kBurst; ++i) {
    StartSpec spec = t->shell("sleep 1000");
    spec.limits.tmp_bytes = 16 << 20;
    uint64_t id = spec.id;
    ids.push_back(id);
    t->warden->start(std::move(spec), [&, id](Result<Started> s) {
      ++(s ? good : s.error().code == Errc::Unavailable ? killed : other);
      if (s) all.emplace(id, std::move(*s));
    });
  }
  t->warden->kill(ids.back());  // waits in the client
  ASSERT_TRUE(t->wait([&] { return good + killed + other == kBurst; }, 60'000'000));
  EXPECT_EQ(other, 0);
  EXPECT_EQ(killed, 1);
  EXPECT_EQ(all.count(ids.back()), 0u);
  all.clear();
  ASSERT_TRUE(t->wait([&] { return t->exits.size() == kBurst - 1; }, 60'000'000));
}

// ---- what it is inside

TEST_F(SandboxTest, ItHasNoPrivileges) {
  std::string text =
      run("cat /proc/self/status /proc/self/oom_score_adj; id -u; id -g; id -G; ulimit -n; ulimit -c; uname -n; echo $$");
  for (const char* line :
       {"CapInh:\t0000000000000000", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000",
        "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2", "Uid:\t993\t993\t993\t993", "Gid:\t990\t990\t990\t990",
        "SigIgn:\t0000000000000000", "SigBlk:\t0000000000000000", "\n500\n993\n990\n990\n1024\n0\nsandbox\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
}

TEST_F(SandboxTest, AllItsNamespacesAreItsOwn) {
  std::string kinds[] = {"user", "pid", "mnt", "net", "ipc", "uts", "cgroup"};
  Started a = start("for n in user pid mnt net ipc uts cgroup; do readlink /proc/self/ns/$n; done; echo end; sleep 1000");
  Started b = start("for n in user pid mnt net ipc uts cgroup; do readlink /proc/self/ns/$n; done; echo end; sleep 1000");
  auto of_a = lines_of(t->read_until(a, "end\n")), of_b = lines_of(t->read_until(b, "end\n"));
  ASSERT_EQ(of_a.size(), 8u);
  ASSERT_EQ(of_b.size(), 8u);
  for (size_t i = 0; i < 7; ++i) {
    char host[64] = "";
    EXPECT_GT(readlink(("/proc/self/ns/" + kinds[i]).c_str(), host, sizeof host - 1), 0);
    EXPECT_EQ(of_a[i].substr(0, kinds[i].size() + 1), kinds[i] + ":");
    EXPECT_NE(of_a[i], host);
    EXPECT_NE(of_a[i], of_b[i]);
  }
  EXPECT_EQ(run("echo /proc/[0-9]*; cat /proc/self/cgroup").find("gust"), std::string::npos);
}

TEST_F(SandboxTest, EachHasAUserOfItsOwnThatIsUsedAgainAfterwards) {
  std::vector<Started> all;
  std::set<uint32_t> uids;
  for (int i = 0; i < 4; ++i) {
    all.push_back(start("sleep 1000"));
    uids.insert(host_uid_of(all.back()));
  }
  EXPECT_EQ(uids.size(), 4u);
  EXPECT_GE(*uids.begin(), t->config.uid_base + 16);
  for (int i = 0; i < 30; ++i) {
    Started next = start("sleep 1000");
    EXPECT_EQ(uids.count(host_uid_of(next)), 0u);
    // Four live, some are prepared, some end.
    EXPECT_LT(host_uid_of(next), t->config.uid_base + 16 + 20);
    t->warden->kill(last_id);
    ASSERT_TRUE(ended(last_id));
  }
}

TEST_F(SandboxTest, OnlyTmpCanBeWritten) {
  EXPECT_EQ(run("set -e; echo a >/tmp/a; mkdir /tmp/d; mv /tmp/a /tmp/d/b; ln -s b /tmp/d/c; mkfifo /tmp/fifo; cat /tmp/d/c; "
                "stat -c %U:%a /tmp"),
            "a\nUNKNOWN:1777\n|0");
  for (const char* path :
       {"/x", "/var/task/x", "/usr/bin/x", "/etc/passwd", "/var/runtime/x", "/dev/x", "/opt/x", "/proc/sys/kernel/hostname"}) {
    EXPECT_EQ(run("(echo x >" + std::string(path) + ") 2>/dev/null || echo no"), "no\n|0") << path;
  }
}

TEST_F(SandboxTest, ItSeesTheCuratedTreeAndNeutralNames) {
  t->code();
  (void)files::write(t->config.state_directory + "/code/c0de/handler", "code", 0644);
  EXPECT_EQ(run("ls / | tr '\\n' ' '; cat /var/task/handler; ls /dev | tr '\\n' ' '"),
            "bin dev etc home lib lib64 opt out proc sbin tmp unpack usr var codefd full null random shm stderr stdin stdout "
            "urandom zero |0");
  std::string mounts = run("while read -r id up dev root at rest; do echo $at; done </proc/self/mountinfo");
  auto points = lines_of(mounts);
  std::sort(points.begin(), points.end());
  EXPECT_EQ(points, (std::vector<std::string>{"/", "/dev", "/proc", "/tmp", "/var/runtime", "/var/task", "|0"}));
  EXPECT_EQ(run("ls -ld /sys /root /home/* /boot /run 2>/dev/null"), "|" + std::to_string(2 << 8));
}

TEST_F(SandboxTest, ItSeesAsManyCpusAsItWasGiven) {
  EXPECT_EQ(run("nproc", {.visible_cpus = 1}), "1\n|0");
  EXPECT_EQ(run("nproc", {.visible_cpus = 6}), std::to_string(sysconf(_SC_NPROCESSORS_ONLN)) + "\n|0");
}

// ---- limits

TEST_F(SandboxTest, TooMuchMemoryKillsTheProgramAndNobodyElse) {
  Started neighbour = start("echo on; sleep 2; echo still");
  t->read_until(neighbour, "on\n");
  Started s = start("exec tail -n 1 /dev/zero", {.memory_bytes = 64 << 20});
  gust_init_report report = t->next_report(s);
  EXPECT_TRUE(WIFSIGNALED(report.status) && WTERMSIG(report.status) == SIGKILL) << report.status;
  EXPECT_GT(report.max_rss_kib, 40u << 10);
  Usage u = usage(s);
  EXPECT_EQ(u.oom_kills, 1u);
  EXPECT_GT(u.memory_peak_bytes, 60u << 20);
  EXPECT_LE(u.memory_peak_bytes, 64u << 20);
  uint64_t id = last_id;
  t->tell(s, GUST_INIT_RUN);  // the sandbox itself has survived
  report = t->next_report(s);
  EXPECT_EQ(WTERMSIG(report.status), SIGKILL);
  t->warden->kill(id);
  ASSERT_TRUE(ended(id));
  EXPECT_TRUE(t->exits[id].oom);
  EXPECT_EQ(t->read_until(neighbour, "still\n"), "still\n");
  // The control: the same program with a little less than the limit.
  EXPECT_EQ(run("head -c 40000000 /dev/zero | tail -n 1 | wc -c", {.memory_bytes = 64 << 20}), "40000000\n|0");
  EXPECT_EQ(t->last_usage->oom_kills, 0u);
}

TEST_F(SandboxTest, AllSandboxesTogetherHaveALimitToo) {
  t->config.memory_limit = 96 << 20;
  t->config.cpu_weight = 25;
  Started s = start("exec tail -n 1 /dev/zero", {.memory_bytes = 1 << 30});
  gust_init_report report = t->next_report(s);
  EXPECT_TRUE(WIFSIGNALED(report.status) && WTERMSIG(report.status) == SIGKILL) << report.status;
  EXPECT_LE(usage(s).memory_peak_bytes, 100u << 20);  // each CPU charges the parent in batches
}

TEST_F(SandboxTest, TheCpuQuotaHoldsOverAllProcesses) {
  t->config.cpu_weight = 1000;  // whatever else runs on this machine
  Started s = start("echo on; (while :; do :; done) & while :; do :; done", {.visible_cpus = 1000});
  t->read_until(s, "on\n");
  Window full = watch(s, 300'000);
  EXPECT_EQ(full.throttled, 0);
  t->warden->set_cpu(last_id, 500);
  pause(100'000);
  // Never more than half a CPU; and as much as that in at least one of some windows.
  double most = 0;
  for (int i = 0; i < 6 && most < 0.4; ++i) {
    Window half = watch(s, 500'000);
    EXPECT_LE(half.cpu / half.wall, 0.56);
    EXPECT_GT(half.throttled, 0);
    most = std::max(most, half.cpu / half.wall);
  }
  EXPECT_GE(most, 0.4);
  t->warden->set_cpu(last_id, 72);  // 128 MB
  pause(100'000);
  Window small = watch(s, 1'000'000);
  EXPECT_LE(small.cpu / small.wall, 0.1);
  t->warden->set_cpu(last_id, 10);  // a quota below what the kernel allows in the usual period
  pause(200'000);
  small = watch(s, 1'000'000);
  EXPECT_LE(small.cpu / small.wall, 0.03);
  t->warden->set_cpu(last_id, 0);
  pause(200'000);
  EXPECT_EQ(watch(s, 200'000).throttled, 0);
}

TEST_F(SandboxTest, WaitingForACpuIsSeen) {
  t->config.cpu_weight = 1000;  // a wait is counted when it ends: none should be long
  // Three on one CPU: the ids decide which.
  std::vector<Started> all;
  for (uint64_t id : {1000, 2000, 3000}) {
    StartSpec spec = t->shell(kBurn);
    spec.id = id;
    spec.limits.visible_cpus = 1;
    all.push_back(start(std::move(spec)));
    t->read_until(all.back(), "on\n");
  }
  Window w = watch(all[0], 1'000'000);
  // A burner runs or waits, nothing else; each has at most its share of the CPU.
  EXPECT_GT((w.cpu + w.delay) / w.wall, 0.8);
  EXPECT_LT((w.cpu + w.delay) / w.wall, 1.1);
  EXPECT_GT(w.delay / w.wall, 0.4);
  all.clear();
  Started idle = start("echo on; sleep 1000");
  t->read_until(idle, "on\n");
  w = watch(idle, 200'000);
  EXPECT_LT(w.delay / w.wall, 0.1);
}

TEST_F(SandboxTest, BeingThrottledIsNotTakenForContention) {
  t->config.cpu_weight = 1000;
  StartSpec spec = t->shell(kBurn);
  Started s = start(std::move(spec));
  t->read_until(s, "on\n");
  t->warden->set_cpu(last_id, 72);
  pause(200'000);
  // The least of some windows: others use this machine too.
  double least = 1;
  for (int i = 0; i < 8 && least > 0.05; ++i) {
    Window w = watch(s, 500'000);
    least = std::min(least, std::max(0.0, w.delay - w.throttled) / w.wall);
  }
  EXPECT_LE(least, 0.05);
}

TEST_F(SandboxTest, TheProcessLimitIsAnErrorInside) {
  const char* forks = "exec /bin/sh -c 'i=0; while [ $i -lt 30 ]; do sleep 100 & i=$((i+1)); done; echo all'";
  std::string text = run(forks, {.pids = 20});
  EXPECT_NE(text.find("Cannot fork"), std::string::npos) << text;
  EXPECT_EQ(run(forks, {.pids = 40}), "all\n|0");
}

TEST_F(SandboxTest, AFullTmpIsAnErrorInsideAndItsBytesAreNotMemory) {
  Started s = start(
      "dd if=/dev/zero of=/tmp/big bs=1M count=600 2>&1; stat -c %s /tmp/big; rm /tmp/big; echo again >/tmp/small; cat "
      "/tmp/small",
      {.memory_bytes = 128 << 20, .tmp_bytes = 512 << 20});
  std::string text = t->read_until(s, "again\n");
  EXPECT_NE(text.find("No space left on device"), std::string::npos) << text;
  auto lines = lines_of(text);
  ASSERT_GE(lines.size(), 2u);
  uint64_t size = strtoull(lines[lines.size() - 2].c_str(), nullptr, 10);
  EXPECT_GE(size, 512ull << 20);
  EXPECT_LE(size, 530ull << 20);
  EXPECT_EQ(usage(s).oom_kills, 0u);
}

TEST_F(SandboxTest, TmpHasTheSizeThatWasAskedFor) {
  for (uint64_t mib : {16, 512, 1024}) {
    std::string text = run("stat -f -c '%b %S %f' /tmp", {.tmp_bytes = mib << 20});
    uint64_t blocks = 0, block = 0, free = 0;
    ASSERT_EQ(sscanf(text.c_str(), "%lu %lu %lu", &blocks, &block, &free), 3) << text;
    EXPECT_GE(free * block, mib << 20);
    EXPECT_LE(free * block, (mib << 20) * 21 / 20 + (16 << 20));
  }
}

TEST_F(SandboxTest, WithoutLoopDevicesTmpIsMemory) {
  t->config.force_tmpfs = true;
  std::string text = run("head -c 20000000 /dev/zero >/tmp/x; stat -c %s /tmp/x; stat -f -c %T /tmp", {.tmp_bytes = 16 << 20});
  EXPECT_NE(text.find("No space left"), std::string::npos) << text;
  EXPECT_NE(text.find("16777216\ntmpfs\n|0"), std::string::npos) << text;
}

// ---- control

TEST_F(SandboxTest, AResetEndsAllProcessesAndKeepsTmpAndNamespaces) {
  Started s = start(
      "for n in user pid mnt net ipc uts cgroup; do readlink /proc/self/ns/$n; done; cat /tmp/mark 2>/dev/null;"
      "echo mark >/tmp/mark; (sleep 1000 &); n=0; for p in /proc/[0-9]*; do n=$((n+1)); done; echo $n; echo end; sleep 1000");
  std::string first = t->read_until(s, "end\n");
  t->tell(s, GUST_INIT_RESET);
  gust_init_report report = t->next_report(s);
  EXPECT_EQ(report.event, static_cast<uint32_t>(GUST_INIT_EXITED));
  EXPECT_EQ(WTERMSIG(report.status), SIGKILL);
  t->tell(s, GUST_INIT_RUN);
  std::string second = t->read_until(s, "end\n");
  auto a = lines_of(first), b = lines_of(second);
  ASSERT_EQ(a.size(), 9u) << first;
  ASSERT_EQ(b.size(), 10u) << second;
  for (size_t i = 0; i < 7; ++i) EXPECT_EQ(a[i], b[i]);
  EXPECT_EQ(b[7], "mark");
  EXPECT_EQ(a[7], b[8]);  // as many processes as the first time: none of the earlier ones
}

TEST_F(SandboxTest, TermAsksTheProgramAlone) {
  Started s = start("trap 'echo asked; exit 7' TERM; echo on; while :; do sleep 0.05; done");
  t->read_until(s, "on\n");
  t->tell(s, GUST_INIT_TERM);
  EXPECT_EQ(t->next_report(s).status, 7 << 8);
  EXPECT_EQ(t->read_until(s, "asked\n"), "asked\n");
}

TEST_F(SandboxTest, APreparedSandboxRunsWhenItIsTold) {
  StartSpec spec = t->shell("echo now");
  spec.run = false;
  Started s = start(std::move(spec));
  EXPECT_EQ(t->next_report(s, 100).event, 0u);
  t->tell(s, GUST_INIT_RUN);
  EXPECT_EQ(t->read_until(s, "now\n"), "now\n");
}

TEST_F(SandboxTest, TheFrozenUseNoCpuAndCanBeKilled) {
  Started s = start(kBurn);
  t->read_until(s, "on\n");
  EXPECT_GT(watch(s, 200'000).cpu, 0);
  t->warden->freeze(last_id, true);
  pause(100'000);
  EXPECT_EQ(watch(s, 200'000).cpu, 0);
  t->warden->freeze(last_id, false);
  pause(50'000);
  EXPECT_GT(watch(s, 200'000).cpu, 0);
  t->warden->freeze(last_id, true);
  pause(50'000);
  t->warden->kill(last_id);
  EXPECT_TRUE(ended(last_id));
}

TEST_F(SandboxTest, UsageIsWhatItsProcessesUsed) {
  Started s = start(
      "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; head -c 20000000 /dev/zero | tail -n 1 | wc -c; echo end; sleep 1000");
  t->read_until(s, "end\n");
  Usage u = usage(s);
  EXPECT_GT(u.cpu_user_us, 50'000u);
  EXPECT_GT(u.memory_peak_bytes, 20u << 20);
  EXPECT_EQ(u.oom_kills, 0u);
  uint64_t id = last_id;
  t->warden->kill(id);
  ASSERT_TRUE(ended(id));
  // The same from the other source, rusage of the reaped.
  uint64_t reaped = t->exits[id].cpu_user_us + t->exits[id].cpu_system_us;
  EXPECT_LE(reaped, cpu_us(u) + 200'000);
}

TEST_F(SandboxTest, ThePeakCanBeStartedAnew) {
  Started s = start("head -c 30000000 /dev/zero | tail -n 1 | wc -c; echo end; sleep 1000");
  t->read_until(s, "end\n");
  Usage before = usage(s);
  EXPECT_GT(before.memory_peak_bytes, 28u << 20);
  reset_peak(s);
  // Linux before 6.12 has no way with version 2: then it stays.
  if (s.usage.size() == 6) {
    EXPECT_LT(usage(s).memory_peak_bytes, before.memory_peak_bytes);
  }
}

// ---- network

TEST_F(SandboxTest, ThePlatformsSocketsAreInsideAndOnlyThere) {
  Started s = start(
      "exec 5<>/dev/tcp/127.0.0.1/9001; echo api >&5; read -r answer <&5; echo got $answer;"
      "exec 6<>/dev/tcp/127.0.0.1/4566; echo gateway >&6; echo name >/dev/udp/127.0.0.1/53;"
      "(exec 7<>/dev/tcp/127.0.0.1/22) 2>/dev/null || echo refused; echo end; sleep 1000");
  Fd api, gateway;
  ASSERT_TRUE(t->wait([&] {
    if (!api) api = Fd(accept4(s.runtime_listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    return api.valid();
  }));
  ASSERT_EQ(::write(api.get(), "hello\n", 6), 6);
  EXPECT_EQ(t->read_until(s, "end\n"), "got hello\nrefused\nend\n");
  gateway = Fd(accept4(s.gateway_listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_TRUE(gateway.valid());
  char text[64];
  EXPECT_EQ(recv(s.resolver.get(), text, sizeof text, MSG_DONTWAIT), 5);
}

TEST_F(SandboxTest, AConnectionGoesIntoTheNamedSandbox) {
  Started a = start("sleep 1000");
  uint64_t id = last_id;
  Started b = start("sleep 1000");
  std::optional<Result<Fd>> made, refused, absent;
  t->warden->connect(id, 9001, [&](Result<Fd> fd) { made = std::move(fd); });
  t->warden->connect(id, 2, [&](Result<Fd> fd) { refused = std::move(fd); });
  t->warden->connect(777, 9001, [&](Result<Fd> fd) { absent = std::move(fd); });
  ASSERT_TRUE(t->wait([&] { return made && refused && absent; }));
  ASSERT_TRUE(*made) << made->error().message;
  ASSERT_TRUE(*refused);  // connecting: its end tells
  pollfd p{refused->value().get(), POLLOUT, 0};
  EXPECT_EQ(poll(&p, 1, 5000), 1);
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(refused->value().get(), SOL_SOCKET, SO_ERROR, &error, &size);
  EXPECT_EQ(error, ECONNREFUSED);
  EXPECT_EQ(absent->error().code, Errc::NotFound);
  Fd in_a(accept4(a.runtime_listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  Fd in_b(accept4(b.runtime_listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_TRUE(in_a.valid());
  EXPECT_FALSE(in_b.valid());
}

// ---- unpacking

TEST_F(SandboxTest, AnUnpackerWritesAsTheCodeUserAndNothingElse) {
  t->config.unpack_path = GUST_INIT_PROGRAM;
  std::string path = t->config.state_directory + "/source";
  ASSERT_TRUE(files::write(path, "zip"));
  auto source = files::open(path, O_RDONLY);
  auto unpack = [&](const std::string& script) {
    StartSpec spec = t->shell(script);
    spec.kind = Kind::Unpack;
    spec.code = "";
    spec.output = "0a0b";
    spec.working_directory = "/out";
    spec.inherit = {source->get()};
    Started s = start(std::move(spec));
    return t->read_until(s, "end\n");
  };
  EXPECT_EQ(unpack("cat <&3 >/out/file; cat /out/file; (echo x >/tmp/x) 2>/dev/null || echo no; cp /bin/true /out; /out/true "
                   "2>/dev/null || echo noexec; echo end"),
            "zipno\nnoexec\nend\n");
  struct stat st {};
  ASSERT_EQ(stat((t->config.state_directory + "/code/0a0b/file").c_str(), &st), 0);
  EXPECT_EQ(st.st_uid, t->config.uid_base + 1);
  ASSERT_EQ(stat((t->config.state_directory + "/code/0a0b").c_str(), &st), 0);
  EXPECT_EQ(st.st_uid, t->config.uid_base + 1);
  // A directory that belongs to somebody else is not given out.
  t->code("feed");
  StartSpec spec = t->shell("");
  spec.kind = Kind::Unpack;
  spec.code = "", spec.output = "feed";
  EXPECT_FALSE(t->start(std::move(spec)));
}

// ---- the warden's own end

std::set<std::string> net_namespaces() {
  std::set<std::string> all;
  auto entries = files::list("/proc");
  for (const std::string& name : *entries) {
    char text[64];
    ssize_t n = isdigit(name[0]) ? readlink(("/proc/" + name + "/ns/net").c_str(), text, sizeof text) : -1;
    if (n > 0) all.emplace(text, static_cast<size_t>(n));
  }
  return all;
}

std::vector<std::string> loop_files(const std::string& directory) {
  std::vector<std::string> found;
  auto devices = files::list("/sys/block");
  for (const std::string& name : *devices) {
    auto file = files::read("/sys/block/" + name + "/loop/backing_file");
    if (file && file->find(directory) != std::string::npos) found.push_back(*file);
  }
  return found;
}

bool anybody_with_uid(uint32_t from, uint32_t to) {
  auto entries = files::list("/proc");
  for (const std::string& name : *entries) {
    struct stat st {};
    if (!isdigit(name[0]) || stat(("/proc/" + name).c_str(), &st) != 0 || st.st_uid < from || st.st_uid >= to) continue;
    auto status = files::read("/proc/" + name + "/status");  // orphans are reaped by the machine's own PID 1, sooner or later
    if (status && status->find("State:\tZ") == std::string::npos) return true;
  }
  return false;
}

TEST_F(SandboxTest, NothingIsLeftBehind) {
  t->config.uid_base = 910'000;
  std::set<std::string> own;  // network namespaces
  WardenConfig config = t->config;
  {
    std::vector<Started> all;
    for (int i = 0; i < 3; ++i) all.push_back(start("echo x >/tmp/x; echo on; sleep 1000"));
    for (Started& s : all) t->read_until(s, "on\n");
    EXPECT_TRUE(anybody_with_uid(config.uid_base + 16, config.uid_base + 100));
    EXPECT_FALSE(cgroup_parents(parent_name(config)).empty());
    EXPECT_FALSE(loop_files(config.state_directory).empty());
    for (Started& s : all) {
      char text[64];
      ssize_t n = readlink(("/proc/" + std::to_string(pid_of(s)) + "/ns/net").c_str(), text, sizeof text);
      ASSERT_GT(n, 0);
      own.emplace(text, static_cast<size_t>(n));
    }
    EXPECT_EQ(own.size(), 3u);
    EXPECT_EQ(files::read("/proc/self/mounts")->find(config.state_directory), std::string::npos);
    EXPECT_EQ(t->stop(), std::pair(0, 0));
  }
  EXPECT_FALSE(anybody_with_uid(config.uid_base + 16, config.uid_base + 100));
  EXPECT_TRUE(cgroup_parents(parent_name(config)).empty());
  for (const std::string& name : net_namespaces()) EXPECT_EQ(own.count(name), 0u);
  EXPECT_EQ(*files::list(config.state_directory), std::vector<std::string>{"code"});
  // The kernel gives loop devices back behind the last unmount.
  for (int i = 0; i < 200 * patience() && !loop_files(config.state_directory).empty(); ++i) usleep(10'000);
  EXPECT_EQ(loop_files(config.state_directory), std::vector<std::string>{});
}

TEST_F(SandboxTest, KillingTheStarterEndsEverythingAndTheRemoverClearsAway) {
  t->config.uid_base = 920'000;
  Started s = start("echo on; sleep 1000");
  t->read_until(s, "on\n");
  ::kill(t->starter, SIGKILL);
  pollfd p{s.pidfd.get(), POLLIN, 0};
  EXPECT_EQ(poll(&p, 1, 10'000 * static_cast<int>(patience())), 1);
  int status = -1;
  waitpid(t->remover, &status, 0);
  EXPECT_EQ(status, 0);
  t->remover = 0;
  EXPECT_TRUE(cgroup_parents(parent_name(t->config)).empty());
  EXPECT_FALSE(anybody_with_uid(t->config.uid_base + 16, t->config.uid_base + 100));
  EXPECT_EQ(t->start(t->shell("")).error().code, Errc::Unavailable);
}

TEST_F(SandboxTest, KillingBothLeavesWhatTheNextBootCleansWhileItServes) {
  Started s = start("echo on; sleep 1000");
  t->read_until(s, "on\n");
  WardenConfig old = t->config;
  ::kill(t->remover, SIGKILL);
  ::kill(t->starter, SIGKILL);
  s = {};
  t->stop();
  ASSERT_FALSE(cgroup_parents(parent_name(old)).empty());
  t->config.boot_id = "next" + t->config.boot_id;
  Started serving = start("echo on; read -r x < <(sleep 1; echo); echo still; sleep 1000");
  t->read_until(serving, "on\n");
  EXPECT_TRUE(t->wait([&] { return cgroup_parents(parent_name(old)).empty(); }));
  clean_leftovers(t->config);
  EXPECT_FALSE(cgroup_parents(parent_name(t->config)).empty());
  EXPECT_EQ(t->read_until(serving, "still\n"), "still\n");
  EXPECT_EQ(run("echo more"), "more\n|0");
}

TEST_F(SandboxTest, KillingTheRemoverEndsTheStarter) {
  Started s = start("echo on; sleep 1000");
  t->read_until(s, "on\n");
  ::kill(t->remover, SIGKILL);
  pollfd p{s.pidfd.get(), POLLIN, 0};
  EXPECT_EQ(poll(&p, 1, 10'000 * static_cast<int>(patience())), 1);
  int status = 0;
  waitpid(t->starter, &status, 0);
  EXPECT_EQ(status, 1 << 8);
  t->starter = 0;
  clean_leftovers(t->config);
  EXPECT_TRUE(cgroup_parents(parent_name(t->config)).empty());
}

}  // namespace
}  // namespace gust::sandbox
