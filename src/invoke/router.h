// SPDX-License-Identifier: Apache-2.0

#pragma once

// The invoke path: finds or starts an environment for each invocation, hands events over, answers callers, keeps the
// environments and their limits. Everything on one loop's thread; no store, no lock, no other thread on the warm path.
//
// An invocation that cannot run at once waits in its function's queue: for a start, for the host's memory, in strict mode
// for its CPUs. Functions take turns, one start or hand-over each; the one at the head that lacks memory or CPU is not
// overtaken by others that want the same. A concurrency limit never waits: it answers Throttled at once, as AWS does.

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/value.h"
#include "http/server.h"
#include "invoke/environment.h"
#include "invoke/function.h"
#include "meter/execution.h"
#include "meter/log_sink.h"
#include "net/loop.h"
#include "os/clock.h"
#include "runtime/runtime_api.h"
#include "sandbox/sandbox.h"

namespace gust::invoke {

struct RouterOptions {
  uint64_t memory_budget_bytes = 4ull << 30;  // sum of the functions' memory of all environments
  uint32_t max_concurrency = 1000;            // of the account
  uint32_t host_cpus = 1;                     // also the most starts in flight
  bool strict_cpu_admission = false;          // never more CPU quota at once than the host has
  size_t max_waiting = 10'000;                // invocations waiting for the host; beyond: Unavailable
  int64_t max_wait_us = 60'000'000;           // for the host; then Throttled
  int64_t init_limit_us = 10'000'000;         // AWS: 10 s
  int64_t reset_limit_us = 5'000'000;         // of killing what is inside; then the sandbox goes
  // A runtime that has answered gets this long to ask for its next event before another environment is started for what
  // waits: a caller that calls again at once is faster than the runtime.
  int64_t finish_grace_us = 3'000;
  // A start that takes longer waits for something else than CPU and makes way for others (not in strict mode).
  int64_t slow_start_us = 1'000'000;
  int64_t idle_check_us = 250'000;  // after becoming idle, then twice as long each time
  uint64_t idle_cpu_us = 5'000;     // an idle environment that uses more is frozen
  std::string access_key_id = "ASIAFUNCTION", secret_access_key = "function";  // in functions; the listener decides who they are
  // Serves the gateway and the resolver inside a sandbox, until detached.
  std::function<void(const Environment&, Fd gateway_listener, Fd resolver)> attach;
  std::function<void(uint64_t environment)> detach;
};

class Router final : public runtime::RuntimeEvents {
 public:
  Router(net::Loop& loop, sandbox::Warden& warden, meter::LogSink& logs, const Clock& clock, RouterOptions options);
  ~Router() override;

  // New, or a newer record. Where epoch or anything that an environment is made from differs, older environments leave,
  // busy ones after their call.
  void put_function(FunctionPtr function);
  void remove_function(const std::string& arn);  // what waits is answered Unavailable, what runs ends
  FunctionPtr find(const std::string& arn) const;
  const Environment* environment(uint64_t id) const;

  void invoke(Invocation invocation);

  // What an always-on service takes from strict CPU admission and from the memory budget from now on; negative gives back.
  void reserve(int64_t cpu_milli, int64_t memory_bytes);

  // Refuses new invocations, lets those waiting and in flight end (after the limit: answers them Unavailable), then ends
  // every environment and calls done.
  void drain(int64_t limit_us, std::function<void()> done);

  Value processes() const;                                                          // gust ps
  void each_environment(const std::function<void(const Environment&)>& see) const;  // gust explain

  // The warden's exit reports that are not ours (other users of the same warden) come back false.
  bool exited(uint64_t id, sandbox::Exit exit);

  // RuntimeEvents
  void next(uint64_t environment, http::ExchangePtr exchange) override;
  Verdict response(uint64_t environment, std::string_view request_id, runtime::Posted posted) override;
  Verdict error(uint64_t environment, std::string_view request_id, runtime::Posted posted) override;
  Verdict init_error(uint64_t environment, runtime::Posted posted) override;
  Verdict too_large(uint64_t environment, std::string_view request_id, uint64_t bytes) override;
  void posted_done(uint64_t environment) override;
  void gone(uint64_t environment, http::Exchange& exchange) override;
  std::string_view state_of(uint64_t environment) const override;

