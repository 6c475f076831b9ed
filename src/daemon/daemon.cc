// SPDX-License-Identifier: Apache-2.0

#include "daemon/daemon.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>

#include "base/log.h"
#include "daemon/credential_chain.h"
#include "daemon/hooks.h"
#include "daemon/inside.h"
#include "daemon/services_hook.h"
#include "daemon/tls_identity.h"
#include "gateway/gateway.h"
#include "hosts/service_host.h"
#include "invoke/event_queue.h"
#include "invoke/router.h"
#include "os/files.h"
#include "sandbox/warden_client.h"
#include "services/dynamodb/dynamodb_service.h"
#include "services/iam/iam_service.h"
#include "services/lambda/lambda_service.h"
#include "services/lambda/router_port.h"
#include "services/lambda/sandbox_unpacker.h"
#include "services/logs/logs_service.h"
#include "services/s3/s3_service.h"
#include "services/sts/sts_service.h"
#include "store/sqlite/sqlite_store.h"

namespace gust::daemon {
namespace {

constexpr size_t kDiskThreads = 4, kMostQueued = 10'000;
constexpr int64_t kDrainUs = 30'000'000;           // what is in flight at SIGTERM may take this long
constexpr uint64_t kOtherIds = uint64_t{1} << 62;  // sandboxes that are not the router's

std::string role_identity(const invoke::Function& function) {
  const std::string role = function.role.substr(function.role.rfind('/') + 1);
  return "arn:aws:sts::" + function.account + ":assumed-role/" + role + "/" + function.name;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    if (comma > at) out.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return out;
}

class Daemon {
 public:
  Daemon(const DaemonOptions& options, Fd warden_channel, std::vector<Fd> listeners, std::string state,
         std::unique_ptr<store::Store> store, std::vector<gateway::Credential> keys, std::string session_key);
  Result<> load();
  int run();

 private:
  gateway::Options gateway_options();
  invoke::RouterOptions router_options();
  hosts::ServiceHost::Options service_options();
  lambda::Rules rules() const;
  Result<std::optional<sts::Role>> find_role(std::string_view account, std::string_view name);
  void watch_signals();
  void end();
  void end_services(std::function<void()> then);

