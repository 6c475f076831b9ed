// SPDX-License-Identifier: Apache-2.0

#include "hosts/service_host.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/json.h"
#include "base/log.h"
#include "sandbox/init_protocol.h"

namespace gust::hosts {
namespace {

constexpr size_t kMaxLine = 16 << 10;     // longer lines of output are cut into pieces
constexpr size_t kReadAtOnce = 64 << 10;  // then others get their turn
constexpr uint32_t kPids = 4096;

bool is_service_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::string describe(int status) {
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

std::string_view name_of(ServiceState state) {
  switch (state) {
    case ServiceState::Starting:
      return "starting";
    case ServiceState::Running:
      return "running";
    case ServiceState::Waiting:
      return "waiting";
    case ServiceState::Stopping:
      return "stopping";
    case ServiceState::Stopped:
      return "stopped";
  }
  return "stopped";
}

// What exists while a sandbox runs; destroying it ends the sandbox, as init ends when its control socket is closed.
struct Run {
  Run(net::Loop& loop, sandbox::Started s)
      : started(std::move(s)),
        output(loop, started.output.get()),
        control(loop, started.control.get()),
        alive(loop, started.pidfd.get()) {}
  sandbox::Started started;
  net::Watch output, control, alive;
  std::shared_ptr<void> attached;
  std::string line;
  int64_t began_us = 0;  // monotonic
  std::string why;       // what init reported
  sandbox::Usage used;   // as last read

  void sample() {
    auto usage = sandbox::read_usage(started);
    if (!usage) return;
    usage->run_delay_us = std::max(usage->run_delay_us, used.run_delay_us);  // threads that end take theirs with them
    used = *usage;
  }
};

struct ServiceHost::Service {
  Service(net::Loop& loop, std::string n, ServiceSpec s) : spec(std::move(s)), retry(loop), grace(loop) {
    status.name = std::move(n);
    status.type = spec.type;
  }
  ServiceSpec spec;
  ServiceStatus status;
  std::unique_ptr<Run> run;
  net::Timer retry, grace;
  int64_t wait_us = 0;  // before the next try
  std::vector<std::function<void(Result<>)>> stopping;
};

ServiceHost::ServiceHost(net::Loop& loop, sandbox::Warden& warden, meter::LogSink& logs, const Clock& clock, Options options)
    : loop_(loop), warden_(warden), logs_(logs), clock_(clock), options_(std::move(options)) {}

ServiceHost::~ServiceHost() {
  for (const auto& [name, service] : services_) {
    if (service->status.state == ServiceState::Stopped) continue;
    if (service->run) warden_.kill(service->status.sandbox);
    record(*service, "off", clock_.unix_us());
  }
}

Result<> ServiceHost::start(const std::string& name, ServiceSpec spec) {
  if (!is_service_name(name)) return fail(Errc::Invalid, "a service's name has 1 to 64 letters, digits, - and _");
  if (spec.command.empty() || !spec.command[0].starts_with('/')) {
    return fail(Errc::Invalid, "a service's command starts with a path inside the sandbox, such as /var/task/service");
  }
  if (spec.type.cpu_milli == 0 || spec.type.memory_mib == 0) return fail(Errc::Invalid, "a service needs an instance type");
  std::unique_ptr<Service>& slot = services_[name];
  if (slot && slot->status.state != ServiceState::Stopped) return fail(Errc::Exists, "service " + name + " is on already");
  slot = std::make_unique<Service>(loop_, name, std::move(spec));
  slot->status.started_us = clock_.unix_us();
  slot->wait_us = options_.first_wait_us;
  record(*slot, "on", slot->status.started_us);
  run(*slot);
  return {};
}

sandbox::StartSpec ServiceHost::start_spec(const Service& service) const {
  sandbox::StartSpec spec;
  spec.kind = sandbox::Kind::Service;
  spec.id = service.status.sandbox;
  spec.code = service.spec.code;
  spec.limits.memory_bytes = uint64_t{service.spec.type.memory_mib} << 20;
  spec.limits.cpu_milli = service.spec.type.cpu_milli;
  spec.limits.visible_cpus = std::max(1u, (service.spec.type.cpu_milli + 999) / 1000);
  spec.limits.pids = kPids;
  spec.limits.tmp_bytes = options_.tmp_bytes;
  spec.arguments = service.spec.command;
  std::map<std::string, std::string> variables = {
      {"AWS_ACCESS_KEY_ID", "service"},  // trust belongs to the listener: any key is as good
      {"AWS_SECRET_ACCESS_KEY", "service"},
      {"AWS_DEFAULT_REGION", options_.region},
      {"AWS_ENDPOINT_URL", "http://127.0.0.1:4566"},
      {"AWS_REGION", options_.region},
      {"GUST_SERVICE_NAME", service.status.name},
      {"HOME", "/tmp"},
      {"LANG", "en_US.UTF-8"},
      {"PATH", "/usr/local/bin:/usr/bin:/bin"},
      {"TZ", ":UTC"},
  };
  for (const auto& [name, value] : service.spec.environment) variables[name] = value;
  for (const auto& [name, value] : variables) spec.environment.push_back(name + "=" + value);
  return spec;
}

void ServiceHost::run(Service& service) {
  service.status.state = ServiceState::Starting;
  service.status.sandbox = options_.next_id();
  ++service.status.runs;
  warden_.start(start_spec(service),
                [this, name = service.status.name, id = service.status.sandbox](Result<sandbox::Started> started) {
                  const auto at = services_.find(name);
                  if (at == services_.end() || at->second->status.sandbox != id) return warden_.kill(id);
                  if (!started) return end_run(*at->second, started.error().message);
                  begin(*at->second, std::move(*started));
                });
}

void ServiceHost::begin(Service& service, sandbox::Started started) {
  Fd gateway = std::move(started.gateway_listener), resolver = std::move(started.resolver);
  service.run = std::make_unique<Run>(loop_, std::move(started));
  service.run->began_us = clock_.monotonic_us();
  service.status.address = service.run->started.address;
  const uint64_t id = service.status.sandbox;
  if (options_.attach) service.run->attached = options_.attach(id, service.status.name, std::move(gateway), std::move(resolver));
  warden_.set_cpu(id, service.spec.type.cpu_milli);
  service.run->output.when_readable([this, &service] { read_output(service); });
  service.run->control.when_readable([this, &service] { read_control(service); });
  service.run->alive.when_readable(
      [this, &service] { end_run(service, service.run->why.empty() ? "killed" : service.run->why); });
  if (service.status.state == ServiceState::Stopping) return warden_.kill(id);  // stopped while it was starting
  service.status.state = ServiceState::Running;
}

void ServiceHost::read_output(Service& service) {
  Run& run = *service.run;
  char buffer[4096];
  size_t total = 0;
  ssize_t n = 0;
  while (total < kReadAtOnce && (n = ::read(run.started.output.get(), buffer, sizeof buffer)) > 0) {
    total += static_cast<size_t>(n);
    for (const char c : std::string_view(buffer, static_cast<size_t>(n))) {
      if (c != '\n') run.line += c;
      if (c != '\n' && run.line.size() < kMaxLine) continue;
      logs_.line(service.status.name, clock_.unix_us(), "s" + std::to_string(service.status.sandbox), "", run.line);
      run.line.clear();
    }
  }
  const bool ended = n == 0 && total < kReadAtOnce;
  if (!ended) run.output.when_readable([this, &service] { read_output(service); });
}

void ServiceHost::read_control(Service& service) {
  Run& run = *service.run;
  gust_init_report report{};
  const ssize_t n = ::recv(run.started.control.get(), &report, sizeof report, MSG_DONTWAIT);
  if (n == static_cast<ssize_t>(sizeof report) && report.version == GUST_INIT_VERSION) {
    const bool failed = report.event == GUST_INIT_FAILED;
    // A program that cannot be executed also exits: the first report is the better one.
    std::string why =
        failed ? "cannot execute " + service.spec.command[0] + ": " + std::strerror(report.status) : describe(report.status);
    return end_run(service, run.why.empty() ? std::move(why) : run.why);
  }
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
    return run.control.when_readable([this, &service] { read_control(service); });
  }
  end_run(service, run.why.empty() ? "the sandbox ended" : run.why);
}

void ServiceHost::on_exit(uint64_t id, const sandbox::Exit& exit) {
  for (const auto& [name, service] : services_) {
    if (service->status.sandbox != id || id == 0) continue;
    if (exit.oom) service->status.last_end = "out of memory";
  }
}

// The run is over, or could not begin: the sandbox goes, and the next try is set.
void ServiceHost::end_run(Service& service, std::string why) {
  const int64_t now = clock_.monotonic_us();
  bool steady = false;
  if (service.run) {
    read_output(service);
    Run& run = *service.run;
    if (!run.line.empty()) {
      logs_.line(service.status.name, clock_.unix_us(), "s" + std::to_string(service.status.sandbox), "", run.line);
    }
    if (service.status = live(service); run.used.oom_kills != 0) why = "out of memory";
    steady = now - run.began_us >= options_.steady_us;
    warden_.kill(service.status.sandbox);
    service.run.reset();
    service.status.address.clear();
  }
  service.status.last_end = std::move(why);
  if (service.status.state == ServiceState::Stopping) return finish(service);
  if (steady) service.wait_us = options_.first_wait_us;
  log::info("service", "run ended",
            {{"service", service.status.name},
             {"why", service.status.last_end},
             {"next_try_ms", std::to_string(service.wait_us / 1000)}});
  service.status.state = ServiceState::Waiting;
  service.retry.start(service.wait_us, [this, &service] { run(service); });
  service.wait_us = std::min(service.wait_us * 2, options_.most_wait_us);
}

void ServiceHost::stop(const std::string& name, std::function<void(Result<>)> done) {
  const auto at = services_.find(name);
  if (at == services_.end() || at->second->status.state == ServiceState::Stopped) {
    return done(fail(Errc::NotFound, "service " + name + " is not on"));
  }
  Service& service = *at->second;
  service.stopping.push_back(std::move(done));
  if (service.stopping.size() > 1) return;
  if (service.run) service.run->sample();
  const bool waiting = service.status.state == ServiceState::Waiting;
  service.status.state = ServiceState::Stopping;
  if (waiting) {
    service.retry.cancel();
    return finish(service);
  }
  if (!service.run) return;  // begin() or a failed start sees the state
  const gust_init_request request{GUST_INIT_VERSION, GUST_INIT_TERM};
  if (::send(service.run->started.control.get(), &request, sizeof request, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    return warden_.kill(service.status.sandbox);
  }
  service.grace.start(options_.stop_grace_us, [this, &service] { warden_.kill(service.status.sandbox); });
}

void ServiceHost::finish(Service& service) {
  service.grace.cancel();
  service.status.state = ServiceState::Stopped;
  service.status.stopped_us = clock_.unix_us();
  service.status.sandbox = 0;
  record(service, "off", service.status.stopped_us);
  const auto waiting = std::move(service.stopping);
  service.stopping.clear();
  for (const auto& done : waiting) done({});
}

void ServiceHost::record(const Service& service, std::string_view event, int64_t at_us) {
  Value line = Value::map();
  line.set("event", event);
  line.set("service", service.status.name);
  line.set("instance_type", service.spec.type.name);
  line.set("vcpu_milli", service.spec.type.cpu_milli);
  line.set("memory_mib", service.spec.type.memory_mib);
  line.set("started_us", static_cast<long long>(service.status.started_us));
  if (event == "off") {
    line.set("stopped_us", static_cast<long long>(at_us));
    line.set("seconds", static_cast<double>(at_us - service.status.started_us) / 1e6);
    line.set("runs", service.status.runs);
    line.set("cpu_us", service.status.cpu_us);
    line.set("throttled_us", service.status.throttled_us);
    line.set("run_delay_us", service.status.run_delay_us);
    line.set("memory_peak_bytes", service.status.memory_peak_bytes);
  }
  logs_.record("meter/services", at_us, json::write(line));
}

std::vector<ServiceStatus> ServiceHost::list() const {
  std::vector<ServiceStatus> all;
  for (const auto& [name, service] : services_) all.push_back(live(*service));
  return all;
}

// The status with what the running sandbox used until now.
ServiceStatus ServiceHost::live(const Service& service) {
  ServiceStatus status = service.status;
  if (!service.run) return status;
  service.run->sample();
  const sandbox::Usage& used = service.run->used;
  status.cpu_us += used.cpu_user_us + used.cpu_system_us;
  status.throttled_us += used.throttled_us;
  status.run_delay_us += used.run_delay_us;
  status.memory_peak_bytes = std::max(status.memory_peak_bytes, used.memory_peak_bytes);
  return status;
}

Result<ServiceStatus> ServiceHost::status(const std::string& name) const {
  const auto at = services_.find(name);
  if (at == services_.end()) return fail(Errc::NotFound, "no service " + name);
  return live(*at->second);
}

}  // namespace gust::hosts
