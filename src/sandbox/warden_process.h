// SPDX-License-Identifier: Apache-2.0

#pragma once

// The warden: two single-threaded root processes that the supervisor forks. The starter makes, kills and reaps sandboxes
// and speaks with the daemon; the remover prepares what a start needs beforehand (network namespace with its sockets,
// cgroups, /tmp image) and clears away what is left of ended ones, because both have long tails. Neither parses anything
// but fixed structs (wire.h). Linux 6.1 or later, root, cgroup v2 or v1.

#include <cstdint>
#include <string>

#include "base/result.h"
#include "os/fd.h"

namespace gust::sandbox {

struct WardenConfig {
  std::string state_directory;  // STATE; only STATE/code and anonymous files in STATE are used
  std::string root_directory;   // curated root tree (root_tree.h)
  std::string init_path;        // static helper: PID 1
  std::string unpack_path;      // static helper: /unpack; empty: Kind::Unpack is refused
  uint32_t uid_base = 900000;   // daemon; +1 code uid; sandboxes from +16 upwards, one each, recycled
  std::string boot_id;          // [0-9a-zA-Z-]; names the parent cgroup gust-STATEHASH-BOOTID
  uint64_t memory_limit = 0;    // of all sandboxes together; 0: none
  uint32_t cpu_weight = 50;     // of all sandboxes together; 100 is what everything else on the host has
  uint32_t host_cpus = 0;       // 0: as the kernel says
  uint32_t kits = 8;            // prepared starts kept for each size of /tmp that is in use
  std::string service_network =
      "10.177.0.0/16";       // addresses of services, /16 to /24; the next range where it is in use; empty: none
  bool force_tmpfs = false;  // /tmp as tmpfs, charged as memory (also the fallback without loop devices)
};

// Run until the daemon's (the starter's) end closes: then every sandbox is killed and cleared away and the result is 0.
// Anything else is a failure that was logged.
int run_starter(Fd daemon_channel, Fd remover_channel, const WardenConfig& config);
int run_remover(Fd starter_channel, const WardenConfig& config);

// Kills and removes what earlier boots of the same state directory left in cgroups. Everything else (mounts, loop images,
// namespaces) has no name and ends with its processes. Blocks for seconds where processes do not end. Safe while this boot
// serves; the remover does the same for earlier boots by itself, behind its first kits.
void clean_leftovers(const WardenConfig& config);

// What /tmp of new sandboxes is: "loop" or "tmpfs" (for `gust doctor`), with the reason in the second case.
std::string describe_tmp(const WardenConfig& config);

}  // namespace gust::sandbox
