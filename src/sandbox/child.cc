// SPDX-License-Identifier: Apache-2.0

#include "sandbox/child.h"

#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/securebits.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>

#include "sandbox/kernel.h"
#include "sandbox/starter_root.h"

// Stack of one child at a time; the starter sleeps meanwhile.
#define GUST_PLAIN __attribute__((noinline, no_sanitize("address", "undefined", "thread")))

namespace gust::sandbox {
namespace {

// Descriptors are parked at free numbers from here on while those below are rearranged.
constexpr int kParked = 32;
constexpr uint64_t kLastCapability = 40;  // CAP_CHECKPOINT_RESTORE; newer ones answer EINVAL until they exist

struct Step {
  ChildPlan& plan;
  GUST_PLAIN bool operator()(long result, const char* what) const {
    if (result >= 0) return true;
    plan.failed = what;
    plan.error = errno;
    return false;
  }
};

GUST_PLAIN bool write_file(const char* path, const char* text) {
  int fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0));
  if (fd < 0) return false;
  long n = syscall(SYS_write, fd, text, strlen(text));
  int error = errno;
  syscall(SYS_close, fd);
  errno = error;
  return n > 0;
}

GUST_PLAIN bool enter_groups(ChildPlan& plan) {
  Step must{plan};
  for (int i = 0; i < plan.entrance_count; ++i) {
    if (!must(syscall(SYS_write, plan.entrances[i], "0", 1), "enter cgroup")) return false;
  }
  // Only now: the namespace's root is the group that one is in.
  if (!must(syscall(SYS_unshare, CLONE_NEWCGROUP), "unshare cgroup namespace")) return false;
  if (!write_file("/proc/self/setgroups", "deny") || !write_file("/proc/self/uid_map", plan.uid_map) ||
      !write_file("/proc/self/gid_map", plan.gid_map)) {
    return must(-1, "map user ids");
  }
  return true;
}

// The mount namespace is a copy of the starter's (starter_root.h), locked because its owner is another user namespace.
GUST_PLAIN bool enter_root(ChildPlan& plan) {
  Step must{plan};
  int root = kernel::open_tree(AT_FDCWD, kTemplate, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  if (!must(root, "clone template") || !must(kernel::move_mount(root, AT_FDCWD, kTemplate), "attach template")) return false;
  if (!must(fchdir(root), "chdir template")) return false;
  // Before the old root goes: the kernel grants a new proc only where one is fully visible.
  if (!must(syscall(SYS_mount, "proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2"), "mount proc")) return false;
  if (plan.tmp >= 0 && !must(kernel::move_mount(plan.tmp, AT_FDCWD, "tmp"), "mount tmp")) return false;
  if (plan.code >= 0 && !must(kernel::move_mount(plan.code, AT_FDCWD, "var/task"), "mount code")) return false;
  if (plan.output >= 0 && !must(kernel::move_mount(plan.output, AT_FDCWD, "out"), "mount output")) return false;
  return must(kernel::pivot_root(".", "."), "pivot root") && must(umount2(".", MNT_DETACH), "detach old root") &&
         must(chdir("/"), "chdir root");
}

GUST_PLAIN bool park(const Step& must, int& fd) {
  fd = static_cast<int>(syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, kParked));
  return must(fd, "park descriptor");
}

GUST_PLAIN bool arrange_descriptors(ChildPlan& plan) {
  Step must{plan};
  int wanted[5 + kMostInherit] = {plan.null, plan.log, plan.log, plan.control, plan.spec};
  int count = 5 + plan.inherit_count;
  for (int i = 0; i < plan.inherit_count; ++i) wanted[5 + i] = plan.inherit[i];
  for (int i = 0; i < count; ++i) {
    if (!park(must, wanted[i])) return false;
  }
  if (plan.landlock >= 0 && !park(must, plan.landlock)) return false;
  for (int i = 0; i < count; ++i) {
    if (!must(syscall(SYS_dup3, wanted[i], i, 0), "place descriptor")) return false;
  }
  return must(syscall(SYS_close_range, count, ~0u, CLOSE_RANGE_CLOEXEC), "close descriptors");
}

