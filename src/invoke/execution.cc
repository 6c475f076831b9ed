// SPDX-License-Identifier: Apache-2.0

// One invocation in one environment: the part of Router that speaks through the Runtime API, and the books about it.

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/log.h"
#include "invoke/platform_lines.h"
#include "invoke/router.h"

namespace gust::invoke {
namespace {

constexpr size_t kTail = 4096;               // X-Amz-Log-Result carries the last 4 KB
constexpr size_t kMostLine = 256 << 10;      // as a CloudWatch event; longer output is cut into lines
constexpr size_t kOutputAtOnce = 256 << 10;  // read from one pipe before others have their turn
constexpr int64_t kLogFullWait_us = 20'000;

uint64_t grown(uint64_t now, uint64_t before) { return now - std::min(now, before); }

InvokeResult function_error(std::string type, std::string payload) {
  return {.kind = InvokeResult::Kind::FunctionError,
          .payload = std::move(payload),
          .function_error = "Unhandled",
          .error_type = std::move(type)};
}

}  // namespace

void Router::next(uint64_t id, http::ExchangePtr exchange) {
  Environment* e = find_environment(id);
  bool waits = e && !e->parked && !e->current && (e->state == State::Init || e->state == State::Idle || e->state == State::Busy);
  if (!waits || !e->init_error_type.empty()) return exchange->respond(runtime::wrong_state(state_of(id), "Ready"));
  e->parked = std::move(exchange);
  if (e->state == State::Init) {
    e->init_us = clock_.monotonic_us() - e->started_us;
    e->idle_cpu_us = 0;
    end_start(*e);
    warden_.set_cpu(id, cpu_milli(e->function->memory_mb));
  }
  become_idle(*e);
  if (waiting_ > 0) serve_all();
}

void Router::gone(uint64_t id, http::Exchange& exchange) {
  Environment* e = find_environment(id);
  if (!e || e->parked.get() != &exchange) return;
  e->parked.reset();
  // Its runtime asks again by another connection, or its end will be reported by init.
  auto& idle = e->pool->idle;
  idle.erase(std::remove(idle.begin(), idle.end(), e), idle.end());
  e->cause = "its runtime hung up";
}

std::string_view Router::state_of(uint64_t id) const {
  const Environment* e = find_environment(id);
  if (!e) return "Exited";
  switch (e->state) {
    case State::Init:
      return e->init_error_type.empty() ? "Started" : "InitError";
    case State::Idle:
      return "Ready";
    case State::Busy:
      return e->current && !e->answered ? "Running" : "RuntimeResponseSentState";
    case State::Prepared:
    case State::Leaving:
      return "Exited";
  }
  return "Exited";
}

void Router::hand_over(Environment& e, Invocation invocation) {
  thaw(e);
  if (options_.strict_cpu_admission) hold_cpu(e, cpu_share(*e.function));
  e.state = State::Busy;
  e.cause = "invocation";
  e.answered = false;
  e.tail.clear();
  invocation.handed_over_us = clock_.monotonic_us();
  invocation.handed_over_unix_us = clock_.unix_us();
  int64_t timeout_us = int64_t{e.function->timeout_s} * 1'000'000;
  const Invocation& current = e.current.emplace(std::move(invocation));
  http::ExchangePtr parked = std::move(e.parked);
  parked->respond_raw(runtime::next_head(current.request_id, (current.handed_over_unix_us + timeout_us) / 1000, e.function->arn,
                                         current.trace_id, current.client_context, current.payload.size()),
                      current.payload);
  e.timer.start(timeout_us, [this, id = e.id] { on_timeout(id); });
  log_current(e, start_line(current.request_id, e.function->version));
}

Router::Verdict Router::expects(const Environment* e, std::string_view request_id) const {
  if (!e) return Verdict::WrongState;
  if ((e->current ? e->current->request_id : e->last_request_id) != request_id) return Verdict::WrongRequest;
  return e->state == State::Busy && e->current && !e->answered ? Verdict::Accepted : Verdict::WrongState;
}

Router::Verdict Router::response(uint64_t id, std::string_view request_id, runtime::Posted posted) {
  if (posted.body.size() > runtime::kMostPayload) return too_large(id, request_id, posted.body.size());
  Environment* e = find_environment(id);
  Verdict verdict = expects(e, request_id);
  if (verdict == Verdict::Accepted) posted_answer(*e, {.payload = std::move(posted.body)});
  return verdict;
}

Router::Verdict Router::too_large(uint64_t id, std::string_view request_id, uint64_t bytes) {
  Environment* e = find_environment(id);
  Verdict verdict = expects(e, request_id);
  if (verdict != Verdict::Accepted) return verdict;
  posted_answer(*e, function_error("Function.ResponseSizeTooLarge",
                                   error_payload("Function.ResponseSizeTooLarge", too_large_message(bytes))));
  return Verdict::TooLarge;
}

Router::Verdict Router::error(uint64_t id, std::string_view request_id, runtime::Posted posted) {
  Environment* e = find_environment(id);
  Verdict verdict = expects(e, request_id);
  if (verdict == Verdict::Accepted) posted_answer(*e, function_error(std::move(posted.error_type), std::move(posted.body)));
  return verdict;
}

Router::Verdict Router::init_error(uint64_t id, runtime::Posted posted) {
  Environment* e = find_environment(id);
  if (!e || e->state != State::Init || !e->init_error_type.empty()) return Verdict::WrongState;
  e->init_error_type = std::move(posted.error_type);
  e->init_error_body = std::move(posted.body);
  return Verdict::Accepted;
}

void Router::posted_done(uint64_t id) {
  Environment* e = find_environment(id);
  if (!e) return;
  if (e->state == State::Init && !e->init_error_type.empty()) {
    return init_failed(*e, Failed::Error, e->init_error_type, "", std::move(e->init_error_body));
  }
  // The timer runs on until the runtime asks for the next event, as the function's timeout does on AWS.
  if (e->state != State::Busy || !e->answered || !e->current) return;
  finish(*e, e->result == InvokeResult::Kind::Response ? meter::Outcome::Ok : meter::Outcome::FunctionError);
}

// The runtime itself has answered: it will ask for its next event at any moment.
void Router::posted_answer(Environment& e, InvokeResult result) {
  if (current_version(e)) {
    e.finishing = true;
    ++e.pool->finishing;
  }
  answer(e, std::move(result));
}

// The caller first; everything else afterwards.
void Router::answer(Environment& e, InvokeResult result) {
  e.answered = true;
  e.answered_us = clock_.monotonic_us();
  e.result = result.kind;
  e.result_error_type = result.error_type;
  if (e.current->want_log_tail) {
    e.held = std::move(result);
  } else {
    e.current->done(std::move(result));
  }
}

void Router::on_timeout(uint64_t id) {
  Environment* e = find_environment(id);
  if (!e) return;
  uint32_t timeout_s = e->function->timeout_s;
  if (e->state == State::Init) return init_failed(*e, Failed::Timeout, "Sandbox.Timedout", timeout_message(timeout_s), "");
  if (e->state != State::Busy) return;
  if (!e->current) return reset(*e, "the runtime did not ask for the next event");
  read_output(*e);
  const std::string& request_id = e->current->request_id;
  log_current(*e, timeout_line(clock_.unix_ms(), request_id, timeout_s));
  answer(*e, function_error("Sandbox.Timedout",
                            error_payload("Sandbox.Timedout", error_message(request_id, timeout_message(timeout_s)))));
  finish(*e, meter::Outcome::Timeout);
  reset(*e, "timeout");
}

void Router::on_crash(Environment& e, int status, bool oom) {
  if (!e.answered) {
    std::string message = error_message(e.current->request_id, exit_message(status));
    log_current(e, message + "\nRuntime.ExitError");
    answer(e, function_error("Runtime.ExitError", error_payload("Runtime.ExitError", message)));
  }
  if (oom) e.result_error_type = "Runtime.OutOfMemory";  // what AWS's REPORT says; the caller sees how the process ended
  finish(e, oom ? meter::Outcome::OutOfMemory : meter::Outcome::Crash);
}

void Router::sample(Environment& e, meter::Execution& x) {
  auto usage = e.sandbox ? sandbox::read_usage(*e.sandbox) : fail(Errc::NotFound, "");
  if (!usage) return;
  // The sum is exact; its split is an estimate that may move back.
  uint64_t cpu = grown(usage->cpu_user_us + usage->cpu_system_us, e.usage.cpu_user_us + e.usage.cpu_system_us);
  x.cpu_system_us = std::min(cpu, grown(usage->cpu_system_us, e.usage.cpu_system_us));
  x.cpu_user_us = cpu - x.cpu_system_us;
  x.throttled_us = grown(usage->throttled_us, e.usage.throttled_us);
  x.run_delay_us = grown(usage->run_delay_us, e.usage.run_delay_us);
  x.memory_peak_bytes = usage->memory_peak_bytes;
  x.contended = meter::is_contended(x);
  e.usage = *usage;
  e.idle_cpu_us = usage->cpu_user_us + usage->cpu_system_us;
}

void Router::finish(Environment& e, meter::Outcome outcome) {
  Invocation& i = *e.current;
  meter::Execution x;
  x.function_arn = e.function->arn, x.environment = e.name;
  x.attempt = i.attempt, x.memory_mb = e.function->memory_mb, x.outcome = outcome;
  x.error_type = std::move(e.result_error_type);
  x.cold_cause = std::exchange(e.cold_cause, {});
  x.received_us = i.received_us, x.started_us = i.handed_over_unix_us;
  x.duration_us = e.answered_us - i.handed_over_us;
  // It was stopped at its limit; how late our timer was is not the function's time.
  if (outcome == meter::Outcome::Timeout) x.duration_us = std::min(x.duration_us, int64_t{e.function->timeout_s} * 1'000'000);
  x.queue_us = i.handed_over_us - i.arrived_us;
  if (!x.cold_cause.empty()) {
    x.init_us = e.init_us;
    x.sandbox_us = e.started_us - e.asked_us;
  }
  x.billed_ms = (x.duration_us + x.init_us + 999) / 1000;
  sample(e, x);
  ++e.executions;
  read_output(e);
  end_partial_line(e);
  log_current(e, end_line(i.request_id));
  x.request_id = std::move(i.request_id);
  log_line(e, x.request_id, report_line(x));
  logs_.record("meter/executions", clock_.unix_us(), meter::to_line(x));
  e.last_request_id = std::move(x.request_id);
  auto held = std::exchange(e.held, std::nullopt);
  auto done = std::move(i.done);
  e.current.reset();
  hold_cpu(e, 0);
  count(*e.pool, -1);
  if (e.finishing && !e.pool->waiting.empty()) housekeep_by(e.answered_us + options_.finish_grace_us);
  if (held) {
    held->log_tail = e.tail.substr(e.tail.size() - std::min(e.tail.size(), kTail));
    done(std::move(*held));
  }
  if (waiting_ > 0) serve_all();
  check_drained();
}

// An init failed and this invocation pays: it is logged and metered as one that lasted as long as the init.
void Router::charge(Environment& e, Invocation invocation, const std::string& type, int64_t init_us) {
  meter::Execution x;
  x.request_id = invocation.request_id, x.function_arn = e.function->arn, x.environment = e.name;
  x.attempt = invocation.attempt, x.memory_mb = e.function->memory_mb, x.outcome = meter::Outcome::InitError;
  x.error_type = type;
  x.cold_cause = std::exchange(e.cold_cause, {});
  x.received_us = invocation.received_us;
  x.started_us = clock_.unix_us() - init_us;
  x.duration_us = init_us;
  x.sandbox_us = e.started_us - e.asked_us;
  x.queue_us = std::max<int64_t>(0, e.started_us - invocation.arrived_us);
  x.billed_ms = (x.duration_us + 999) / 1000;
  sample(e, x);
  log_line(e, x.request_id, start_line(x.request_id, e.function->version));
  log_line(e, x.request_id, end_line(x.request_id));
  log_line(e, x.request_id, report_line(x));
  logs_.record("meter/executions", clock_.unix_us(), meter::to_line(x));
}

void Router::log_current(Environment& e, std::string_view text) {
  log_line(e, e.current ? std::string_view(e.current->request_id) : std::string_view("-"), text);
}

void Router::log_line(Environment& e, std::string_view request_id, std::string_view text) {
  logs_.line(e.function->name, clock_.unix_us(), e.name, request_id, text);
  // An init's log is kept because the invocation that pays for its failure may want it.
  bool wanted = e.current ? e.current->want_log_tail : e.held || e.starting || e.state == State::Init;
  if (!wanted) return;
  e.tail.append(text).append("\n");
  if (e.tail.size() > 2 * kTail) e.tail.erase(0, e.tail.size() - kTail);
}

void Router::watch_output(Environment& e) {
  if (!e.output_watch || std::exchange(e.output_armed, true)) return;
  e.output_watch->when_readable([this, id = e.id] {
    Environment* env = find_environment(id);
    if (!env) return;
    env->output_armed = false;
    read_output(*env);
    if (!logs_.full()) return watch_output(*env);
    // What the log cannot take stays in the pipe, and a full pipe stops the writer.
    env->output_timer.start(kLogFullWait_us, [this, id] {
      if (Environment* later = find_environment(id)) watch_output(*later);
    });
  });
}

// What the pipe holds now, cut into lines.
void Router::read_output(Environment& e) {
  if (!e.sandbox || !e.output_watch) return;
  char buffer[16384];
  for (size_t total = 0; total < kOutputAtOnce && !logs_.full();) {
    ssize_t n = read(e.sandbox->output.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) e.output_watch.reset();  // every writer is gone
    if (n <= 0) return;
    total += static_cast<size_t>(n);
    output_lines(e, std::string_view(buffer, static_cast<size_t>(n)));
    if (static_cast<size_t>(n) < sizeof buffer) return;  // that was all
  }
}

// A line without its newline belongs to the invocation that wrote it.
void Router::end_partial_line(Environment& e) {
  if (!e.partial_line.empty()) log_current(e, std::exchange(e.partial_line, {}));
}

void Router::output_lines(Environment& e, std::string_view text) {
  for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
    e.partial_line.append(text.substr(0, end));
    log_current(e, e.partial_line);
    e.partial_line.clear();
  }
  e.partial_line.append(text);
  while (e.partial_line.size() > kMostLine) {
    log_current(e, std::string_view(e.partial_line).substr(0, kMostLine));
    e.partial_line.erase(0, kMostLine);
  }
}

}  // namespace gust::invoke
