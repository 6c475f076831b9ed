// SPDX-License-Identifier: Apache-2.0

#pragma once

// Control groups, version 1 or 2, whichever carries the cpu, memory and pids controllers here. One parent group for all
// sandboxes of a start (gust-BOOT), one group in it for each sandbox. Used by the warden's processes; not thread-safe.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/fd.h"

namespace gust::sandbox {

// CFS period: short, so that a throttled runtime is never asleep for longer than its client's 100-ms limits.
inline constexpr uint32_t kCpuPeriodUs = 20'000;

class Cgroups {
 public:
  virtual ~Cgroups() = default;
  // The parent group, with a limit for all sandboxes together (0: none) and a low CPU weight.
  virtual Result<> make_parent(uint64_t memory_limit) = 0;
  virtual Result<> make(const std::string& name) = 0;
  virtual void remove(const std::string& name) = 0;  // empty groups only; absence is no error
  virtual void remove_parent() = 0;
  virtual Result<> set_memory(const std::string& name, uint64_t bytes) = 0;
  virtual Result<> set_pids(const std::string& name, uint32_t most) = 0;
  virtual Result<> set_cpu(const std::string& name, uint32_t milli) = 0;  // 0: no limit
  virtual Result<> freeze(const std::string& name, bool frozen) = 0;
  virtual void kill(const std::string& name) = 0;  // every process in it
  // Descriptors to which a process writes "0" to enter the group.
  virtual Result<std::vector<Fd>> entries(const std::string& name) = 0;
  // Files for read_usage(), in its order.
  virtual Result<std::vector<Fd>> usage_files(const std::string& name) = 0;
  virtual uint64_t oom_kills(const std::string& name) = 0;
  virtual int version() const = 0;
};

// `parent` is the name of the parent group. Errors: Unsupported where neither version has the controllers.
Result<std::unique_ptr<Cgroups>> open_cgroups(const std::string& parent);
// Names of parent groups of ours that exist (also of other starts).
std::vector<std::string> existing_parents();

}  // namespace gust::sandbox
