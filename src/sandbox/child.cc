// SPDX-License-Identifier: Apache-2.0

#include "sandbox/child.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sandbox/prepare_protocol.h"
#include "sandbox/starter_root.h"

#define GUST_PLAIN __attribute__((noinline, no_sanitize("address", "undefined", "thread")))

namespace gust::sandbox {
namespace {

constexpr int kChannel = 3;

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

GUST_PLAIN bool enter_user(ChildPlan& plan) {
  Step must{plan};
  if (!write_file("/proc/self/setgroups", "deny") || !write_file("/proc/self/uid_map", plan.uid_map) ||
      !write_file("/proc/self/gid_map", plan.gid_map)) {
    return must(-1, "map user ids");
  }
  return must(syscall(SYS_setresgid, GUST_GID_INSIDE, GUST_GID_INSIDE, GUST_GID_INSIDE), "setresgid") &&
         must(syscall(SYS_setresuid, GUST_UID_INSIDE, GUST_UID_INSIDE, GUST_UID_INSIDE), "setresuid");
}

// Over the exec: only ambient capabilities stay with a user that is not root.
GUST_PLAIN bool keep_capabilities(ChildPlan& plan) {
  Step must{plan};
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2] = {};
  constexpr unsigned kKept[] = {CAP_SETPCAP, CAP_SYS_ADMIN};
  for (unsigned c : kKept) sets[0].effective |= 1u << c;
  sets[0].permitted = sets[0].inheritable = sets[0].effective;
  if (!must(syscall(SYS_capset, &header, sets), "keep capabilities")) return false;
  for (unsigned c : kKept) {
    if (!must(syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0), "raise ambient capability")) return false;
  }
  return true;
}

extern "C" GUST_PLAIN int gust_sandbox_child(void* argument) {
  ChildPlan& plan = *static_cast<ChildPlan*>(argument);
  Step must{plan};
  if (!enter_user(plan) || !keep_capabilities(plan)) return 1;
  // After the change of user, which clears it.
  if (!must(syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "set death signal") ||
      !must(syscall(SYS_dup3, plan.channel, kChannel, 0), "place channel") ||
      !must(syscall(SYS_close_range, kChannel + 1, ~0u, CLOSE_RANGE_CLOEXEC), "close descriptors")) {
    return 1;
  }
  const char* arguments[] = {"init", nullptr};
  const char* environment[] = {nullptr};
  must(syscall(SYS_execve, kInit, arguments, environment), "start init");
  return 1;
}

// Of one child at a time: the starter sleeps meanwhile.
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
