// SPDX-License-Identifier: Apache-2.0

#include "sandbox/warden_client.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <unordered_map>

#include "base/log.h"
#include "net/socket.h"
#include "sandbox/init_protocol.h"
#include "sandbox/service_network.h"
#include "sandbox/wire.h"

namespace gust::sandbox {
namespace {

constexpr size_t kMostSpecBytes = 190 << 10, kMostTexts = 4000;  // init_main.c has a little more
constexpr size_t kMostQueued = 65536;
constexpr size_t kMostStarting = 32;  // at the starter at the same time; the others wait here, without descriptors there
constexpr size_t kFixedFds = 4;       // pidfd, two listeners, resolver

void append_u32(std::string& out, size_t value) {
  uint32_t v = static_cast<uint32_t>(value);
  out.append(reinterpret_cast<const char*>(&v), sizeof v);
}

Result<std::string> encode_spec(const StartSpec& spec) {
  if (spec.arguments.empty()) return fail(Errc::Invalid, "no program to start");
  std::string out;
  append_u32(out, GUST_INIT_VERSION);
  append_u32(out, spec.run ? 1 : 0);
  append_u32(out, spec.arguments.size());
  append_u32(out, spec.environment.size());
  append_u32(out, spec.inherit.size());
  auto put = [&out](const std::string& text) {
    bool clean = text.find('\0') == std::string::npos;
    out.append(text).push_back('\0');
    return clean;
  };
  bool clean = put(spec.working_directory);
  for (const std::string& text : spec.arguments) clean &= put(text);
  for (const std::string& text : spec.environment) clean &= put(text);
  if (!clean) return fail(Errc::Invalid, "an argument or variable has a NUL byte");
  if (out.size() > kMostSpecBytes || spec.arguments.size() + spec.environment.size() > kMostTexts) {
    return fail(Errc::TooLarge, "arguments and environment are too large");
  }
  return out;
}

Result<Fd> memory_file(const std::string& content) {
  Fd fd(memfd_create("spec", MFD_CLOEXEC));
  if (!fd) return fail_errno("memfd_create");
  if (write(fd.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size())) return fail_errno("write spec");
  return fd;
}

Errc code_of(int error) {
  switch (error) {
    case ENOENT:
      return Errc::NotFound;
    case EINVAL:
      return Errc::Invalid;
    case EEXIST:
      return Errc::Exists;
    case EAGAIN:
      return Errc::Exhausted;
    case ECANCELED:
    case ECONNREFUSED:
      return Errc::Unavailable;
    case EPERM:
      return Errc::Permission;
    default:
      return Errc::Io;
  }
}

class Client : public Warden {
 public:
  Client(net::Loop& loop, Fd channel) : loop_(loop), channel_(std::move(channel)), watch_(loop, channel_.get()) {
    fcntl(channel_.get(), F_SETFL, fcntl(channel_.get(), F_GETFL) | O_NONBLOCK);
    watch();
  }

  void start(StartSpec spec, std::function<void(Result<Started>)> done) override {
    if (!open_) return done(fail(Errc::Unavailable, "the warden is gone"));
    auto inherited = duplicates(spec.inherit);
    if (!inherited) return done(Failure(std::move(inherited).error()));
    uint64_t id = spec.id;
    auto [slot, fresh] = starts_.try_emplace(id);
    if (!fresh) return done(fail(Errc::Exists, "this sandbox id is in use"));
    slot->second = {std::move(done), std::move(spec), std::move(*inherited), false, {}, {}};
    starting_.push_back(id);
    start_more();
  }

