// SPDX-License-Identifier: Apache-2.0

// probe NAME [ARGUMENT...]: tries to do what no function may do. Exit status 0: it was done; 1: refused, the errno is the
// second word of the output ("refused 1 EPERM..."); anything else: the probe itself is wrong. Static, so that it runs in any
// root.

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char** words;  // arguments after the name
static const char* word(int i) {
  for (int n = 0; n <= i; ++n) {
    if (!words[n]) exit(98);
  }
  return words[i];
}
static long number(int i) { return atol(word(i)); }

// ---- files

static int contains(const char* path, const char* mark) {
  static char text[1 << 16];
  int fd = open(path, O_RDONLY | O_NONBLOCK);
  if (fd < 0) return 0;
  ssize_t n = read(fd, text, sizeof text);
  close(fd);
  return n > 0 && memmem(text, (size_t)n, mark, strlen(mark)) != NULL;
}

// Depth first, no links followed; 1 where a regular file below holds the mark.
static int find_mark(const char* path, const char* mark, int depth) {
  DIR* dir = depth < 24 ? opendir(path) : NULL;
  if (!dir) return 0;
  int found = 0;
  for (struct dirent* e; !found && (e = readdir(dir));) {
    char child[4096];
    struct stat st;
    if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
    if (snprintf(child, sizeof child, "%s/%s", path, e->d_name) >= (int)sizeof child || lstat(child, &st) != 0) continue;
    if (S_ISREG(st.st_mode)) found = contains(child, mark);
    if (S_ISDIR(st.st_mode) && strcmp(child, "//proc")) found = find_mark(child, mark, depth + 1);
  }
  closedir(dir);
  if (!found) errno = ENOENT;
  return found;
}
static long probe_find(void) { return find_mark(word(0), word(1), 0) ? 0 : -1; }

static long probe_read(void) { return open(word(0), O_RDONLY); }
static long probe_write(void) { return open(word(0), O_WRONLY | O_NONBLOCK); }  // opens and no more: harmless everywhere
static long probe_create(void) { return open(word(0), O_WRONLY | O_CREAT | O_TRUNC, 0600); }
static long probe_list(void) { return opendir(word(0)) ? 0 : -1; }

// The same file by ways around a root: the root of other processes, dots, the descriptors of others.
static long probe_around(void) {
  const char* ways[] = {"/proc/1/root", "/proc/self/root/..", "/../../..", "/proc/1/cwd/../../..", "/proc/self/cwd/../../../.."};
  for (size_t i = 0; i < sizeof ways / sizeof *ways; ++i) {
    char path[4096];
    snprintf(path, sizeof path, "%s%s", ways[i], word(0));
    int fd = open(path, O_RDONLY);
    if (fd >= 0) return fd;
  }
  return -1;
}

// A file handle of the root directory needs no path to it.
static long probe_handle(void) {
  struct {
    struct file_handle handle;
    unsigned char space[128];
  } h = {0};
  int mount_id;
  h.handle.handle_bytes = sizeof h.space;
  int dir = open(word(0), O_RDONLY | O_DIRECTORY);
  if (dir < 0) exit(97);
  if (name_to_handle_at(AT_FDCWD, word(0), &h.handle, &mount_id, 0) != 0) {
    // Not even a handle: one of inode 2 is guessed, as the known exploit does.
    if (errno != EPERM) return -1;
    h.handle.handle_bytes = 8, h.handle.handle_type = 1;
    ((uint32_t*)h.handle.f_handle)[0] = 2;
  }
  return open_by_handle_at(dir, &h.handle, O_RDONLY);
}

static long probe_leaked_descriptors(void) {
  DIR* dir = opendir("/proc/self/fd");
  if (!dir) exit(97);
  long found = 0;
  for (struct dirent* e; (e = readdir(dir));) {
    int fd = atoi(e->d_name);
    if (fd > 2 && fd != dirfd(dir)) found = 1;
  }
  errno = ENOENT;
  return found ? 0 : -1;
}

// ---- processes

