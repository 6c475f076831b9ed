// SPDX-License-Identifier: Apache-2.0

#include "invoke/router.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/ids.h"
#include "base/json.h"
#include "base/log.h"
#include "runtime/environment_variables.h"
#include "sandbox/init_protocol.h"

namespace gust::invoke {
namespace {

constexpr size_t kTail = 4096;              // X-Amz-Log-Result carries the last 4 KB
constexpr size_t kMostLine = 256 << 10;     // as a CloudWatch event; longer output is cut into lines
constexpr size_t kOutputAtOnce = 256 << 10; // read from one pipe before others have their turn
constexpr uint64_t kFirstId = 1;

std::string error_payload(std::string_view type, std::string_view message) {
  Value v = Value::map();
  v.set("errorType", type);
  v.set("errorMessage", message);
  return json::write(v);
}

std::string milliseconds(int64_t us) {
  char text[32];
  snprintf(text, sizeof text, "%.2f ms", static_cast<double>(us) / 1000.0);
  return text;
}

std::string exit_text(int status) {
  if (WIFSIGNALED(status)) {
    const char* name = sigabbrev_np(WTERMSIG(status));
    // The way Go's os/exec prints it, which is what AWS shows: "signal: killed", "signal: segmentation fault".
    std::string text = WTERMSIG(status) == SIGKILL ? "killed" : WTERMSIG(status) == SIGSEGV ? "segmentation fault"
                       : WTERMSIG(status) == SIGABRT ? "aborted" : WTERMSIG(status) == SIGTERM ? "terminated" : name ? name : "?";
    return "signal: " + text;
  }
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

std::string_view name_of(State state) {
  switch (state) {
    case State::Prepared: return "prepared";
    case State::Init: return "init";
    case State::Idle: return "idle";
    case State::Busy: return "busy";
    case State::Leaving: return "leaving";
  }
  return "?";
}

Router::Router(net::Loop& loop, sandbox::Warden& warden, meter::LogSink& logs, const Clock& clock, RouterOptions options)
    : loop_(loop), warden_(warden), logs_(logs), clock_(clock), options_(std::move(options)), api_(*this),
      server_(loop, api_, http::Limits{.idle_timeout_us = INT64_MAX / 4}, nullptr), next_id_(kFirstId), drain_timer_(loop),
      expire_timer_(loop) {}

Router::~Router() = default;

void Router::put_function(FunctionPtr function) {
  Pool& pool = pools_[function->arn];
  pool.function = std::move(function);
  std::vector<Environment*> old = pool.idle;
  old.insert(old.end(), pool.prepared.begin(), pool.prepared.end());
  for (Environment* e : old) leave(*e, "function updated");
}

void Router::remove_function(const std::string& arn) {
  auto it = pools_.find(arn);
  if (it == pools_.end()) return;
  Pool& pool = it->second;
  pool.function = nullptr;
  std::vector<Environment*> old = pool.idle;
  old.insert(old.end(), pool.prepared.begin(), pool.prepared.end());
  for (Environment* e : old) leave(*e, "function deleted");
  auto waiting = std::move(pool.waiting);
  pool.waiting.clear();
  waiting_ -= waiting.size();
  for (Invocation& invocation : waiting) invocation.done({.kind = InvokeResult::Kind::Unavailable, .error_type = "FunctionDeleted"});
}

FunctionPtr Router::find(const std::string& arn) const {
  auto it = pools_.find(arn);
  return it == pools_.end() ? nullptr : it->second.function;
}

const Environment* Router::environment(uint64_t id) const {
  auto it = environments_.find(id);
  return it == environments_.end() ? nullptr : it->second.get();
}

Environment* Router::find_environment(uint64_t id) {
  auto it = environments_.find(id);
  return it == environments_.end() ? nullptr : it->second.get();
}

bool Router::current_version(const Environment& e) const {
  auto it = pools_.find(e.function->arn);
  return it != pools_.end() && it->second.function == e.function;
}

void Router::change(Environment& e, State state, std::string cause) {
  e.state = state;
  e.cause = std::move(cause);
  log::debug("environment", name_of(state), {{"environment", e.name}, {"function", e.function->name}, {"cause", e.cause}});
}

bool Router::throttled(const Pool& pool, Invocation& invocation) {
  const Function& function = *invocation.function;
  uint32_t of_function = pool.busy + static_cast<uint32_t>(pool.waiting.size());
  const char* reason = nullptr;
  if (function.reserved_concurrency >= 0 && of_function >= function.reserved_concurrency) {
    reason = "ReservedFunctionConcurrentInvocationLimitExceeded";
  } else if (busy_ + waiting_ >= options_.max_concurrency) {
    reason = "ConcurrentInvocationLimitExceeded";
  }
  if (reason) invocation.done({.kind = InvokeResult::Kind::Throttled, .throttle_reason = reason});
  return reason != nullptr;
}

bool Router::cpu_free_for(const Function& function) const {
  if (!options_.strict_cpu_admission) return true;
  uint32_t most = options_.host_cpus * 1000;
  return cpu_in_use_ == 0 || cpu_in_use_ + std::min(cpu_milli(function.memory_mb), most) <= most;
}

void Router::invoke(Invocation invocation) {
  invocation.arrived_us = clock_.monotonic_us();
  auto it = pools_.find(invocation.function->arn);
  if (draining_ || it == pools_.end() || !it->second.function) {
    return invocation.done({.kind = InvokeResult::Kind::Unavailable, .error_type = draining_ ? "ShuttingDown" : "FunctionDeleted"});
  }
  Pool& pool = it->second;
  if (throttled(pool, invocation)) return;
  if (!pool.idle.empty() && pool.waiting.empty() && cpu_free_for(*pool.function)) {
    Environment& e = *pool.idle.back();
    pool.idle.pop_back();
    return hand_over(e, std::move(invocation));
  }
  if (waiting_ >= options_.max_waiting) {
    return invocation.done({.kind = InvokeResult::Kind::Throttled, .throttle_reason = "ConcurrentInvocationLimitExceeded"});
  }
  pool.waiting.push_back(std::move(invocation));
  ++waiting_;
  serve(pool);
  if (waiting_ > 0) expire_timer_.start(options_.max_wait_us / 4, [this] { expire_waiting(); });
}

void Router::serve(Pool& pool) {
  while (!pool.waiting.empty() && !pool.idle.empty() && cpu_free_for(*pool.function)) {
    Environment& e = *pool.idle.back();
    pool.idle.pop_back();
    Invocation invocation = std::move(pool.waiting.front());
    pool.waiting.pop_front();
    --waiting_;
    hand_over(e, std::move(invocation));
  }
  while (pool.waiting.size() > pool.starting + pool.idle.size() && starts_in_flight_ < std::max(1u, options_.host_cpus)) {
    if (!start_environment(pool)) break;
  }
}

void Router::serve_all() {
  if (waiting_ == 0) return;
  for (auto& [arn, pool] : pools_) {
    if (pool.function && !pool.waiting.empty()) serve(pool);
  }
}

// Evicts the environments that have been idle for longest until `bytes` fit into the budget.
bool Router::make_room(uint64_t bytes) {
  while (memory_used_ + bytes > options_.memory_budget_bytes) {
    Environment* oldest = nullptr;
    for (auto& [id, e] : environments_) {
      if (e->state != State::Idle) continue;
      if (!oldest || e->idle_since_us < oldest->idle_since_us) oldest = e.get();
    }
    if (!oldest) return false;
    leave(*oldest, "evicted: memory needed");
  }
  return true;
}

bool Router::start_environment(Pool& pool) {
  if (!pool.prepared.empty()) {
    Environment& e = *pool.prepared.back();
    pool.prepared.pop_back();
    e.cold_cause = "after-reset";
    e.asked_us = clock_.monotonic_us();
    ++pool.starting, ++starts_in_flight_;
    gust_init_request run{GUST_INIT_VERSION, GUST_INIT_RUN};
    (void)send(e.sandbox->control.get(), &run, sizeof run, MSG_NOSIGNAL | MSG_DONTWAIT);
    begin_init(e);
    return true;
  }
  uint64_t bytes = uint64_t{pool.function->memory_mb} << 20;
  if (!make_room(bytes)) return false;
  auto owned = std::make_unique<Environment>(loop_);
  Environment& e = *owned;
  e.id = next_id_++;
  e.name = new_id(32);
  e.function = pool.function;
  e.cold_cause = pool.ever_started ? "scale-out" : "first";
  pool.ever_started = true;
  e.asked_us = clock_.monotonic_us();
  memory_used_ += bytes;
  ++pool.starting, ++starts_in_flight_;
  environments_[e.id] = std::move(owned);

  const Function& f = *e.function;
  sandbox::StartSpec spec;
  spec.id = e.id;
  spec.code = f.code;
  spec.limits = {.memory_bytes = bytes, .cpu_milli = cpu_milli(f.memory_mb), .visible_cpus = visible_cpus(f.memory_mb),
                 .tmp_bytes = uint64_t{f.tmp_mb} << 20};
  spec.arguments = {"/var/task/bootstrap"};
  std::string stream = iso8601(clock_.unix_ms()).substr(0, 10);
  std::replace(stream.begin(), stream.end(), '-', '/');
  spec.environment = runtime::environment_variables(
      {.function_name = f.name, .version = f.version, .handler = f.handler, .region = f.region, .account = f.account, .role = f.role,
       .log_group = f.log_group, .log_stream = stream + "/[" + f.version + "]" + e.name, .runtime = f.runtime, .memory_mb = f.memory_mb,
       .access_key_id = options_.access_key_id, .secret_access_key = options_.secret_access_key, .session_token = "", .user = f.environment});
  warden_.start(std::move(spec), [this, id = e.id](Result<sandbox::Started> started) { on_started(id, std::move(started)); });
  return true;
}

void Router::on_started(uint64_t id, Result<sandbox::Started> started) {
  Environment* e = find_environment(id);
  if (!e) return;
  if (!started) {
    log::error("router", "a sandbox could not be started", {{"function", e->function->name}, {"error", started.error().message}});
    Pool& pool = pool_of(*e);
    --pool.starting, --starts_in_flight_;
    std::string message = started.error().message;
    forget(*e);
    return fail_waiting(pool, "Sandbox.Failure", message, meter::Outcome::InitError);
  }
  e->sandbox = std::move(*started);
  e->started_us = clock_.monotonic_us();
  server_.listen(std::move(e->sandbox->runtime_listener), id);
  if (options_.attach) options_.attach(*e, std::move(e->sandbox->gateway_listener), std::move(e->sandbox->resolver));
  e->output_watch = std::make_unique<net::Watch>(loop_, e->sandbox->output.get());
  e->output_watch->when_readable([this, id] {
    if (Environment* env = find_environment(id)) read_output(*env);
  });
  e->control_watch = std::make_unique<net::Watch>(loop_, e->sandbox->control.get());
  e->control_watch->when_readable([this, id] {
    if (Environment* env = find_environment(id)) read_control(*env);
  });
  begin_init(*e);
}

void Router::begin_init(Environment& e) {
  change(e, State::Init, "start: " + e.cold_cause);
  e.init_error_type.clear();
  if (!e.started_us) e.started_us = clock_.monotonic_us();
  // AWS gives init ten seconds, then tries again inside the invocation; both together here.
  int64_t limit = options_.init_limit_us + int64_t{e.function->timeout_s} * 1'000'000;
  e.timer.start(limit, [this, id = e.id] { on_timeout(id); });
}

void Router::next(uint64_t id, http::ExchangePtr exchange) {
  Environment* e = find_environment(id);
  if (!e || e->state == State::Leaving || e->parked || (e->state == State::Busy && !e->answered)) {
    http::Response refusal{.status = 403};
    refusal.body.bytes = error_payload("InvalidStateTransition", "State transition from " +
                                       std::string(e ? name_of(e->state) : "none") + " to Ready is not allowed");
    return exchange->respond(std::move(refusal));
  }
  e->parked = std::move(exchange);
  if (e->state == State::Init) {
    e->timer.cancel();
    e->init_us = clock_.monotonic_us() - e->started_us;
    Pool& pool = pool_of(*e);
    --pool.starting, --starts_in_flight_;
    warden_.set_cpu(id, cpu_milli(e->function->memory_mb));
    become_idle(*e);
    serve_all();
  } else if (e->state == State::Busy && !e->current) {
    become_idle(*e);
  }
}

void Router::become_idle(Environment& e) {
  Pool& pool = pool_of(e);
  e.idle_since_us = clock_.monotonic_us();
  if (!current_version(e)) return leave(e, "function updated");
  change(e, State::Idle, "ready");
  pool.idle.push_back(&e);
  if (!pool.waiting.empty()) serve(pool);
}

void Router::count_busy(Environment& e, int by) {
  pool_of(e).busy += static_cast<uint32_t>(by);
  busy_ += static_cast<uint32_t>(by);
  uint32_t share = std::min(cpu_milli(e.function->memory_mb), options_.host_cpus * 1000);
  cpu_in_use_ += by > 0 ? share : -share;
}

void Router::hand_over(Environment& e, Invocation invocation) {
  count_busy(e, +1);
  e.state = State::Busy;
  e.cause = "invocation";
  e.answered = false;
  e.result.reset();
  e.tail.clear();
  invocation.handed_over_us = clock_.monotonic_us();
  invocation.handed_over_unix_us = clock_.unix_us();
  int64_t timeout_us = int64_t{e.function->timeout_s} * 1'000'000;
  e.current = std::move(invocation);
  const Invocation& current = *e.current;
  http::ExchangePtr parked = std::move(e.parked);
  parked->respond_raw(runtime::next_head(current.request_id, (current.handed_over_unix_us + timeout_us) / 1000, e.function->arn,
                                         current.trace_id, current.client_context, current.payload.size()),
                      current.payload);
  e.timer.start(timeout_us, [this, id = e.id] { on_timeout(id); });
  platform_line(e, "START RequestId: " + current.request_id + " Version: " + e.function->version);
}

Router::Verdict Router::response(uint64_t id, std::string_view request_id, runtime::Posted posted) {
  Environment* e = find_environment(id);
  if (!e || e->state != State::Busy || e->answered) return Verdict::WrongState;
  if (!e->current || e->current->request_id != request_id) return Verdict::WrongRequest;
  if (posted.body.size() > runtime::kMostPayload) {
    std::string message = "Response payload size (" + std::to_string(posted.body.size()) +
                          " bytes) exceeded maximum allowed payload size (6291556 bytes).";
    answer(*e, {.kind = InvokeResult::Kind::FunctionError, .payload = error_payload("Function.ResponseSizeTooLarge", message),
                .function_error = "Unhandled", .error_type = "Function.ResponseSizeTooLarge"});
    return Verdict::TooLarge;
  }
  answer(*e, {.payload = std::move(posted.body)});
  return Verdict::Accepted;
}

Router::Verdict Router::error(uint64_t id, std::string_view request_id, runtime::Posted posted) {
  Environment* e = find_environment(id);
  if (!e || e->state != State::Busy || e->answered) return Verdict::WrongState;
  if (!e->current || e->current->request_id != request_id) return Verdict::WrongRequest;
  std::string type = posted.error_type.empty() ? "Function.Unknown" : posted.error_type;
  answer(*e, {.kind = InvokeResult::Kind::FunctionError, .payload = std::move(posted.body), .function_error = "Unhandled", .error_type = type});
  return Verdict::Accepted;
}

Router::Verdict Router::init_error(uint64_t id, runtime::Posted posted) {
  Environment* e = find_environment(id);
  if (!e || e->state != State::Init) return Verdict::WrongState;
  e->init_error_type = posted.error_type.empty() ? "Runtime.Unknown" : posted.error_type;
  e->init_error_body = std::move(posted.body);
  return Verdict::Accepted;
}

void Router::posted_done(uint64_t id) {
  Environment* e = find_environment(id);
  if (!e || e->state != State::Busy || !e->answered || !e->current) return;
  e->timer.cancel();
  finish(*e, e->result->kind == InvokeResult::Kind::Response ? meter::Outcome::Ok : meter::Outcome::FunctionError);
}

void Router::gone(uint64_t id, http::Exchange& exchange) {
  Environment* e = find_environment(id);
  if (e && e->parked.get() == &exchange) e->parked.reset();  // its end will be reported by init
}

// The caller first; everything else afterwards.
void Router::answer(Environment& e, InvokeResult result) {
  e.answered = true;
  e.result.emplace();
  e.result->kind = result.kind;
  e.result->error_type = result.error_type;
  if (e.current->want_log_tail) {
    read_output(e);
    result.log_tail = e.tail;
  }
  e.current->done(std::move(result));
}

void Router::finish(Environment& e, meter::Outcome outcome) {
  int64_t now = clock_.monotonic_us();
  read_output(e);
  const Invocation& i = *e.current;
  meter::Execution x;
  x.request_id = i.request_id, x.function_arn = e.function->arn, x.environment = e.name;
  x.attempt = i.attempt, x.memory_mb = e.function->memory_mb, x.outcome = outcome;
  x.error_type = e.result ? e.result->error_type : "";
  x.cold_cause = std::exchange(e.cold_cause, {});
  x.received_us = i.received_us, x.started_us = i.handed_over_unix_us;
  x.duration_us = now - i.handed_over_us;
  x.queue_us = i.handed_over_us - i.arrived_us;
  if (!x.cold_cause.empty()) {
    x.init_us = e.init_us;
    x.sandbox_us = e.started_us - e.asked_us;
  }
  x.billed_ms = (x.duration_us + x.init_us + 999) / 1000;
  if (auto usage = e.sandbox ? sandbox::read_usage(*e.sandbox) : fail(Errc::NotFound, "")) {
    x.cpu_user_us = usage->cpu_user_us - e.usage.cpu_user_us;
    x.cpu_system_us = usage->cpu_system_us - e.usage.cpu_system_us;
    x.throttled_us = usage->throttled_us - e.usage.throttled_us;
    x.memory_peak_bytes = usage->memory_peak_bytes;
    e.usage = *usage;
  }
  ++e.executions;
  platform_line(e, "END RequestId: " + i.request_id);
  std::string report = "REPORT RequestId: " + i.request_id + "\tDuration: " + milliseconds(x.duration_us) + "\tBilled Duration: " +
                       std::to_string(x.billed_ms) + " ms\tMemory Size: " + std::to_string(x.memory_mb) + " MB\tMax Memory Used: " +
                       std::to_string((x.memory_peak_bytes + (1 << 20) - 1) >> 20) + " MB\t";
  if (x.init_us) report += "Init Duration: " + milliseconds(x.init_us) + "\t";
  if (outcome == meter::Outcome::Timeout) report += "Status: timeout";
  if (outcome == meter::Outcome::Crash || outcome == meter::Outcome::OutOfMemory) report += "Status: error\tError Type: " + x.error_type;
  platform_line(e, report);
  logs_.record("meter/executions", clock_.unix_us(), json::write(meter::to_value(x)));
  count_busy(e, -1);
  e.current.reset();
  if (e.parked && e.state == State::Busy) become_idle(e);
  serve_all();
  check_drained();
}

void Router::on_timeout(uint64_t id) {
  Environment* e = find_environment(id);
  if (!e) return;
  if (e->state == State::Init) {
    Pool& pool = pool_of(*e);
    --pool.starting, --starts_in_flight_;
    fail_waiting(pool, "Sandbox.Timedout", "the runtime did not ask for an event in time", meter::Outcome::InitError);
    return leave(*e, "init timeout");
  }
  if (e->state != State::Busy || e->answered) return;
  const Invocation& i = *e->current;
  char seconds[32];
  snprintf(seconds, sizeof seconds, "%.2f", static_cast<double>(e->function->timeout_s));
  read_output(*e);
  log_line(*e, iso8601(clock_.unix_ms()) + " " + i.request_id + " Task timed out after " + seconds + " seconds");
  std::string message = "RequestId: " + i.request_id + " Error: Task timed out after " + seconds + " seconds";
  answer(*e, {.kind = InvokeResult::Kind::FunctionError, .payload = error_payload("Sandbox.Timedout", message),
              .function_error = "Unhandled", .error_type = "Sandbox.Timedout"});
  reset(*e, "timeout");
  finish(*e, meter::Outcome::Timeout);
}

// Kills what runs inside; namespaces and /tmp stay for the next start.
void Router::reset(Environment& e, std::string cause) {
  e.timer.cancel();
  e.parked.reset();
  change(e, State::Leaving, std::move(cause));  // until init reports that all is gone
  gust_init_request request{GUST_INIT_VERSION, GUST_INIT_RESET};
  if (send(e.sandbox->control.get(), &request, sizeof request, MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof request) warden_.kill(e.id);
}

void Router::read_control(Environment& e) {
  uint64_t id = e.id;
  gust_init_report report;
  ssize_t n;
  while ((n = recv(e.sandbox->control.get(), &report, sizeof report, MSG_DONTWAIT)) == sizeof report) {
    if (report.version != GUST_INIT_VERSION) continue;
    on_program_end(e, report.status, report.event == GUST_INIT_FAILED);
    if (!find_environment(id)) return;
  }
  if (n == 0) return;  // init is gone; the warden reports it
  e.control_watch->when_readable([this, id] {
    if (Environment* env = find_environment(id)) read_control(*env);
  });
}

void Router::on_program_end(Environment& e, int status, bool could_not_start) {
  read_output(e);
  Pool& pool = pool_of(e);
  e.parked.reset();
  e.timer.cancel();
  if (e.state == State::Leaving) {  // the end of a reset
    if (!current_version(e) || draining_ || e.cause.starts_with("evicted")) return leave(e, "reset, then no longer needed");
    change(e, State::Prepared, "reset done");
    e.started_us = 0;
    pool.prepared.push_back(&e);
    return serve(pool);
  }
  auto usage = sandbox::read_usage(*e.sandbox);
  bool oom = usage && usage->oom_kills > e.usage.oom_kills;
  if (e.state == State::Init) {
    --pool.starting, --starts_in_flight_;
    std::string type = !e.init_error_type.empty() ? e.init_error_type : could_not_start ? "Runtime.InvalidEntrypoint" : "Runtime.ExitError";
    std::string message = could_not_start ? "fork/exec /var/task/bootstrap: " + std::string(strerror(status))
                                          : "Runtime exited with error: " + exit_text(status);
    std::string body = e.init_error_body;
    if (body.empty() || e.init_error_type.empty()) body.clear();
    if (!could_not_start) e.sandbox->control.get();
    leave(e, could_not_start ? "no entry point" : "runtime ended during init");
    if (!pool.waiting.empty() && !body.empty()) {
      Invocation invocation = std::move(pool.waiting.front());
      pool.waiting.pop_front();
      --waiting_;
      invocation.done({.kind = InvokeResult::Kind::FunctionError, .payload = body, .function_error = "Unhandled", .error_type = type});
      return serve(pool);
    }
    return fail_waiting(pool, type, message, meter::Outcome::InitError);
  }
  if (e.state == State::Busy && e.current && !e.answered) {
    std::string type = "Runtime.ExitError";
    std::string message = "RequestId: " + e.current->request_id + " Error: Runtime exited with error: " + exit_text(status);
    answer(e, {.kind = InvokeResult::Kind::FunctionError, .payload = error_payload(type, message), .function_error = "Unhandled", .error_type = type});
    e.state = State::Leaving;
    finish(e, oom ? meter::Outcome::OutOfMemory : meter::Outcome::Crash);
  }
  auto& idle = pool.idle;
  idle.erase(std::remove(idle.begin(), idle.end(), &e), idle.end());
  reset(e, "runtime ended: " + exit_text(status));  // whatever it left running goes too
}

// One invocation pays for a failed start; the others try again.
void Router::fail_waiting(Pool& pool, const std::string& type, const std::string& message, meter::Outcome) {
  if (!pool.waiting.empty()) {
    Invocation invocation = std::move(pool.waiting.front());
    pool.waiting.pop_front();
    --waiting_;
    std::string text = "RequestId: " + invocation.request_id + " Error: " + message;
    invocation.done({.kind = InvokeResult::Kind::FunctionError, .payload = error_payload(type, text), .function_error = "Unhandled", .error_type = type});
  }
  if (pool.function) serve(pool);
  check_drained();
}

void Router::leave(Environment& e, std::string cause) {
  Pool& pool = pool_of(e);
  for (auto* list : {&pool.idle, &pool.prepared}) list->erase(std::remove(list->begin(), list->end(), &e), list->end());
  e.parked.reset();
  e.timer.cancel();
  log::info("environment", "leaving", {{"environment", e.name}, {"function", e.function->name}, {"cause", cause},
                                       {"executions", std::to_string(e.executions)}});
  change(e, State::Leaving, std::move(cause));
  read_output(e);
  uint64_t id = e.id;
  warden_.kill(id);
  forget(e);
}

void Router::forget(Environment& e) {
  uint64_t id = e.id;
  server_.stop_listening(id);
  if (options_.detach) options_.detach(id);
  memory_used_ -= uint64_t{e.function->memory_mb} << 20;
  // The watches must go before their descriptors; callers may still hold a reference for this turn of the loop.
  e.output_watch.reset();
  e.control_watch.reset();
  auto node = environments_.extract(id);
  loop_.post([gone = std::shared_ptr<Environment>(std::move(node.mapped()))] {});
  check_drained();
}

bool Router::exited(uint64_t id, sandbox::Exit exit) {
  Environment* e = find_environment(id);
  if (!e) return id >= kFirstId && id < next_id_;
  // PID 1 ended though we had not asked for it.
  if (e->current && !e->answered) {
    std::string message = "RequestId: " + e->current->request_id + " Error: Runtime exited with error: " + exit_text(exit.status);
    answer(*e, {.kind = InvokeResult::Kind::FunctionError, .payload = error_payload("Runtime.ExitError", message),
                .function_error = "Unhandled", .error_type = "Runtime.ExitError"});
  }
  if (e->current) {
    e->state = State::Leaving;
    finish(*e, exit.oom ? meter::Outcome::OutOfMemory : meter::Outcome::Crash);
  }
  Pool& pool = pool_of(*e);
  if (e->state == State::Init) --pool.starting, --starts_in_flight_;
  leave(*e, "sandbox ended");
  serve(pool);
  return true;
}

void Router::log_line(Environment& e, std::string_view text) {
  std::string_view request = e.current ? std::string_view(e.current->request_id) : std::string_view("-");
  logs_.line(e.function->name, clock_.unix_us(), e.name, request, text);
  e.tail.append(text).append("\n");
  if (e.tail.size() > 2 * kTail) e.tail.erase(0, e.tail.size() - kTail);
}

void Router::platform_line(Environment& e, std::string text) { log_line(e, text); }

// Everything that the pipe holds now, cut into lines.
void Router::read_output(Environment& e) {
  if (!e.sandbox || !e.output_watch) return;
  char buffer[16384];
  size_t total = 0;
  ssize_t n = 0;
  while (total < kOutputAtOnce && (n = read(e.sandbox->output.get(), buffer, sizeof buffer)) > 0) {
    total += static_cast<size_t>(n);
    std::string_view rest(buffer, static_cast<size_t>(n));
    for (size_t end; (end = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(end + 1)) {
      e.partial_line.append(rest.substr(0, end));
      log_line(e, e.partial_line);
      e.partial_line.clear();
    }
    e.partial_line.append(rest);
    if (e.partial_line.size() > kMostLine) {
      log_line(e, e.partial_line);
      e.partial_line.clear();
    }
  }
  if (n == 0 && total == 0) {
    e.output_watch.reset();  // every writer is gone
    return;
  }
  e.output_watch->when_readable([this, id = e.id] {
    if (Environment* env = find_environment(id)) read_output(*env);
  });
}

void Router::expire_waiting() {
  int64_t now = clock_.monotonic_us();
  for (auto& [arn, pool] : pools_) {
    while (!pool.waiting.empty() && now - pool.waiting.front().arrived_us > options_.max_wait_us) {
      Invocation invocation = std::move(pool.waiting.front());
      pool.waiting.pop_front();
      --waiting_;
      invocation.done({.kind = InvokeResult::Kind::Throttled, .throttle_reason = "ConcurrentInvocationLimitExceeded"});
    }
  }
  if (waiting_ > 0) expire_timer_.start(options_.max_wait_us / 4, [this] { expire_waiting(); });
}

void Router::drain(int64_t limit_us, std::function<void()> done) {
  draining_ = true;
  drained_ = std::move(done);
  drain_timer_.start(limit_us, [this] {
    if (drained_) loop_.post(std::exchange(drained_, nullptr));
  });
  check_drained();
}

void Router::check_drained() {
  if (drained_ && busy_ == 0 && waiting_ == 0) loop_.post(std::exchange(drained_, nullptr));
}

Value Router::processes() const {
  Value list = Value::list();
  for (const auto& [id, e] : environments_) {
    Value v = Value::map();
    v.set("environment", e->name);
    v.set("function", e->function->name);
    v.set("state", name_of(e->state));
    v.set("cause", e->cause);
    v.set("memory_mb", e->function->memory_mb);
    v.set("executions", e->executions);
    v.set("request_id", e->current ? e->current->request_id : "");
    list.push(std::move(v));
  }
  return list;
}

Value Router::explain(const std::string& arn) const {
  Value v = Value::map();
  auto it = pools_.find(arn);
  if (it == pools_.end() || !it->second.function) return v;
  const Function& f = *it->second.function;
  v.set("function", f.name);
  v.set("memory_mb", f.memory_mb);
  v.set("cpu_milli", cpu_milli(f.memory_mb));
  v.set("visible_cpus", std::min(visible_cpus(f.memory_mb), options_.host_cpus));
  v.set("timeout_s", f.timeout_s);
  v.set("tmp_mb", f.tmp_mb);
  v.set("code", f.code);
  v.set("busy", it->second.busy);
  v.set("waiting", static_cast<int64_t>(it->second.waiting.size()));
  return v;
}

}  // namespace gust::invoke
