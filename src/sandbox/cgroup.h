// SPDX-License-Identifier: Apache-2.0

#pragma once

// Control groups of sandboxes behind one interface: version 2 (one directory) or version 1 (a directory per controller),
// whichever has the controllers here. All groups lie under one parent, so that sandboxes together are limited and weigh
// less than the platform. Used by starter and remover at the same time: names are never shared. Not thread-safe.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/fd.h"

namespace gust::sandbox {

class Cgroups {
 public:
  virtual ~Cgroups() = default;
  virtual bool unified() const = 0;
  virtual Result<> limit_parent(uint64_t memory_bytes, uint32_t cpu_weight) = 0;  // 0 memory: no limit
  virtual Result<> make(const std::string& name) = 0;
  // What the child uses to get in: v1: files "cgroup.procs", one a controller, to write "0" to; v2: the directory.
  virtual Result<std::vector<Fd>> entrances(const std::string& name) = 0;
  virtual Result<std::vector<Fd>> usage_files(const std::string& name) = 0;  // in usage.h's order
  virtual Result<> set_memory(const std::string& name, uint64_t bytes) = 0;
  virtual Result<> set_pids(const std::string& name, uint32_t most) = 0;
  virtual Result<> set_cpu(const std::string& name, uint32_t milli) = 0;  // 0: no limit
  virtual Result<> freeze(const std::string& name, bool frozen) = 0;
  virtual bool oom_killed(const std::string& name) = 0;
  // Kills whatever is still inside and removes the group. Exhausted: something inside has not ended yet, try again.
  virtual Result<> remove(const std::string& name) = 0;
  virtual std::vector<std::string> list() = 0;  // groups under the parent
  virtual Result<> remove_parent() = 0;
};

// The groups under PARENT (made where absent). Unsupported: neither version has cpu, memory and pids.
Result<std::unique_ptr<Cgroups>> open_cgroups(const std::string& parent);

// Names of directories with this prefix at the top of the hierarchy, for finding leftovers.
std::vector<std::string> cgroup_parents(const std::string& prefix);

}  // namespace gust::sandbox
