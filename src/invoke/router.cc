// SPDX-License-Identifier: Apache-2.0

// Functions, admission and turns; lifecycle.cc and execution.cc have the rest of Router.

#include "invoke/router.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "base/log.h"

namespace gust::invoke {
namespace {

constexpr http::Limits kRuntimeApiLimits{// One official runtime client opens five connections; the rest is for extensions.
                                         .connections = 200'000,
                                         .connections_per_listener = 64,
                                         // A function may take its time: its timeout, at most 15 minutes, ends it.
                                         .body_timeout_us = 900'000'000,
                                         .idle_timeout_us = INT64_MAX / 4,
                                         .memory_per_listener = 16 << 20};

// Whether an environment made for one record serves the other: everything that is fixed when it starts.
bool same_environment(const Function& a, const Function& b) {
  auto fixed = [](const Function& f) {
    return std::tie(f.epoch, f.version, f.runtime, f.handler, f.role, f.code, f.memory_mb, f.tmp_mb, f.environment, f.log_group);
  };
  return fixed(a) == fixed(b);
}

}  // namespace

std::string_view name_of(State state) {
  switch (state) {
    case State::Prepared:
      return "prepared";
    case State::Init:
      return "init";
    case State::Idle:
      return "idle";
    case State::Busy:
      return "busy";
    case State::Leaving:
      return "leaving";
  }
  return "?";
}

Router::Router(net::Loop& loop, sandbox::Warden& warden, meter::LogSink& logs, const Clock& clock, RouterOptions options)
    : loop_(loop),
      warden_(warden),
      logs_(logs),
      clock_(clock),
      options_(std::move(options)),
      api_(*this),
      server_(loop, api_, kRuntimeApiLimits, nullptr),
      drain_timer_(loop),
      housekeeping_timer_(loop) {
  options_.host_cpus = std::max(1u, options_.host_cpus);
}

Router::~Router() = default;

void Router::put_function(FunctionPtr function) {
  Pool& pool = pools_[function->arn];
  pool.arn = function->arn;
  count_reservation(pool, false);
  FunctionPtr old = std::exchange(pool.function, std::move(function));
  count_reservation(pool, true);
  if (old && same_environment(*old, *pool.function)) {
    for (Environment* e : pool.all) {
      if (e->function == old) e->function = pool.function;
    }
    return;
  }
  pool.next_cause = old ? "after-update" : "first";
  for (Environment* e : std::vector<Environment*>(pool.all)) {
    end_finish(*e);
    if (e->state != State::Busy && e->state != State::Leaving) leave(*e, "function updated");
  }
  serve_all();
}

void Router::remove_function(const std::string& arn) {
  auto it = pools_.find(arn);
  if (it == pools_.end() || !it->second.function) return;
  Pool& pool = it->second;
  count_reservation(pool, false);
  pool.function = nullptr;
  for (Environment* e : std::vector<Environment*>(pool.all)) {
    if (e->state != State::Busy && e->state != State::Leaving) leave(*e, "function deleted");
  }
  while (!pool.waiting.empty()) answer_waiting(pool, {.kind = InvokeResult::Kind::Unavailable, .error_type = "FunctionDeleted"});
  check_drained();
}

FunctionPtr Router::find(const std::string& arn) const {
  auto it = pools_.find(arn);
  return it == pools_.end() ? nullptr : it->second.function;
}

Environment* Router::find_environment(uint64_t id) const {
  auto it = environments_.find(id);
  return it == environments_.end() ? nullptr : it->second.get();
}

const Environment* Router::environment(uint64_t id) const { return find_environment(id); }

void Router::count(Pool& pool, int by) {
  pool.in_use += static_cast<uint32_t>(by);
  in_use_ += static_cast<uint32_t>(by);
  if (!pool.reserved) unreserved_in_use_ += static_cast<uint32_t>(by);
}

void Router::count_reservation(Pool& pool, bool add) {
  if (!pool.function || pool.function->reserved_concurrency < 0) return;
  reserved_total_ += add ? pool.function->reserved_concurrency : -pool.function->reserved_concurrency;
  unreserved_in_use_ += add ? -pool.in_use : pool.in_use;
  pool.reserved = add;
}

// AWS Lambda guide, "Understanding function scaling": reserved concurrency is a cap and is taken from what others have.
bool Router::throttled(const Pool& pool, Invocation& invocation) {
  const char* reason = nullptr;
  if (pool.reserved) {
    if (pool.in_use >= pool.function->reserved_concurrency) reason = "ReservedFunctionConcurrentInvocationLimitExceeded";
  } else if (unreserved_in_use_ + reserved_total_ >= options_.max_concurrency) {
    reason = "ConcurrentInvocationLimitExceeded";
  }
  if (reason) invocation.done({.kind = InvokeResult::Kind::Throttled, .throttle_reason = reason});
  return reason != nullptr;
}

bool Router::cpu_free(int64_t milli) const {
  return !options_.strict_cpu_admission || cpu_in_use_ + milli <= int64_t{options_.host_cpus} * 1000;
}

// What is larger than the host runs alone.
int64_t Router::cpu_share(const Function& function) const {
  return std::min<int64_t>(cpu_milli(function.memory_mb), int64_t{options_.host_cpus} * 1000);
}

int64_t Router::cpu_of_init(const Function& function) const {
  return std::min<int64_t>(visible_cpus(function.memory_mb), options_.host_cpus) * 1000;
}

void Router::hold_cpu(Environment& e, int64_t milli) {
  cpu_in_use_ += milli - e.cpu_held_milli;
  e.cpu_held_milli = milli;
}

void Router::reserve(int64_t cpu_milli, int64_t memory_bytes) {
  cpu_in_use_ += cpu_milli;
  memory_used_ += static_cast<uint64_t>(memory_bytes);
  make_room(0);
  if (cpu_milli < 0 || memory_bytes < 0) serve_all();
}

Environment* Router::take_idle(Pool& pool) {
  while (!pool.idle.empty()) {
    Environment* e = pool.idle.back();
    pool.idle.pop_back();
    if (e->parked && e->parked->alive()) return e;  // else its runtime has gone or is about to ask again
  }
  return nullptr;
}

void Router::invoke(Invocation invocation) {
  invocation.arrived_us = clock_.monotonic_us();
  auto it = pools_.find(invocation.function->arn);
  auto unavailable = [&invocation](const char* why) {
    invocation.done({.kind = InvokeResult::Kind::Unavailable, .error_type = why});
  };
  if (draining_) return unavailable("ShuttingDown");
  if (it == pools_.end() || !it->second.function) return unavailable("FunctionDeleted");
  Pool& pool = it->second;
  if (throttled(pool, invocation)) return;
  bool first = options_.strict_cpu_admission ? waiting_ == 0 : pool.waiting.empty();
  if (first && cpu_free(cpu_share(*pool.function))) {
    if (Environment* e = take_idle(pool)) {
      count(pool, +1);
      return hand_over(*e, std::move(invocation));
    }
  }
  if (waiting_ >= options_.max_waiting) return unavailable("HostBusy");
  if (uint64_t{pool.function->memory_mb} << 20 > options_.memory_budget_bytes) {
    log::warning("router", "a function needs more memory than the whole budget", {{"function", pool.function->name}});
    return unavailable("HostMemory");
  }
  wait_in_line(pool, std::move(invocation));
  serve_all();
}

void Router::wait_in_line(Pool& pool, Invocation invocation) {
  housekeep_by(invocation.arrived_us + (pool.finishing ? options_.finish_grace_us : options_.max_wait_us));
  count(pool, +1);
  pool.waiting.push_back(std::move(invocation));
  ++waiting_;
  if (!pool.turn) pool.turn = line_.insert(line_.end(), &pool);
}

// The pool keeps its turn until serve_all() sees that nothing waits: so nobody else changes the line but at its end.
Invocation Router::take_waiting(Pool& pool) {
  Invocation invocation = std::move(pool.waiting.front());
  pool.waiting.pop_front();
  --waiting_;
  return invocation;
}

void Router::answer_waiting(Pool& pool, InvokeResult result) {
  Invocation invocation = take_waiting(pool);
  count(pool, -1);
  invocation.done(std::move(result));
}

// One hand-over or one start.
Router::Step Router::serve(Pool& pool, bool may_start) {
  if (!pool.idle.empty()) {
    if (!cpu_free(cpu_share(*pool.function))) return Step::NoCpu;
    if (Environment* e = take_idle(pool)) {
      hand_over(*e, take_waiting(pool));
      return Step::Done;
    }
  }
  if (!may_start || pool.waiting.size() <= pool.starting + pool.finishing) return Step::Nothing;
  if (starts_in_flight_ >= options_.host_cpus) return Step::NoStart;
  if (!cpu_free(cpu_of_init(*pool.function))) return Step::NoCpu;
  return start_environment(pool) ? Step::Done : Step::NoStart;
}

void Router::serve_all() {
  if (std::exchange(serving_, true)) {
    serve_again_ = true;  // a caller's callback came back in
    return;
  }
  do {
    serve_again_ = false;
    bool may_start = true;
    for (auto it = line_.begin(); it != line_.end();) {
      Pool& pool = **it;
      if (pool.waiting.empty()) {
        pool.turn.reset();
        it = line_.erase(it);
        continue;
      }
      Step step = serve(pool, may_start);
      if (step == Step::NoCpu) break;
      if (step == Step::NoStart) may_start = false;
      auto served = it++;
      if (step != Step::Done) continue;
      if (it == line_.end()) it = served;
      line_.splice(line_.end(), line_, served);
    }
  } while (serve_again_);
  serving_ = false;
}

void Router::housekeep_by(int64_t at_us) {
  if (at_us >= housekeeping_at_us_) return;
  housekeeping_at_us_ = at_us;
  housekeeping_timer_.start(std::max<int64_t>(0, at_us - clock_.monotonic_us()), [this] { housekeep(); });
}

// Everything that waits for time to pass, but for the timers of environments.
void Router::housekeep() {
  housekeeping_at_us_ = INT64_MAX;
  int64_t now = clock_.monotonic_us(), next = INT64_MAX;
  for (auto& [id, owned] : environments_) {
    Environment& e = *owned;
    if (e.state == State::Idle && !e.frozen) {
      if (e.check_at_us <= now) check_idle(e, now);
      next = std::min(next, e.check_at_us);
    }
    if (e.finishing && !e.pool->waiting.empty()) {
      if (now - e.answered_us >= options_.finish_grace_us) {
        end_finish(e);
      } else {
        next = std::min(next, e.answered_us + options_.finish_grace_us);
      }
    }
    if (e.start_counts && !options_.strict_cpu_admission) {
      if (now - e.asked_us >= options_.slow_start_us) {
        e.start_counts = false;
        --starts_in_flight_;
      } else {
        next = std::min(next, e.asked_us + options_.slow_start_us);
      }
    }
  }
  expire_waiting(now, next);
  if (waiting_ > 0) serve_all();
  if (next != INT64_MAX) housekeep_by(next);
}

void Router::expire_waiting(int64_t now_us, int64_t& next_us) {
  std::vector<Pool*> waiting(line_.begin(), line_.end());
  for (Pool* pool : waiting) {
    size_t before = pool->waiting.size();
    while (!pool->waiting.empty() && now_us - pool->waiting.front().arrived_us >= options_.max_wait_us) {
      answer_waiting(*pool, {.kind = InvokeResult::Kind::Throttled, .throttle_reason = "ConcurrentInvocationLimitExceeded"});
    }
    // It has had its turn: what does not fit may not keep the others waiting for ever.
    if (pool->waiting.size() < before && pool->turn) line_.splice(line_.end(), line_, *pool->turn);
    if (!pool->waiting.empty()) next_us = std::min(next_us, pool->waiting.front().arrived_us + options_.max_wait_us);
  }
  check_drained();
}

void Router::drain(int64_t limit_us, std::function<void()> done) {
  draining_ = true;
  drained_ = std::move(done);
  drain_timer_.start(limit_us, [this] { end_all("shutting down before its call ended"); });
  check_drained();
}

void Router::check_drained() {
  if (drained_ && in_use_ == 0) loop_.post([this] { end_all("shutting down"); });
}

void Router::end_all(const char* cause) {
  auto done = std::exchange(drained_, nullptr);
  if (!done) return;
  drain_timer_.cancel();
  for (Pool* pool : line_) {
    while (!pool->waiting.empty()) answer_waiting(*pool, {.kind = InvokeResult::Kind::Unavailable, .error_type = "ShuttingDown"});
  }
  std::vector<uint64_t> ids;
  for (const auto& [id, e] : environments_) ids.push_back(id);
  for (uint64_t id : ids) {
    if (Environment* e = find_environment(id)) leave(*e, cause);
  }
  loop_.post(std::move(done));
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

void Router::each_environment(const std::function<void(const Environment&)>& see) const {
  for (const auto& [id, e] : environments_) see(*e);
}

}  // namespace gust::invoke
