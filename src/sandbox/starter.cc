// SPDX-License-Identifier: Apache-2.0

// The starter: one poll loop over the daemon, the remover, inits that get ready and the death of children.

#include "sandbox/starter.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "os/clock.h"
#include "os/files.h"
#include "sandbox/netns.h"
#include "sandbox/prepare_protocol.h"
#include "sandbox/request_check.h"
#include "sandbox/warden_names.h"

namespace gust::sandbox {
namespace {

constexpr uint64_t kUsualTmp = 512 << 20, kUsualMemory = 128 << 20;
constexpr uint32_t kUsualPids = 1024;
constexpr uint32_t kMostKits = 16;  // of each kind; 13 descriptors each
constexpr rlim_t kMostDescriptors = 4096;
constexpr int64_t kEndUs = 8'000'000;

}  // namespace

Starter::Starter(Fd daemon, Fd remover, const WardenConfig& config)
    : config_(config),
      daemon_(std::move(daemon)),
      remover_(std::move(remover)),
      kits_(std::min(config.kits, kMostKits), std::to_string(getpid()) + "-",
            {[this](const wire::Order& order) { return net::send_packet(remover_.get(), wire::bytes_of(order)).has_value(); },
             [](Kit& kit) { ::kill(kit.pid, SIGKILL); }}) {}

Result<> Starter::prepare() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return fail_errno("sigprocmask");
  signals_ = Fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return fail_errno("signalfd");
  signal(SIGPIPE, SIG_IGN);
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return fail_errno("getrlimit");
  files.rlim_cur = std::min(files.rlim_max, kMostDescriptors);
  if (setrlimit(RLIMIT_NOFILE, &files) != 0) return fail_errno("setrlimit");
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("socketpair");
  prepared_ = Fd(ends[0]), report_ = Fd(ends[1]);
  kits_.prefill({0, Kind::Unpack}, kUsualMemory, kUsualPids);
  kits_.prefill({kUsualTmp, Kind::Function}, kUsualMemory, kUsualPids);
  cgroups_ = TRY(open_cgroups(parent_name(config_)));
  home_ = TRY(files::open("/proc/self/ns/net", O_RDONLY));
  root_ = TRY(enter_starter_root(config_));
  abi_ = landlock_abi();
  if (abi_ == 0) log::warning("warden", "this kernel has no Landlock; sandboxes go without it");
  return launcher_prepare();
}

int Starter::run() {
  for (;;) {
    pollfd polls[] = {
        {signals_.get(), POLLIN, 0}, {remover_.get(), POLLIN, 0}, {daemon_.get(), POLLIN, 0}, {prepared_.get(), POLLIN, 0}};
    if (poll(polls, 4, -1) < 0 && errno != EINTR) return end(1);
    if (polls[3].revents) receive_prepared();  // before the end of who said it
    if (polls[0].revents) reap();
    if (polls[1].revents && !receive_kit()) {
      log::error("warden", "the remover is gone");
      return end(1);
    }
    if (polls[2].revents && !receive_request()) return end(0);
  }
}

bool Starter::receive_kit() {
  auto packet = net::receive_packet(remover_.get(), sizeof(wire::KitMessage), wire::kMaxFds);
  if (!packet || packet->bytes.empty()) return false;
  wire::KitMessage message;
  Kit kit;
  if (!parse_kit(std::move(*packet), message, kit)) return false;
  if (message.error) {
    kit_failed(kit.kind, message.error, wire::get(message.text));
  } else if (auto started = start_init(kit); !started) {
    remove_group(kit.name);
    kit_failed(kit.kind, EIO, started.error().message);
  } else {
    preparing_.emplace(kit_number_, std::move(kit));
  }
  return true;
}

void Starter::receive_prepared() {
  gust_prepared message{};
  if (recv(prepared_.get(), &message, sizeof message, MSG_DONTWAIT) != sizeof message) return;
  auto found = preparing_.find(message.number);
  if (found == preparing_.end()) return;
  Kit kit = std::move(found->second), ready;
  preparing_.erase(found);
  if (message.error) return kit_failed(kit.kind, EIO, errno_error(wire::get(message.step), message.error).message);
  KitKind kind = kit.kind;
  Waiting next;
  if (kits_.arrived(std::move(kit), next, ready)) start(next.request, next.fds, ready);
  kits_.refill(kind);
}

