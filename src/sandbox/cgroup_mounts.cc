// SPDX-License-Identifier: Apache-2.0

#include "sandbox/cgroup_mounts.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>

#include "os/files.h"

namespace gust::sandbox {
namespace {

bool has_word(const std::string& text, const std::string& word) {
  std::istringstream words(text);
  for (std::string w; words >> w;) {
    if (w == word) return true;
  }
  return false;
}

bool complete(const std::string& mount_point) {
  auto controllers = files::read(mount_point + "/cgroup.controllers");
  if (!controllers) return false;
  for (const char* needed : {"cpu", "memory", "pids"}) {
    if (!has_word(*controllers, needed)) return false;
  }
  return true;
}

}  // namespace

CgroupMounts find_cgroup_mounts() {
  CgroupMounts mounts;
  auto table = files::read("/proc/self/mounts", 1 << 20);
  if (!table) return mounts;
  std::istringstream lines(*table);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string device, point, type, options;
    if (!(fields >> device >> point >> type >> options)) continue;
    if (type == "cgroup2" && complete(point)) mounts.unified = point;
    if (type != "cgroup") continue;
    std::istringstream words(options);
    for (std::string option; std::getline(words, option, ',');) {
      for (const char* controller : {"cpu", "cpuacct", "memory", "pids", "freezer"}) {
        if (option == controller) mounts.legacy.emplace(controller, point);
      }
    }
  }
  return mounts;
}

Result<> write_at(int directory, const std::string& path, std::string_view text) {
  Fd fd(openat(directory, path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open " + path);
  if (::write(fd.get(), text.data(), text.size()) < 0) return fail_errno("write " + path);
  return {};
}

Result<std::string> read_at(int directory, const std::string& path) {
  Fd fd(openat(directory, path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open " + path);
  std::string text(4096, '\0');
  ssize_t n = ::read(fd.get(), text.data(), text.size());
  if (n < 0) return fail_errno("read " + path);
  text.resize(static_cast<size_t>(n));
  return text;
}

Result<Fd> open_group(const std::string& mount_point, const std::string& name) {
  std::string path = mount_point + "/" + name;
  if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return fail_errno("mkdir " + path);
  return files::open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

std::vector<std::string> list_groups(int directory) {
  std::vector<std::string> names;
  int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* dir = copy >= 0 ? fdopendir(copy) : nullptr;
  if (!dir) return names;
  while (const dirent* entry = readdir(dir)) {
    std::string name = entry->d_name;
    if (entry->d_type == DT_DIR && name != "." && name != "..") names.push_back(std::move(name));
  }
  closedir(dir);
  return names;
}

Result<> kill_group(int directory, const std::string& name) {
  std::string text = TRY(read_at(directory, name + "/cgroup.procs"));
  std::istringstream words(text);
  for (pid_t pid; words >> pid;) {
    if (pid > 1) kill(pid, SIGKILL);
  }
  return {};
}

Result<> remove_group(int directory, const std::string& name) {
  if (unlinkat(directory, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
  if (errno == EBUSY || errno == ENOTEMPTY) return fail(Errc::Exhausted, "cgroup " + name + " is still in use");
  return fail_errno("rmdir cgroup " + name);
}

uint64_t field_of(std::string_view text, std::string_view key) {
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find('\n', at);
    std::string_view line = text.substr(at, end == std::string_view::npos ? end : end - at);
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ') {
      return strtoull(std::string(line.substr(key.size() + 1)).c_str(), nullptr, 10);
    }
    if (end == std::string_view::npos) break;
    at = end + 1;
  }
  return 0;
}

}  // namespace gust::sandbox
