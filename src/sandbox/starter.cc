// SPDX-License-Identifier: Apache-2.0

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unordered_map>

#include "base/log.h"
#include "net/socket.h"
#include "os/files.h"
#include "sandbox/cgroup.h"
#include "sandbox/child.h"
#include "sandbox/init_protocol.h"
#include "sandbox/pool.h"
#include "sandbox/sandbox.h"
#include "sandbox/warden_process.h"
#include "sandbox/wire.h"

namespace gust::sandbox {
namespace {

constexpr size_t kReadyNetworks = 4;
constexpr size_t kReadyGroups = 4;
constexpr unsigned kFirstSandboxUid = 16;
constexpr uint64_t kLeastMemory = 4 << 20, kLeastTmp = 1 << 20, kMostTmp = 1ull << 40;

Result<Fd> clone_tree(const std::string& path, bool recursive) {
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
  Fd tree(static_cast<int>(syscall(SYS_open_tree, AT_FDCWD, path.c_str(), flags)));
  if (!tree) return fail_errno("open_tree " + path);
  return tree;
}

Result<> set_attributes(int tree, uint64_t attributes, bool recursive) {
  mount_attr attr{};
  attr.attr_set = attributes;
  if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr, sizeof attr) != 0) {
    return fail_errno("mount_setattr");
  }
  return {};
}

// Names from the wire: plain hexadecimal, so that no path can be built from them.
bool is_name(const char (&name)[72]) {
  size_t n = strnlen(name, sizeof name);
  return n > 0 && n < sizeof name && strspn(name, "0123456789abcdef") == n;
}

class Starter {
 public:
  Starter(Fd daemon, Fd remover, const WardenConfig& config)
      : daemon_(std::move(daemon)), remover_(std::move(remover)), config_(config), tmp_(config.state_directory) {}

  Result<> prepare();
  int run();

 private:
  struct Sandbox {
    uint64_t id = 0;
    std::string group;
    unsigned uid = 0;
    Fd pidfd, name_space;
  };
  struct Prepared {  // everything that a child needs, kept open by the parent
    Network network;
    std::string group;
    std::vector<Fd> entries;
    Fd root, code, tmp, output_tree, out_read, out_write, control_daemon, control_init, error_read, error_write;
    unsigned uid = 0;
  };

  Result<> make_template();
  Result<> make_device(const char* name, unsigned minor);
  void handle(const wire::Request& request, std::vector<Fd> fds);
  Result<> start(const wire::Request& request, std::vector<Fd>& fds);
  Result<Prepared> prepare_start(const wire::Request& request);
  Result<> prepare_mounts(const wire::Request& request, Prepared& prepared);
  Result<> launch(const wire::Request& request, std::vector<Fd>& fds, Prepared& prepared);
  Result<std::string> take_group();
  Result<Network> take_network();
  void release(const std::string& group);
  void refill();
  bool wants_refill() const { return networks_.size() < kReadyNetworks || groups_.size() < kReadyGroups || !tmp_.full(); }
  void reap();
  void connect(const wire::Request& request);
  void report(wire::Report report, const std::vector<int>& fds = {});
  int end();

  Fd daemon_, remover_, signals_, home_;
  const WardenConfig& config_;
  std::unique_ptr<Cgroups> cgroups_;
  TmpPool tmp_;
  std::vector<Network> networks_;
  std::vector<std::string> groups_;
  uint64_t next_group_ = 1;
  std::unordered_map<pid_t, Sandbox> alive_;
  std::vector<unsigned> free_uids_;
  unsigned next_uid_ = 0;
};

Result<> Starter::make_device(const char* name, unsigned minor) {
  std::string path = std::string("/mnt/template/dev/") + name;
  if (mknod(path.c_str(), S_IFCHR | 0666, makedev(1, minor)) != 0 || chmod(path.c_str(), 0666) != 0) return fail_errno("mknod " + path);
  return {};
}

