// SPDX-License-Identifier: Apache-2.0

#pragma once

// Messages between starter and gust-init before a sandbox is given to anybody (init_prepare.c). Plain C layout, host byte
// order. Both come over the socket that init has as descriptor 3; gust_prepared goes to a datagram socket that all inits of a
// starter share and none keeps.

#include <stdint.h>

#define GUST_PREPARE_VERSION 1u
#define GUST_UID_INSIDE 993u  // sbx_user1051 on AWS
#define GUST_GID_INSIDE 990u
#define GUST_TEMPLATE "/t"  // in the starter's mount namespace (starter_root.h)

enum { GUST_MOST_INHERITED = 8, GUST_MOST_ENTRANCES = 8, GUST_CPU_WORDS = 16 };

// starter -> init, at once. Descriptors: socket for gust_prepared, /dev/null, [/tmp's mount], entrances of control groups.
struct gust_prepare {
  uint32_t version;
  uint32_t has_tmp;
  uint32_t entrances;
  uint32_t reserved;
  uint64_t number;  // returned
};

// init -> starter
struct gust_prepared {
  uint32_t version;
  int32_t error;  // errno; 0: ready
  uint64_t number;
  char step[48];  // what failed
};

// starter -> init, when a sandbox is asked for. Descriptors: control, spec, log, [code's mount], [output's mount],
// [Landlock ruleset], inherited ones.
struct gust_go {
  uint32_t version;
  uint32_t has_code, has_output, has_ruleset;
  uint32_t inherited;
  uint32_t set_affinity;
  uint64_t affinity[GUST_CPU_WORDS];
};
