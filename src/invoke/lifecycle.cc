// SPDX-License-Identifier: Apache-2.0

// Environments from their start to their end: the part of Router that talks to the warden and to each sandbox's init.

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/ids.h"
#include "base/log.h"
#include "invoke/platform_lines.h"
#include "invoke/router.h"
#include "runtime/environment_variables.h"
#include "sandbox/init_protocol.h"
#include "sandbox/usage.h"

namespace gust::invoke {
namespace {

constexpr int64_t kMostCheckWait_us = 64'000'000;

bool tell_init(const Environment& e, uint32_t verb) {
  gust_init_request request{GUST_INIT_VERSION, verb};
  return send(e.sandbox->control.get(), &request, sizeof request, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof request;
}

// CPU time so far: one read, for the many environments that are only looked at. 0 where it cannot be told.
uint64_t cpu_us(const sandbox::Started& sandbox) {
  char text[64];
  bool v1 = sandbox.usage.size() == sandbox::kV1Files;
  if (!v1 && sandbox.usage.size() != sandbox::kV2Files) return 0;
  ssize_t n = pread(sandbox.usage[0].get(), text, sizeof text, 0);
  std::string_view rest(text, n > 0 ? static_cast<size_t>(n) : 0);
  if (constexpr std::string_view kName = "usage_usec "; !v1 && rest.starts_with(kName)) rest.remove_prefix(kName.size());
  uint64_t value = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), value);
  return v1 ? value / 1000 : value;
}

template <class List>
void drop(List& list, const Environment& e) {
  list.erase(std::remove(list.begin(), list.end(), &e), list.end());
}

}  // namespace

void Router::change(Environment& e, State state, std::string cause) {
  e.state = state;
  e.cause = std::move(cause);
  log::debug("environment", name_of(state), {{"environment", e.name}, {"function", e.function->name}, {"cause", e.cause}});
}

// Ends the environments that have been of no use for longest until `bytes` fit into the budget.
bool Router::make_room(uint64_t bytes) {
  if (memory_used_ + bytes <= options_.memory_budget_bytes) return true;
  std::vector<Environment*> unused;
  int64_t free = static_cast<int64_t>(options_.memory_budget_bytes) - static_cast<int64_t>(memory_used_);  // < 0: services
  for (auto& [id, e] : environments_) {
    bool reset = e->state == State::Prepared && e->sandbox && !e->starting;
    if (e->state == State::Idle || reset) unused.push_back(e.get());
  }
  std::sort(unused.begin(), unused.end(),
            [](const Environment* a, const Environment* b) { return a->idle_since_us < b->idle_since_us; });
  size_t end = 0;
  while (end < unused.size() && free < static_cast<int64_t>(bytes)) {
    free += int64_t{unused[end++]->function->memory_mb} << 20;
  }
  if (free < static_cast<int64_t>(bytes)) return false;
  for (size_t i = 0; i < end; ++i) {
    unused[i]->pool->next_cause = "evicted";
    leave(*unused[i], "evicted: memory needed");
  }
  return true;
}

sandbox::StartSpec Router::start_spec(const Environment& e) const {
  const Function& f = *e.function;
  sandbox::StartSpec spec;
  spec.id = e.id;
  spec.code = f.code;
  spec.limits = {.memory_bytes = uint64_t{f.memory_mb} << 20,
                 .cpu_milli = cpu_milli(f.memory_mb),
                 .visible_cpus = visible_cpus(f.memory_mb),
                 .tmp_bytes = uint64_t{f.tmp_mb} << 20};
  spec.arguments = {"/var/task/bootstrap"};
  std::string day = iso8601(clock_.unix_ms()).substr(0, 10);
  std::replace(day.begin(), day.end(), '-', '/');
  spec.environment = runtime::environment_variables({.function_name = f.name,
                                                     .version = f.version,
                                                     .handler = f.handler,
                                                     .region = f.region,
                                                     .account = f.account,
                                                     .role = f.role,
                                                     .log_group = f.log_group,
                                                     .log_stream = day + "/[" + f.version + "]" + e.name,
                                                     .runtime = f.runtime,
                                                     .memory_mb = f.memory_mb,
                                                     .access_key_id = options_.access_key_id,
                                                     .secret_access_key = options_.secret_access_key,
                                                     .session_token = "",
                                                     .user = f.environment});
  return spec;
}

