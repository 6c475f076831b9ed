// SPDX-License-Identifier: Apache-2.0

#include "cli/probes.h"

#include <sched.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>

#include "base/encoding.h"
#include "os/files.h"

namespace gust::cli {
namespace {

constexpr uint32_t kUidBase = 900'000, kUids = 65'536;  // `uid_base` of the configuration, and what may be used from there
constexpr int kLandlockVersion = 1;                     // LANDLOCK_CREATE_RULESET_VERSION (landlock_create_ruleset(2))

std::string read(const Host& host, const std::string& path) { return files::read(host.root + path, 4 << 20).value_or(""); }

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, by);) out.push_back(part);
  return out;
}

bool has_word(const std::string& text, const std::string& word) {
  std::istringstream words(text);
  for (std::string w; words >> w;) {
    if (w == word) return true;
  }
  return false;
}

// In a child, so that this process keeps its own.
int try_namespaces() {
  const pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0)
    _exit(unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) ? errno : 0);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

struct Mounts {
  std::string unified_words;           // controllers of the v2 mount
  std::map<std::string, bool> legacy;  // v1 controller -> may be written
  bool unified = false, unified_writable = false;
};

Mounts cgroup_mounts(const Host& host) {
  Mounts mounts;
  for (const std::string& line : split(read(host, "/proc/self/mounts"), '\n')) {
    const auto fields = split(line, ' ');
    if (fields.size() < 4) continue;
    const auto options = split(fields[3], ',');
    const bool writable = !options.empty() && options[0] == "rw";
    if (fields[2] == "cgroup2" && !mounts.unified) {
      mounts.unified = true;
      mounts.unified_writable = writable;
      mounts.unified_words = read(host, fields[1] + "/cgroup.controllers");
    }
    if (fields[2] != "cgroup") continue;
    for (const std::string& option : options) mounts.legacy.emplace(option, writable);
  }
  return mounts;
}

std::string missing_words(const std::vector<std::string>& wanted, const std::function<bool(const std::string&)>& has) {
  std::string out;
  for (const std::string& word : wanted) {
    if (!has(word)) out += (out.empty() ? "" : ", ") + word;
  }
  return out;
}

std::string find_program(const Host& host, const std::string& path, const std::string& name) {
  for (const std::string& directory : split(path, ':')) {
    const std::string program = directory + "/" + name;
    if (!directory.empty() && access((host.root + program).c_str(), X_OK) == 0) return program;
  }
  return {};
}

// Who has user ids of the range: "NAME (FILE)", empty: nobody.
std::string owner_of_uids(const Host& host) {
  for (const char* file : {"/etc/passwd", "/etc/subuid"}) {
    const bool ranges = std::string_view(file) == "/etc/subuid";
    for (const std::string& line : split(read(host, file), '\n')) {
      const auto fields = split(line, ':');
      if (fields.size() < 3) continue;
      const auto first = parse_uint(fields[ranges ? 1 : 2]), count = ranges ? parse_uint(fields[2]) : Result<uint64_t>(1);
      if (!first || !count || *first >= kUidBase + kUids || *first + *count <= kUidBase) continue;
      return fields[0] + " (" + file + ")";
    }
  }
  return {};
}

}  // namespace

std::string_view name_of(Health health) {
  switch (health) {
    case Health::Ok:
      return "ok";
    case Health::Degraded:
      return "degraded";
    case Health::Missing:
      return "missing";
  }
  return "";
}

Host this_host() {
  Host host;
  utsname name{};
  if (uname(&name) == 0) host.kernel = name.release;
  host.uid = geteuid();
  host.landlock_abi = static_cast<int>(syscall(SYS_landlock_create_ruleset, nullptr, 0, kLandlockVersion));
  if (const char* path = getenv("PATH")) host.path = path;
  host.make_namespaces = try_namespaces;
  return host;
}

// mount_setattr(2) came with 5.12; everything is tested from Debian 12's 6.1 on.
Check check_kernel(const Host& host) {
  Check check{"kernel", Health::Ok, "Linux " + host.kernel, ""};
  const int major = atoi(host.kernel.c_str());
  const size_t dot = host.kernel.find('.');
  const int version = major * 1000 + (dot == std::string::npos ? 0 : atoi(host.kernel.c_str() + dot + 1));
  if (version < 5012) {
    check.health = Health::Missing;
    check.advice = "sandboxes need 5.12 or newer: install a newer kernel (Debian 12 has 6.1)";
  } else if (version < 6001) {
    check.health = Health::Degraded;
    check.advice = "older than what is tested: use 6.1 or newer";
  }
  return check;
}

Check check_root(const Host& host) {
  if (host.uid == 0) return {"root", Health::Ok, "user id 0", ""};
  return {"root", Health::Missing, "user id " + std::to_string(host.uid),
          "'gust serve' makes namespaces, mounts and cgroups: run it, and this command, with sudo"};
}