  const DaemonOptions& options_;
  const std::string state_;
  std::vector<Fd> listeners_;
  Fd signals_;
  net::Loop loop_;
  std::unique_ptr<store::Store> store_;
  gateway::StaticCredentials root_keys_;
  sts::Sessions sessions_;
  net::WorkerPool disk_, workers_;
  meter::LogSink logs_;
  std::unique_ptr<sandbox::Warden> warden_;
  uint64_t next_id_ = kOtherIds;
  Inside inside_;
  invoke::Router router_;
  invoke::EventQueue events_;
  lambda::SandboxUnpacker unpacker_;
  lambda::CodeStore code_;
  lambda::RouterPort port_;
  hosts::ServiceHost hosts_;
  lambda::LambdaService lambda_;
  s3::S3Service s3_;
  dynamodb::DynamoDbService dynamodb_;
  logs::LogsService logs_service_;
  iam::IamService iam_;
  sts::StsService sts_;
  CredentialChain credentials_;
  gateway::Gateway gateway_;
  ServicesHook services_hook_;
  http::Server server_;
  std::unique_ptr<TlsIdentity> tls_;
  std::unique_ptr<net::Watch> signal_watch_;
  bool ending_ = false;
};

Daemon::Daemon(const DaemonOptions& options, Fd warden_channel, std::vector<Fd> listeners, std::string state,
               std::unique_ptr<store::Store> store, std::vector<gateway::Credential> keys, std::string session_key)
    : options_(options),
      state_(std::move(state)),
      listeners_(std::move(listeners)),
      store_(std::move(store)),
      root_keys_(std::move(keys)),
      sessions_(std::move(session_key)),
      disk_("gust-disk", kDiskThreads, kMostQueued),
      workers_("gust-worker", static_cast<size_t>(options.config.workers), kMostQueued),
      logs_(state_, {.function_bytes = static_cast<uint64_t>(options.config.log_function_mb) << 20,
                     .total_bytes = static_cast<uint64_t>(options.config.log_total_mb) << 20}),
      warden_(sandbox::make_warden(loop_, std::move(warden_channel))),
      inside_(loop_),
      router_(loop_, *warden_, logs_, system_clock(), router_options()),
      events_(loop_, *store_, workers_, router_, system_clock(),
              {.clock_scale = options.config.clock_scale,
               .backlog_bytes = static_cast<uint64_t>(options.config.async_backlog_mb) << 20}),
      unpacker_(loop_, *warden_, [this] { return ++next_id_; }),
      code_(state_ + "/code", loop_, disk_, unpacker_),
      port_(router_),
      hosts_(loop_, *warden_, logs_, system_clock(), service_options()),
      lambda_({.store = *store_,
               .loop = loop_,
               .disk = disk_,
               .code = code_,
               .port = port_,
               .events = events_,
               .clock = system_clock()},
              rules()),
      s3_({.store = *store_,
           .events = events_,
           .policy = lambda_,
           .disk = disk_,
           .clock = system_clock(),
           .objects_directory = state_ + "/objects"}),
      dynamodb_(*store_, system_clock()),
      logs_service_(state_, logs_),
      iam_({.store = *store_, .clock = system_clock()}),
      sts_({.sessions = sessions_,
            .clock = system_clock(),
            .find_role = [this](std::string_view account, std::string_view name) { return find_role(account, name); },
            .any_role = options.config.dev}),
      credentials_{&root_keys_, &iam_.access_keys(), &sessions_},
      gateway_(gateway_options(), credentials_, workers_, loop_, {&lambda_, &s3_, &dynamodb_, &logs_service_, &iam_, &sts_},
               [this](uint64_t tag) { return inside_.identity(tag); }),
      services_hook_({loop_, disk_, hosts_, code_, router_, options.instance_types}),
      server_(loop_, gateway_, {}, &disk_) {
  inside_.serve(gateway_, disk_);
  warden_->on_exit([this](uint64_t id, const sandbox::Exit& exit) {
    if (!router_.exited(id, exit)) hosts_.on_exit(id, exit);
  });
  gateway_.set_bucket_rules(&s3_.rules());
  add_hooks(gateway_, {loop_, disk_, router_, events_, logs_, services_hook_, state_});
}

gateway::Options Daemon::gateway_options() {
  gateway::Options out;
  out.dev = options_.config.dev;
  out.account = options_.config.account;
  out.region = options_.config.region;
  out.version = GUST_VERSION;
  out.allowed_hosts = split(options_.config.allowed_hosts);
  out.allowed_origins = split(options_.config.allowed_origins);
  out.sigv2_presign = options_.config.sigv2_presign;
  out.trust_forwarded = options_.config.trust_forwarded;
  out.spool_directory = state_ + "/spool";
  out.user_called = [this](std::string_view key, std::string_view service, std::string_view region) {
    iam_.access_keys().used(key, service, region, system_clock().unix_ms());
  };
  return out;
}

invoke::RouterOptions Daemon::router_options() {
  invoke::RouterOptions out;
  out.memory_budget_bytes = options_.memory_budget_bytes;
  out.max_concurrency = static_cast<uint32_t>(options_.config.max_concurrency);
  out.host_cpus = options_.host_cpus;
  out.strict_cpu_admission = options_.config.cpu_admission == "strict";
  out.attach = [this](const invoke::Environment& e, Fd gateway_listener, Fd resolver) {
    model::Identity who;
    who.account = e.function->account;
    who.region = e.function->region;
    who.principal_arn = role_identity(*e.function);
    inside_.attach(e.id, std::move(who), std::move(gateway_listener), std::move(resolver));
  };
  out.detach = [this](uint64_t id) { inside_.detach(id); };
  return out;
}

hosts::ServiceHost::Options Daemon::service_options() {
  hosts::ServiceHost::Options out;
  out.next_id = [this] { return ++next_id_; };
  out.account = options_.config.account;
  out.region = options_.config.region;
  out.attach = [this](uint64_t id, const std::string& service, Fd gateway_listener, Fd resolver) {
    model::Identity who;
    who.account = options_.config.account;
    who.region = options_.config.region;
    who.principal_arn = "arn:aws:iam::" + who.account + ":role/" + service;
    inside_.attach(id, std::move(who), std::move(gateway_listener), std::move(resolver));
    return std::shared_ptr<void>(nullptr, [this, id](void*) { inside_.detach(id); });
  };
  return out;
}

lambda::Rules Daemon::rules() const {
  lambda::Rules out;
  out.account_concurrency = static_cast<uint32_t>(options_.config.max_concurrency);
  return out;
}

Result<std::optional<sts::Role>> Daemon::find_role(std::string_view account, std::string_view name) {
  auto role = TRY(iam_.find_role(account, name));
  if (!role) return std::optional<sts::Role>();
  return sts::Role{std::move(role->arn), std::move(role->role_id), std::move(role->trust_policy), role->max_session_seconds};
}

Result<> Daemon::load() {
  // Bodies that were on their way when an earlier life ended: nothing of them was acknowledged.
  for (const std::string& name : TRY(files::list(state_ + "/spool"))) TRY(files::remove(state_ + "/spool/" + name));
  tls_ = TRY(TlsIdentity::open(state_ + "/ca", split(options_.config.allowed_hosts), loop_, disk_, system_clock()));
  TRY(dynamodb_.load());
  TRY(s3_.load());
  TRY(iam_.load());
  TRY(lambda_.load());
  return events_.load();
}

void Daemon::watch_signals() {
  signal_watch_->when_readable([this] {
    signalfd_siginfo info{};
    if (read(signals_.get(), &info, sizeof info) == sizeof info) end();
    watch_signals();
  });
}

int Daemon::run() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM), sigaddset(&set, SIGINT);
  signals_ = Fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return 1;
  signal_watch_ = std::make_unique<net::Watch>(loop_, signals_.get());
  watch_signals();
  for (size_t i = 0; i < listeners_.size(); ++i)
    server_.listen(std::move(listeners_[i]), kFirstHostListener + i, &tls_->context());
  printf("gust ready endpoint=http://%s account=%s credentials=%s/credentials.json\n", options_.endpoint.text().c_str(),
         options_.config.account.c_str(), options_.state_on_host.c_str());
  fflush(stdout);
  loop_.run();
  // Nothing that was acknowledged depends on destructors, and the order in which pools, store and services could end
  // without each other is not worth having: what was begun is committed and written, then the process ends.
  (void)store_->commit_and_wait([](store::Transaction&) { return Result<>(); });
  logs_.flush();
  _exit(0);
}

