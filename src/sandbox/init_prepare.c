// SPDX-License-Identifier: Apache-2.0

// From a process in fresh namespaces to a sandbox. What is slow or needs no knowledge of the function happens ahead: control
// groups (attaching waits for an RCU grace period of milliseconds in version 1), mounts, identity, the filter. What is left
// for the start is code mount, descriptors, Landlock and giving up the last capabilities. Only our own code has run until then.

#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <linux/signal.h>
#include <linux/socket.h>
#include <linux/uio.h>

#include "sandbox/init_kernel.h"
#include "sandbox/prepare_protocol.h"
#include "seccomp_filter.inc"

#define CHANNEL 3
#define PARKED 32  // descriptors wait at free numbers from here on
#define MOST_FDS (GUST_MOST_ENTRANCES + GUST_MOST_INHERITED + 8)
#define LAST_CAPABILITY 40  // CAP_CHECKPOINT_RESTORE; newer ones answer EINVAL until they exist
#define EINTR_ 4
#define EINVAL_ 22
#define SOL_SOCKET_ 1
#define SCM_RIGHTS_ 1
#define MSG_CMSG_CLOEXEC_ 0x40000000
#define MNT_DETACH_ 2
#define MS_QUIET (2 | 4 | 8)  // MS_NOSUID, MS_NODEV, MS_NOEXEC

static int fds[MOST_FDS];
static int fd_count, report;
static uint64_t number;
static int going;  // a failure is now a line in the sandbox's own log

static long length(const char* text) {
  long n = 0;
  while (text[n]) ++n;
  return n;
}

static void say(long error, const char* step) {
  struct gust_prepared message = {GUST_PREPARE_VERSION, (int32_t)-error, number, {0}};
  for (int i = 0; step[i] && i < (int)sizeof message.step - 1; ++i) message.step[i] = step[i];
  CALL3(SYS_write, report, &message, sizeof message);
}

static long must(long result, const char* step) {
  if (result >= 0) return result;
  if (!going) {
    say(result, step);
  } else {
    CALL3(SYS_write, report, step, length(step));
    CALL3(SYS_write, report, ": failed\n", 9);
  }
  gust_leave(110);
}

// One message of exactly this size, its descriptors into fds. The end of the channel is the end of us.
static void receive(void* message, size_t size) {
  char control[64 + MOST_FDS * sizeof(int)] __attribute__((aligned(8)));
  struct iovec part = {message, size};
  struct {
    void* name;
    int name_length;
    struct iovec* parts;
    size_t part_count;
    void* control;
    size_t control_length;
    int flags;
  } header = {0, 0, &part, 1, control, sizeof control, 0};
  long n;
  do {
    n = CALL3(SYS_recvmsg, CHANNEL, &header, MSG_CMSG_CLOEXEC_);
  } while (n == -EINTR_);
  if (n != (long)size) gust_leave(n == 0 ? 0 : 111);
  struct {
    size_t length;
    int level, type;
  }* rights = (void*)control;
  fd_count = 0;
  if (header.control_length < sizeof *rights) return;
  if (rights->level != SOL_SOCKET_ || rights->type != SCM_RIGHTS_) gust_leave(111);
  size_t count = (rights->length - sizeof *rights) / sizeof(int);
  if (count > MOST_FDS) gust_leave(111);
  for (size_t i = 0; i < count; ++i) fds[i] = ((const int*)(rights + 1))[i];
  fd_count = (int)count;
}

static void enter_groups(const int* entrances, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) must(CALL3(SYS_write, entrances[i], "0", 1), "enter cgroup");
  // Only now: the namespace's root is the group that one is in.
  must(CALL1(SYS_unshare, CLONE_NEWCGROUP), "unshare cgroup namespace");
}

// The mount namespace is a copy of the starter's, locked because its owner is another user namespace.
static void enter_root(int tmp) {
  long root =
      must(CALL3(SYS_open_tree, AT_FDCWD, GUST_TEMPLATE, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE), "clone template");
  must(CALL5(SYS_move_mount, root, "", AT_FDCWD, GUST_TEMPLATE, MOVE_MOUNT_F_EMPTY_PATH), "attach template");
  must(CALL1(SYS_fchdir, root), "chdir template");
  // Before the old root goes: the kernel grants a new proc only where one is fully visible.
  must(CALL5(SYS_mount, "proc", "proc", "proc", MS_QUIET, "hidepid=2"), "mount proc");
  if (tmp >= 0) must(CALL5(SYS_move_mount, tmp, "", AT_FDCWD, "tmp", MOVE_MOUNT_F_EMPTY_PATH), "mount tmp");
  must(CALL2(SYS_pivot_root, ".", "."), "pivot root");
  must(CALL2(SYS_umount2, ".", MNT_DETACH_), "detach old root");
  must(CALL1(SYS_chdir, "/"), "chdir root");
}

