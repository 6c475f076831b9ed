// SPDX-License-Identifier: Apache-2.0

#include "cli/probes.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cerrno>

#include "os/files.h"

namespace gust::cli {
namespace {

constexpr char kV1[] =
    "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n"
    "cgroup /sys/fs/cgroup/cpu cgroup rw,relatime,cpu,cpuacct 0 0\n"
    "cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0\n"
    "cgroup /sys/fs/cgroup/pids cgroup rw,relatime,pids 0 0\n"
    "cgroup /sys/fs/cgroup/freezer cgroup rw,relatime,freezer 0 0\n"
    "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";

// A machine in a directory: everything that a sandbox needs is there, until a test takes it away.
class ProbesTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/gust-probes-XXXXXX";
    ASSERT_TRUE(mkdtemp(name));
    host_ = {
        .root = name, .kernel = "6.1.0-18-amd64", .uid = 0, .landlock_abi = 2, .path = "/bin:/usr/bin", .make_namespaces = [] {
          return 0;
        }};
    for (const char* kind : {"user", "pid", "net", "mnt", "ipc", "uts", "cgroup"})
      write(std::string("/proc/self/ns/") + kind, "");
    write("/proc/self/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n");
    write("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
    write("/proc/sys/kernel/seccomp/actions_avail", "kill_process kill_thread trap errno user_notif trace log allow\n");
    write("/dev/loop-control", "");
    write("/usr/sbin/mke2fs", "", 0755);
    write("/usr/bin/aws", "", 0755);
    write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n");
    write("/etc/subuid", "user:100000:65536\n");
  }
  void TearDown() override { ASSERT_TRUE(files::remove_tree(host_.root)); }

  void write(const std::string& path, const std::string& content, unsigned mode = 0644) {
    const std::string full = host_.root + path;
    ASSERT_TRUE(files::make_directories(full.substr(0, full.rfind('/'))));
    ASSERT_TRUE(files::write(full, content, mode));
  }
  void remove(const std::string& path) { ASSERT_TRUE(files::remove(host_.root + path)); }

  Host host_;
};

void expect_bad(const Check& check, Health health, const std::string& part) {
  EXPECT_EQ(check.health, health) << check.name;
  EXPECT_FALSE(check.advice.empty()) << check.name;
  EXPECT_NE((check.found + " / " + check.advice).find(part), std::string::npos) << check.found << " / " << check.advice;
}

}  // namespace

TEST_F(ProbesTest, ACompleteMachineIsFine) {
  const auto checks = examine(host_);
  EXPECT_EQ(checks.size(), 9u);
  for (const Check& check : checks) {
    EXPECT_EQ(check.health, Health::Ok) << check.name << ": " << check.found << " " << check.advice;
    EXPECT_TRUE(check.advice.empty());
  }
}

TEST_F(ProbesTest, Kernel) {
  for (const char* good : {"6.1.0", "6.18.44-fc", "7.0"}) {
    host_.kernel = good;
    EXPECT_EQ(check_kernel(host_).health, Health::Ok) << good;
  }
  host_.kernel = "5.15.0-91-generic";
  expect_bad(check_kernel(host_), Health::Degraded, "6.1");
  for (const char* old : {"5.4.0", "4.19.0", "?"}) {
    host_.kernel = old;
    expect_bad(check_kernel(host_), Health::Missing, "5.12");
  }
}

TEST_F(ProbesTest, Root) {
  host_.uid = 1000;
  expect_bad(check_root(host_), Health::Missing, "sudo");
}

TEST_F(ProbesTest, ControlGroupsOfEitherVersion) {
  EXPECT_NE(check_cgroups(host_).found.find("version 2"), std::string::npos);
  write("/sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
  expect_bad(check_cgroups(host_), Health::Missing, "without pids");
  write("/proc/self/mounts", kV1);
  EXPECT_EQ(check_cgroups(host_).health, Health::Ok);
  EXPECT_NE(check_cgroups(host_).found.find("version 1"), std::string::npos);
  write("/proc/self/mounts", "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n");
  expect_bad(check_cgroups(host_), Health::Missing, "without cpu, cpuacct, pids, freezer");
  write("/proc/self/mounts", "proc /proc proc rw 0 0\n");
  expect_bad(check_cgroups(host_), Health::Missing, "none");
}

TEST_F(ProbesTest, ControlGroupsMustBeWritable) {
  write("/proc/self/mounts", "cgroup2 /sys/fs/cgroup cgroup2 ro,nosuid 0 0\n");
  expect_bad(check_cgroups(host_), Health::Missing, "read-only");
  std::string v1 = kV1;
  v1.replace(v1.find("cgroup rw,relatime,pids"), 9, "cgroup ro");
  write("/proc/self/mounts", v1);
  expect_bad(check_cgroups(host_), Health::Missing, "read-only: pids");
}

TEST_F(ProbesTest, Namespaces) {
  host_.make_namespaces = [] { return ENOSPC; };
  expect_bad(check_namespaces(host_), Health::Missing, "sysctl");
  host_.make_namespaces = [] { return EPERM; };
  expect_bad(check_namespaces(host_), Health::Missing, "root");
  remove("/proc/self/ns/user");
  expect_bad(check_namespaces(host_), Health::Missing, "user");
}

TEST_F(ProbesTest, FiltersAndLandlock) {
  host_.landlock_abi = -1;
  expect_bad(check_landlock(host_), Health::Degraded, "lsm=");
  remove("/proc/sys/kernel/seccomp/actions_avail");
  expect_bad(check_seccomp(host_), Health::Missing, "SECCOMP");
}

TEST_F(ProbesTest, TmpImagesNeedLoopDevicesAndMke2fs) {
  remove("/usr/sbin/mke2fs");
  expect_bad(check_tmp(host_), Health::Degraded, "e2fsprogs");
  remove("/dev/loop-control");
  expect_bad(check_tmp(host_), Health::Degraded, "loop devices");
  write("/sbin/mke2fs", "", 0755);
  expect_bad(check_tmp(host_), Health::Degraded, "memory");
}

TEST_F(ProbesTest, UserIds) {
  write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nsomebody:x:900100:900100::/:/bin/sh\n");
  expect_bad(check_uids(host_), Health::Degraded, "somebody (/etc/passwd)");
  write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nbroken\nnext:x:965536:1::/:/bin/sh\n");
  EXPECT_EQ(check_uids(host_).health, Health::Ok);
  write("/etc/subuid", "user:850000:65536\n");
  expect_bad(check_uids(host_), Health::Degraded, "user (/etc/subuid)");
}

TEST_F(ProbesTest, AwsCli) {
  host_.path = "/bin";
  expect_bad(check_aws(host_), Health::Degraded, "awscli");
}

TEST(Probes, TheRealHostAnswers) {
  const Host host = this_host();
  EXPECT_FALSE(host.kernel.empty());
  EXPECT_EQ(examine(host).size(), 9u);
}

}  // namespace gust::cli
