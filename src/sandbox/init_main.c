// SPDX-License-Identifier: Apache-2.0

// PID 1 of every sandbox: makes the sandbox (init_prepare.c), starts the program, reaps, reports, resets. Freestanding (no
// libc): a libc start costs 0.6 ms on hosts that trap CPUID. Descriptors: 3 = control (init_protocol.h), 4 = spec, a file
//   u32 version, u32 run at once, u32 argc, u32 envc, u32 inherited descriptors, then NUL-ended texts: working directory,
//   argc arguments, envc variables.
// Inherited descriptors are 5, 6, ... here and 3, 4, ... in the program.

#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/resource.h>
#include <linux/signal.h>
#include <linux/wait.h>

#include "sandbox/init_kernel.h"
#include "sandbox/init_protocol.h"

#define CONTROL 3
#define SPEC 4
#define FIRST_INHERITED 5
#define EINTR_ 4
#define ECHILD_ 10
#define SPEC_BYTES (192 << 10)
#define MOST_TEXTS 4096

// The compiler may ask for these.
void* memset(void* to, int c, size_t n) {
  for (size_t i = 0; i < n; ++i) ((volatile char*)to)[i] = (char)c;
  return to;
}
void* memcpy(void* to, const void* from, size_t n) {
  for (size_t i = 0; i < n; ++i) ((volatile char*)to)[i] = ((const char*)from)[i];
  return to;
}

static char spec[SPEC_BYTES];
static const char* texts[MOST_TEXTS + 4];
static const char* working_directory;
static const char **arguments, **environment;
static uint32_t inherited, run_at_once;

static void read_spec(void) {
  size_t size = 0;
  long n;
  while (size < sizeof spec &&
         (n = gust_call(SYS_pread64, SPEC, (long)(spec + size), (long)(sizeof spec - size), (long)size, 0)) > 0) {
    size += (size_t)n;
  }
  gust_call(SYS_close, SPEC, 0, 0, 0, 0);
  uint32_t head[5];
  if (size < sizeof head || size == sizeof spec) gust_leave(101);
  memcpy(head, spec, sizeof head);
  run_at_once = head[1];
  inherited = head[4];
  if (head[0] != GUST_INIT_VERSION || head[2] == 0 || inherited > 8) gust_leave(102);
  if (head[2] > MOST_TEXTS || head[3] > MOST_TEXTS || head[2] + head[3] > MOST_TEXTS) gust_leave(102);
  size_t at = sizeof head;
  uint32_t count = 0, index = 0;
  // Laid out as: directory, arguments, null, variables, null.
  while (count < 1 + head[2] + head[3]) {
    if (at >= size) gust_leave(103);
    texts[index++] = spec + at;
    while (at < size && spec[at]) ++at;
    ++at;
    ++count;
    if (count == 1 + head[2]) texts[index++] = 0;
  }
  texts[index] = 0;
  working_directory = texts[0];
  arguments = texts + 1;
  environment = texts + 2 + head[2];
}

static void send_report(uint32_t event, int32_t status, const struct rusage* usage) {
  struct gust_init_report report = {GUST_INIT_VERSION, event, status, 0, 0, 0, 0};
  if (usage) {
    report.cpu_user_us = (uint64_t)usage->ru_utime.tv_sec * 1000000 + (uint64_t)usage->ru_utime.tv_usec;
    report.cpu_system_us = (uint64_t)usage->ru_stime.tv_sec * 1000000 + (uint64_t)usage->ru_stime.tv_usec;
    report.max_rss_kib = (uint64_t)usage->ru_maxrss;
  }
  gust_call(SYS_sendto, CONTROL, (long)&report, sizeof report, 0x4000 /* MSG_NOSIGNAL */, 0);
}