// Whether a process with the mark in its environment can be seen.
static long probe_environments(void) {
  DIR* dir = opendir("/proc");
  if (!dir) exit(97);
  for (struct dirent* e; (e = readdir(dir));) {
    char path[300];
    if (e->d_name[0] < '0' || e->d_name[0] > '9' || atoi(e->d_name) == getpid()) continue;
    snprintf(path, sizeof path, "/proc/%s/environ", e->d_name);
    if (contains(path, word(0))) return 0;
  }
  errno = ENOENT;
  return -1;
}
static long probe_kill(void) { return kill((pid_t)number(0), 0); }
static long probe_ptrace_child(void) {
  pid_t child = fork();
  if (child == 0) pause(), _exit(0);
  long result = ptrace(PTRACE_SEIZE, child, 0, 0);
  int error = errno;
  kill(child, SIGKILL);
  waitpid(child, NULL, __WALL);
  errno = error;
  return result;
}
static long probe_ptrace_init(void) { return ptrace(PTRACE_SEIZE, 1, 0, 0); }
static long probe_init_memory(void) { return open("/proc/1/mem", O_RDWR); }
static long probe_init_descriptors(void) { return open("/proc/1/fd/3", O_RDWR) >= 0 || errno == ENXIO ? 0 : -1; }
static long probe_process_memory(void) {
  static volatile char target = 1;
  char copy;
  pid_t child = fork();
  if (child == 0) pause(), _exit(0);
  struct iovec to = {&copy, 1}, from = {(void*)&target, 1};
  long result = process_vm_readv(child, &to, 1, &from, 1, 0);
  int error = errno;
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  errno = error;
  return result;
}
static long probe_pidfd_getfd(void) {
  int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
  if (pidfd < 0) exit(97);
  return syscall(SYS_pidfd_getfd, pidfd, 1, 0);
}

// ---- kernel surface

static long probe_mount_tmpfs(void) { return mount("none", word(0), "tmpfs", 0, NULL); }
static long probe_mount_proc(void) { return mount("none", word(0), "proc", 0, NULL); }
static long probe_mount_sysfs(void) { return mount("none", word(0), "sysfs", 0, NULL); }
static long probe_mount_cgroup(void) { return mount("none", word(0), "cgroup2", 0, NULL); }
static long probe_bind(void) { return mount("/", word(0), NULL, MS_BIND, NULL); }
static long probe_remount(void) { return mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL); }
static long probe_umount(void) { return umount2(word(0), MNT_DETACH); }
static long probe_fsopen(void) { return syscall(SYS_fsopen, "tmpfs", 0); }
static long probe_open_tree(void) { return syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */); }
static long probe_mount_setattr(void) {
  uint64_t attributes[4] = {0, 1 /* clear MOUNT_ATTR_RDONLY */, 0, 0};
  return syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, attributes, sizeof attributes);
}
static long probe_move_mount(void) {
  int fd = open(word(0), O_PATH);
  if (fd < 0) exit(97);
  return syscall(SYS_move_mount, fd, "", AT_FDCWD, word(1), 4 /* MOVE_MOUNT_F_EMPTY_PATH */);
}
static long probe_chroot(void) { return chroot("/"); }
static long probe_pivot_root(void) { return syscall(SYS_pivot_root, ".", "."); }
static long probe_unshare_user(void) { return unshare(CLONE_NEWUSER); }
static long probe_unshare_net(void) { return unshare(CLONE_NEWNET); }
static long probe_clone_user(void) {
  pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) _exit(0);
  return pid;
}
static long probe_clone3_user(void) {
  struct clone_args arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
  long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid == 0) _exit(0);
  return pid;
}
static long probe_setns(void) {
  int fd = open("/proc/self/ns/net", O_RDONLY);
  if (fd < 0) exit(97);
  return setns(fd, 0);
}
static long probe_keyctl(void) { return syscall(SYS_keyctl, 0 /* GET_KEYRING_ID */, -1 /* of this thread */, 1); }
static long probe_add_key(void) { return syscall(SYS_add_key, "user", "probe", "x", 1, -2 /* of this process */); }
static long probe_bpf(void) {
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.map_type = BPF_MAP_TYPE_ARRAY, attributes.key_size = 4, attributes.value_size = 4, attributes.max_entries = 1;
  return syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes);
}
static long probe_io_uring(void) {
  char parameters[120] = {0};
  return syscall(SYS_io_uring_setup, 4, parameters);
}
static long probe_userfaultfd(void) { return syscall(SYS_userfaultfd, O_CLOEXEC); }
static long probe_perf(void) {
  struct perf_event_attr attributes = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attributes, .config = PERF_COUNT_SW_CPU_CLOCK};
  return syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
}
static long probe_kernel_log(void) { return syscall(SYS_syslog, 10 /* SIZE_BUFFER */, NULL, 0); }
static long probe_int80(void) {
#ifdef __x86_64__
  // getpid of the 32-bit table: who may use that one evades a filter written for the other.
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "r8", "r9", "r10", "r11", "memory");
  return result == getpid() ? 0 : -1;
