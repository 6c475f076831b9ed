// SPDX-License-Identifier: Apache-2.0

#include "sandbox/child.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "seccomp_filter.h"  // generated at build time

namespace gust::sandbox {
namespace {

const char* const kSteps[] = {"enter cgroups", "change user",  "namespaces",   "map users",     "mount root",
                              "mount code",    "mount /tmp",   "mount /proc",  "mount output",  "change root",
                              "host name",     "limits",       "landlock",     "capabilities",  "seccomp",
                              "descriptors",   "start init"};
enum Step { Enter, User, Namespaces, Map, Root, Code, Tmp, Proc, Output, Pivot, Host, Limits, Landlock, Capabilities, Seccomp, Descriptors, Init };

int error_fd = -1;

[[noreturn]] void give_up(Step step) {
  ChildError error{step, errno};
  [[maybe_unused]] ssize_t n = write(error_fd, &error, sizeof error);
  _exit(120);
}

void need(bool ok, Step step) {
  if (!ok) give_up(step);
}

long system_call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) {
  return syscall(number, a, b, c, d, e);
}

void write_file(const char* path, const char* text, Step step) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  need(fd >= 0 && write(fd, text, strlen(text)) == static_cast<ssize_t>(strlen(text)), step);
  close(fd);
}

void map_users(unsigned uid) {
  // The maps are our own to write, since one line names our own user; changing the user made /proc/self root's.
  prctl(PR_SET_DUMPABLE, 1);
  char line[64];
  snprintf(line, sizeof line, "%u %u 1\n", kInsideUid, uid);
  write_file("/proc/self/setgroups", "deny", Map);
  write_file("/proc/self/uid_map", line, Map);
  write_file("/proc/self/gid_map", line, Map);
}

