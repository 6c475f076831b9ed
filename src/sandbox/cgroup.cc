// SPDX-License-Identifier: Apache-2.0

#include "sandbox/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>
#include <sstream>

#include "base/encoding.h"
#include "os/files.h"

namespace gust::sandbox {
namespace {

constexpr char kPrefix[] = "gust-";

// Where each version 1 controller, and the version 2 tree ("unified"), is mounted.
std::map<std::string, std::string> mounts() {
  std::map<std::string, std::string> found;
  auto text = files::read("/proc/self/mounts", 4 << 20);
  if (!text) return found;
  std::istringstream lines(*text);
  std::string device, directory, type, options, rest;
  while (lines >> device >> directory >> type >> options && std::getline(lines, rest)) {
    if (type == "cgroup2") found.emplace("unified", directory);
    if (type != "cgroup") continue;
    std::istringstream list(options);
    for (std::string option; std::getline(list, option, ',');) found.emplace(option, directory);
  }
  return found;
}

Result<> write_value(const std::string& path, const std::string& value) {
  Fd fd = TRY(files::open(path, O_WRONLY));
  if (::write(fd.get(), value.data(), value.size()) < 0) return fail_errno("write " + value + " to " + path);
  return {};
}

Result<> make_group(const std::string& path) {
  if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return fail_errno("mkdir " + path);
  return {};
}

void kill_all(const std::string& procs) {
  // Processes may fork while we read: again until none is left, a few times.
  for (int round = 0; round < 20; ++round) {
    auto text = files::read(procs, 1 << 20);
    if (!text || text->empty()) return;
    std::istringstream pids(*text);
    for (pid_t pid; pids >> pid;) ::kill(pid, SIGKILL);
  }
}

uint64_t quota_us(uint32_t milli) { return std::max<uint64_t>(1000, uint64_t{milli} * kCpuPeriodUs / 1000); }

uint64_t field_after(std::string_view text, std::string_view name) {
  size_t at = text.find(name);
  return at == std::string_view::npos ? 0 : std::strtoull(text.data() + at + name.size(), nullptr, 10);
}

class V1 final : public Cgroups {
 public:
  V1(std::map<std::string, std::string> where, std::string parent) : where_(std::move(where)), parent_(std::move(parent)) {}

  Result<> make_parent(uint64_t memory_limit) override {
    for (const char* controller : kControllers) TRY(make_group(path(controller, "")));
    if (memory_limit) TRY(write_value(path("memory", "") + "/memory.limit_in_bytes", std::to_string(memory_limit)));
    // Half of the default 1024: tenants together get a third of a contended CPU beside the platform.
    return write_value(path("cpu", "") + "/cpu.shares", "512");
  }
  Result<> make(const std::string& name) override {
    for (const char* controller : kControllers) TRY(make_group(path(controller, name)));
    return {};
  }
  void remove(const std::string& name) override {
    for (const char* controller : kControllers) rmdir(path(controller, name).c_str());
  }
  void remove_parent() override {
    for (const char* controller : kControllers) {
      if (auto names = files::list(path(controller, ""))) {
        for (const std::string& name : *names) {
          std::string group = path(controller, name);
          struct stat st{};
          if (stat(group.c_str(), &st) != 0 || !S_ISDIR(st.st_mode)) continue;
          kill_all(group + "/cgroup.procs");
          for (int i = 0; i < 100 && rmdir(group.c_str()) != 0 && errno == EBUSY; ++i) usleep(10'000);
        }
      }
      rmdir(path(controller, "").c_str());
    }
  }
  Result<> set_memory(const std::string& name, uint64_t bytes) override {
    std::string value = std::to_string(bytes);
    TRY(write_value(path("memory", name) + "/memory.limit_in_bytes", value));
    // Swap counts as memory, where the kernel accounts for it.
    std::string swap = path("memory", name) + "/memory.memsw.limit_in_bytes";
    if (files::exists(swap)) TRY(write_value(swap, value));
    return {};
  }
  Result<> set_pids(const std::string& name, uint32_t most) override {
    return write_value(path("pids", name) + "/pids.max", std::to_string(most));
  }
  Result<> set_cpu(const std::string& name, uint32_t milli) override {
    TRY(write_value(path("cpu", name) + "/cpu.cfs_period_us", std::to_string(kCpuPeriodUs)));
    return write_value(path("cpu", name) + "/cpu.cfs_quota_us", milli ? std::to_string(quota_us(milli)) : "-1");
  }
  Result<> freeze(const std::string& name, bool frozen) override {
    return write_value(path("freezer", name) + "/freezer.state", frozen ? "FROZEN" : "THAWED");
  }
  void kill(const std::string& name) override {
    (void)freeze(name, false);
    kill_all(path("pids", name) + "/cgroup.procs");
  }
  Result<std::vector<Fd>> entries(const std::string& name) override {
    std::vector<Fd> fds;
    for (const char* controller : kControllers) {
      fds.push_back(TRY(files::open(path(controller, name) + "/cgroup.procs", O_WRONLY)));
    }
    return fds;
  }
  Result<std::vector<Fd>> usage_files(const std::string& name) override {
    std::vector<Fd> fds;
    fds.push_back(TRY(files::open(path("cpuacct", name) + "/cpuacct.usage_user", O_RDONLY)));
    fds.push_back(TRY(files::open(path("cpuacct", name) + "/cpuacct.usage_sys", O_RDONLY)));
    fds.push_back(TRY(files::open(path("cpu", name) + "/cpu.stat", O_RDONLY)));
    fds.push_back(TRY(files::open(path("memory", name) + "/memory.max_usage_in_bytes", O_RDWR)));
    fds.push_back(TRY(files::open(path("memory", name) + "/memory.oom_control", O_RDONLY)));
    return fds;
  }
  uint64_t oom_kills(const std::string& name) override {
    auto text = files::read(path("memory", name) + "/memory.oom_control", 4096);
    return text ? field_after(*text, "oom_kill ") : 0;
  }
  int version() const override { return 1; }

 private:
  static constexpr std::array kControllers = {"cpu", "cpuacct", "memory", "pids", "freezer"};
  std::string path(const char* controller, const std::string& name) const {
    std::string base = where_.at(controller) + "/" + parent_;
    return name.empty() ? base : base + "/" + name;
  }
  std::map<std::string, std::string> where_;
  std::string parent_;
};

class V2 final : public Cgroups {
 public:
  V2(std::string root, std::string parent) : root_(std::move(root)), parent_(std::move(parent)) {}

