// SPDX-License-Identifier: Apache-2.0

#include "sandbox/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "os/files.h"
#include "sandbox/cgroup_mounts.h"

namespace gust::sandbox {
namespace {

// CFS period: the shorter, the sooner a throttled function goes on. The kernel refuses quotas under 1 ms
// (min_cfs_quota_period, kernel/sched/core.c), so small shares get a period of 100 ms.
constexpr uint64_t kPeriodUs = 20'000, kLongPeriodUs = 100'000, kLeastQuotaUs = 1'000;

struct Quota {
  uint64_t period_us = kPeriodUs, quota_us = 0;  // quota 0: none
};
Quota quota_of(uint32_t milli) {
  Quota q;
  q.quota_us = milli * kPeriodUs / 1000;
  if (milli != 0 && q.quota_us < kLeastQuotaUs) {
    q.period_us = kLongPeriodUs;
    q.quota_us = std::max(milli * kLongPeriodUs / 1000, kLeastQuotaUs);
  }
  return q;
}

Result<Fd> open_at(int directory, const std::string& path, int flags) {
  Fd fd(openat(directory, path.c_str(), flags | O_CLOEXEC));
  if (!fd) return fail_errno("open " + path);
  return fd;
}

class Unified : public Cgroups {
 public:
  Unified(Fd top, Fd parent, std::string name) : top_(std::move(top)), parent_(std::move(parent)), name_(std::move(name)) {}
  bool unified() const override { return true; }

  Result<> limit_parent(uint64_t memory_bytes, uint32_t cpu_weight) override {
    TRY(write_at(top_.get(), "cgroup.subtree_control", "+cpu +memory +pids"));
    TRY(write_at(parent_.get(), "cgroup.subtree_control", "+cpu +memory +pids"));
    if (memory_bytes) TRY(write_at(parent_.get(), "memory.max", std::to_string(memory_bytes)));
    return write_at(parent_.get(), "cpu.weight", std::to_string(cpu_weight));
  }
  Result<> make(const std::string& name) override {
    if (mkdirat(parent_.get(), name.c_str(), 0755) != 0) return fail_errno("mkdir cgroup " + name);
    (void)write_at(parent_.get(), name + "/memory.swap.max", "0");  // absent without swap accounting
    return write_at(parent_.get(), name + "/memory.oom.group", "0");
  }
  Result<std::vector<Fd>> entrances(const std::string& name) override {
    std::vector<Fd> fds;
    fds.push_back(TRY(open_at(parent_.get(), name, O_RDONLY | O_DIRECTORY)));
    return fds;
  }
  Result<std::vector<Fd>> usage_files(const std::string& name) override {
    std::vector<Fd> fds;
    fds.push_back(TRY(open_at(parent_.get(), name + "/cpu.stat", O_RDONLY)));
    auto peak = open_at(parent_.get(), name + "/memory.peak", O_RDWR);  // can be written from Linux 6.12
    if (!peak) peak = open_at(parent_.get(), name + "/memory.peak", O_RDONLY);
    fds.push_back(TRY(std::move(peak)));
    fds.push_back(TRY(open_at(parent_.get(), name + "/memory.events", O_RDONLY)));
    fds.push_back(TRY(open_at(parent_.get(), name + "/pids.current", O_RDONLY)));
    fds.push_back(TRY(open_at(parent_.get(), name + "/cgroup.threads", O_RDONLY)));
    return fds;
  }
  Result<> set_memory(const std::string& name, uint64_t bytes) override {
    return write_at(parent_.get(), name + "/memory.max", std::to_string(bytes));
  }
  Result<> set_pids(const std::string& name, uint32_t most) override {
    return write_at(parent_.get(), name + "/pids.max", std::to_string(most));
  }
  Result<> set_cpu(const std::string& name, uint32_t milli) override {
    Quota q = quota_of(milli);
    return write_at(parent_.get(), name + "/cpu.max",
                    (q.quota_us ? std::to_string(q.quota_us) : "max") + " " + std::to_string(q.period_us));
  }
  Result<> freeze(const std::string& name, bool frozen) override {
    return write_at(parent_.get(), name + "/cgroup.freeze", frozen ? "1" : "0");
  }
  bool oom_killed(const std::string& name) override {
    auto events = read_at(parent_.get(), name + "/memory.events");
    return events && field_of(*events, "oom_kill") > 0;
  }
  Result<> remove(const std::string& name) override {
    if (auto removed = remove_group(parent_.get(), name)) return removed;
    if (!write_at(parent_.get(), name + "/cgroup.kill", "1")) (void)kill_group(parent_.get(), name);
    return remove_group(parent_.get(), name);
  }
  std::vector<std::string> list() override { return list_groups(parent_.get()); }
  Result<> remove_parent() override { return remove_group(top_.get(), name_); }

