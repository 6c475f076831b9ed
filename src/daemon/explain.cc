// SPDX-License-Identifier: Apache-2.0

#include "daemon/explain.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/encoding.h"
#include "os/files.h"

namespace gust::daemon {
namespace {

void add(Value& list, std::string_view name, Value value, std::string_view source) {
  Value entry = Value::map();
  entry.set("name", name);
  entry.set("value", std::move(value));
  entry.set("source", source);
  list.push(std::move(entry));
}

// A file that holds one value, as a number where it is one.
void add_file(Value& list, std::string_view name, const std::string& path) {
  auto text = files::read(path, 4096);
  if (!text) return;
  const std::string_view value = std::string_view(*text).substr(0, text->find_last_not_of(" \n") + 1);
  const auto number = parse_int(value);
  add(list, name, number ? Value(*number) : Value(value), path);
}

// Lines "Name:\tvalue" of /proc/PID/status.
void add_status(Value& list, const std::string& process) {
  const std::string path = process + "/status";
  auto text = files::read(path, 64 << 10);
  if (!text) return;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (colon == line.npos) continue;
    const std::string_view name = std::string_view(line).substr(0, colon), value = trim(std::string_view(line).substr(colon + 1));
    std::replace(line.begin(), line.end(), '\t', ' ');
    for (const std::string_view shown : {"Uid", "Gid", "CapEff", "NoNewPrivs", "Seccomp", "Cpus_allowed_list", "Threads"}) {
      if (name == shown) add(list, name, value, path);
    }
  }
}

// Where the hierarchy with this controller is mounted; empty controller: version 2.
std::string mount_of(std::string_view controller) {
  std::ifstream mounts("/proc/self/mounts");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string device, where, type, options;
    words >> device >> where >> type >> options;
    if (controller.empty()
            ? type == "cgroup2"
            : type == "cgroup" && ("," + options + ",").find("," + std::string(controller) + ",") != std::string::npos) {
      return where;
    }
  }
  return "";
}

struct GroupFile {
  std::string_view name, controller, file;
};

void add_group_files(Value& list, const std::string& process) {
  static constexpr GroupFile kLegacy[] = {{"memory limit (bytes)", "memory", "memory.limit_in_bytes"},
                                          {"memory peak (bytes)", "memory", "memory.max_usage_in_bytes"},
                                          {"cpu quota (us)", "cpu", "cpu.cfs_quota_us"},
                                          {"cpu period (us)", "cpu", "cpu.cfs_period_us"},
                                          {"pids limit", "pids", "pids.max"}};
  static constexpr GroupFile kUnified[] = {{"memory limit (bytes)", "", "memory.max"},
                                           {"memory peak (bytes)", "", "memory.peak"},
                                           {"cpu quota and period (us)", "", "cpu.max"},
                                           {"pids limit", "", "pids.max"}};
  std::ifstream groups(process + "/cgroup");
  for (std::string line; std::getline(groups, line);) {  // "4:memory:/path", "0::/path"
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",", path = line.substr(second + 1);
    for (const GroupFile& f : kLegacy) {
      if (controllers.find("," + std::string(f.controller) + ",") == controllers.npos) continue;
      add_file(list, f.name, mount_of(f.controller) + path + "/" + std::string(f.file));
    }
    if (controllers != ",,") continue;
    for (const GroupFile& f : kUnified) add_file(list, f.name, mount_of("") + path + "/" + std::string(f.file));
  }
}

Value explain_environment(const invoke::Environment& e) {
  Value v = Value::map();
  v.set("environment", e.name);
  v.set("state", invoke::name_of(e.state));
  v.set("cause", e.cause);
  v.set("executions", e.executions);
  Value values = Value::list();
  const int64_t pid = e.sandbox ? pid_of(e.sandbox->pidfd.get()) : -1;
  v.set("host_pid", pid);
  if (pid > 0) {
    const std::string process = "/proc/" + std::to_string(pid);
    add_status(values, process);
    add_group_files(values, process);
  }
  v.set("values", std::move(values));
  return v;
}

Value settings_of(const invoke::Function& f) {
  Value list = Value::list();
  add(list, "memory (MB)", f.memory_mb, "MemorySize");
  add(list, "cpu (thousandths of a vCPU)", invoke::cpu_milli(f.memory_mb), "MemorySize / 1769; all of the host's during init");
  add(list, "visible CPUs", invoke::visible_cpus(f.memory_mb), "MemorySize, as AWS shows; capped at the host's");
  add(list, "timeout (s)", f.timeout_s, "Timeout");
  add(list, "/tmp (MB)", f.tmp_mb, "EphemeralStorage");
  add(list, "reserved concurrency", f.reserved_concurrency, "PutFunctionConcurrency; -1: none");
  add(list, "retries of asynchronous events", f.max_retries, "AWS's default");
  add(list, "age of asynchronous events (s)", f.max_event_age_s, "AWS's default");
  add(list, "runtime", f.runtime, "Runtime");
  add(list, "code", f.code, "SHA-256 of the zip; unpacked below code/ of the state directory");
  add(list, "isolation",
      "user, pid, mount, net, ipc, uts and cgroup namespaces; seccomp; Landlock; no capabilities; read-only root", "SECURITY.md");
  return list;
}

}  // namespace

int64_t pid_of(int pidfd) {
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(pidfd));
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with("Pid:")) continue;
    const auto pid = parse_int(trim(std::string_view(line).substr(4)));
    return pid ? *pid : -1;
  }
  return -1;
}

Value explain_function(const invoke::Router& router, const std::string& arn) {
  Value out = Value::map();
  const invoke::FunctionPtr function = router.find(arn);
  out.set("function", function->name);
  out.set("arn", arn);
  out.set("settings", settings_of(*function));
  Value environments = Value::list();
  router.each_environment([&](const invoke::Environment& e) {
    if (e.function->arn == arn) environments.push(explain_environment(e));
  });
  out.set("environments", std::move(environments));
  return out;
}

}  // namespace gust::daemon