// A reset sandbox where there is one, else a new one. False: no memory.
bool Router::start_environment(Pool& pool) {
  Environment* e = nullptr;
  if (!pool.prepared.empty()) {
    e = pool.prepared.back();
    pool.prepared.pop_back();
    e->cold_cause = "after-reset";
  } else {
    uint64_t bytes = uint64_t{pool.function->memory_mb} << 20;
    if (!make_room(bytes)) return false;
    memory_used_ += bytes;
    auto owned = std::make_unique<Environment>(loop_);
    e = owned.get();
    e->id = next_id_++;
    e->name = new_id(32);
    e->pool = &pool;
    e->cold_cause = std::exchange(pool.next_cause, "scale-out");
    pool.all.push_back(e);
    environments_[e->id] = std::move(owned);
  }
  e->function = pool.function;
  e->asked_us = clock_.monotonic_us();
  e->asked_unix_us = clock_.unix_us();
  e->starting = e->start_counts = true;
  ++pool.starting, ++starts_in_flight_;
  hold_cpu(*e, cpu_of_init(*e->function));
  housekeep_by(e->asked_us + options_.slow_start_us);
  if (!e->sandbox) {
    change(*e, State::Prepared, "asked for: " + e->cold_cause);
    warden_.start(start_spec(*e), [this, id = e->id](Result<sandbox::Started> started) { on_started(id, std::move(started)); });
    return true;
  }
  warden_.set_cpu(e->id, 0);  // full CPU in init, as in the first one
  e->started_us = e->asked_us;
  begin_init(*e);
  if (!tell_init(*e, GUST_INIT_RUN)) leave(*e, "its init does not listen");
  return true;
}

void Router::on_started(uint64_t id, Result<sandbox::Started> started) {
  Environment* e = find_environment(id);
  if (!e) return;  // given up meanwhile: closing what came ends it
  if (!started) {
    log::error("router", "a sandbox could not be started", {{"function", e->function->name}, {"error", started.error().message}});
    Pool& pool = *e->pool;
    end_start(*e);
    forget(*e);
    // One invocation pays for it; the others try again.
    if (!pool.waiting.empty()) answer_waiting(pool, {.kind = InvokeResult::Kind::Unavailable, .error_type = "Sandbox.Failure"});
    serve_all();
    return check_drained();
  }
  e->sandbox = std::move(*started);
  e->started_us = clock_.monotonic_us();
  server_.listen(std::move(e->sandbox->runtime_listener), id);
  if (options_.attach) options_.attach(*e, std::move(e->sandbox->gateway_listener), std::move(e->sandbox->resolver));
  e->output_watch = std::make_unique<net::Watch>(loop_, e->sandbox->output.get());
  watch_output(*e);
  e->control_watch = std::make_unique<net::Watch>(loop_, e->sandbox->control.get());
  e->control_watch->when_readable([this, id] {
    if (Environment* env = find_environment(id)) read_control(*env);
  });
  begin_init(*e);
}

void Router::begin_init(Environment& e) {
  change(e, State::Init, "start: " + e.cold_cause);
  e.init_error_type.clear();
  e.init_error_body.clear();
  e.tail.clear();
  // AWS ends init after ten seconds and tries again inside the invocation, under the function's timeout; one go with both
  // times here.
  int64_t limit = options_.init_limit_us + int64_t{e.function->timeout_s} * 1'000'000;
  e.timer.start(limit, [this, id = e.id] { on_timeout(id); });
}

void Router::end_finish(Environment& e) {
  if (std::exchange(e.finishing, false)) --e.pool->finishing;
}

// However a start ends, it no longer counts.
void Router::end_start(Environment& e) {
  if (std::exchange(e.starting, false)) {
    --e.pool->starting;
    hold_cpu(e, 0);
  }
  if (std::exchange(e.start_counts, false)) --starts_in_flight_;
}