#else
  return -1;
#endif
}
static long probe_x32(void) { return syscall(0x40000000 | SYS_getpid) == getpid() ? 0 : -1; }

// ---- identity and capabilities

static long probe_setuid(void) { return setuid(0); }
static long probe_chown(void) {
  int fd = open(word(0), O_WRONLY | O_CREAT, 0600);
  return fd < 0 ? -1 : fchown(fd, 1, 1);
}
static long probe_hostname(void) { return sethostname("probe", 5); }
static long probe_priority(void) { return setpriority(PRIO_PROCESS, 0, -5); }
static long probe_interface(void) {
  struct ifreq request = {.ifr_flags = 0};
  strcpy(request.ifr_name, "lo");
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  return fd < 0 ? -1 : ioctl(fd, SIOCSIFFLAGS, &request);
}
static long probe_oom_score(void) {
  int fd = open("/proc/self/oom_score_adj", O_WRONLY);
  return fd < 0 || write(fd, word(0), strlen(word(0))) < 0 ? -1 : 0;
}
// Whether a set-user-id program of root makes us root.
static long probe_suid(void) {
  pid_t child = fork();
  if (child == 0) {
    if (words[1] && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(97);
    execl(word(0), "probe", "am-i-root", (char*)NULL);
    _exit(errno == EACCES ? 1 : 97);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WEXITSTATUS(status) > 1) exit(WEXITSTATUS(status));
  errno = EPERM;
  return WEXITSTATUS(status) == 0 ? 0 : -1;
}
static long probe_am_i_root(void) {
  errno = EPERM;
  return geteuid() == 0 ? 0 : -1;
}
static long probe_device_node(void) {
  if (mknod(word(0), S_IFBLK | 0600, (dev_t)number(1) << 8) != 0) return -1;
  unlink(word(0));
  return 0;
}

// ---- network

static long connect_tcp(const char* address, long port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  inet_pton(AF_INET, address, &to.sin_addr);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (void*)&to, sizeof to) != 0) return -1;
  return fd;
}
static void too_long(int signal_number) {
  (void)signal_number;
  _exit(1);
}
// Sends the mark; whether it reached the right one is the driver's to see.
static long probe_tcp(void) {
  signal(SIGALRM, too_long);
  alarm(5);
  long fd = connect_tcp(word(0), number(1));
  return fd < 0 ? -1 : write((int)fd, word(2), strlen(word(2)));
}
// Not a probe: whom others try to reach. Says what the first one wrote.
static long probe_serve(void) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number(0))};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(fd, (void*)&at, sizeof at) != 0 || listen(fd, 5) != 0) return -1;
  dprintf(2, "listening\n");
  char text[100];
  ssize_t n = read(accept(fd, NULL, NULL), text, sizeof text - 1);
  if (n < 0) return -1;
  text[n] = 0;
  dprintf(2, "heard %s\n", text);
  return 0;
}
static long probe_abstract(void) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  strncpy(to.sun_path + 1, word(0), sizeof to.sun_path - 2);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  return connect(fd, (void*)&to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(word(0))));
}
static long probe_raw(void) { return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP); }
static long probe_packet(void) { return socket(AF_PACKET, SOCK_RAW, 0); }
static long probe_alg(void) { return socket(38 /* AF_ALG */, SOCK_SEQPACKET, 0); }
static long probe_netfilter(void) { return socket(AF_NETLINK, SOCK_RAW, 12 /* NETLINK_NETFILTER */); }
static long probe_shared_memory(void) { return shmget((key_t)number(0), 1, 0); }

// ---- limits: done = as much as asked for