 private:
  Fd top_, parent_;
  std::string name_;
};

// One hierarchy may carry several controllers ("cpu,cpuacct"): then two of these are the same directory twice, which costs
// a needless write and nothing else.
class Legacy : public Cgroups {
 public:
  struct Controller {
    std::string name;
    Fd top, parent;
    bool own = true;  // false: the same directory as an earlier one
  };
  Legacy(std::vector<Controller> controllers, std::string name) : controllers_(std::move(controllers)), name_(std::move(name)) {}
  bool unified() const override { return false; }

  Result<> limit_parent(uint64_t memory_bytes, uint32_t cpu_weight) override {
    (void)write_at(dir("memory"), "memory.use_hierarchy", "1");  // always so, and then read-only, from Linux 5.11
    if (memory_bytes) TRY(write_at(dir("memory"), "memory.limit_in_bytes", std::to_string(memory_bytes)));
    // cpu.shares has 1024 where cpu.weight has 100.
    return write_at(dir("cpu"), "cpu.shares", std::to_string(std::max<uint64_t>(2, uint64_t{cpu_weight} * 1024 / 100)));
  }
  Result<> make(const std::string& name) override {
    for (const Controller& c : controllers_) {
      if (c.own && mkdirat(c.parent.get(), name.c_str(), 0755) != 0) return fail_errno("mkdir cgroup " + name);
    }
    return write_at(dir("cpu"), name + "/cpu.cfs_period_us", std::to_string(kPeriodUs));
  }
  Result<std::vector<Fd>> entrances(const std::string& name) override {
    std::vector<Fd> fds;
    for (const Controller& c : controllers_) {
      if (c.own) fds.push_back(TRY(open_at(c.parent.get(), name + "/cgroup.procs", O_WRONLY)));
    }
    return fds;
  }
  Result<std::vector<Fd>> usage_files(const std::string& name) override {
    std::vector<Fd> fds;
    fds.push_back(TRY(open_at(dir("cpuacct"), name + "/cpuacct.usage", O_RDONLY)));
    fds.push_back(TRY(open_at(dir("cpuacct"), name + "/cpuacct.usage_all", O_RDONLY)));
    fds.push_back(TRY(open_at(dir("cpu"), name + "/cpu.stat", O_RDONLY)));
    fds.push_back(TRY(open_at(dir("memory"), name + "/memory.max_usage_in_bytes", O_RDWR)));
    fds.push_back(TRY(open_at(dir("memory"), name + "/memory.oom_control", O_RDONLY)));
    fds.push_back(TRY(open_at(dir("pids"), name + "/pids.current", O_RDONLY)));
    fds.push_back(TRY(open_at(dir("pids"), name + "/tasks", O_RDONLY)));
    return fds;
  }
  Result<> set_memory(const std::string& name, uint64_t bytes) override {
    std::string text = std::to_string(bytes), both = name + "/memory.memsw.limit_in_bytes",
                plain = name + "/memory.limit_in_bytes";
    // The sum with swap must never be the smaller one: which goes first depends on the direction. Absent without swap
    // accounting.
    auto grown = write_at(dir("memory"), both, text);
    auto set = write_at(dir("memory"), plain, text);
    if (set && !grown) (void)write_at(dir("memory"), both, text);
    return set;
  }
  Result<> set_pids(const std::string& name, uint32_t most) override {
    return write_at(dir("pids"), name + "/pids.max", std::to_string(most));
  }
  Result<> set_cpu(const std::string& name, uint32_t milli) override {
    Quota q = quota_of(milli);
    if (q.period_us != kPeriodUs) {
      TRY(write_at(dir("cpu"), name + "/cpu.cfs_quota_us", "-1"));  // a quota must fit the period at every moment
      TRY(write_at(dir("cpu"), name + "/cpu.cfs_period_us", std::to_string(q.period_us)));
    }
    return write_at(dir("cpu"), name + "/cpu.cfs_quota_us", q.quota_us ? std::to_string(q.quota_us) : "-1");
  }
  Result<> freeze(const std::string& name, bool frozen) override {
    return write_at(dir("freezer"), name + "/freezer.state", frozen ? "FROZEN" : "THAWED");
  }
  bool oom_killed(const std::string& name) override {
    auto control = read_at(dir("memory"), name + "/memory.oom_control");
    return control && field_of(*control, "oom_kill") > 0;
  }
  Result<> remove(const std::string& name) override {
    (void)freeze(name, false);  // the frozen do not die
    (void)kill_group(dir("pids"), name);
    Result<> all;
    for (const Controller& c : controllers_) {
      if (auto removed = remove_group(c.parent.get(), name); !removed) all = std::move(removed);
    }
    return all;
  }
  std::vector<std::string> list() override {
    std::vector<std::string> all;
    for (const Controller& c : controllers_) {
      for (std::string& name : list_groups(c.parent.get())) {
        if (std::find(all.begin(), all.end(), name) == all.end()) all.push_back(std::move(name));
      }
    }
    return all;
  }
  Result<> remove_parent() override {
    Result<> all;
    for (const Controller& c : controllers_) {
      if (auto removed = remove_group(c.top.get(), name_); !removed) all = std::move(removed);
    }
    return all;
  }

