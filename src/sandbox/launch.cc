// SPDX-License-Identifier: Apache-2.0

// How a kit gets its init, and how that becomes somebody's sandbox.

#include <fcntl.h>
#include <grp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/log.h"
#include "os/files.h"
#include "sandbox/child.h"
#include "sandbox/kernel.h"
#include "sandbox/netns.h"
#include "sandbox/prepare_protocol.h"
#include "sandbox/starter.h"

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
constexpr int kOomScore = 500;

class AsVictim {
 public:
  AsVictim(int file, int own) : file_(file), own_(own) {
    if (own_ < kOomScore) set(kOomScore);
  }
  ~AsVictim() {
    if (own_ < kOomScore) set(own_);
  }
  AsVictim(const AsVictim&) = delete;
  AsVictim& operator=(const AsVictim&) = delete;

 private:
  void set(int score) {
    char text[16];
    int n = std::snprintf(text, sizeof text, "%d", score);
    GUST_CHECK(pwrite(file_, text, static_cast<size_t>(n), 0) == n);
  }
  int file_, own_;
};

void choose_cpus(gust_go& go, uint32_t visible, uint32_t host, uint64_t id) {
  if (visible >= host) return;
  go.set_affinity = 1;
  for (uint32_t i = 0; i < visible; ++i) {
    uint64_t cpu = (id * visible + i) % host;
    go.affinity[cpu / 64] |= uint64_t{1} << cpu % 64;
  }
}

}  // namespace

Result<> Starter::launcher_prepare() {
  prctl(PR_GET_PDEATHSIG, &death_signal_);
  oom_score_ = TRY(files::open("/proc/self/oom_score_adj", O_RDWR));
  own_oom_score_ = atoi(TRY(files::read("/proc/self/oom_score_adj")).c_str());
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
  struct stat st {};
  if (fstat(tree.get(), &st) != 0 || !S_ISDIR(st.st_mode)) return fail(Errc::NotFound, "code " + name + " is no directory");
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
  struct stat st {};
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

Result<> Starter::start_init(Kit& kit) {
  kit.ruleset = TRY(make_ruleset(abi_, root_.root.get(), root_.dev.get(), kit.tmp.get()));
  auto [ours, theirs] = TRY(net::packet_pair());
  gust_prepare order{};
  order.version = GUST_PREPARE_VERSION;
  order.number = ++kit_number_;
  order.has_tmp = kit.tmp.valid();
  std::vector<int> fds{report_.get(), root_.null.get()};
  if (kit.tmp) fds.push_back(kit.tmp.get());
  ChildPlan plan;
  plan.channel = theirs.get();
  if (cgroups_->unified()) {
    plan.cgroup = kit.entrances.at(0).get();
  } else {
    for (const Fd& fd : kit.entrances) fds.push_back(fd.get());
    order.entrances = static_cast<uint32_t>(kit.entrances.size());
  }
  TRY(net::send_packet(ours.get(), wire::bytes_of(order), fds));

  uint32_t uid = take_uid(kit.kind.kind);
  std::snprintf(plan.uid_map, sizeof plan.uid_map, "%u %u 1", GUST_UID_INSIDE, uid);
  std::snprintf(plan.gid_map, sizeof plan.gid_map, "%u %u 1", GUST_GID_INSIDE, uid);
  int pidfd = -1;
  enter_network(kit.ns.get());
  {
    AsVictim victim(oom_score_.get(), own_oom_score_);
    AsUser user(uid, death_signal_);
    kit.pid = start_child(plan, pidfd);
  }
  enter_network(home_.get());
  if (kit.pid < 0) {
    give_back_uid(uid);
    return Failure(errno_error(plan.failed, plan.error));
  }
  kit.pidfd = Fd(pidfd);
  kit.channel = std::move(ours);
  kit.ns.reset(), kit.tmp.reset(), kit.entrances.clear();
  sandboxes_[kit.pid] = {0, kit.name, uid, order.number, false};
  return {};
}

// Everything here is between a request and the first instruction inside.
Result<> Starter::send_go(const wire::Request& request, const std::vector<Fd>& fds, Kit& kit) {
  if (kit.memory_bytes != request.memory_bytes) TRY(cgroups_->set_memory(kit.name, request.memory_bytes));
  if (kit.pids != request.pids) TRY(cgroups_->set_pids(kit.name, request.pids));
  gust_go go{};
  go.version = GUST_PREPARE_VERSION;
  go.inherited = request.inherit;
  choose_cpus(go, request.visible_cpus, host_cpus_, request.id);
  std::vector<int> numbers{fds[0].get(), fds[1].get(), fds[2].get()};
  Fd code, output;
  std::string code_name(wire::get(request.code)), output_name(wire::get(request.output));
  if (!code_name.empty()) {
    code = TRY(code_mount(code_name));
    go.has_code = 1;
    numbers.push_back(code.get());
  }
  if (!output_name.empty()) {
    output = TRY(output_mount(output_name, kit.ruleset.get()));
    go.has_output = 1;
    numbers.push_back(output.get());
  }
  if (kit.ruleset) {
    go.has_ruleset = 1;
    numbers.push_back(kit.ruleset.get());
  }
  for (uint32_t i = 0; i < request.inherit; ++i) numbers.push_back(fds[3 + i].get());
  return net::send_packet(kit.channel.get(), wire::bytes_of(go), numbers);
}

}  // namespace gust::sandbox
