// SPDX-License-Identifier: Apache-2.0

#pragma once

// Where control groups are mounted, and the small file helpers that both versions use.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/fd.h"

namespace gust::sandbox {

struct CgroupMounts {
  std::string unified;                        // v2 mount with cpu, memory and pids; empty: none
  std::map<std::string, std::string> legacy;  // v1: controller -> mount point
};
CgroupMounts find_cgroup_mounts();

Result<> write_at(int directory, const std::string& path, std::string_view text);
Result<std::string> read_at(int directory, const std::string& path);
// Opens the group's directory below the mount point, making it where absent.
Result<Fd> open_group(const std::string& mount_point, const std::string& name);
std::vector<std::string> list_groups(int directory);
Result<> kill_group(int directory, const std::string& name);     // SIGKILL to all in cgroup.procs
Result<> remove_group(int directory, const std::string& name);   // rmdir; Exhausted where it is still in use
uint64_t field_of(std::string_view text, std::string_view key);  // "key value" lines; 0 where absent

}  // namespace gust::sandbox
