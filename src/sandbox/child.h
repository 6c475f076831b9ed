// SPDX-License-Identifier: Apache-2.0

#pragma once

// What happens between clone and exec of a sandbox's init. The child shares the starter's memory (CLONE_VM | CLONE_VFORK:
// no page tables to copy), so this is straight system calls on plain data; its error comes back in the plan. The caller has
// entered the sandbox's network namespace, has the sandbox's uid as effective uid, and still all capabilities.

#include <linux/filter.h>
#include <sched.h>
#include <sys/types.h>

#include <cstdint>

namespace gust::sandbox {

constexpr uint32_t kUidInside = 993, kGidInside = 990;  // sbx_user1051 on AWS
constexpr int kMostInherit = 8, kMostEntrances = 8;

struct ChildPlan {
  int entrances[kMostEntrances];  // v1 only
  int entrance_count = 0;
  int cgroup = -1;                // v2 only
  char uid_map[48], gid_map[48];
  int code = -1, tmp = -1, output = -1;  // mounts; -1: none
  int null = -1, log = -1, control = -1, spec = -1;
  int inherit[kMostInherit];
  int inherit_count = 0;
  int landlock = -1;
  const sock_filter* filter = nullptr;
  unsigned short filter_size = 0;
  bool set_affinity = false;
  cpu_set_t affinity;

  const char* failed = nullptr;   // out: the step
  int error = 0;                  // out: its errno
};

// Returns the pid, or -1 with plan.failed and plan.error set.
pid_t start_child(ChildPlan& plan, int& pidfd);

}  // namespace gust::sandbox