Check check_cgroups(const Host& host) {
  const Mounts mounts = cgroup_mounts(host);
  const std::string absent =
      missing_words({"cpu", "memory", "pids"}, [&](const std::string& word) { return has_word(mounts.unified_words, word); });
  if (mounts.unified && absent.empty()) {
    if (mounts.unified_writable) return {"cgroups", Health::Ok, "version 2 with cpu, memory, pids", ""};
    return {"cgroups", Health::Missing, "version 2, mounted read-only",
            "limits cannot be set: mount it read-write (in a container: --privileged)"};
  }
  const std::vector<std::string> wanted = {"cpu", "cpuacct", "memory", "pids", "freezer"};
  const std::string legacy = missing_words(wanted, [&](const std::string& word) { return mounts.legacy.contains(word); });
  if (!legacy.empty()) {
    return {"cgroups", Health::Missing,
            mounts.unified          ? "version 2 without " + absent
            : mounts.legacy.empty() ? "none"
                                    : "version 1 without " + legacy,
            "limits of CPU, memory and processes cannot be set: mount version 2 (mount -t cgroup2 none /sys/fs/cgroup) or the "
            "missing controllers of version 1"};
  }
  const std::string closed = missing_words(wanted, [&](const std::string& word) { return mounts.legacy.at(word); });
  if (closed.empty()) return {"cgroups", Health::Ok, "version 1 with cpu, cpuacct, memory, pids, freezer", ""};
  return {"cgroups", Health::Missing, "version 1, read-only: " + closed,
          "limits cannot be set: mount them read-write (in a container: --privileged)"};
}

Check check_namespaces(const Host& host) {
  Check check{"namespaces", Health::Ok, "user, pid, net, mnt, ipc, uts, cgroup", ""};
  const std::string absent = missing_words({"user", "pid", "net", "mnt", "ipc", "uts", "cgroup"}, [&](const std::string& name) {
    return files::exists(host.root + "/proc/self/ns/" + name);
  });
  if (!absent.empty())
    return {check.name, Health::Missing, "none of kind " + absent, "sandboxes need a kernel that is built with them"};
  if (const int error = host.make_namespaces(); error != 0) {
    check.health = Health::Missing;
    check.found = std::string("cannot be made: ") + std::strerror(error);
    check.advice = error == ENOSPC || error == EUSERS ? "raise user.max_user_namespaces and its neighbours with sysctl"
                                                      : "run it as root, outside of a container that forbids them";
  }
  return check;
}

Check check_seccomp(const Host& host) {
  if (has_word(read(host, "/proc/sys/kernel/seccomp/actions_avail"), "errno")) return {"seccomp", Health::Ok, "filters", ""};
  return {"seccomp", Health::Missing, "no filters", "system calls cannot be restricted: use a kernel with CONFIG_SECCOMP_FILTER"};
}

Check check_landlock(const Host& host) {
  if (host.landlock_abi > 0) return {"Landlock", Health::Ok, "ABI " + std::to_string(host.landlock_abi), ""};
  return {"Landlock", Health::Degraded, "not enabled",
          "the second wall behind read-only mounts falls away: add 'landlock' to the kernel's lsm= option"};
}

Check check_tmp(const Host& host) {
  Check check{"/tmp images", Health::Ok, "loop devices and mke2fs", ""};
  std::string absent;
  if (access((host.root + "/dev/loop-control").c_str(), R_OK | W_OK) != 0) absent = "no loop devices (modprobe loop)";
  if (find_program(host, "/usr/sbin:/sbin", "mke2fs").empty()) {
    absent += std::string(absent.empty() ? "" : ", ") + "no mke2fs (apt install e2fsprogs)";
  }
  if (absent.empty()) return check;
  return {check.name, Health::Degraded, absent,
          "a function's /tmp is a tmpfs instead, and what is written there counts as its memory"};
}

Check check_uids(const Host& host) {
  const std::string range = std::to_string(kUidBase) + " to " + std::to_string(kUidBase + kUids - 1);
  const std::string owner = owner_of_uids(host);
  if (owner.empty()) return {"user ids", Health::Ok, range + " are free", ""};
  return {"user ids", Health::Degraded, range + ": some belong to " + owner,
          "sandboxes would share user ids with it: set uid_base (gust serve --uid-base) to a free range"};
}

Check check_aws(const Host& host) {
  if (const std::string program = find_program(host, host.path, "aws"); !program.empty())
    return {"AWS CLI", Health::Ok, program, ""};
  return {"AWS CLI", Health::Degraded, "not in PATH", "'gust aws' does not work: apt install awscli"};
}

std::vector<Check> examine(const Host& host) {
  return {check_kernel(host),   check_root(host), check_cgroups(host), check_namespaces(host), check_seccomp(host),
          check_landlock(host), check_tmp(host),  check_uids(host),    check_aws(host)};
}

}  // namespace gust::cli
