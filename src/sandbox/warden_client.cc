// SPDX-License-Identifier: Apache-2.0

#include "sandbox/warden_client.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <unordered_map>

#include "base/log.h"
#include "net/socket.h"
#include "os/files.h"
#include "sandbox/init_protocol.h"
#include "sandbox/wire.h"

namespace gust::sandbox {
namespace {

constexpr size_t kMostSpec = 190 << 10;  // init's buffer holds 192 KiB

// The file that init reads; its layout is described in init_main.c.
Result<Fd> write_spec(const StartSpec& spec) {
  std::string bytes;
  for (uint32_t n : {GUST_INIT_VERSION, uint32_t{spec.run}, static_cast<uint32_t>(spec.arguments.size()),
                     static_cast<uint32_t>(spec.environment.size()), static_cast<uint32_t>(spec.inherit.size())}) {
    bytes.append(reinterpret_cast<const char*>(&n), sizeof n);
  }
  auto add = [&](const std::string& text) { bytes.append(text.c_str(), std::strlen(text.c_str()) + 1); };
  add(spec.working_directory);
  for (const std::string& argument : spec.arguments) add(argument);
  for (const std::string& variable : spec.environment) add(variable);
  if (spec.arguments.empty() || spec.arguments.size() + spec.environment.size() > 4000 || bytes.size() > kMostSpec) {
    return fail(Errc::TooLarge, "arguments and environment of a sandbox are empty or larger than 190 KiB");
  }
  Fd fd(memfd_create("spec", MFD_CLOEXEC));
  if (!fd) return fail_errno("memfd_create");
  TRY(files::write_all(fd.get(), bytes));
  return fd;
}

class ChannelWarden final : public Warden {
 public:
  ChannelWarden(net::Loop& loop, Fd channel, std::function<void()> lost)
      : channel_(std::move(channel)), watch_(loop, channel_.get()), lost_(std::move(lost)) {
    fcntl(channel_.get(), F_SETFL, O_NONBLOCK);
    arm();
  }

  void start(StartSpec spec, std::function<void(Result<Started>)> done) override {
    auto file = write_spec(spec);
    if (!file) return done(Failure(std::move(file).error()));
    wire::Request request;
    request.verb = wire::Verb::Start;
    request.id = spec.id;
    request.kind = static_cast<uint32_t>(spec.kind);
    request.cpu_milli = spec.limits.cpu_milli;
    request.visible_cpus = spec.limits.visible_cpus;
    request.pids = spec.limits.pids;
    request.memory_bytes = spec.limits.memory_bytes;
    request.tmp_bytes = spec.limits.tmp_bytes;
    request.inherited = static_cast<uint32_t>(spec.inherit.size());
    if (spec.code.size() >= sizeof request.code || spec.output.size() >= sizeof request.output) {
      return done(fail(Errc::Invalid, "a code directory's name is too long"));
    }
    std::memcpy(request.code, spec.code.data(), spec.code.size());
    std::memcpy(request.output, spec.output.data(), spec.output.size());
    std::vector<int> fds = {file->get()};
    fds.insert(fds.end(), spec.inherit.begin(), spec.inherit.end());
    starting_[spec.id] = std::move(done);
    if (auto sent = send(request, fds); !sent) fail_start(spec.id, std::move(sent).error());
  }
  void set_cpu(uint64_t id, uint32_t cpu_milli) override {
    wire::Request request;
    request.verb = wire::Verb::SetCpu;
    request.id = id;
    request.cpu_milli = cpu_milli;
    (void)send(request, {});
  }
  void kill(uint64_t id) override {
    wire::Request request;
    request.verb = wire::Verb::Kill;
    request.id = id;
    (void)send(request, {});
  }
  void freeze(uint64_t id, bool frozen) override {
    wire::Request request;
    request.verb = wire::Verb::Freeze;
    request.id = id;
    request.argument = frozen;
    (void)send(request, {});
  }
  void on_exit(std::function<void(uint64_t, Exit)> callback) override { on_exit_ = std::move(callback); }
  void connect(uint64_t id, uint16_t port, std::function<void(Result<Fd>)> done) override {
    connecting_[id].push_back(std::move(done));
    wire::Request request;
    request.verb = wire::Verb::Connect;
    request.id = id;
    request.argument = port;
    (void)send(request, {});
  }

 private:
  Result<> send(const wire::Request& request, const std::vector<int>& fds) {
    return net::send_packet(channel_.get(), {reinterpret_cast<const char*>(&request), sizeof request}, fds);
  }
  void arm() {
    watch_.when_readable([this] { receive(); });
  }
  void fail_start(uint64_t id, Error error) {
    auto node = starting_.extract(id);
    if (!node.empty()) node.mapped()(Failure(std::move(error)));
  }