// In this order: no new requests, the answers of those in flight, the invocations in flight, the services.
void Daemon::end() {
  if (std::exchange(ending_, true)) return;
  log::info("daemon", "ending: what is in flight may take 30 s");
  events_.stop();
  server_.drain(kDrainUs, [this] { router_.drain(kDrainUs, [this] { end_services([this] { loop_.stop(); }); }); });
}

void Daemon::end_services(std::function<void()> then) {
  auto left = std::make_shared<size_t>(1);
  auto done = [left, then = std::move(then)](const Result<>&) {
    if (--*left == 0) then();
  };
  for (const hosts::ServiceStatus& service : hosts_.list()) {
    if (service.state == hosts::ServiceState::Stopped) continue;
    ++*left;
    hosts_.stop(service.name, done);
  }
  done({});
}

Result<int> build_and_run(const DaemonOptions& options, Fd warden_channel, std::vector<Fd> listeners, const std::string& state) {
  auto store = TRY(store::open_sqlite_store(state + "/gust.db"));
  auto keys = TRY(gateway::load_or_create_credentials(state + "/credentials.json", options.config.account));
  auto session_key = TRY(load_or_create_session_key(state + "/session.key"));
  Daemon daemon(options, std::move(warden_channel), std::move(listeners), state, std::move(store), std::move(keys),
                std::move(session_key));
  TRY(daemon.load());
  return daemon.run();
}

}  // namespace

int run_daemon(const DaemonOptions& options, Fd warden_channel, std::vector<Fd> listeners, std::string state_directory) {
  // Before any thread exists: they all inherit it, and the loop reads these from a descriptor.
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM), sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  umask(0077);
  auto status = build_and_run(options, std::move(warden_channel), std::move(listeners), state_directory);
  if (status) return *status;
  log::error("daemon", status.error().message);
  return 1;
}

}  // namespace gust::daemon