// The root that every sandbox gets a clone of. Stays attached here: a detached tree can be cloned on Linux 6.15 and later only.
Result<> Starter::make_template() {
  if (unshare(CLONE_NEWNS) != 0) return fail_errno("unshare mount namespace");
  // Private, never slave: slaves make every mount on the host linear in live sandboxes.
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return fail_errno("make mounts private");
  if (mount("none", "/mnt", "tmpfs", MS_NOSUID, "size=256k,mode=755") != 0) return fail_errno("mount /mnt");
  if (mkdir("/mnt/template", 0755) != 0) return fail_errno("mkdir template");
  Fd tree = TRY(clone_tree(config_.root_directory, false));
  TRY(set_attributes(tree.get(), MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, false));
  if (syscall(SYS_move_mount, tree.get(), "", AT_FDCWD, "/mnt/template", MOVE_MOUNT_F_EMPTY_PATH) != 0) return fail_errno("attach root");
  if (mount("none", "/mnt/template/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "size=64k,mode=755") != 0) return fail_errno("mount /dev");
  for (auto [name, minor] : {std::pair{"null", 3u}, {"zero", 5u}, {"full", 7u}, {"random", 8u}, {"urandom", 9u}}) {
    TRY(make_device(name, minor));
  }
  for (auto [link, target] : {std::pair{"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"}}) {
    if (symlink(target, (std::string("/mnt/template/dev/") + link).c_str()) != 0) return fail_errno("symlink");
  }
  for (auto [source, place] : {std::pair{config_.init_path, "/mnt/template/init"}, {config_.unpack_path, "/mnt/template/unpack"}}) {
    if (source.empty()) continue;
    Fd file = TRY(clone_tree(source, false));
    if (syscall(SYS_move_mount, file.get(), "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) != 0) return fail_errno(std::string("attach ") + place);
  }
  Fd all = TRY(files::open("/mnt/template", O_PATH | O_DIRECTORY));
  return set_attributes(all.get(), MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, true);
}

Result<> Starter::prepare() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  // A terminal's interrupt goes to the whole group; the supervisor decides when we end.
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signals_ = Fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  rlimit files{65536, 65536};
  setrlimit(RLIMIT_NOFILE, &files);
  umask(022);
  home_ = TRY(files::open("/proc/self/ns/net", O_RDONLY));
  cgroups_ = TRY(open_cgroups("gust-" + config_.boot_id));
  TRY(cgroups_->make_parent(config_.memory_limit));
  TRY(make_template());
  refill();
  return {};
}

Result<Network> Starter::take_network() {
  if (networks_.empty()) return make_network();
  Network network = std::move(networks_.back());
  networks_.pop_back();
  return network;
}

Result<std::string> Starter::take_group() {
  if (!groups_.empty()) {
    std::string group = std::move(groups_.back());
    groups_.pop_back();
    return group;
  }
  std::string group = "s" + std::to_string(next_group_++);
  TRY(cgroups_->make(group));
  return group;
}

void Starter::refill() {
  if (networks_.size() < kReadyNetworks) {
    if (auto network = make_network()) networks_.push_back(std::move(*network));
  }
  if (groups_.size() < kReadyGroups) {
    std::string group = "s" + std::to_string(next_group_++);
    if (cgroups_->make(group)) groups_.push_back(group);
  }
  tmp_.refill();
}

Result<> Starter::prepare_mounts(const wire::Request& request, Prepared& prepared) {
  prepared.root = TRY(clone_tree("/mnt/template", true));
  std::string code = config_.state_directory + "/code/";
  if (request.code[0]) {
    prepared.code = TRY(clone_tree(code + request.code, false));
    TRY(set_attributes(prepared.code.get(), MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, false));
  }
  if (request.output[0]) {
    std::string path = code + request.output;
    if (mkdir(path.c_str(), 0755) != 0) return fail_errno("mkdir output");
    if (chown(path.c_str(), prepared.uid, prepared.uid) != 0) return fail_errno("chown output");
    prepared.output_tree = TRY(clone_tree(path, false));
    TRY(set_attributes(prepared.output_tree.get(), MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, false));
  }
  prepared.tmp = TRY(tmp_.take(std::clamp(request.tmp_bytes, kLeastTmp, kMostTmp)));
  return {};
}

Result<Starter::Prepared> Starter::prepare_start(const wire::Request& request) {
  Prepared prepared;
  if (request.kind == static_cast<uint32_t>(Kind::Unpack)) {
    prepared.uid = config_.uid_base + 1;
  } else if (!free_uids_.empty()) {
    prepared.uid = free_uids_.back();
    free_uids_.pop_back();
  } else {
    prepared.uid = config_.uid_base + kFirstSandboxUid + next_uid_++;
  }
  prepared.network = TRY(take_network());
  prepared.group = TRY(take_group());
  TRY(cgroups_->set_memory(prepared.group, std::max(request.memory_bytes, kLeastMemory)));
  TRY(cgroups_->set_pids(prepared.group, std::clamp(request.pids, 2u, 100'000u)));
  prepared.entries = TRY(cgroups_->entries(prepared.group));
  TRY(prepare_mounts(request, prepared));
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return fail_errno("pipe");
  prepared.out_read = Fd(fds[0]), prepared.out_write = Fd(fds[1]);
  fcntl(fds[0], F_SETFL, O_NONBLOCK);
  if (pipe2(fds, O_CLOEXEC) != 0) return fail_errno("pipe");
  prepared.error_read = Fd(fds[0]), prepared.error_write = Fd(fds[1]);
  auto control = TRY(net::packet_pair());
  prepared.control_daemon = std::move(control.first), prepared.control_init = std::move(control.second);
  fcntl(prepared.control_daemon.get(), F_SETFL, O_NONBLOCK);
  return prepared;
}

Result<> Starter::launch(const wire::Request& request, std::vector<Fd>& fds, Prepared& prepared) {
  std::vector<int> entries;
  for (const Fd& fd : prepared.entries) entries.push_back(fd.get());
  ChildPlan plan;
  plan.uid = prepared.uid;
  plan.cgroup_entries = entries.data(), plan.cgroup_count = static_cast<int>(entries.size());
  plan.root_tree = prepared.root.get(), plan.code_tree = prepared.code.get(), plan.tmp_tree = prepared.tmp.get();
  plan.output_tree = prepared.output_tree.get();
  plan.standard_output = prepared.out_write.get(), plan.control = prepared.control_init.get(), plan.spec = fds[0].get();
  for (uint32_t i = 0; i < request.inherited; ++i) plan.inherited[i] = fds[1 + i].get();
  plan.inherited_count = static_cast<int>(request.inherited);
  unsigned cpus = std::min(request.visible_cpus ? request.visible_cpus : 1, config_.host_cpus);
  if (cpus < config_.host_cpus && cpus < 64) plan.cpu_mask = (1ull << cpus) - 1;
  plan.error_pipe = prepared.error_write.get();

  if (setns(prepared.network.name_space.get(), CLONE_NEWNET) != 0) return fail_errno("enter network namespace");
  int pidfd = -1;
  clone_args args{};
  args.flags = CLONE_NEWPID | CLONE_PIDFD;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  long pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0) run_child(plan);
  int clone_error = errno;
  if (setns(home_.get(), CLONE_NEWNET) != 0) {
    log::error("starter", "cannot come back from a sandbox's network namespace");
    _exit(1);
  }
  if (pid < 0) return Failure(errno_error("clone3", clone_error));
  Sandbox& sandbox = alive_[static_cast<pid_t>(pid)];
  sandbox.id = request.id;
  sandbox.group = prepared.group;
  sandbox.uid = prepared.uid;
  sandbox.pidfd = Fd(pidfd);
  prepared.error_write.reset();
  // Closed by the exec of init: then everything before it has worked.
  ChildError error{};
  ssize_t n = read(prepared.error_read.get(), &error, sizeof error);
  if (n == sizeof error) return Failure(errno_error(name_of_step(error.step), error.error));
  sandbox.name_space = std::move(prepared.network.name_space);
  return {};
}

Result<> Starter::start(const wire::Request& request, std::vector<Fd>& fds) {
  bool unpack = request.kind == static_cast<uint32_t>(Kind::Unpack);
  bool kind_known = unpack || request.kind == static_cast<uint32_t>(Kind::Function) || request.kind == static_cast<uint32_t>(Kind::Service);
  if (!kind_known || request.inherited > wire::kMostInherited || fds.size() != 1 + request.inherited ||
      (request.code[0] && !is_name(request.code)) || (request.output[0] && (!unpack || !is_name(request.output)))) {
    return fail(Errc::Invalid, "malformed start request");
  }
  Prepared prepared = TRY(prepare_start(request));
  auto launched = launch(request, fds, prepared);
  if (!launched) return launched;
  std::vector<Fd> usage = TRY(cgroups_->usage_files(prepared.group));
  pid_t pid = 0;
  for (auto& [candidate, sandbox] : alive_) {
    if (sandbox.id == request.id) pid = candidate;
  }
  std::vector<int> out = {alive_[pid].pidfd.get(),
                          prepared.control_daemon.get(),
                          prepared.out_read.get(),
                          prepared.network.runtime_listener.get(),
                          prepared.network.gateway_listener.get(),
                          prepared.network.resolver.get()};
  for (const Fd& fd : usage) out.push_back(fd.get());
  wire::Report started;
  started.id = request.id;
  report(started, out);
  return {};
}

void Starter::report(wire::Report report, const std::vector<int>& fds) {
  (void)net::send_packet(daemon_.get(), {reinterpret_cast<const char*>(&report), sizeof report}, fds);
}

void Starter::release(const std::string& group) {
  (void)net::send_packet(remover_.get(), group);
}

void Starter::connect(const wire::Request& request) {
  wire::Report answer;
  answer.id = request.id;
  answer.event = wire::Event::Failed;
  answer.status = ENOENT;
  for (auto& [pid, sandbox] : alive_) {
    if (sandbox.id != request.id) continue;
    if (setns(sandbox.name_space.get(), CLONE_NEWNET) != 0) break;
    auto socket = net::connect_tcp({"127.0.0.1", static_cast<uint16_t>(request.argument)}, 100'000);
    if (setns(home_.get(), CLONE_NEWNET) != 0) _exit(1);
    if (!socket) {
      answer.status = ECONNREFUSED;
      break;
    }
    answer.event = wire::Event::Connected;
    return report(answer, {socket->get()});
  }
  report(answer);
}

void Starter::handle(const wire::Request& request, std::vector<Fd> fds) {
  if (request.verb == wire::Verb::Start) {
    auto started = start(request, fds);
    if (started) return;
    wire::Report failed;
    failed.event = wire::Event::Failed;
    failed.id = request.id;
    failed.status = EIO;
    std::strncpy(failed.text, started.error().message.c_str(), sizeof failed.text - 1);
    return report(failed);
  }
  if (request.verb == wire::Verb::Connect) return connect(request);
  for (auto& [pid, sandbox] : alive_) {
    if (sandbox.id != request.id) continue;
    if (request.verb == wire::Verb::Kill) {
      (void)cgroups_->freeze(sandbox.group, false);
      ::kill(pid, SIGKILL);  // PID 1: everything in its namespace goes with it
    }
    if (request.verb == wire::Verb::SetCpu) (void)cgroups_->set_cpu(sandbox.group, request.cpu_milli);
    if (request.verb == wire::Verb::Freeze) (void)cgroups_->freeze(sandbox.group, request.argument != 0);
    return;
  }
}

void Starter::reap() {
  signalfd_siginfo drop[8];
  while (read(signals_.get(), drop, sizeof drop) > 0) {
  }
  int status = 0;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    auto it = alive_.find(pid);
    if (it == alive_.end()) continue;
    wire::Report exited;
    exited.event = wire::Event::Exited;
    exited.id = it->second.id;
    exited.status = status;
    exited.oom = cgroups_->oom_kills(it->second.group) > 0;
    release(it->second.group);
    if (it->second.uid >= config_.uid_base + kFirstSandboxUid) free_uids_.push_back(it->second.uid);
    alive_.erase(it);
    report(exited);
  }
}

int Starter::end() {
  for (auto& [pid, sandbox] : alive_) {
    (void)cgroups_->freeze(sandbox.group, false);
    ::kill(pid, SIGKILL);
  }
  for (auto& [pid, sandbox] : alive_) waitpid(pid, nullptr, 0);
  cgroups_->remove_parent();
  auto names = files::list(config_.state_directory);
  for (const std::string& name : names ? *names : std::vector<std::string>{}) {
    if (name.starts_with("tmp-")) (void)files::remove(config_.state_directory + "/" + name);
  }
  return 0;
}

int Starter::run() {
  for (;;) {
    pollfd polls[] = {{daemon_.get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}};
    int ready = poll(polls, 2, wants_refill() ? 0 : -1);
    if (ready == 0) {
      refill();
      continue;
    }
    if (polls[1].revents) reap();
    if (!polls[0].revents) continue;
    auto packet = net::receive_packet(daemon_.get(), sizeof(wire::Request), 8);
    if (!packet) {
      if (packet.error().code == Errc::Timeout) continue;
      log::error("starter", packet.error().message);
      return end();
    }
    if (packet->bytes.empty()) return end();
    wire::Request request;
    if (packet->bytes.size() != sizeof request) continue;
    std::memcpy(&request, packet->bytes.data(), sizeof request);
    if (request.version != wire::kVersion) continue;
    handle(request, std::move(packet->fds));
  }
}

}  // namespace

int run_starter(Fd daemon_channel, Fd remover_channel, const WardenConfig& config) {
  Starter starter(std::move(daemon_channel), std::move(remover_channel), config);
  if (auto prepared = starter.prepare(); !prepared) {
    log::error("starter", prepared.error().message);
    return 1;
  }
  return starter.run();
}

int run_remover(Fd starter_channel, const WardenConfig& config) {
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  auto cgroups = open_cgroups("gust-" + config.boot_id);
  if (!cgroups) return 1;
  for (;;) {
    auto packet = net::receive_packet(starter_channel.get(), 256, 0);
    if (!packet || packet->bytes.empty()) return 0;
    (*cgroups)->remove(packet->bytes);
  }
}

void clean_leftovers(const WardenConfig&) {
  for (const std::string& parent : existing_parents()) {
    if (auto cgroups = open_cgroups(parent)) (*cgroups)->remove_parent();
  }
}

}  // namespace gust::sandbox
