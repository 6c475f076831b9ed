// SPDX-License-Identifier: Apache-2.0

// The start path: everything here is between a request and the first instruction inside.

#include <fcntl.h>
#include <grp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/log.h"
#include "os/files.h"
#include "sandbox/child.h"
#include "sandbox/kernel.h"
#include "sandbox/netns.h"
#include "sandbox/starter.h"
#include "seccomp_filter.inc"

namespace gust::sandbox {
namespace {

// While it lives the process has the sandbox's user as effective one and all its capabilities: the child then owns its user
// namespace and may write its own maps, without a round trip to the parent.
class AsUser {
 public:
  AsUser(uint32_t uid, int death_signal) : death_signal_(death_signal) {
    GUST_CHECK(syscall(SYS_setresgid, uid, uid, 0) == 0 && syscall(SYS_setresuid, uid, uid, 0) == 0);
    // Lost with the change of user; without it /proc/self/uid_map would be root's.
    prctl(PR_SET_DUMPABLE, 1);
  }
  ~AsUser() {
    GUST_CHECK(syscall(SYS_setresuid, 0, 0, 0) == 0 && syscall(SYS_setresgid, 0, 0, 0) == 0);
    if (death_signal_) prctl(PR_SET_PDEATHSIG, death_signal_);
  }
  AsUser(const AsUser&) = delete;
  AsUser& operator=(const AsUser&) = delete;

 private:
  int death_signal_;
};

// Children inherit the score, and what it was when root set it as its lower limit: tenants go first when the host has no
// memory left, and cannot change that.
constexpr char kOomScore[] = "500";

class AsVictim {
 public:
  AsVictim(int file, const std::string& own) : file_(file), own_(own) { GUST_CHECK(pwrite(file_, kOomScore, sizeof kOomScore - 1, 0) > 0); }
  ~AsVictim() { GUST_CHECK(pwrite(file_, own_.data(), own_.size(), 0) > 0); }
  AsVictim(const AsVictim&) = delete;
  AsVictim& operator=(const AsVictim&) = delete;

 private:
  int file_;
  const std::string& own_;
};

void choose_cpus(ChildPlan& plan, uint32_t visible, uint32_t host, uint64_t id) {
  if (visible >= host) return;
  plan.set_affinity = true;
  CPU_ZERO(&plan.affinity);
  for (uint32_t i = 0; i < visible; ++i) CPU_SET((id * visible + i) % host, &plan.affinity);
}

}  // namespace

Result<> Starter::launcher_prepare() {
  prctl(PR_GET_PDEATHSIG, &death_signal_);
  oom_score_ = TRY(files::open("/proc/self/oom_score_adj", O_RDWR));
  own_oom_score_ = TRY(files::read("/proc/self/oom_score_adj"));
  long host = config_.host_cpus ? config_.host_cpus : sysconf(_SC_NPROCESSORS_ONLN);
  host_cpus_ = static_cast<uint32_t>(std::clamp<long>(host, 1, CPU_SETSIZE));
  if (setgroups(0, nullptr) != 0) return fail_errno("setgroups");
  if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS) != 0) return fail_errno("set securebits");
  return {};
}

Result<Fd> Starter::code_mount(const std::string& name) {
  // One component and no following of links: nothing but a directory of STATE/code can be named.
  Fd tree(kernel::open_tree(root_.code.get(), name.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW));
  if (!tree) return fail_errno("code " + name);
  if (kernel::set_mount(tree.get(), MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0) != 0) {
    return fail_errno("protect code");
  }
  return tree;
}

Result<Fd> Starter::output_mount(const std::string& name, int ruleset) {
  uint32_t code_uid = config_.uid_base + 1;
  bool made = mkdirat(root_.code.get(), name.c_str(), 0755) == 0;
  if (!made && errno != EEXIST) return fail_errno("make output " + name);
  Fd directory(openat(root_.code.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat st{};
  if (!directory || fstat(directory.get(), &st) != 0) return fail_errno("open output " + name);
  if (made && (fchown(directory.get(), code_uid, code_uid) != 0 || fchmod(directory.get(), 0755) != 0)) {
    return fail_errno("own output " + name);
  }
  if (!made && st.st_uid != code_uid) return fail(Errc::Permission, "output " + name + " is not the unpacker's");
  Fd tree(kernel::open_tree(directory.get(), "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH));
  if (!tree) return fail_errno("clone output");
  if (kernel::set_mount(tree.get(), MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0) != 0) {
    return fail_errno("protect output");
  }
  TRY(allow_writing(abi_, ruleset, tree.get()));
  return tree;
}

Result<> Starter::launch(Launch& launch) {
  const wire::Request& request = launch.request;
  Kit& kit = launch.kit;
  if (kit.memory_bytes != request.memory_bytes) TRY(cgroups_->set_memory(kit.name, request.memory_bytes));
  if (kit.pids != request.pids) TRY(cgroups_->set_pids(kit.name, request.pids));

  ChildPlan plan;
  Fd code, output;
  std::string code_name(wire::get(request.code)), output_name(wire::get(request.output));
  if (!code_name.empty()) code = TRY(code_mount(code_name));
  if (!output_name.empty()) output = TRY(output_mount(output_name, kit.ruleset.get()));
  if (cgroups_->unified()) {
    plan.cgroup = kit.entrances.at(0).get();
  } else {
    for (const Fd& fd : kit.entrances) plan.entrances[plan.entrance_count++] = fd.get();
  }
  std::snprintf(plan.uid_map, sizeof plan.uid_map, "%u %u 1", kUidInside, launch.uid);
  std::snprintf(plan.gid_map, sizeof plan.gid_map, "%u %u 1", kGidInside, launch.uid);
  plan.code = code.get(), plan.tmp = kit.tmp.get(), plan.output = output.get();
  plan.null = root_.null.get();
  plan.control = launch.fds[0].get(), plan.spec = launch.fds[1].get(), plan.log = launch.fds[2].get();
  for (uint32_t i = 0; i < request.inherit; ++i) plan.inherit[plan.inherit_count++] = launch.fds[3 + i].get();
  plan.landlock = kit.ruleset.get();
  plan.filter = kSeccompFilter;
  plan.filter_size = sizeof kSeccompFilter / sizeof kSeccompFilter[0];
  choose_cpus(plan, request.visible_cpus, host_cpus_, request.id);

  int pidfd = -1;
  enter_network(kit.ns.get());
  {
    AsVictim victim(oom_score_.get(), own_oom_score_);
    AsUser user(launch.uid, death_signal_);
    launch.pid = start_child(plan, pidfd);
  }
  enter_network(home_.get());
  if (launch.pid < 0) return Failure(errno_error(plan.failed, plan.error));
  launch.pidfd = Fd(pidfd);
  return {};
}

}  // namespace gust::sandbox