void Starter::kit_failed(KitKind kind, int error, std::string_view text) {
  log::warning("warden", "cannot prepare a sandbox", {{"reason", std::string(text)}});
  Waiting next;
  if (kits_.failed(kind, next)) refuse(next.request, error, text);
}

bool Starter::receive_request() {
  auto packet = net::receive_packet(daemon_.get(), sizeof(wire::Request), wire::kMaxFds);
  if (!packet || packet->bytes.empty()) return false;
  wire::Request request;
  if (!wire::parse(packet->bytes, request)) {
    log::error("warden", "a message that is not of this version");
    return false;
  }
  auto known = by_id_.find(request.id);
  Sandbox* sandbox = known == by_id_.end() ? nullptr : &sandboxes_.find(known->second)->second;
  switch (request.verb) {
    case wire::Verb::Start:
      request_start(request, std::move(packet->fds));
      break;
    case wire::Verb::Kill:
      if (sandbox) kill_sandbox(known->second, *sandbox);
      if (!sandbox && kits_.cancel(request.id)) refuse(request, ECANCELED, "killed before it was started");
      break;
    case wire::Verb::SetCpu:
      if (sandbox) (void)note(cgroups_->set_cpu(sandbox->name, request.cpu_milli));
      break;
    case wire::Verb::Freeze:
      if (sandbox && note(cgroups_->freeze(sandbox->name, request.frozen != 0))) sandbox->frozen = request.frozen != 0;
      break;
    case wire::Verb::Connect:
      connect(request, sandbox ? known->second : 0);
      break;
  }
  return true;
}

bool Starter::note(const Result<>& result) {
  if (!result) log::warning("warden", result.error().message);
  return result.has_value();
}

void Starter::request_start(const wire::Request& request, std::vector<Fd> fds) {
  if (const char* problem = problem_of(request, fds.size(), !config_.unpack_path.empty()))
    return refuse(request, EINVAL, problem);
  if (by_id_.count(request.id)) return refuse(request, EEXIST, "this id is in use");
  Kit kit;
  if (kits_.take(request, kit)) {
    start(request, fds, kit);
    return kits_.refill(kit_kind(request));
  }
  if (!kits_.wait({request, std::move(fds)})) refuse(request, EAGAIN, "too many starts are waiting");
}

void Starter::refuse(const wire::Request& request, int error, std::string_view text) {
  wire::Report report;
  report.event = request.verb == wire::Verb::Connect ? wire::Event::Connected : wire::Event::Started;
  report.id = request.id;
  report.cookie = request.cookie;
  report.error = error;
  wire::put(report.text, text);
  send(report, {});
}

void Starter::send(const wire::Report& report, const std::vector<int>& fds) {
  // A failure means that the daemon is gone: the next poll says so.
  (void)net::send_packet(daemon_.get(), wire::bytes_of(report), fds);
}

void Starter::start(const wire::Request& request, std::vector<Fd>& fds, Kit& kit) {
  if (auto sent = send_go(request, fds, kit); !sent) {
    ::kill(kit.pid, SIGKILL);  // ended() does the rest
    const Error& error = sent.error();
    return refuse(request, error.code == Errc::NotFound ? ENOENT : error.code == Errc::Exhausted ? EAGAIN : EIO, error.message);
  }
  by_id_[request.id] = kit.pid;
  sandboxes_[kit.pid].id = request.id;
  wire::Report report;
  report.id = request.id;
  report.address = kit.address;
  std::vector<int> numbers{kit.pidfd.get(), kit.runtime.get(), kit.gateway.get(), kit.resolver.get()};
  for (const Fd& fd : kit.usage) numbers.push_back(fd.get());
  send(report, numbers);
}

