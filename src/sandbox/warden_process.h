// SPDX-License-Identifier: Apache-2.0

#pragma once

// The warden's two processes, root and single-threaded, forked by the supervisor: the starter makes sandboxes and reaps
// them, the remover takes away what they leave behind (removal has tails of 8 to 50 ms that must not delay a start).
// Neither parses anything but the structs of wire.h.

#include <cstdint>
#include <string>

#include "base/result.h"
#include "os/fd.h"

namespace gust::sandbox {

struct WardenConfig {
  std::string state_directory;   // code is under it in code/
  std::string root_directory;    // curated tree (root_tree.h)
  std::string init_path, unpack_path;
  unsigned uid_base = 900000;    // daemon; +1: unpacker; +16 and up: one for each sandbox
  std::string boot_id;           // of this start; part of every name
  uint64_t memory_limit = 0;     // of all sandboxes together; 0: none
  unsigned host_cpus = 1;
};

// Both return the process's exit status when the daemon's end of the channel is closed; every sandbox is dead by then.
int run_starter(Fd daemon_channel, Fd remover_channel, const WardenConfig& config);
int run_remover(Fd starter_channel, const WardenConfig& config);

// Removes cgroups of earlier starts (any boot id). Only while no other instance with the same uid_base runs.
void clean_leftovers(const WardenConfig& config);

}  // namespace gust::sandbox
