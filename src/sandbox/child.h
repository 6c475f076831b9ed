// SPDX-License-Identifier: Apache-2.0

#pragma once

// From clone to exec of a sandbox's init, which does the rest (init_prepare.c). The child shares the starter's memory
// (CLONE_VM | CLONE_VFORK: no page tables to copy), so this is straight system calls on plain data; its error comes back in
// the plan. The caller has entered the sandbox's network namespace, has the sandbox's uid as effective uid, and still all
// capabilities.

#include <sys/types.h>

#include <cstdint>

namespace gust::sandbox {

struct ChildPlan {
  int channel = -1;  // becomes init's descriptor 3
  int cgroup = -1;   // v2: the group to be born in; -1: none
  char uid_map[48], gid_map[48];

  const char* failed = nullptr;  // out: the step
  int error = 0;                 // out: its errno
};

// Returns the pid, or -1 with plan.failed and plan.error set.
pid_t start_child(ChildPlan& plan, int& pidfd);

}  // namespace gust::sandbox