  Result<> make_parent(uint64_t memory_limit) override {
    TRY(write_value(root_ + "/cgroup.subtree_control", "+cpu +memory +pids"));
    TRY(make_group(path("")));
    TRY(write_value(path("") + "/cgroup.subtree_control", "+cpu +memory +pids"));
    if (memory_limit) TRY(write_value(path("") + "/memory.max", std::to_string(memory_limit)));
    return write_value(path("") + "/cpu.weight", "50");
  }
  Result<> make(const std::string& name) override { return make_group(path(name)); }
  void remove(const std::string& name) override { rmdir(path(name).c_str()); }
  void remove_parent() override {
    if (auto names = files::list(path(""))) {
      for (const std::string& name : *names) {
        struct stat st{};
        if (stat(path(name).c_str(), &st) != 0 || !S_ISDIR(st.st_mode)) continue;
        kill(name);
        for (int i = 0; i < 100 && rmdir(path(name).c_str()) != 0 && errno == EBUSY; ++i) usleep(10'000);
      }
    }
    rmdir(path("").c_str());
  }
  Result<> set_memory(const std::string& name, uint64_t bytes) override {
    TRY(write_value(path(name) + "/memory.max", std::to_string(bytes)));
    if (files::exists(path(name) + "/memory.swap.max")) TRY(write_value(path(name) + "/memory.swap.max", "0"));
    return {};
  }
  Result<> set_pids(const std::string& name, uint32_t most) override {
    return write_value(path(name) + "/pids.max", std::to_string(most));
  }
  Result<> set_cpu(const std::string& name, uint32_t milli) override {
    std::string quota = milli ? std::to_string(quota_us(milli)) : "max";
    return write_value(path(name) + "/cpu.max", quota + " " + std::to_string(kCpuPeriodUs));
  }
  Result<> freeze(const std::string& name, bool frozen) override {
    return write_value(path(name) + "/cgroup.freeze", frozen ? "1" : "0");
  }
  void kill(const std::string& name) override {
    if (!write_value(path(name) + "/cgroup.kill", "1")) kill_all(path(name) + "/cgroup.procs");
  }
  Result<std::vector<Fd>> entries(const std::string& name) override {
    std::vector<Fd> fds;
    fds.push_back(TRY(files::open(path(name) + "/cgroup.procs", O_WRONLY)));
    return fds;
  }
  Result<std::vector<Fd>> usage_files(const std::string& name) override {
    std::vector<Fd> fds;
    fds.push_back(TRY(files::open(path(name) + "/cpu.stat", O_RDONLY)));
    fds.push_back(TRY(files::open(path(name) + "/memory.peak", O_RDONLY)));  // Linux 5.19
    fds.push_back(TRY(files::open(path(name) + "/memory.events", O_RDONLY)));
    return fds;
  }
  uint64_t oom_kills(const std::string& name) override {
    auto text = files::read(path(name) + "/memory.events", 4096);
    return text ? field_after(*text, "oom_kill ") : 0;
  }
  int version() const override { return 2; }

 private:
  std::string path(const std::string& name) const {
    return name.empty() ? root_ + "/" + parent_ : root_ + "/" + parent_ + "/" + name;
  }
  std::string root_, parent_;
};

}  // namespace

Result<std::unique_ptr<Cgroups>> open_cgroups(const std::string& parent) {
  auto where = mounts();
  bool v1 = true;
  for (const char* controller : {"cpu", "cpuacct", "memory", "pids", "freezer"}) v1 = v1 && where.count(controller);
  if (v1) return std::make_unique<V1>(std::move(where), parent);
  if (where.count("unified")) {
    auto controllers = files::read(where["unified"] + "/cgroup.controllers", 4096);
    if (controllers && controllers->find("memory") != std::string::npos && controllers->find("pids") != std::string::npos) {
      return std::make_unique<V2>(where["unified"], parent);
    }
  }
  return fail(Errc::Unsupported, "no cgroup hierarchy with the cpu, memory and pids controllers is mounted");
}

std::vector<std::string> existing_parents() {
  std::vector<std::string> parents;
  auto where = mounts();
  for (const char* tree : {"pids", "memory", "cpu", "unified"}) {
    auto it = where.find(tree);
    if (it == where.end()) continue;
    auto names = files::list(it->second);
    if (!names) continue;
    for (const std::string& name : *names) {
      if (name.starts_with(kPrefix)) parents.push_back(name);
    }
  }
  return parents;
}

}  // namespace gust::sandbox
