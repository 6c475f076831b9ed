// SPDX-License-Identifier: Apache-2.0

#pragma once

// What `gust doctor` looks at: whether this machine has what sandboxes need, and what falls away where it has not. Nothing
// is changed: probes read files, ask the kernel, and try namespaces in a child that ends at once.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/value.h"

namespace gust::cli {

enum class Health { Ok, Degraded, Missing };  // Missing: `gust serve` cannot work
std::string_view name_of(Health health);

struct Check {
  std::string name;
  Health health = Health::Ok;
  std::string found;   // what is there
  std::string advice;  // what falls away and what to do; empty where all is well
};

// The machine as the probes see it. Tests give their own tree of files and answers.
struct Host {
  std::string root;                      // in front of /proc, /sys, /dev, /etc, /usr; empty: the real ones
  std::string kernel;                    // uname(2)'s release
  uint32_t uid = 0;                      // effective
  int landlock_abi = 0;                  // 0: none
  std::string path;                      // $PATH
  std::function<int()> make_namespaces;  // errno of making a user, pid and network namespace; 0: done
};
Host this_host();

Check check_kernel(const Host& host);
Check check_root(const Host& host);
Check check_cgroups(const Host& host);
Check check_namespaces(const Host& host);
Check check_seccomp(const Host& host);
Check check_landlock(const Host& host);
Check check_tmp(const Host& host);
Check check_uids(const Host& host);
Check check_aws(const Host& host);

std::vector<Check> examine(const Host& host);  // all of them, in that order

}  // namespace gust::cli