  void set_cpu(uint64_t id, uint32_t cpu_milli) override {
    wire::Request request = about(wire::Verb::SetCpu, id);
    request.cpu_milli = cpu_milli;
    enqueue({request, {}});
  }
  void kill(uint64_t id) override {
    auto found = starts_.find(id);
    if (found == starts_.end() || found->second.sent) return enqueue({about(wire::Verb::Kill, id), {}});
    // Later, as every other answer: callers may be inside what `done` changes.
    loop_.post([done = std::move(found->second.done)] { done(fail(Errc::Unavailable, "killed before it was started")); });
    starts_.erase(found);
  }
  void freeze(uint64_t id, bool frozen) override {
    wire::Request request = about(wire::Verb::Freeze, id);
    request.frozen = frozen;
    enqueue({request, {}});
  }
  void on_exit(std::function<void(uint64_t, Exit)> callback) override { on_exit_ = std::move(callback); }
  void connect(uint64_t id, uint16_t port, std::function<void(Result<Fd>)> done) override {
    if (!open_) return done(fail(Errc::Unavailable, "the warden is gone"));
    wire::Request request = about(wire::Verb::Connect, id);
    request.port = port;
    request.cookie = ++cookie_;
    connects_.emplace(request.cookie, std::move(done));
    enqueue({request, {}});
  }

 private:
  struct Message {
    wire::Request request;
    std::vector<Fd> fds;
  };
  struct Pending {
    std::function<void(Result<Started>)> done;
    StartSpec spec;
    std::vector<Fd> inherited;
    bool sent = false;
    Fd control, output;  // once it is sent
  };

  static wire::Request about(wire::Verb verb, uint64_t id) {
    wire::Request request;
    request.verb = verb;
    request.id = id;
    return request;
  }

  static Result<std::vector<Fd>> duplicates(const std::vector<int>& borrowed) {
    std::vector<Fd> copies;
    for (int fd : borrowed) {
      copies.emplace_back(fcntl(fd, F_DUPFD_CLOEXEC, 3));
      if (!copies.back()) return fail_errno("inherited descriptor");
    }
    return copies;
  }

  static Result<Message> start_message(Pending& pending) {
    const StartSpec& spec = pending.spec;
    Message message;
    wire::Request& request = message.request;
    request = about(wire::Verb::Start, spec.id);
    if (spec.code.size() >= sizeof request.code || spec.output.size() >= sizeof request.output) {
      return fail(Errc::Invalid, "directory name too long");
    }
    request.kind = static_cast<uint32_t>(spec.kind);
    request.memory_bytes = spec.limits.memory_bytes;
    request.tmp_bytes = spec.kind == Kind::Unpack ? 0 : spec.limits.tmp_bytes;
    request.visible_cpus = spec.limits.visible_cpus;
    request.pids = spec.limits.pids;
    request.inherit = static_cast<uint32_t>(spec.inherit.size());
    wire::put(request.code, spec.code);
    wire::put(request.output, spec.output);
    std::string encoded = TRY(encode_spec(spec));
    Fd text = TRY(memory_file(encoded));
    auto [ours, theirs] = TRY(net::packet_pair());
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
    pending.output = Fd(ends[0]);
    pending.control = std::move(ours);
    Fd sink(ends[1]);
    fcntl(pending.output.get(), F_SETFL, O_NONBLOCK);
    fcntl(pending.control.get(), F_SETFL, O_NONBLOCK);
    for (Fd* fd : {&theirs, &text, &sink}) message.fds.push_back(std::move(*fd));
    for (Fd& fd : pending.inherited) message.fds.push_back(std::move(fd));
    pending.sent = true;
    pending.spec = {};
    return message;
  }

  void start_more() {
    while (open_ && !starting_.empty() && in_flight_ < kMostStarting) {
      auto next = starts_.find(starting_.front());
      starting_.pop_front();
      if (next == starts_.end()) continue;  // killed
      auto message = start_message(next->second);
      if (message) {
        ++in_flight_;
        enqueue(std::move(*message));
      } else {
        auto done = std::move(next->second.done);
        starts_.erase(next);
        done(Failure(std::move(message).error()));
      }
    }
  }

  void enqueue(Message message) {
    if (!open_) return;
    if (queue_.size() >= kMostQueued) return lose("too many requests wait for the warden");
    queue_.push_back(std::move(message));
    if (queue_.size() == 1) flush();
  }

