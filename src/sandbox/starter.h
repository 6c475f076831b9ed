// SPDX-License-Identifier: Apache-2.0

#pragma once

// The starter process's state (warden_process.h). launch.cc has what happens to kits: an init is started in the remover's
// parts ahead of time, and told to go when somebody asks for a sandbox.

#include <sys/resource.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "sandbox/cgroup.h"
#include "sandbox/kit_pool.h"
#include "sandbox/landlock.h"
#include "sandbox/sandbox.h"
#include "sandbox/starter_root.h"
#include "sandbox/wire.h"

namespace gust::sandbox {

class Starter {
 public:
  Starter(Fd daemon, Fd remover, const WardenConfig& config);
  Result<> prepare();
  int run();

 private:
  // A child: a sandbox, or a kit (id 0).
  struct Sandbox {
    uint64_t id = 0;
    std::string name;  // of its control group
    uint32_t uid = 0;
    uint64_t number = 0;  // of the kit
    bool frozen = false;
  };

  bool receive_kit();
  void receive_prepared();
  bool receive_request();
  void request_start(const wire::Request& request, std::vector<Fd> fds);
  void start(const wire::Request& request, std::vector<Fd>& fds, Kit& kit);
  void kit_failed(KitKind kind, int error, std::string_view text);
  void connect(const wire::Request& request, pid_t pid);
  void refuse(const wire::Request& request, int error, std::string_view text);
  void send(const wire::Report& report, const std::vector<int>& fds);
  bool note(const Result<>& result);
  void kill_sandbox(pid_t pid, Sandbox& sandbox);
  void remove_group(const std::string& name);
  void reap();
  void ended(pid_t pid, int status, const rusage& usage);
  int end(int status);
  uint32_t take_uid(Kind kind);
  void give_back_uid(uint32_t uid);

  Result<> launcher_prepare();
  Result<> start_init(Kit& kit);
  Result<> send_go(const wire::Request& request, const std::vector<Fd>& fds, Kit& kit);
  Result<Fd> code_mount(const std::string& name);
  Result<Fd> output_mount(const std::string& name, int ruleset);

  const WardenConfig& config_;
  Fd daemon_, remover_, signals_, home_, oom_score_;
  Fd prepared_, report_;  // both ends of the socket that inits say ready on
  StarterRoot root_;
  std::unique_ptr<Cgroups> cgroups_;
  KitPool kits_;
  int abi_ = 0;
  int own_oom_score_ = 0;
  int death_signal_ = 0;
  uint32_t host_cpus_ = 1;
  std::unordered_map<pid_t, Sandbox> sandboxes_;
  std::unordered_map<uint64_t, pid_t> by_id_;
  std::unordered_map<uint64_t, Kit> preparing_;  // by number
  uint64_t kit_number_ = 0;
  std::vector<uint32_t> free_uids_;
  uint32_t used_uids_ = 0;
};

}  // namespace gust::sandbox
