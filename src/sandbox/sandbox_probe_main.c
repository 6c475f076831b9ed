// SPDX-License-Identifier: Apache-2.0

// Static program that the sandbox tests run inside: does what its first argument says and prints the outcome.

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int report(const char *name, long result) {
  if (result >= 0) printf("%s done\n", name);
  else printf("%s refused %d\n", name, errno);
  fflush(stdout);
  return 0;
}

static int fill(const char *path, long megabytes) {
  static char block[1 << 20];
  memset(block, 7, sizeof block);
  int fd = open(path, O_WRONLY | O_CREAT, 0600);
  if (fd < 0) return report("fill", -1);
  for (long i = 0; i < megabytes; ++i) {
    if (write(fd, block, sizeof block) != sizeof block) return report("fill", -1);
  }
  return report("fill", 0);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  const char *arg = argc > 2 ? argv[2] : "";
  if (!strcmp(what, "echo")) return printf("%s %s\n", arg, getenv("PROBE") ? getenv("PROBE") : "-") > 0 ? 7 : 1;
  if (!strcmp(what, "sleep")) return puts("sleeping"), fflush(stdout), sleep(1000), 0;
  if (!strcmp(what, "crash")) return raise(atoi(arg));
  if (!strcmp(what, "id")) return printf("%d %d %d\n", getuid(), getgid(), getpid()) > 0 ? 0 : 1;
  if (!strcmp(what, "read")) return report("read", open(arg, O_RDONLY));
  if (!strcmp(what, "write")) return report("write", open(arg, O_WRONLY | O_CREAT, 0600));
  if (!strcmp(what, "fill")) return fill(arg, 600);
  if (!strcmp(what, "mount")) return report("mount", mount("none", "/tmp", "tmpfs", 0, 0));
  if (!strcmp(what, "remount")) return report("remount", mount(0, "/", 0, MS_REMOUNT | MS_BIND, 0));
  if (!strcmp(what, "userns")) return report("userns", syscall(SYS_unshare, 0x10000000));
  if (!strcmp(what, "raw")) return report("raw", socket(AF_INET, SOCK_RAW, 1));
  if (!strcmp(what, "packet")) return report("packet", socket(AF_PACKET, SOCK_RAW, 0));
  if (!strcmp(what, "ptrace")) return report("ptrace", ptrace(PTRACE_TRACEME, 0, 0, 0));
  if (!strcmp(what, "keyctl")) return report("keyctl", syscall(SYS_keyctl, 0, -3, 0));
  if (!strcmp(what, "bpf")) return report("bpf", syscall(SYS_bpf, 0, "\1\0\0\0\4\0\0\0\4\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32));
  if (!strcmp(what, "uring")) {
    char parameters[120] = {0};
    return report("uring", syscall(425, 4, parameters));
  }
  if (!strcmp(what, "mknod")) return report("mknod", mknod(arg, S_IFBLK | 0600, 7 << 8));
  if (!strcmp(what, "setuid")) return report("setuid", setuid(0));
  if (!strcmp(what, "chroot")) return report("chroot", chroot("/"));
  if (!strcmp(what, "hostname")) return report("hostname", sethostname("x", 1));
  if (!strcmp(what, "kill")) return report("kill", kill(atoi(arg), 0));
  if (!strcmp(what, "connect")) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(arg)), .sin_addr.s_addr = htonl(0x7F000001)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return report("connect", connect(fd, (void *)&a, sizeof a));
  }
  if (!strcmp(what, "memory")) {
    for (long i = 0; i < atol(arg); ++i) {
      volatile char *p = malloc(1 << 20);
      if (!p) return report("memory", -1);
      for (long at = 0; at < 1 << 20; at += 4096) p[at] = 1;
    }
    return report("memory", 0);
  }
  if (!strcmp(what, "forks")) {
    for (int i = 0; i < atoi(arg); ++i) {
      pid_t pid = fork();
      if (pid == 0) return sleep(100), 0;
      if (pid < 0) return report("forks", -1);
    }
    return report("forks", 0);
  }
  if (!strcmp(what, "status")) {
    char line[256];
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f)) {
      if (!strncmp(line, "Cap", 3) || !strncmp(line, "NoNewPrivs", 10) || !strncmp(line, "Seccomp:", 8)) fputs(line, stdout);
    }
    return 0;
  }
  printf("unknown probe %s\n", what);
  return 99;
}
