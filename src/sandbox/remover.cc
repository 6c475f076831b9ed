// SPDX-License-Identifier: Apache-2.0

// The remover: prepares kits (everything slow that a start needs) and clears away control groups of ended sandboxes.

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <signal.h>

#include <cerrno>
#include <deque>
#include <optional>
#include <unordered_map>

#include "base/log.h"
#include "net/socket.h"
#include "os/clock.h"
#include "os/files.h"
#include "sandbox/cgroup.h"
#include "sandbox/leftovers.h"
#include "sandbox/netns.h"
#include "sandbox/sandbox.h"
#include "sandbox/service_network.h"
#include "sandbox/tmp_image.h"
#include "sandbox/warden_names.h"
#include "sandbox/warden_process.h"
#include "sandbox/wire.h"

namespace gust::sandbox {
namespace {

constexpr int64_t kRetryUs = 20'000;  // a group whose last process is still on its way out
constexpr int64_t kGiveUpUs = 10'000'000;
constexpr int kLeftoversMs = 10;      // between looks at what earlier boots left, when nothing else is to do
constexpr size_t kLinkName = 13;      // "gust-" and 8 digits; the kernel allows 15
constexpr size_t kMostRemovals = 64;  // before they go ahead of new kits

class Remover {
 public:
  Remover(Fd channel, const WardenConfig& config)
      : channel_(std::move(channel)), config_(config), images_(config.state_directory, config.force_tmpfs) {}

  Result<> prepare() {
    // Mounts made here must not appear on the host, nor the host's keep ours alive.
    if (unshare(CLONE_NEWNS) != 0) return fail_errno("unshare mount namespace");
    if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return fail_errno("make mounts private");
    home_ = TRY(files::open("/proc/self/ns/net", O_RDONLY));
    services_.emplace(config_.service_network, parent_prefix(config_).substr(0, kLinkName), home_.get());
    cgroups_ = TRY(open_cgroups(parent_name(config_)));
    leftovers_.emplace(config_, Leftovers::Which::OtherBoots);
    return cgroups_->limit_parent(config_.memory_limit, config_.cpu_weight);
  }

  int run() {
    for (;;) {
      pollfd p{channel_.get(), POLLIN, 0};
      if (poll(&p, 1, wait_ms()) < 0 && errno != EINTR) return 1;
      if (p.revents && !receive()) return finish();
      // Kits first, unless too much lies about.
      if (orders_.empty() || removals_.size() > kMostRemovals) remove_next();
      if (orders_.empty()) {
        if (leftovers_ && p.revents == 0 && leftovers_->step()) leftovers_.reset();
        continue;
      }
      if (!make(orders_.front())) return finish();
      orders_.pop_front();
    }
  }

 private:
  struct Removal {
    std::string name;
    int64_t due_us, give_up_us;
  };

  int wait_ms() const {
    if (!orders_.empty()) return 0;
    if (removals_.empty()) return leftovers_ ? kLeftoversMs : -1;
    int64_t left = removals_.front().due_us - system_clock().monotonic_us();
    return left <= 0 ? 0 : static_cast<int>(left / 1000 + 1);
  }

  bool receive() {
    auto packet = net::receive_packet(channel_.get(), sizeof(wire::Order));
    wire::Order order;
    if (!packet || packet->bytes.empty()) return false;
    if (!wire::parse(packet->bytes, order)) return true;
    int64_t now = system_clock().monotonic_us();
    if (order.task == wire::Task::Make) orders_.push_back(order);
    if (order.task == wire::Task::Remove) removals_.push_back({std::string(wire::get(order.name)), now, now + kGiveUpUs});
    return true;
  }

  Result<std::vector<Fd>> fill(const wire::Order& order, wire::KitMessage& message) {
    std::string name(wire::get(order.name));
    TRY(cgroups_->make(name));
    TRY(cgroups_->set_memory(name, order.memory_bytes));
    TRY(cgroups_->set_pids(name, order.pids));
    NetworkKit network = TRY(make_network(home_.get()));
    if (order.kind == static_cast<uint32_t>(Kind::Service)) message.address = service_address(name, network.ns.get());
    std::vector<Fd> fds;
    for (Fd* fd : {&network.ns, &network.runtime, &network.gateway, &network.resolver}) fds.push_back(std::move(*fd));
    if (order.tmp_bytes) fds.push_back(TRY(images_.make(order.tmp_bytes)));
    auto entrances = TRY(cgroups_->entrances(name));
    auto usage = TRY(cgroups_->usage_files(name));
    message.has_tmp = order.tmp_bytes != 0;
    message.entrances = static_cast<uint32_t>(entrances.size());
    message.usage = static_cast<uint32_t>(usage.size());
    for (Fd& fd : entrances) fds.push_back(std::move(fd));
    for (Fd& fd : usage) fds.push_back(std::move(fd));
    return fds;
  }