// One of those that wait pays for a failed init; the others try again. `type` is what logs and records say, the caller sees
// `payload`, or where that is empty the message.
void Router::init_failed(Environment& e, Failed how, const std::string& type, std::string_view message, std::string payload) {
  Pool& pool = *e.pool;
  read_output(e);
  end_partial_line(e);
  int64_t init_us = clock_.monotonic_us() - e.started_us;
  log_line(e, "-", init_report_line(init_us, how == Failed::Timeout ? "timeout" : "error", how == Failed::Timeout ? "" : type));
  end_start(e);
  if (!pool.waiting.empty()) {
    Invocation invocation = take_waiting(pool);
    auto done = std::move(invocation.done);
    // As for a crash: the caller is told how the process ended, logs and records what ended it.
    const std::string shown = type == "Runtime.OutOfMemory" ? "Runtime.ExitError" : type;
    if (payload.empty()) payload = error_payload(shown, error_message(invocation.request_id, message));
    bool tail = invocation.want_log_tail;
    charge(e, std::move(invocation), type, init_us);
    InvokeResult result{.kind = InvokeResult::Kind::FunctionError,
                        .payload = std::move(payload),
                        .function_error = "Unhandled",
                        .error_type = shown};
    if (tail) result.log_tail = e.tail;
    count(pool, -1);
    done(std::move(result));
  }
  leave(e, how == Failed::Timeout ? "init timeout" : "init failed: " + type);
  serve_all();
  check_drained();
}

void Router::reset(Environment& e, std::string cause) {
  end_finish(e);
  thaw(e);
  e.parked.reset();
  change(e, State::Leaving, std::move(cause));  // until init reports that all is gone
  if (!tell_init(e, GUST_INIT_RESET)) return leave(e, "its init does not listen");
  e.timer.start(options_.reset_limit_us, [this, id = e.id] {
    if (Environment* env = find_environment(id)) leave(*env, "its reset took too long");
  });
}