 private:
  int dir(std::string_view controller) const {
    for (const Controller& c : controllers_) {
      if (c.name == controller) return c.parent.get();
    }
    return -1;
  }

  std::vector<Controller> controllers_;
  std::string name_;
};

Result<std::unique_ptr<Cgroups>> open_legacy(const CgroupMounts& mounts, const std::string& parent) {
  std::vector<Legacy::Controller> controllers;
  std::vector<std::string> seen;
  for (const char* name : {"cpu", "cpuacct", "memory", "pids", "freezer"}) {
    auto found = mounts.legacy.find(name);
    if (found == mounts.legacy.end()) {
      return fail(Errc::Unsupported, std::string("no cgroup controller '") + name + "' is mounted (version 1 or 2)");
    }
    struct stat st {};
    Fd top = TRY(files::open(found->second, O_RDONLY | O_DIRECTORY));
    if (fstat(top.get(), &st) != 0) return fail_errno("stat " + found->second);
    std::string device = std::to_string(st.st_dev);
    bool own = std::find(seen.begin(), seen.end(), device) == seen.end();
    seen.push_back(device);
    controllers.push_back({name, std::move(top), TRY(open_group(found->second, parent)), own});
  }
  return std::make_unique<Legacy>(std::move(controllers), parent);
}

}  // namespace

Result<std::unique_ptr<Cgroups>> open_cgroups(const std::string& parent) {
  CgroupMounts mounts = find_cgroup_mounts();
  if (mounts.unified.empty()) return open_legacy(mounts, parent);
  Fd top = TRY(files::open(mounts.unified, O_RDONLY | O_DIRECTORY));
  Fd group = TRY(open_group(mounts.unified, parent));
  return std::make_unique<Unified>(std::move(top), std::move(group), parent);
}

std::vector<std::string> cgroup_parents(const std::string& prefix) {
  CgroupMounts mounts = find_cgroup_mounts();
  std::vector<std::string> points, names;
  if (!mounts.unified.empty()) points.push_back(mounts.unified);
  for (const auto& [controller, point] : mounts.legacy) points.push_back(point);
  for (const std::string& point : points) {
    auto entries = files::list(point);
    if (!entries) continue;
    for (std::string& name : *entries) {
      if (name.starts_with(prefix) && std::find(names.begin(), names.end(), name) == names.end())
        names.push_back(std::move(name));
    }
  }
  return names;
}

}  // namespace gust::sandbox
