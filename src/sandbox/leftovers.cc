// SPDX-License-Identifier: Apache-2.0

#include <signal.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>

#include "base/log.h"
#include "sandbox/cgroup.h"
#include "sandbox/warden_names.h"
#include "sandbox/warden_process.h"

namespace gust::sandbox {
namespace {

// Of this boot only what a starter made that is no more (names begin with its pid).
bool has_owner(const std::string& name) {
  pid_t pid = static_cast<pid_t>(strtol(name.c_str(), nullptr, 10));
  return pid > 0 && (kill(pid, 0) == 0 || errno != ESRCH);
}

void clean_parent(const std::string& parent, bool own_boot) {
  auto cgroups = open_cgroups(parent);
  if (!cgroups) return;
  for (int attempt = 0; attempt < 200; ++attempt) {
    bool clean = true;
    for (const std::string& name : (*cgroups)->list()) {
      if (!(own_boot && has_owner(name))) clean &= (*cgroups)->remove(name).has_value();
    }
    // Refused while a warden of this boot has groups in it.
    if (clean && ((*cgroups)->remove_parent() || own_boot)) return;
    timespec wait{0, 10'000'000};
    nanosleep(&wait, nullptr);
  }
  log::warning("warden", "cannot remove what an earlier run left", {{"cgroup", parent}});
}

}  // namespace

void clean_leftovers(const WardenConfig& config) {
  for (const std::string& parent : cgroup_parents(parent_prefix(config))) {
    clean_parent(parent, parent == parent_name(config));
  }
}

}  // namespace gust::sandbox