static long probe_memory(void) {
  for (long i = 0; i < number(0); ++i) {
    char* p = malloc(1 << 20);
    if (!p) return -1;
    for (long at = 0; at < 1 << 20; at += 4096) ((volatile char*)p)[at] = 1;
  }
  return 0;
}
static long probe_processes(void) {
  long count = 0, wanted = number(0);
  pid_t* all = calloc((size_t)wanted, sizeof *all);
  int error = 0;
  while (count < wanted && (all[count] = fork()) >= 0) {
    if (all[count] == 0) pause(), _exit(0);
    ++count;
  }
  error = errno;
  for (long i = 0; i < count; ++i) kill(all[i], SIGKILL);
  errno = error;
  return count == wanted ? 0 : -1;
}
static long probe_descriptors(void) {
  struct rlimit limit = {(rlim_t)number(0) + 64, (rlim_t)number(0) + 64};
  setrlimit(RLIMIT_NOFILE, &limit);
  for (long i = 3; i < number(0); ++i) {
    if (open("/dev/null", O_RDONLY) < 0) return -1;
  }
  return 0;
}
static long fill(int fd, long mib) {
  static char block[1 << 20];
  for (long i = 0; i < mib; ++i) {
    for (size_t at = 0; at < sizeof block;) {
      ssize_t n = write(fd, block + at, sizeof block - at);
      if (n < 0) return -1;
      at += (size_t)n;
    }
  }
  return 0;
}
static long probe_file_flood(void) {
  int fd = open(word(0), O_WRONLY | O_CREAT, 0600);
  long result = fd < 0 ? -1 : fill(fd, number(1));
  int error = errno;
  unlink(word(0));
  errno = error;
  return result;
}
// Nobody reads: whoever writes must wait, not the platform's memory grow.
static long probe_log_flood(void) {
  signal(SIGALRM, too_long);
  alarm(2);
  return fill(1, number(0));
}
static long probe_inodes(void) {
  long wanted = number(1);
  char path[300];
  for (long i = 0; i < wanted; ++i) {
    snprintf(path, sizeof path, "%s/%ld", word(0), i);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    if (fd < 0) return -1;
    close(fd);
  }
  return 0;
}

#define P(text, function) \
  { text, probe_##function }
static const struct {
  const char* name;
  long (*run)(void);
} kProbes[] = {
    P("find", find),
    P("read", read),
    P("write", write),
    P("create", create),
    P("list", list),
    P("around", around),
    P("handle", handle),
    P("leaked-descriptors", leaked_descriptors),
    P("environments", environments),
    P("kill", kill),
    P("ptrace-child", ptrace_child),
    P("ptrace-init", ptrace_init),
    P("init-memory", init_memory),
    P("init-descriptors", init_descriptors),
    P("process-memory", process_memory),
    P("pidfd-getfd", pidfd_getfd),
    P("mount-tmpfs", mount_tmpfs),
    P("mount-proc", mount_proc),
    P("mount-sysfs", mount_sysfs),
    P("mount-cgroup", mount_cgroup),
    P("bind", bind),
    P("remount", remount),
    P("umount", umount),
    P("fsopen", fsopen),
    P("open-tree", open_tree),
    P("mount-setattr", mount_setattr),
    P("move-mount", move_mount),
    P("chroot", chroot),
    P("pivot-root", pivot_root),
    P("unshare-user", unshare_user),
    P("unshare-net", unshare_net),
    P("clone-user", clone_user),
    P("clone3-user", clone3_user),
    P("setns", setns),
    P("keyctl", keyctl),
    P("add-key", add_key),
    P("bpf", bpf),
    P("io-uring", io_uring),
    P("userfaultfd", userfaultfd),
    P("perf", perf),
    P("kernel-log", kernel_log),
    P("int80", int80),
    P("x32", x32),
    P("setuid", setuid),
    P("chown", chown),
    P("hostname", hostname),
    P("priority", priority),
    P("interface", interface),
    P("oom-score", oom_score),
    P("suid", suid),
    P("am-i-root", am_i_root),
    P("device-node", device_node),
    P("tcp", tcp),
    P("serve", serve),
    P("abstract", abstract),
    P("raw", raw),
    P("packet", packet),
    P("alg", alg),
    P("netfilter", netfilter),
    P("shared-memory", shared_memory),
    P("memory", memory),
    P("processes", processes),
    P("descriptors", descriptors),
    P("file-flood", file_flood),
    P("log-flood", log_flood),
    P("inodes", inodes),
};

int main(int argc, char** argv) {
  if (argc < 2) return 99;
  words = argv + 2;
  for (size_t i = 0; i < sizeof kProbes / sizeof *kProbes; ++i) {
    if (strcmp(kProbes[i].name, argv[1])) continue;
    errno = 0;
    long result = kProbes[i].run();
    if (result >= 0) return dprintf(2, "done\n"), 0;
    return dprintf(2, "refused %d %s\n", errno, strerror(errno)), 1;
  }
  return 99;
}