 private:
  enum class Step { Done, Nothing, NoStart, NoCpu };
  enum class Failed { Error, Timeout };  // how an init did

  // router.cc: functions, admission, turns
  Environment* find_environment(uint64_t id) const;
  void count(Pool& pool, int by);
  void count_reservation(Pool& pool, bool add);
  bool throttled(const Pool& pool, Invocation& invocation);
  bool cpu_free(int64_t milli) const;
  int64_t cpu_share(const Function& function) const;
  int64_t cpu_of_init(const Function& function) const;
  void hold_cpu(Environment& e, int64_t milli);  // 0: gives it back
  Environment* take_idle(Pool& pool);
  void wait_in_line(Pool& pool, Invocation invocation);
  Invocation take_waiting(Pool& pool);
  void answer_waiting(Pool& pool, InvokeResult result);  // the first one, without running it
  Step serve(Pool& pool, bool may_start);
  void serve_all();
  void housekeep();
  void housekeep_by(int64_t at_us);
  void expire_waiting(int64_t now_us, int64_t& next_us);
  void end_all(const char* cause);
  void check_drained();

  // lifecycle.cc: environments from start to end
  bool start_environment(Pool& pool);
  bool make_room(uint64_t bytes);
  sandbox::StartSpec start_spec(const Environment& e) const;
  void on_started(uint64_t id, Result<sandbox::Started> started);
  void begin_init(Environment& e);
  void end_start(Environment& e);
  void end_finish(Environment& e);
  void init_failed(Environment& e, Failed how, const std::string& type, std::string_view message, std::string payload);
  void charge(Environment& e, Invocation invocation, const std::string& type, int64_t init_us);
  void reset(Environment& e, std::string cause);
  void on_program_end(Environment& e, int status, bool could_not_start);
  void on_crash(Environment& e, int status, bool oom);
  void become_idle(Environment& e);
  void check_idle(Environment& e, int64_t now_us);
  void thaw(Environment& e);
  void leave(Environment& e, std::string cause);
  void forget(Environment& e);
  void change(Environment& e, State state, std::string cause);
  void read_control(Environment& e);
  static bool current_version(const Environment& e) { return e.pool->function == e.function; }

  // execution.cc: one invocation in one environment
  void hand_over(Environment& e, Invocation invocation);
  void on_timeout(uint64_t id);
  Verdict expects(const Environment* e, std::string_view request_id) const;
  void posted_answer(Environment& e, InvokeResult result);
  void answer(Environment& e, InvokeResult result);
  void finish(Environment& e, meter::Outcome outcome);
  void sample(Environment& e, meter::Execution& x);
  void watch_output(Environment& e);
  void read_output(Environment& e);
  void end_partial_line(Environment& e);
  void output_lines(Environment& e, std::string_view text);
  void log_line(Environment& e, std::string_view request_id, std::string_view text);
  void log_current(Environment& e, std::string_view text);

  net::Loop& loop_;
  sandbox::Warden& warden_;
  meter::LogSink& logs_;
  const Clock& clock_;
  RouterOptions options_;
  runtime::RuntimeApi api_;
  http::Server server_;
  std::unordered_map<std::string, Pool> pools_;  // by unqualified ARN
  std::unordered_map<uint64_t, std::unique_ptr<Environment>> environments_;
  std::list<Pool*> line_;  // functions with waiting invocations, next turn first
  uint64_t next_id_ = 1;
  uint64_t memory_used_ = 0;
  uint32_t starts_in_flight_ = 0;
  uint32_t in_use_ = 0, unreserved_in_use_ = 0;  // concurrency: invocations waiting and running
  int64_t reserved_total_ = 0;                   // of all functions' reserved concurrency
  int64_t cpu_in_use_ = 0;
  size_t waiting_ = 0;
  bool serving_ = false, serve_again_ = false, draining_ = false;
  std::function<void()> drained_;
  net::Timer drain_timer_, housekeeping_timer_;
  int64_t housekeeping_at_us_ = INT64_MAX;
};

}  // namespace gust::invoke