  void receive() {
    for (;;) {
      auto packet = net::receive_packet(channel_.get(), sizeof(wire::Report), 16);
      if (!packet && packet.error().code == Errc::Timeout) return arm();
      if (!packet || packet->bytes.empty()) {
        log::error("warden", "the starter is gone");
        if (lost_) lost_();
        return;
      }
      wire::Report report;
      if (packet->bytes.size() != sizeof report) continue;
      std::memcpy(&report, packet->bytes.data(), sizeof report);
      report.text[sizeof report.text - 1] = '\0';
      handle(report, std::move(packet->fds));
    }
  }

  void handle(const wire::Report& report, std::vector<Fd> fds) {
    switch (report.event) {
      case wire::Event::Started: {
        auto node = starting_.extract(report.id);
        if (node.empty() || fds.size() < 6) return;
        Started started{std::move(fds[0]), std::move(fds[1]), std::move(fds[3]), std::move(fds[4]), std::move(fds[5]), std::move(fds[2]), {}};
        for (size_t i = 6; i < fds.size(); ++i) started.usage.push_back(std::move(fds[i]));
        return node.mapped()(std::move(started));
      }
      case wire::Event::Failed: {
        if (auto it = connecting_.find(report.id); it != connecting_.end() && !starting_.count(report.id)) {
          return answer_connect(report.id, fail(Errc::NotFound, "nothing listens on that port inside the sandbox"));
        }
        return fail_start(report.id, Error{Errc::Io, std::string("sandbox: ") + report.text});
      }
      case wire::Event::Exited:
        if (on_exit_) on_exit_(report.id, Exit{report.status, report.oom != 0});
        return;
      case wire::Event::Connected:
        if (!fds.empty()) answer_connect(report.id, std::move(fds[0]));
        return;
    }
  }

  void answer_connect(uint64_t id, Result<Fd> result) {
    auto it = connecting_.find(id);
    if (it == connecting_.end()) return;
    auto done = std::move(it->second.front());
    it->second.erase(it->second.begin());
    if (it->second.empty()) connecting_.erase(it);
    done(std::move(result));
  }

  Fd channel_;
  net::Watch watch_;
  std::function<void()> lost_;
  std::unordered_map<uint64_t, std::function<void(Result<Started>)>> starting_;
  std::unordered_map<uint64_t, std::vector<std::function<void(Result<Fd>)>>> connecting_;
  std::function<void(uint64_t, Exit)> on_exit_;
};

uint64_t field(std::string_view text, std::string_view name) {
  for (size_t at = 0; (at = text.find(name, at)) != std::string_view::npos; at += name.size()) {
    if (at == 0 || text[at - 1] == '\n') return std::strtoull(text.data() + at + name.size(), nullptr, 10);
  }
  return 0;
}

}  // namespace

std::unique_ptr<Warden> make_warden(net::Loop& loop, Fd channel, std::function<void()> lost) {
  return std::make_unique<ChannelWarden>(loop, std::move(channel), std::move(lost));
}

// Order of Started::usage, by cgroup.cc: version 1 cpuacct.usage_user, cpuacct.usage_sys (ns), cpu.stat, max_usage,
// oom_control; version 2 cpu.stat, memory.peak, memory.events.
Result<Usage> read_usage(const Started& sandbox) {
  char buffer[5][1024];
  size_t count = sandbox.usage.size();
  if (count != 5 && count != 3) return fail(Errc::NotFound, "no usage files");
  for (size_t i = 0; i < count; ++i) {
    ssize_t n = pread(sandbox.usage[i].get(), buffer[i], sizeof buffer[i] - 1, 0);
    if (n < 0) return fail_errno("read usage");
    buffer[i][n] = '\0';
  }
  Usage usage;
  if (count == 5) {
    usage.cpu_user_us = std::strtoull(buffer[0], nullptr, 10) / 1000;
    usage.cpu_system_us = std::strtoull(buffer[1], nullptr, 10) / 1000;
    usage.throttled_us = field(buffer[2], "throttled_time ") / 1000;
    usage.memory_peak_bytes = std::strtoull(buffer[3], nullptr, 10);
    usage.oom_kills = field(buffer[4], "oom_kill ");
  } else {
    usage.cpu_user_us = field(buffer[0], "user_usec ");
    usage.cpu_system_us = field(buffer[0], "system_usec ");
    usage.throttled_us = field(buffer[0], "throttled_usec ");
    usage.memory_peak_bytes = std::strtoull(buffer[1], nullptr, 10);
    usage.oom_kills = field(buffer[2], "oom_kill ");
  }
  return usage;
}

}  // namespace gust::sandbox
