// SPDX-License-Identifier: Apache-2.0

#include "sandbox/leftovers.h"

#include <signal.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>

#include "base/log.h"
#include "sandbox/warden_names.h"

namespace gust::sandbox {
namespace {

constexpr int kMostAttempts = 500;
constexpr size_t kGroupsAtOnce = 32;

// Names of groups begin with the pid of the starter that they were made for.
bool has_owner(const std::string& name) {
  pid_t pid = static_cast<pid_t>(strtol(name.c_str(), nullptr, 10));
  return pid > 0 && (kill(pid, 0) == 0 || errno != ESRCH);
}

}  // namespace

Leftovers::Leftovers(const WardenConfig& config, Which which) {
  for (std::string& name : cgroup_parents(parent_prefix(config))) {
    bool own = name == parent_name(config);
    if (own && which == Which::OtherBoots) continue;
    auto cgroups = open_cgroups(name);
    if (cgroups) parents_.push_back({std::move(name), own, std::move(*cgroups), 0});
  }
}

bool Leftovers::clean(Parent& parent) {
  bool clean = true;
  size_t count = 0;
  for (const std::string& name : parent.cgroups->list()) {
    if (parent.own_boot && has_owner(name)) continue;
    if (++count > kGroupsAtOnce) return false;
    clean &= parent.cgroups->remove(name).has_value();
  }
  // The own one is kept while a warden of this boot has groups in it.
  return clean && (parent.cgroups->remove_parent() || parent.own_boot);
}

bool Leftovers::step() {
  std::erase_if(parents_, [this](Parent& parent) {
    if (clean(parent)) return true;
    if (++parent.attempts < kMostAttempts) return false;
    log::warning("warden", "cannot remove what an earlier run left", {{"cgroup", parent.name}});
    return true;
  });
  return parents_.empty();
}

void clean_leftovers(const WardenConfig& config) {
  Leftovers leftovers(config, Leftovers::Which::All);
  while (!leftovers.step()) {
    timespec wait{0, 10'000'000};
    nanosleep(&wait, nullptr);
  }
}

}  // namespace gust::sandbox