void Starter::connect(const wire::Request& request, pid_t pid) {
  if (pid == 0) return refuse(request, ENOENT, "no such sandbox");
  if (request.port == 0 || request.port > 65535) return refuse(request, EINVAL, "port");
  auto ns = files::open("/proc/" + std::to_string(pid) + "/ns/net", O_RDONLY);
  auto fd = ns ? connect_inside(home_.get(), ns->get(), static_cast<uint16_t>(request.port)) : Result<Fd>(Failure(ns.error()));
  if (!fd) return refuse(request, ECONNREFUSED, fd.error().message);
  wire::Report report;
  report.event = wire::Event::Connected;
  report.id = request.id;
  report.cookie = request.cookie;
  send(report, {fd->get()});
}

void Starter::kill_sandbox(pid_t pid, Sandbox& sandbox) {
  ::kill(pid, SIGKILL);
  // In version 1 the frozen do not die.
  if (sandbox.frozen && note(cgroups_->freeze(sandbox.name, false))) sandbox.frozen = false;
}

void Starter::reap() {
  signalfd_siginfo info[8];
  while (::read(signals_.get(), info, sizeof info) > 0) {
  }
  int status = 0;
  rusage usage{};
  for (pid_t pid; (pid = wait4(-1, &status, WNOHANG, &usage)) > 0;) ended(pid, status, usage);
}

void Starter::ended(pid_t pid, int status, const rusage& usage) {
  auto found = sandboxes_.find(pid);
  if (found == sandboxes_.end()) return;
  Sandbox sandbox = std::move(found->second);
  sandboxes_.erase(found);
  give_back_uid(sandbox.uid);
  if (sandbox.id == 0) {
    remove_group(sandbox.name);
    kits_.lost(pid);
    auto kit = preparing_.find(sandbox.number);
    if (kit == preparing_.end()) return;
    KitKind kind = kit->second.kind;
    preparing_.erase(kit);
    return kit_failed(kind, EIO, "an init ended before it was ready");
  }
  by_id_.erase(sandbox.id);
  wire::Report report;
  report.event = wire::Event::Exited;
  report.id = sandbox.id;
  report.status = status;
  report.oom = cgroups_->oom_killed(sandbox.name);
  report.cpu_user_us = static_cast<uint64_t>(usage.ru_utime.tv_sec * 1'000'000 + usage.ru_utime.tv_usec);
  report.cpu_system_us = static_cast<uint64_t>(usage.ru_stime.tv_sec * 1'000'000 + usage.ru_stime.tv_usec);
  report.max_rss_kib = static_cast<uint64_t>(usage.ru_maxrss);
  send(report, {});
  remove_group(sandbox.name);
}

void Starter::remove_group(const std::string& name) {
  wire::Order order;
  order.task = wire::Task::Remove;
  wire::put(order.name, name);
  // A failure means that the remover is gone: the next poll says so.
  (void)net::send_packet(remover_.get(), wire::bytes_of(order));
}

// Kills everything and waits for it; the remover goes on when our end of its channel closes.
int Starter::end(int status) {
  preparing_.clear();
  for (auto& [pid, sandbox] : sandboxes_) kill_sandbox(pid, sandbox);
  int64_t until = system_clock().monotonic_us() + kEndUs;
  while (!sandboxes_.empty() && system_clock().monotonic_us() < until) {
    pollfd p{signals_.get(), POLLIN, 0};
    poll(&p, 1, 100);
    reap();
  }
  return sandboxes_.empty() ? status : 1;
}

// An unpacker runs as the code uid, so that what it writes belongs to that.
uint32_t Starter::take_uid(Kind kind) {
  if (kind == Kind::Unpack) return config_.uid_base + 1;
  if (free_uids_.empty()) return config_.uid_base + 16 + used_uids_++;
  uint32_t uid = free_uids_.back();
  free_uids_.pop_back();
  return uid;
}

void Starter::give_back_uid(uint32_t uid) {
  if (uid != config_.uid_base + 1) free_uids_.push_back(uid);
}

int run_starter(Fd daemon_channel, Fd remover_channel, const WardenConfig& config) {
  Starter starter(std::move(daemon_channel), std::move(remover_channel), config);
  if (auto prepared = starter.prepare(); !prepared) {
    log::error("warden", "starter: " + prepared.error().message);
    return 1;
  }
  return starter.run();
}

}  // namespace gust::sandbox