  // 0: none, and the reason in the log. A service runs without an address too.
  uint32_t service_address(const std::string& name, int ns) {
    auto address = services_->attach(ns);
    if (address) return addresses_[name] = *address;
    if (address.error().code != Errc::Unsupported) {
      log::warning("warden", "a service has no address", {{"reason", address.error().message}});
    }
    return 0;
  }

  bool make(const wire::Order& order) {
    wire::KitMessage message;
    wire::put(message.name, wire::get(order.name));
    message.tmp_bytes = order.tmp_bytes;
    message.memory_bytes = order.memory_bytes;
    message.pids = order.pids;
    message.kind = order.kind;
    auto fds = fill(order, message);
    std::vector<int> numbers;
    if (fds) {
      for (const Fd& fd : *fds) numbers.push_back(fd.get());
    } else {
      message.error = fds.error().code == Errc::Permission ? EPERM : EAGAIN;
      wire::put(message.text, fds.error().message);
      removals_.push_back({std::string(wire::get(order.name)), 0, system_clock().monotonic_us() + kGiveUpUs});
    }
    return net::send_packet(channel_.get(), wire::bytes_of(message), numbers).has_value();
  }

  void remove_next() {
    if (removals_.empty() || removals_.front().due_us > system_clock().monotonic_us()) return;
    Removal removal = std::move(removals_.front());
    removals_.pop_front();
    auto removed = cgroups_->remove(removal.name);
    if (removed) return forget(removal.name);
    int64_t now = system_clock().monotonic_us();
    if (now > removal.give_up_us) {
      log::warning("warden", "cgroup left behind", {{"name", removal.name}, {"reason", removed.error().message}});
      return;
    }
    removal.due_us = now + kRetryUs;
    removals_.push_back(std::move(removal));
  }

  void forget(const std::string& name) {
    auto address = addresses_.find(name);
    if (address == addresses_.end()) return;
    services_->release(address->second);
    addresses_.erase(address);
  }

  // The starter is gone, and by death signal or its own hand all sandboxes with it.
  int finish() {
    services_->close();
    int64_t end = system_clock().monotonic_us() + kGiveUpUs;
    for (;;) {
      bool clean = true;
      for (const std::string& name : cgroups_->list()) clean &= cgroups_->remove(name).has_value();
      if (clean && cgroups_->remove_parent()) return 0;
      if (system_clock().monotonic_us() > end) return 1;
      timespec wait{0, 5'000'000};
      nanosleep(&wait, nullptr);
    }
  }

  Fd channel_;
  const WardenConfig& config_;
  Fd home_;
  TmpImages images_;
  std::unique_ptr<Cgroups> cgroups_;
  std::deque<wire::Order> orders_;
  std::deque<Removal> removals_;
  std::optional<ServiceNetwork> services_;
  std::optional<Leftovers> leftovers_;
  std::unordered_map<std::string, uint32_t> addresses_;  // of services, by the kit's name
};

}  // namespace

int run_remover(Fd starter_channel, const WardenConfig& config) {
  signal(SIGPIPE, SIG_IGN);
  Remover remover(std::move(starter_channel), config);
  if (auto prepared = remover.prepare(); !prepared) {
    log::error("warden", "remover: " + prepared.error().message);
    return 1;
  }
  return remover.run();
}

std::string describe_tmp(const WardenConfig& config) {
  if (unshare(CLONE_NEWNS) != 0) return "unknown: " + errno_error("unshare", errno).message;
  TmpImages images(config.state_directory, config.force_tmpfs);
  auto made = images.make(16 << 20);
  if (!made) return "none: " + made.error().message;
  return images.fallback_reason().empty() ? "loop" : "tmpfs: " + images.fallback_reason();
}

}  // namespace gust::sandbox
