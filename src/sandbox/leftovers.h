// SPDX-License-Identifier: Apache-2.0

#pragma once

// Control groups that earlier boots of the same state directory left when they were killed, and what is still in them. All
// else of a sandbox (mounts, loop devices, namespaces) has no name and ends with its processes. Not thread-safe.

#include <memory>
#include <string>
#include <vector>

#include "sandbox/cgroup.h"
#include "sandbox/warden_process.h"

namespace gust::sandbox {

class Leftovers {
 public:
  enum class Which { OtherBoots, All };  // All: and of this boot what belongs to a starter that is no more
  Leftovers(const WardenConfig& config, Which which);
  // Does a little, some milliseconds at most. True: nothing is left to do; else again some 10 ms later.
  bool step();

 private:
  struct Parent {
    std::string name;
    bool own_boot = false;
    std::unique_ptr<Cgroups> cgroups;
    int attempts = 0;
  };
  bool clean(Parent& parent);
  std::vector<Parent> parents_;
};

}  // namespace gust::sandbox
