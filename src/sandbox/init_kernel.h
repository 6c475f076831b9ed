// SPDX-License-Identifier: Apache-2.0

#pragma once

// What gust-init has instead of a C library.

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

// Results are the kernel's: negative errno on failure.
static inline long gust_call(long n, long a, long b, long c, long d, long e) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = 0;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#define CALL0(n) gust_call(n, 0, 0, 0, 0, 0)
#define CALL1(n, a) gust_call(n, (long)(a), 0, 0, 0, 0)
#define CALL2(n, a, b) gust_call(n, (long)(a), (long)(b), 0, 0, 0)
#define CALL3(n, a, b, c) gust_call(n, (long)(a), (long)(b), (long)(c), 0, 0)
#define CALL4(n, a, b, c, d) gust_call(n, (long)(a), (long)(b), (long)(c), (long)(d), 0)
#define CALL5(n, a, b, c, d, e) gust_call(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))

static inline __attribute__((noreturn)) void gust_leave(int status) {
  for (;;) CALL1(SYS_exit_group, status);
}

// init_prepare.c: everything that makes a sandbox of this process; returns when the starter said go, with descriptors 3
// (control), 4 (spec) and the inherited ones in place and without any privilege. Ends the process where it fails.
void gust_prepare(void);