static void set_limits(void) {
  // Files: as on AWS.
  struct rlimit64 files = {1024, 1024}, none = {0, 0};
  must(CALL4(SYS_prlimit64, 0, RLIMIT_NOFILE, &files, 0), "limit descriptors");
  must(CALL4(SYS_prlimit64, 0, RLIMIT_CORE, &none, 0), "limit core");
  // What is ignored stays ignored over exec, and the starter ignores SIGPIPE. {handler, flags, restorer, mask}
  unsigned long standard[4] = {0, 0, 0, 0}, no_signals = 0;
  CALL4(SYS_rt_sigaction, SIGPIPE, standard, 0, 8);
  CALL4(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, 0, 8);
  CALL1(SYS_umask, 022);
  CALL0(SYS_setsid);
  must(CALL2(SYS_sethostname, "sandbox", 7), "sethostname");
}

static void limit_privileges(void) {
  for (long c = 0; c < 64; ++c) {
    long result = CALL5(SYS_prctl, PR_CAPBSET_DROP, c, 0, 0, 0);
    if (result == -EINVAL_ && c > LAST_CAPABILITY) break;
    must(result, "drop bounding capability");
  }
  must(CALL5(SYS_prctl, PR_SET_SECUREBITS,
             SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED, 0, 0, 0),
       "set securebits");
  must(CALL5(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "set no_new_privs");
  // The function has our user id: without this it could write our memory (/proc/1/mem).
  must(CALL5(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0), "set not dumpable");
  must(CALL5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "set death signal");
  struct sock_fprog program = {sizeof kSeccompFilter / sizeof kSeccompFilter[0], (struct sock_filter*)kSeccompFilter};
  must(CALL3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "enter seccomp filter");
}

// The generated filter lets through what gust_go needs; this one ends that.
static void close_filter(void) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_move_mount, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_landlock_restrict_self, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1 /* EPERM */),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
  must(CALL3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "close seccomp filter");
}

static void drop_last_privileges(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct nothing[2] = {{0, 0, 0}, {0, 0, 0}};
  must(CALL5(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "clear ambient capabilities");
  must(CALL2(SYS_capset, &header, nothing), "drop capabilities");
}

// 0 is /dev/null already; log becomes 1 and 2, the others 3, 4, 5 ...
static void place_descriptors(const int* first, int log, int count) {
  for (int i = 0; i < count; ++i) must(CALL3(SYS_dup3, first[i], 3 + i, 0), "place descriptor");
  must(CALL3(SYS_dup3, log, 1, 0), "place descriptor");
  must(CALL3(SYS_dup3, log, 2, 0), "place descriptor");
  must(CALL3(SYS_close_range, 3 + count, ~0u, 0), "close descriptors");
}

static void park_all(void) {
  for (int i = 0; i < fd_count; ++i) fds[i] = (int)must(CALL3(SYS_fcntl, fds[i], F_DUPFD_CLOEXEC, PARKED), "park descriptor");
}

static void prepare(void) {
  struct gust_prepare order;
  receive(&order, sizeof order);
  int needed = 2 + (order.has_tmp ? 1 : 0) + (int)order.entrances;
  if (order.version != GUST_PREPARE_VERSION || order.entrances > GUST_MOST_ENTRANCES || fd_count != needed) gust_leave(112);
  number = order.number;
  report = fds[0];
  for (int i = 0; i < 3; ++i) must(CALL3(SYS_dup3, fds[1], i, 0), "place descriptor");
  int tmp = order.has_tmp ? fds[2] : -1;
  enter_groups(fds + (order.has_tmp ? 3 : 2), order.entrances);
  enter_root(tmp);
  set_limits();
  limit_privileges();
  say(0, "");
  CALL3(SYS_close_range, CHANNEL + 1, ~0u, 0);
}

void gust_prepare(void) {
  prepare();
  struct gust_go go;
  receive(&go, sizeof go);
  int mounts = (go.has_code ? 1 : 0) + (go.has_output ? 1 : 0) + (go.has_ruleset ? 1 : 0);
  if (go.version != GUST_PREPARE_VERSION || go.inherited > GUST_MOST_INHERITED || fd_count != 3 + mounts + (int)go.inherited)
    gust_leave(113);
  park_all();
  report = fds[2];
  going = 1;
  int next = 3;
  if (go.has_code) must(CALL5(SYS_move_mount, fds[next++], "", AT_FDCWD, "/var/task", MOVE_MOUNT_F_EMPTY_PATH), "mount code");
  if (go.has_output) must(CALL5(SYS_move_mount, fds[next++], "", AT_FDCWD, "/out", MOVE_MOUNT_F_EMPTY_PATH), "mount output");
  if (go.set_affinity) must(CALL3(SYS_sched_setaffinity, 0, sizeof go.affinity, go.affinity), "set affinity");
  if (go.has_ruleset) must(CALL2(SYS_landlock_restrict_self, fds[next++], 0), "enter landlock");
  int placed[2 + GUST_MOST_INHERITED] = {fds[0], fds[1]};
  for (uint32_t i = 0; i < go.inherited; ++i) placed[2 + i] = fds[next++];
  place_descriptors(placed, fds[2], 2 + (int)go.inherited);
  drop_last_privileges();
  close_filter();
}
