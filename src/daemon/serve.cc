// SPDX-License-Identifier: Apache-2.0

#include "daemon/serve.h"

#include <limits.h>
#include <sched.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/ids.h"
#include "base/log.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/supervisor.h"
#include "net/socket.h"
#include "os/files.h"
#include "sandbox/root_tree.h"
#include "sandbox/warden_process.h"

namespace gust::daemon {
namespace {

struct Installation {
  std::string init, unpack, share;
};

// Everything that ships with the program lies beside it.
Result<Installation> find_installation() {
  char path[PATH_MAX];
  const ssize_t n = readlink("/proc/self/exe", path, sizeof path);
  if (n <= 0) return fail_errno("read /proc/self/exe");
  const std::string program(path, static_cast<size_t>(n));
  const std::string directory = program.substr(0, program.rfind('/'));
  Installation found{directory + "/gust-init", directory + "/gust-unpack", directory + "/share"};
  for (const std::string& file : {found.init, found.unpack, found.share}) {
    if (!files::exists(file)) return fail(Errc::NotFound, file + " is missing: it must lie beside " + program);
  }
  return found;
}

bool is_loopback(const std::string& host) { return host.starts_with("127.") || host == "::1" || host == "localhost"; }

Result<net::Endpoint> wanted_endpoint(const Config& config) {
  const net::Endpoint wanted = TRY(net::parse_endpoint(config.listen));
  if (config.dev && !is_loopback(wanted.host)) {
    return fail(Errc::Invalid, "--dev accepts any key and is for loopback addresses only, not " + wanted.text());
  }
  return wanted;
}

// One socket, and for 127.0.0.1 the same port of ::1 where the host has it, because "localhost" may mean either.
Result<std::vector<Fd>> open_listeners(const net::Endpoint& wanted, net::Endpoint& bound) {
  auto listener = net::listen_tcp(wanted);
  // The sockets of a gust that was killed close a moment after its lock is free.
  for (int i = 0; !listener && listener.error().code == Errc::Io && i < 20; ++i) {
    usleep(25'000);
    listener = net::listen_tcp(wanted);
  }
  if (!listener) {
    return Failure(std::move(listener).error().in("cannot listen on " + wanted.text() +
                                                  " (is another gust running? --listen :0 takes a free port)"));
  }
  bound = TRY(net::local_endpoint(listener->get()));
  std::vector<Fd> all;
  all.push_back(std::move(*listener));
  if (wanted.host == "127.0.0.1") {
    if (auto second = net::listen_tcp({"::1", bound.port})) all.push_back(std::move(*second));
  }
  return all;
}

uint32_t cpus_of_host() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<uint32_t>(std::max(1, CPU_COUNT(&set)));
}

uint64_t memory_budget(const Config& config) {
  if (config.memory_budget_mb > 0) return static_cast<uint64_t>(config.memory_budget_mb) << 20;
  struct sysinfo info {};
  sysinfo(&info);
  return uint64_t{info.totalram} * info.mem_unit / 4 * 3;
}

void set_log_level(const std::string& name) {
  using log::Level;
  log::set_level(name == "debug"     ? Level::Debug
                 : name == "warning" ? Level::Warning
                 : name == "error"   ? Level::Error
                                     : Level::Info);
}

Result<int> run(const Config& config) {
  if (geteuid() != 0) return fail(Errc::Permission, "gust serve needs root for its sandboxes: run it with sudo");
  const Installation installation = TRY(find_installation());
  SupervisorOptions options;
  DaemonOptions daemon{.config = config};
  const net::Endpoint wanted = TRY(wanted_endpoint(config));
  options.remove_state = config.ephemeral;
  options.uid = static_cast<unsigned>(config.uid_base);
  if (!config.ephemeral) {
    if (!config.state.starts_with('/')) return fail(Errc::Invalid, "state must be an absolute path, not '" + config.state + "'");
    options.lock = TRY(lock_state(config.state));  // before the port: a gust that is ending has both
  }
  options.listeners = TRY(open_listeners(wanted, daemon.endpoint));
  daemon.host_cpus = cpus_of_host();
  daemon.memory_budget_bytes = memory_budget(config);
  daemon.instance_types = TRY(hosts::read_instance_types(installation.share + "/instance-types"));

  sandbox::WardenConfig warden;
  TRY(files::make_directories(config.runtimes));
  warden.root_directory = TRY(sandbox::build_root(config.runtimes, installation.share + "/roots/provided.manifest"));
  warden.init_path = installation.init;
  warden.unpack_path = installation.unpack;
  warden.uid_base = static_cast<uint32_t>(config.uid_base);
  warden.boot_id = new_id(8);
  warden.memory_limit = daemon.memory_budget_bytes;
  warden.host_cpus = daemon.host_cpus;
  // Last of what may fail, so that nothing is left of an ephemeral one.
  options.state_directory = config.ephemeral ? TRY(make_ephemeral_directory()) : config.state;
  daemon.state_on_host = warden.state_directory = options.state_directory;

  Processes processes;
  processes.starter = [&](Fd daemon_channel, Fd remover_channel) {
    return sandbox::run_starter(std::move(daemon_channel), std::move(remover_channel), warden);
  };
  processes.remover = [&](Fd starter_channel) { return sandbox::run_remover(std::move(starter_channel), warden); };
  processes.daemon = [&](Fd warden_channel, std::vector<Fd> listeners, std::string state) {
    return run_daemon(daemon, std::move(warden_channel), std::move(listeners), std::move(state));
  };
  processes.clean_leftovers = [&] { sandbox::clean_leftovers(warden); };
  return supervise(std::move(options), processes);
}

}  // namespace

int serve(const std::vector<std::string>& arguments) {
  auto loaded = load_config(arguments, environ);
  if (!loaded) {
    fprintf(stderr, "gust: %s\n", loaded.error().message.c_str());
    return 2;
  }
  if (loaded->help) {
    fputs((loaded->markdown ? config_markdown() : config_help()).c_str(), stdout);
    return 0;
  }
  set_log_level(loaded->config.log_level);
  auto status = run(loaded->config);
  if (status) return *status;
  fprintf(stderr, "gust: %s\n", status.error().message.c_str());
  return status.error().code == Errc::Invalid ? 2 : 1;
}

}  // namespace gust::daemon
