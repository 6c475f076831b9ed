// SPDX-License-Identifier: Apache-2.0

#pragma once

// Messages between the daemon and our init, PID 1 of every sandbox, over Started::control (SOCK_SEQPACKET, one struct a
// message, host byte order: both ends are on one machine and of one version). Plain C layout: init has no C++ library.

#include <stdint.h>

// daemon -> init
enum gust_init_verb {
  GUST_INIT_RUN = 1,    // start the program of the StartSpec (also after a reset)
  GUST_INIT_RESET = 2,  // SIGKILL everything but init; answered by GUST_INIT_EXITED when all is gone
  GUST_INIT_TERM = 3,   // SIGTERM to the program
};
struct gust_init_request {
  uint32_t version;  // GUST_INIT_VERSION
  uint32_t verb;
};

// init -> daemon
enum gust_init_event {
  GUST_INIT_EXITED = 1,  // the program ended (or everything after a reset)
  GUST_INIT_FAILED = 2,  // the program could not be executed: status is errno
};
struct gust_init_report {
  uint32_t version;
  uint32_t event;
  int32_t status;  // wait(2) status, or errno
  uint32_t reserved;
  uint64_t cpu_user_us, cpu_system_us, max_rss_kib;  // rusage of the program and its waited-for children
};
#define GUST_INIT_VERSION 1u