  void flush() {
    while (open_ && !queue_.empty()) {
      const Message& message = queue_.front();
      std::vector<int> numbers;
      for (const Fd& fd : message.fds) numbers.push_back(fd.get());
      auto sent = net::send_packet(channel_.get(), wire::bytes_of(message.request), numbers);
      if (!sent && sent.error().code == Errc::Exhausted) return watch_.when_writable([this] { flush(); });
      if (!sent) return lose(sent.error().message);
      queue_.pop_front();
    }
  }

  void watch() {
    watch_.when_readable([this] {
      receive();
      if (open_) watch();
    });
  }

  void receive() {
    // Bounded, so that a burst of exits does not keep the loop from other work.
    for (int i = 0; i < 32 && open_; ++i) {
      auto packet = net::receive_packet(channel_.get(), sizeof(wire::Report), wire::kMaxFds);
      if (!packet && packet.error().code == Errc::Timeout) return;
      if (!packet || packet->bytes.empty()) return lose("the warden is gone");
      wire::Report report;
      if (!wire::parse(packet->bytes, report)) return lose("the warden speaks another version");
      handle(report, std::move(packet->fds));
    }
  }

  void handle(const wire::Report& report, std::vector<Fd> fds) {
    if (report.event == wire::Event::Started) started(report, std::move(fds));
    if (report.event == wire::Event::Exited && on_exit_) {
      on_exit_(report.id, {report.status, report.oom != 0, report.cpu_user_us, report.cpu_system_us, report.max_rss_kib});
    }
    if (report.event == wire::Event::Connected) {
      auto found = connects_.find(report.cookie);
      if (found == connects_.end()) return;
      auto done = std::move(found->second);
      connects_.erase(found);
      if (report.error || fds.size() != 1) return done(error_of(report));
      done(std::move(fds[0]));
    }
  }

  static Failure error_of(const wire::Report& report) {
    return fail(code_of(report.error), "warden: " + std::string(wire::get(report.text)));
  }

  void started(const wire::Report& report, std::vector<Fd> fds) {
    auto found = starts_.find(report.id);
    if (found == starts_.end()) return;
    Pending pending = std::move(found->second);
    starts_.erase(found);
    --in_flight_;
    start_more();
    if (report.error || fds.size() < kFixedFds) return pending.done(error_of(report));
    Started s;
    s.pidfd = std::move(fds[0]);
    s.runtime_listener = std::move(fds[1]);
    s.gateway_listener = std::move(fds[2]);
    s.resolver = std::move(fds[3]);
    s.control = std::move(pending.control);
    s.output = std::move(pending.output);
    if (report.address) s.address = address_text(report.address);
    for (size_t i = kFixedFds; i < fds.size(); ++i) s.usage.push_back(std::move(fds[i]));
    pending.done(std::move(s));
  }

  void lose(std::string reason) {
    if (!open_) return;
    open_ = false;
    log::error("sandbox", reason);
    queue_.clear();
    starting_.clear();
    auto starts = std::move(starts_);
    auto connects = std::move(connects_);
    for (auto& [id, pending] : starts) pending.done(fail(Errc::Unavailable, reason));
    for (auto& [cookie, done] : connects) done(fail(Errc::Unavailable, reason));
  }

  net::Loop& loop_;
  Fd channel_;
  net::Watch watch_;
  bool open_ = true;
  uint64_t cookie_ = 0;
  std::deque<Message> queue_;      // to be sent
  std::deque<uint64_t> starting_;  // to be queued when earlier starts are answered
  size_t in_flight_ = 0;           // starts that were queued and not answered
  std::unordered_map<uint64_t, Pending> starts_;
  std::unordered_map<uint64_t, std::function<void(Result<Fd>)>> connects_;
  std::function<void(uint64_t, Exit)> on_exit_;
};

}  // namespace

std::unique_ptr<Warden> make_warden(net::Loop& loop, Fd channel) { return std::make_unique<Client>(loop, std::move(channel)); }

}  // namespace gust::sandbox