GUST_PLAIN bool set_limits(ChildPlan& plan) {
  Step must{plan};
  rlimit files{1024, 1024}, none{0, 0};
  if (!must(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &files, nullptr), "limit descriptors") ||
      !must(syscall(SYS_prlimit64, 0, RLIMIT_CORE, &none, nullptr), "limit core")) {
    return false;
  }
  if (plan.set_affinity &&
      !must(syscall(SYS_sched_setaffinity, 0, sizeof plan.affinity, &plan.affinity), "set affinity")) {
    return false;
  }
  // What is ignored stays ignored over exec, and the starter ignores SIGPIPE. {handler, flags, restorer, mask}
  unsigned long standard[4] = {0, 0, 0, 0};
  syscall(SYS_rt_sigaction, SIGPIPE, standard, nullptr, 8);
  unsigned long no_signals = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, nullptr, 8);
  syscall(SYS_umask, 022);
  syscall(SYS_setsid);
  return must(syscall(SYS_sethostname, "sandbox", 7), "sethostname");
}

GUST_PLAIN bool drop_privileges(ChildPlan& plan) {
  Step must{plan};
  for (uint64_t c = 0; c < 64; ++c) {
    if (syscall(SYS_prctl, PR_CAPBSET_DROP, c, 0, 0, 0) == 0) continue;
    if (errno == EINVAL && c > kLastCapability) break;
    return must(-1, "drop bounding capability");
  }
  if (!must(syscall(SYS_prctl, PR_SET_SECUREBITS,
                    SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED, 0, 0, 0),
            "set securebits") ||
      !must(syscall(SYS_setresgid, kGidInside, kGidInside, kGidInside), "setresgid") ||
      !must(syscall(SYS_setresuid, kUidInside, kUidInside, kUidInside), "setresuid") ||
      !must(syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "clear ambient capabilities")) {
    return false;
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct nothing[2] = {};
  if (!must(syscall(SYS_capset, &header, nothing), "drop capabilities")) return false;
  // After the change of user, which clears it.
  if (!must(syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "set death signal") ||
      !must(syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "set no_new_privs")) {
    return false;
  }
  if (plan.landlock >= 0 && !must(syscall(SYS_landlock_restrict_self, plan.landlock, 0), "enter landlock")) return false;
  sock_fprog program{plan.filter_size, const_cast<sock_filter*>(plan.filter)};
  return must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "enter seccomp filter");
}

extern "C" GUST_PLAIN int gust_sandbox_child(void* argument) {
  ChildPlan& plan = *static_cast<ChildPlan*>(argument);
  if (!enter_groups(plan) || !enter_root(plan) || !arrange_descriptors(plan) || !set_limits(plan) || !drop_privileges(plan)) {
    return 1;
  }
  const char* arguments[] = {"init", nullptr};
  const char* environment[] = {nullptr};
  Step{plan}(syscall(SYS_execve, kInitInside, arguments, environment), "start init");
  return 1;
}

alignas(64) char child_stack[64 << 10];

// clone3 whose child calls `run` on its own stack: the C library has no such wrapper.
GUST_PLAIN long clone_and_call(clone_args* arguments, int (*run)(void*), void* argument) {
  long result = SYS_clone3;
  register auto r12 __asm__("r12") = run;
  register auto r13 __asm__("r13") = argument;
  __asm__ volatile(
      "syscall\n"
      "test %%rax, %%rax\n"
      "jnz 1f\n"
      "xor %%ebp, %%ebp\n"
      "mov %%r13, %%rdi\n"
      "call *%%r12\n"
      "mov %%eax, %%edi\n"
      "mov $231, %%eax\n"  // exit_group
      "syscall\n"
      "hlt\n"
      "1:\n"
      : "+a"(result)
      : "D"(arguments), "S"(sizeof *arguments), "r"(r12), "r"(r13)
      : "rcx", "r11", "memory");
  return result;
}

}  // namespace

pid_t start_child(ChildPlan& plan, int& pidfd) {
  pidfd = -1;
  plan.failed = nullptr;
  clone_args arguments{};
  arguments.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
                    CLONE_NEWUTS | (plan.cgroup >= 0 ? CLONE_INTO_CGROUP : 0);
  arguments.cgroup = plan.cgroup >= 0 ? static_cast<uint64_t>(plan.cgroup) : 0;
  arguments.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  arguments.stack = reinterpret_cast<uint64_t>(child_stack);
  arguments.stack_size = sizeof child_stack;
  long pid = clone_and_call(&arguments, gust_sandbox_child, &plan);
  if (pid < 0) {
    plan.failed = "clone";
    plan.error = static_cast<int>(-pid);
    return -1;
  }
  if (plan.failed) {
    while (waitpid(static_cast<pid_t>(pid), nullptr, 0) < 0 && errno == EINTR) {
    }
    close(pidfd);
    return -1;
  }
  return static_cast<pid_t>(pid);
}

}  // namespace gust::sandbox