static long run(void) {
  long pid = gust_call(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (pid != 0) return pid;
  unsigned long none = 0;
  gust_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, sizeof none, 0);
  gust_call(SYS_setsid, 0, 0, 0, 0, 0);
  long error = gust_call(SYS_chdir, (long)working_directory, 0, 0, 0, 0);
  // Control goes to a number above the inherited ones, where it is closed by the exec.
  for (uint32_t i = 0; i < inherited; ++i) {
    gust_call(SYS_dup3, FIRST_INHERITED + i, 20 + i, O_CLOEXEC, 0, 0);
  }
  gust_call(SYS_dup3, CONTROL, 19, O_CLOEXEC, 0, 0);
  gust_call(SYS_close_range, 3, 18, 0, 0, 0);
  for (uint32_t i = 0; i < inherited; ++i) gust_call(SYS_dup3, 20 + i, 3 + i, 0, 0, 0);
  if (error == 0) error = gust_call(SYS_execve, (long)arguments[0], (long)arguments, (long)environment, 0, 0);
  struct gust_init_report report = {GUST_INIT_VERSION, GUST_INIT_FAILED, (int32_t)-error, 0, 0, 0, 0};
  gust_call(SYS_sendto, 19, (long)&report, sizeof report, 0x4000, 0);
  gust_leave(127);
}

static long program;
static int32_t last_status;
static struct rusage last_usage;

static void run_program(void) {
  long pid = run();
  struct gust_init_report report = {GUST_INIT_VERSION, GUST_INIT_FAILED, (int32_t)-pid, 0, 0, 0, 0};
  if (pid < 0) {
    gust_call(SYS_sendto, CONTROL, (long)&report, sizeof report, 0x4000, 0);
  } else {
    program = pid;
  }
}

// Collects the dead. Returns how many children are left (0 or more than 0).
static int reap(int block) {
  for (;;) {
    int status;
    struct rusage usage;
    long pid = gust_call(SYS_wait4, -1, (long)&status, block ? __WALL : WNOHANG | __WALL, (long)&usage, 0);
    if (pid == -EINTR_) continue;
    if (pid == -ECHILD_) return 0;
    if (pid <= 0) return 1;
    if (pid == program) {
      program = 0;
      last_status = status;
      last_usage = usage;
      if (!block) send_report(GUST_INIT_EXITED, status, &usage);
    }
  }
}

static void reset(void) {
  int had_program = program != 0;
  gust_call(SYS_kill, -1, SIGKILL, 0, 0, 0);
  while (reap(1)) {
  }
  send_report(GUST_INIT_EXITED, had_program ? last_status : 0, had_program ? &last_usage : 0);
}

__attribute__((used)) static void start(void) {
  gust_prepare();
  read_spec();
  unsigned long chld = 1ul << (SIGCHLD - 1);
  gust_call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&chld, 0, sizeof chld, 0);
  long signals = gust_call(SYS_signalfd4, -1, (long)&chld, sizeof chld, O_CLOEXEC | O_NONBLOCK, 0);
  if (signals < 0) gust_leave(104);
  if (run_at_once) run_program();
  struct {
    int fd;
    short events, revents;
  } polls[2] = {{CONTROL, 1, 0}, {(int)signals, 1, 0}};
  for (;;) {
    gust_call(SYS_poll, (long)polls, 2, -1, 0, 0);
    if (polls[1].revents) {
      char drop[128 * 4];
      gust_call(SYS_read, signals, (long)drop, sizeof drop, 0, 0);
      reap(0);
    }
    if (!polls[0].revents) continue;
    struct gust_init_request request;
    long n = gust_call(SYS_recvfrom, CONTROL, (long)&request, sizeof request, 0x40 /* MSG_DONTWAIT */, 0);
    if (n == 0) gust_leave(0);  // the daemon is gone: everything in this PID namespace goes with us
    if (n != (long)sizeof request || request.version != GUST_INIT_VERSION) continue;
    if (request.verb == GUST_INIT_RUN && !program) run_program();
    if (request.verb == GUST_INIT_RESET) reset();
    if (request.verb == GUST_INIT_TERM && program > 0) gust_call(SYS_kill, program, SIGTERM, 0, 0, 0);
  }
}

__asm__(".globl _start\n_start:\n  xor %ebp,%ebp\n  and $-16,%rsp\n  call start\n  hlt\n");