int proc_tree() {
  // Made while we are still the host's root, but already PID 1 of the new PID namespace, whose processes it shows.
  int context = static_cast<int>(system_call(SYS_fsopen, reinterpret_cast<long>("proc"), 1 /* FSOPEN_CLOEXEC */));
  need(context >= 0, Proc);
  system_call(SYS_fsconfig, context, FSCONFIG_SET_STRING, reinterpret_cast<long>("hidepid"), reinterpret_cast<long>("2"), 0);
  need(system_call(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0) == 0, Proc);
  int tree = static_cast<int>(system_call(SYS_fsmount, context, 1 /* FSMOUNT_CLOEXEC */,
                                          MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
  need(tree >= 0, Proc);
  close(context);
  return tree;
}

void place(int tree, const char* where, Step step) {
  need(system_call(SYS_move_mount, tree, reinterpret_cast<long>(""), AT_FDCWD, reinterpret_cast<long>(where), MOVE_MOUNT_F_EMPTY_PATH) == 0, step);
  close(tree);
}

void enter_root(const ChildPlan& plan, int proc) {
  place(plan.root_tree, "/mnt", Root);
  need(chdir("/mnt") == 0, Root);
  if (plan.code_tree >= 0) place(plan.code_tree, "var/task", Code);
  place(plan.tmp_tree, "tmp", Tmp);
  place(proc, "proc", Proc);
  if (plan.output_tree >= 0) place(plan.output_tree, "out", Output);
  need(syscall(SYS_pivot_root, ".", ".") == 0, Pivot);
  need(syscall(SYS_umount2, ".", 2 /* MNT_DETACH */) == 0, Pivot);
  need(chdir("/") == 0, Pivot);
}

void set_limits(const ChildPlan& plan) {
  rlimit files{1024, 1024}, core{0, 0};
  need(setrlimit(RLIMIT_NOFILE, &files) == 0 && setrlimit(RLIMIT_CORE, &core) == 0, Limits);
  if (plan.file_size_limit) {
    rlimit size{plan.file_size_limit, plan.file_size_limit};
    need(setrlimit(RLIMIT_FSIZE, &size) == 0, Limits);
  }
  if (plan.cpu_mask) {
    need(system_call(SYS_sched_setaffinity, 0, sizeof plan.cpu_mask, reinterpret_cast<long>(&plan.cpu_mask)) == 0, Limits);
  }
}

void allow_path(int ruleset, const char* path, uint64_t access) {
  landlock_path_beneath_attr rule{};
  rule.allowed_access = access;
  rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
  need(rule.parent_fd >= 0, Landlock);
  need(system_call(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, reinterpret_cast<long>(&rule), 0) == 0, Landlock);
  close(rule.parent_fd);
}

// A second wall behind the read-only mounts: writing is possible under /tmp (and /out) and to devices alone.
void restrict_files(const ChildPlan& plan) {
  constexpr uint64_t kRead = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
  constexpr uint64_t kAll = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;  // everything of ABI 1
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = kAll;
  long abi = system_call(SYS_landlock_create_ruleset, 0, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1) return;  // a kernel without it: gust doctor says so
  constexpr uint64_t kRefer = 1ull << 13, kTruncate = 1ull << 14;  // ABI 2 and 3
  if (abi >= 2) attributes.handled_access_fs |= kRefer;
  if (abi >= 3) attributes.handled_access_fs |= kTruncate;
  int ruleset = static_cast<int>(system_call(SYS_landlock_create_ruleset, reinterpret_cast<long>(&attributes), sizeof attributes, 0));
  need(ruleset >= 0, Landlock);
  allow_path(ruleset, "/", kRead);
  allow_path(ruleset, "/tmp", attributes.handled_access_fs);
  allow_path(ruleset, "/dev", LANDLOCK_ACCESS_FS_WRITE_FILE | (attributes.handled_access_fs & kTruncate));
  // A process may write to its own files in /proc (comm, oom_score_adj); the kernel checks whose they are.
  allow_path(ruleset, "/proc", LANDLOCK_ACCESS_FS_WRITE_FILE);
  if (plan.output_tree >= 0) allow_path(ruleset, "/out", attributes.handled_access_fs);
  need(system_call(SYS_landlock_restrict_self, ruleset, 0) == 0, Landlock);
  close(ruleset);
}

void drop_capabilities() {
  for (int capability = 0; capability < 64; ++capability) {
    if (prctl(PR_CAPBSET_DROP, capability) != 0) {
      need(errno == EINVAL, Capabilities);  // beyond the last one
      break;
    }
  }
  need(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0, Capabilities);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  need(system_call(SYS_capset, reinterpret_cast<long>(&header), reinterpret_cast<long>(data)) == 0, Capabilities);
}

void arrange_descriptors(const ChildPlan& plan, int init) {
  // Everything goes above the final numbers first, so that no copy overwrites a source.
  constexpr int kHigh = 400;
  int null = open("/dev/null", O_RDONLY);
  need(null >= 0, Descriptors);
  const int sources[] = {null, plan.standard_output, plan.standard_output, plan.control, plan.spec};
  int count = 0;
  for (int source : sources) need(dup3(source, kHigh + count++, O_CLOEXEC) >= 0, Descriptors);
  for (int i = 0; i < plan.inherited_count; ++i) need(dup3(plan.inherited[i], kHigh + count++, O_CLOEXEC) >= 0, Descriptors);
  need(dup3(init, kHigh + count, O_CLOEXEC) >= 0, Descriptors);
  for (int i = 0; i < count; ++i) need(dup2(kHigh + i, i) == i, Descriptors);
  system_call(SYS_close_range, static_cast<unsigned>(count), kHigh - 1, 0);
  // What lies above: copies that close at the exec, and the error pipe, which does too.
}

}  // namespace

const char* name_of_step(int step) {
  return step >= 0 && step <= Init ? kSteps[step] : "unknown step";
}

void run_child(const ChildPlan& plan) {
  constexpr int kErrorFd = 500;
  error_fd = plan.error_pipe;
  need(dup3(plan.error_pipe, kErrorFd, O_CLOEXEC) >= 0, Descriptors);
  error_fd = kErrorFd;
  for (int i = 0; i < plan.cgroup_count; ++i) need(write(plan.cgroup_entries[i], "0", 1) == 1, Enter);
  int proc = proc_tree();
  need(syscall(SYS_setgroups, 0, nullptr) == 0 && syscall(SYS_setresgid, plan.uid, plan.uid, plan.uid) == 0 &&
           syscall(SYS_setresuid, plan.uid, plan.uid, plan.uid) == 0, User);
  need(unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP) == 0, Namespaces);
  map_users(plan.uid);
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // after the change of user, which clears it
  enter_root(plan, proc);
  need(syscall(SYS_sethostname, "sandbox", 7) == 0, Host);
  set_limits(plan);
  need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, Limits);
  restrict_files(plan);
  int init = open("/init", O_RDONLY | O_CLOEXEC);
  need(init >= 0, Init);
  arrange_descriptors(plan, init);
  drop_capabilities();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  sock_fprog program{sizeof kSeccompFilter / sizeof kSeccompFilter[0], const_cast<sock_filter*>(kSeccompFilter)};
  need(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0, Seccomp);
  const char* arguments[] = {"/init", nullptr};
  const char* environment[] = {nullptr};
  execve("/init", const_cast<char**>(arguments), const_cast<char**>(environment));
  give_up(Init);
}

}  // namespace gust::sandbox
