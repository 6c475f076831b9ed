// SPDX-License-Identifier: Apache-2.0

#pragma once

// What a new sandbox process does between clone3 and execve of init. Runs in the child of the single-threaded starter:
// raw system calls on prepared descriptors only, nothing that allocates.

#include <cstdint>

namespace gust::sandbox {

struct ChildPlan {
  unsigned uid = 0;                    // on the host
  const int* cgroup_entries = nullptr; // written "0" to enter
  int cgroup_count = 0;
  int root_tree = -1;                  // detached mount trees
  int code_tree = -1;                  // -1: none
  int tmp_tree = -1;
  int output_tree = -1;                // Unpack: mounted at /out
  int standard_output = -1, control = -1, spec = -1;
  int inherited[4] = {-1, -1, -1, -1};
  int inherited_count = 0;
  uint64_t cpu_mask = 0;               // affinity; 0: as it is
  uint64_t file_size_limit = 0;        // RLIMIT_FSIZE; 0: none
  int error_pipe = -1;                 // a failure is written here as {step, errno}
};

struct ChildError {
  int32_t step;
  int32_t error;
};
const char* name_of_step(int step);

inline constexpr unsigned kInsideUid = 993;  // sbx_user1051 of AWS's sandboxes

[[noreturn]] void run_child(const ChildPlan& plan);

}  // namespace gust::sandbox
