// SPDX-License-Identifier: Apache-2.0

#pragma once

// The invoke path: finds or starts an environment for each invocation, hands events over, answers callers, keeps the
// environments and their limits. Everything on one loop's thread; no store, no lock, no other thread on the warm path.

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "http/server.h"
#include "invoke/environment.h"
#include "invoke/function.h"
#include "meter/execution.h"
#include "meter/log_sink.h"
#include "os/clock.h"
#include "runtime/runtime_api.h"
#include "sandbox/sandbox.h"

namespace gust::invoke {

struct RouterOptions {
  uint64_t memory_budget_bytes = 4ull << 30;   // sum of the functions' memory of all environments
  uint32_t max_concurrency = 1000;             // of the account
  uint32_t host_cpus = 1;
  bool strict_cpu_admission = false;
  size_t max_waiting = 10'000;                 // invocations waiting for the host; beyond: Unavailable
  int64_t max_wait_us = 60'000'000;            // for the host's memory or CPU; then Throttled
  int64_t init_limit_us = 10'000'000;          // AWS: 10 s
  std::string access_key_id = "ASIAFUNCTION", secret_access_key = "function";  // in functions; the listener decides who they are
  // Serves the gateway and the resolver inside a sandbox, until detached.
  std::function<void(const Environment&, Fd gateway_listener, Fd resolver)> attach;
  std::function<void(uint64_t environment)> detach;
};

class Router final : public runtime::RuntimeEvents {
 public:
  Router(net::Loop& loop, sandbox::Warden& warden, meter::LogSink& logs, const Clock& clock, RouterOptions options);
  ~Router() override;

  void put_function(FunctionPtr function);      // new, or a newer record: older environments leave after their call
  void remove_function(const std::string& arn);
  FunctionPtr find(const std::string& arn) const;
  const Environment* environment(uint64_t id) const;

  // Throttled at once for a concurrency limit; waits, bounded, for the host's memory and CPU.
  void invoke(Invocation invocation);

  // Refuses new invocations, lets those in flight end, then ends every environment and calls done.
  void drain(int64_t limit_us, std::function<void()> done);

  Value processes() const;                      // gust ps
  Value explain(const std::string& arn) const;  // gust explain

  // The warden's exit reports that are not ours (other users of the same warden) come back false.
  bool exited(uint64_t id, sandbox::Exit exit);

  // RuntimeEvents
  void next(uint64_t environment, http::ExchangePtr exchange) override;
  Verdict response(uint64_t environment, std::string_view request_id, runtime::Posted posted) override;
  Verdict error(uint64_t environment, std::string_view request_id, runtime::Posted posted) override;
  Verdict init_error(uint64_t environment, runtime::Posted posted) override;
  void posted_done(uint64_t environment) override;
  void gone(uint64_t environment, http::Exchange& exchange) override;

 private:
  struct Pool {
    FunctionPtr function;
    std::vector<Environment*> idle;      // most recently used last
    std::vector<Environment*> prepared;  // reset: sandbox without a runtime
    std::deque<Invocation> waiting;
    uint32_t busy = 0, starting = 0;
    bool ever_started = false;
  };

  Pool& pool_of(const Environment& environment) { return pools_[environment.function->arn]; }
  Environment* find_environment(uint64_t id);
  bool throttled(const Pool& pool, Invocation& invocation);
  bool cpu_free_for(const Function& function) const;
  void serve(Pool& pool);                // hands waiting invocations to idle environments, starts what is missing
  void serve_all();
  bool start_environment(Pool& pool);
  bool make_room(uint64_t bytes);
  void on_started(uint64_t id, Result<sandbox::Started> started);
  void begin_init(Environment& e);
  void hand_over(Environment& e, Invocation invocation);
  void on_timeout(uint64_t id);
  void answer(Environment& e, InvokeResult result);
  void finish(Environment& e, meter::Outcome outcome);
  void reset(Environment& e, std::string cause);
  void on_program_end(Environment& e, int status, bool could_not_start);
  void fail_waiting(Pool& pool, const std::string& type, const std::string& message, meter::Outcome outcome);
  void become_idle(Environment& e);
  void leave(Environment& e, std::string cause);
  void forget(Environment& e);
  void change(Environment& e, State state, std::string cause);
  void read_output(Environment& e);
  void read_control(Environment& e);
  void log_line(Environment& e, std::string_view text);
  void platform_line(Environment& e, std::string text);
  bool current_version(const Environment& e) const;
  void check_drained();
  void expire_waiting();
  void count_busy(Environment& e, int by);

  net::Loop& loop_;
  sandbox::Warden& warden_;
  meter::LogSink& logs_;
  const Clock& clock_;
  RouterOptions options_;
  runtime::RuntimeApi api_;
  http::Server server_;
  std::unordered_map<std::string, Pool> pools_;  // by unqualified ARN
  std::unordered_map<uint64_t, std::unique_ptr<Environment>> environments_;
  uint64_t next_id_ = 1;
  uint64_t memory_used_ = 0;
  uint32_t starts_in_flight_ = 0, busy_ = 0, cpu_in_use_ = 0;
  size_t waiting_ = 0;
  bool draining_ = false;
  std::function<void()> drained_;
  net::Timer drain_timer_, expire_timer_;
};

}  // namespace gust::invoke
