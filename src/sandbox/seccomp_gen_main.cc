// SPDX-License-Identifier: Apache-2.0

// Build tool: writes the sandbox's seccomp filter as a C array. Every system call that libseccomp knows by name is allowed,
// but for those named below (EPERM); what it does not know, and clone3 (whose flags a filter cannot read), answer ENOSYS so
// that programs fall back. Binary-tree form: loading runs the filter once for each call number.

#include <fcntl.h>
#include <linux/filter.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <set>
#include <string>

// Kernel surface that no function needs, or that reaches beyond its sandbox. move_mount and landlock_restrict_self are missing
// here: init_prepare.c needs them under this filter and denies them with a second one.
// clang-format off
static const std::set<std::string> kDenied = {
    "mount", "umount", "umount2", "pivot_root", "open_tree", "open_tree_attr", "fsopen", "fsconfig", "fsmount", "fspick",
    "mount_setattr", "chroot", "swapon", "swapoff", "sysfs", "quotactl", "quotactl_fd", "acct", "ptrace",
    "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd", "keyctl", "add_key", "request_key",
    "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "unshare", "setns",
    "reboot", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "create_module",
    "query_module", "get_kernel_syms", "nfsservctl", "open_by_handle_at", "name_to_handle_at", "vhangup", "iopl", "ioperm",
    "modify_ldt", "lookup_dcookie", "fanotify_init", "fanotify_mark", "settimeofday", "clock_settime", "clock_adjtime",
    "adjtimex", "syslog", "uselib", "ustat", "sethostname", "setdomainname", "migrate_pages", "move_pages", "mbind",
    "set_mempolicy", "set_mempolicy_home_node", "statmount", "listmount", "lsm_set_self_attr", "landlock_create_ruleset",
    "landlock_add_rule", "_sysctl", "vserver", "security", "tuxcall", "afs_syscall", "getpmsg", "putpmsg", "epoll_ctl_old",
    "epoll_wait_old"};
// clang-format on
static const std::set<std::string> kConditional = {"clone", "socket", "clone3", "mknod", "mknodat"};

static void must(int result) {
  if (result != 0) {
    std::fprintf(stderr, "libseccomp: %d\n", result);
    std::exit(1);
  }
}

using Filter = scmp_filter_ctx;
using Test = scmp_arg_cmp;
constexpr uint32_t kAllow = SCMP_ACT_ALLOW, kDeny = SCMP_ACT_ERRNO(EPERM);

static Test equal(unsigned argument, uint64_t value) { return {argument, SCMP_CMP_EQ, value, 0}; }
static Test above(unsigned argument, uint64_t value) { return {argument, SCMP_CMP_GT, value, 0}; }
static Test masked(unsigned argument, uint64_t mask, uint64_t value) { return {argument, SCMP_CMP_MASKED_EQ, mask, value}; }

static void add(Filter filter, uint32_t action, int call, std::initializer_list<Test> tests) {
  must(seccomp_rule_add_array(filter, action, call, static_cast<unsigned>(tests.size()), tests.begin()));
}

// Sockets of local and internet families, no raw ones and no protocols but TCP and UDP (others load kernel modules); netlink
// for getifaddrs(3) alone (NETLINK_ROUTE, where changes need a capability).
static void add_sockets(Filter filter) {
  constexpr uint64_t kTypeMask = 0xF;  // SOCK_TYPE_MASK, linux/net.h
  const int socket = SCMP_SYS(socket);
  for (uint64_t family = 0; family < 64; ++family) {
    if (family == AF_INET || family == AF_INET6) {
      for (uint64_t type = 0; type <= kTypeMask; ++type) {
        const uint64_t protocol = type == SOCK_STREAM ? 6 : type == SOCK_DGRAM ? 17 : 0;
        const Test f = equal(0, family), t = masked(1, kTypeMask, type);
        if (protocol == 0) {
          add(filter, kDeny, socket, {f, t});
          continue;
        }
        for (uint64_t p = 0; p <= protocol; ++p)
          add(filter, p == 0 || p == protocol ? kAllow : kDeny, socket, {f, t, equal(2, p)});
        add(filter, kDeny, socket, {f, t, above(2, protocol)});
      }
    } else if (family == AF_UNIX) {
      for (uint64_t type = 0; type <= kTypeMask; ++type) {
        const bool good = type == SOCK_STREAM || type == SOCK_DGRAM || type == SOCK_SEQPACKET;
        add(filter, good ? kAllow : kDeny, socket, {equal(0, family), masked(1, kTypeMask, type)});
      }
    } else if (family == AF_NETLINK) {
      add(filter, kAllow, socket, {equal(0, family), equal(2, 0)});
      add(filter, kDeny, socket, {equal(0, family), above(2, 0)});
    } else {
      add(filter, kDeny, socket, {equal(0, family)});
    }
  }
}

static void add_conditional(Filter filter) {
  // clone without any CLONE_NEW* flag (argument 0 on x86-64).
  uint64_t all = 0;
  for (uint64_t flag : {CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET}) {
    add(filter, kDeny, SCMP_SYS(clone), {masked(0, flag, flag)});
    all |= flag;
  }
  add(filter, kAllow, SCMP_SYS(clone), {masked(0, all, 0)});
  // FIFOs and sockets are made by the same call as device nodes.
  for (uint64_t type = 0; type <= S_IFMT; type += S_IFIFO) {
    const bool good = type == 0 || type == S_IFREG || type == S_IFIFO || type == S_IFSOCK;
    add(filter, good ? kAllow : kDeny, SCMP_SYS(mknod), {masked(1, S_IFMT, type)});
    add(filter, good ? kAllow : kDeny, SCMP_SYS(mknodat), {masked(2, S_IFMT, type)});
  }
  add_sockets(filter);
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
  must(seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2));
  must(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
  int allowed = 0;
  for (int number = 0; number < 600; ++number) {
    char* name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, number);
    if (!name) continue;
    if (kDenied.count(name)) {
      must(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0));
    } else if (!kConditional.count(name)) {
      must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0));
      ++allowed;
    }
    std::free(name);
  }
  if (allowed < 250) return 3;  // a libseccomp that resolves no names would make a filter that allows nothing
  add_conditional(filter);
  int memory = memfd_create("filter", MFD_CLOEXEC);
  must(seccomp_export_bpf(filter, memory));
  off_t size = lseek(memory, 0, SEEK_END);
  FILE* out = std::fopen(argv[1], "w");
  if (!out) return 1;
  std::fprintf(out,
               "// Generated by seccomp_gen_main.cc: %d system calls allowed without condition.\n"
               "static const struct sock_filter kSeccompFilter[] = {\n",
               allowed);
  for (off_t at = 0; at < size; at += sizeof(sock_filter)) {
    sock_filter f;
    if (pread(memory, &f, sizeof f, at) != sizeof f) return 1;
    std::fprintf(out, "    {0x%04x, %u, %u, 0x%08x},\n", f.code, f.jt, f.jf, f.k);
  }
  std::fprintf(out, "};\n");
  return std::fclose(out) == 0 ? 0 : 1;
}