void Router::read_control(Environment& e) {
  uint64_t id = e.id;
  gust_init_report report;
  ssize_t n;
  while ((n = recv(e.sandbox->control.get(), &report, sizeof report, MSG_DONTWAIT)) == sizeof report) {
    if (report.version != GUST_INIT_VERSION) continue;
    // Only a reset that found nothing to kill reports a program without memory. It may come after a program's own end that
    // was taken for the end of that reset.
    bool no_program = report.event == GUST_INIT_EXITED && report.max_rss_kib == 0;
    if (no_program && e.state != State::Leaving) continue;
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
  e.parked.reset();
  auto usage = sandbox::read_usage(*e.sandbox);
  if (e.state == State::Prepared) return;
  if (e.state == State::Leaving) {  // the end of a reset
    e.timer.cancel();
    if (!current_version(e) || draining_) return leave(e, "reset, then no longer needed");
    change(e, State::Prepared, "reset: " + e.cause);
    if (usage) e.usage = *usage;  // the next execution does not pay for the reset
    e.idle_since_us = clock_.monotonic_us();
    e.pool->prepared.push_back(&e);
    return serve_all();
  }
  bool oom = usage && usage->oom_kills > e.usage.oom_kills;
  if (e.state == State::Init) {
    if (!e.init_error_type.empty()) return init_failed(e, Failed::Error, e.init_error_type, "", std::move(e.init_error_body));
    if (could_not_start) return init_failed(e, Failed::Error, "Runtime.InvalidEntrypoint", entry_point_message(status), "");
    return init_failed(e, Failed::Error, oom ? "Runtime.OutOfMemory" : "Runtime.ExitError", exit_message(status), "");
  }
  drop(e.pool->idle, e);
  e.timer.cancel();
  if (e.current) on_crash(e, status, oom);
  reset(e, exit_message(status));  // whatever it left running goes too
}

void Router::become_idle(Environment& e) {
  end_finish(e);
  e.timer.cancel();
  if (!current_version(e)) return leave(e, e.pool->function ? "function updated" : "function deleted");
  e.state = State::Idle;
  e.cause = "ready";
  e.idle_since_us = clock_.monotonic_us();
  e.check_wait_us = options_.idle_check_us;
  e.check_at_us = e.idle_since_us + e.check_wait_us;
  e.pool->idle.push_back(&e);
  housekeep_by(e.check_at_us);
}

// AWS freezes every environment between invocations; here only one that goes on working is worth the two calls.
void Router::check_idle(Environment& e, int64_t now_us) {
  uint64_t now_cpu = cpu_us(*e.sandbox);
  e.check_wait_us = std::min(e.check_wait_us * 2, kMostCheckWait_us);
  e.check_at_us = now_us + e.check_wait_us;
  if (e.idle_cpu_us == 0) e.idle_cpu_us = now_cpu;  // it has only had its init
  if (now_cpu < e.idle_cpu_us + options_.idle_cpu_us) return;
  e.frozen = true;
  e.cause = "frozen: used CPU while idle";
  warden_.freeze(e.id, true);
  log::info("environment", "frozen until its next call",
            {{"environment", e.name}, {"function", e.function->name}, {"idle_cpu_us", std::to_string(now_cpu - e.idle_cpu_us)}});
  if (auto usage = sandbox::read_usage(*e.sandbox)) e.usage = *usage;  // the next execution does not pay for it
}

void Router::thaw(Environment& e) {
  if (std::exchange(e.frozen, false)) warden_.freeze(e.id, false);
}

void Router::leave(Environment& e, std::string cause) {
  end_start(e);
  end_finish(e);
  hold_cpu(e, 0);
  for (auto* list : {&e.pool->idle, &e.pool->prepared}) drop(*list, e);
  e.parked.reset();
  e.timer.cancel();
  log::info(
      "environment", "leaving",
      {{"environment", e.name}, {"function", e.function->name}, {"cause", cause}, {"executions", std::to_string(e.executions)}});
  change(e, State::Leaving, std::move(cause));
  read_output(e);
  end_partial_line(e);
  if (e.current) {
    auto done = std::move(e.current->done);
    e.current.reset();
    count(*e.pool, -1);
    if (e.held) {
      done(std::move(*e.held));
    } else if (!e.answered) {
      done({.kind = InvokeResult::Kind::Unavailable, .error_type = "ShuttingDown"});
    }
  }
  thaw(e);  // a frozen process does not die on cgroup v1
  warden_.kill(e.id);
  forget(e);
}

void Router::forget(Environment& e) {
  uint64_t id = e.id;
  Pool& pool = *e.pool;
  server_.stop_listening(id);
  if (options_.detach && e.sandbox) options_.detach(id);
  memory_used_ -= uint64_t{e.function->memory_mb} << 20;
  drop(pool.all, e);
  // The watches must go before their descriptors; callers may still hold a reference for this turn of the loop.
  e.output_watch.reset();
  e.control_watch.reset();
  e.output_timer.cancel();
  auto node = environments_.extract(id);
  loop_.post([this, gone = std::shared_ptr<Environment>(std::move(node.mapped())), arn = pool.arn] {
    auto it = pools_.find(arn);
    if (it == pools_.end() || it->second.function || !it->second.all.empty()) return;
    if (it->second.turn) line_.erase(*it->second.turn);
    pools_.erase(it);  // of a deleted function
  });
}

bool Router::exited(uint64_t id, sandbox::Exit exit) {
  Environment* e = find_environment(id);
  if (!e) return id > 0 && id < next_id_;
  // PID 1 ended though we had not asked for it.
  if (e->state == State::Init) {
    init_failed(*e, Failed::Error, exit.oom ? "Runtime.OutOfMemory" : "Runtime.ExitError", exit_message(exit.status), "");
    return true;
  }
  if (e->current) on_crash(*e, exit.status, exit.oom);
  leave(*e, "sandbox ended");
  serve_all();
  check_drained();
  return true;
}

}  // namespace gust::invoke
