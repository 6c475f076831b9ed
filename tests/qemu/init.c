// SPDX-License-Identifier: Apache-2.0

// PID 1 of the virtual machine of tests/qemu/run. In the initramfs: loads the modules of /modules, mounts /dev/vda and makes it
// the root (a root file system in memory cannot be pivoted away from, which sandboxes do). Then runs each line of /tests and
// switches the machine off. A line "=== NAME STATUS" follows each test's output.

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void off(const char* problem) {
  if (problem) printf("=== init %s: %s\n", problem, strerror(errno));
  fflush(stdout);
  sync();
  reboot(RB_POWER_OFF);
  for (;;) pause();
}
static void must(int result, const char* what) {
  if (result < 0) off(what);
}

static void load_modules(void) {
  char line[256];
  FILE* list = fopen("/modules", "r");
  while (list && fgets(line, sizeof line, list)) {
    line[strcspn(line, "\n")] = 0;
    int fd = open(line, O_RDONLY);
    must(fd, line);
    must((int)syscall(SYS_finit_module, fd, "", 0), line);
    close(fd);
  }
}

static void enter_disk(void) {
  must(mkdir("/disk", 0755), "mkdir");
  must(mount("dev", "/dev", "devtmpfs", 0, NULL), "devtmpfs");
  for (int i = 0; i < 100 && access("/dev/vda", F_OK) != 0; ++i) usleep(50000);
  must(mount("/dev/vda", "/disk", "ext4", 0, NULL), "mount disk");
  must(mount("/dev", "/disk/dev", NULL, MS_MOVE, NULL), "move dev");
  must(chdir("/disk"), "chdir");
  must(mount(".", "/", NULL, MS_MOVE, NULL), "move root");
  must(chroot("."), "chroot");
  must(chdir("/"), "chdir");
}

static void mount_all(void) {
  must(mount("proc", "/proc", "proc", 0, NULL), "proc");
  must(mount("sys", "/sys", "sysfs", 0, NULL), "sysfs");
  must(mount("cgroup", "/sys/fs/cgroup", "cgroup2", 0, NULL), "cgroup2");
  struct ifreq request = {.ifr_flags = IFF_UP};
  strcpy(request.ifr_name, "lo");
  must(ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFFLAGS, &request), "lo");
}

static void run(char* line) {
  char* words[16] = {0};
  int count = 0;
  for (char* w = strtok(line, " \n"); w && count < 15; w = strtok(NULL, " \n")) words[count++] = w;
  if (count == 0) return;
  pid_t child = fork();
  if (child == 0) {
    execv(words[0], words);
    _exit(127);
  }
  int status = 0;
  // Orphans of tests come to us.
  for (pid_t pid; (pid = wait(&status)) > 0 && pid != child;) {
  }
  printf("=== %s %d\n", strrchr(words[0], '/') + 1, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  fflush(stdout);
}

int main(void) {
  load_modules();
  enter_disk();
  mount_all();
  setenv("PATH", "/usr/bin:/usr/sbin", 1);
  setenv("HOME", "/root", 1);
  setenv("GUST_TEST_PATIENCE", "15", 1);
  setenv("GUST_TEST_ROOTS", "/roots", 1);
  setenv("GTEST_COLOR", "no", 1);
  char line[512];
  FILE* tests = fopen("/tests", "r");
  while (tests && fgets(line, sizeof line, tests)) run(line);
  off(NULL);
}
