// SPDX-License-Identifier: Apache-2.0

#include "invoke/event_queue.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/log.h"
#include "invoke/event_rows.h"
#include "store/fault_point.h"
#include "store/key.h"

namespace gust::invoke {
namespace {

constexpr uint64_t kNever = UINT64_MAX;
constexpr int64_t kMinute_us = 60'000'000, kSecond_us = 1'000'000;
constexpr size_t kMostOfPage = 32;  // events that one read brings into memory
constexpr size_t kLoadPage = 1000, kSweepPage = 256, kMostShown = 100;
// A function may take a slot while it holds less than kShare times the free ones: alone it gets 4/5 of all slots, the next
// one 4/5 of the rest, so that nobody is kept out by a long backlog (Choudhury and Hahne's dynamic thresholds).
constexpr size_t kShare = 4;

enum class Drop { EventAgeExceeded, RetriesExhausted, FunctionDeleted, Damaged };
constexpr std::array<std::string_view, 4> kDropNames = {"EventAgeExceeded", "RetriesExhausted", "FunctionDeleted", "Damaged"};

// The events of one function.
struct Lane {
  std::string arn;
  std::unordered_map<std::string, EventRow> in_flight;  // by request id
  uint64_t next_due_us = kNever;                        // no row that waits on disk is due earlier ...
  std::string cursor;                                   // ... or lies before this key
  uint64_t held_until_us = 0;                           // nothing of it starts before
  const char* held_for = "";
  int64_t hold_us = 0;            // the last wait for a throttle
  uint64_t wanted_bytes = 0;      // room that its first row in order did not find
  double window = 1e9;            // events in flight that its limits seem to allow
  uint64_t unknown_since_us = 0;  // the router does not know the function
  uint64_t wake_us = kNever;      // its place in the order
  bool reading = false;
  std::unordered_set<std::string> ended;  // since the read under way began: what it brings of these is outdated
};

struct Page {
  struct Loaded {
    EventRow row;
    std::optional<std::string> payload;
  };
  std::vector<Loaded> events;
  std::optional<EventRow> next;  // the first row that is not among them
};

Result<Page> read_page(store::Store& store, const std::string& arn, const std::string& from, uint64_t until_us, size_t most,
                       uint64_t most_bytes) {
  auto view = TRY(store.read());
  auto rows = TRY(view->scan(store::Space::Event, from, store::prefix_end(due_prefix(arn)), most + 1));
  Page page;
  uint64_t bytes = 0;
  for (const store::Row& stored : rows) {
    auto row = read_row(stored);
    if (!row) {
      log::error("events", "a stored event is passed over", {{"function", arn}, {"error", row.error().message}});
      continue;
    }
    bool full = page.events.size() == most || (bytes > 0 && bytes + row->payload_bytes > most_bytes);
    if (full || row->due_us > until_us) {
      page.next = std::move(*row);
      break;
    }
    auto payload = TRY(view->get(store::Space::Event, row->payload_key()));
    bytes += row->payload_bytes;
    page.events.push_back({std::move(*row), std::move(payload)});
  }
  return page;
}

// The first row of each function after `from`, which moves on; empty at the end.
Result<std::vector<EventRow>> read_heads(store::Store& store, std::string& from) {
  auto view = TRY(store.read());
  std::vector<EventRow> heads;
  std::string end = store::prefix_end(due_prefix());
  while (heads.size() < kSweepPage) {
    auto rows = TRY(view->scan(store::Space::Event, from, end, 1));
    if (rows.empty()) {
      from.clear();
      break;
    }
    if (auto row = read_row(rows[0])) {
      from = store::prefix_end(due_prefix(row->function_arn));
      heads.push_back(std::move(*row));
    } else {
      from = rows[0].key + '\0';
    }
  }
  return heads;
}

}  // namespace

struct EventQueue::Impl : std::enable_shared_from_this<EventQueue::Impl> {
  net::Loop& loop;
  store::Store& store;
  net::WorkerPool& workers;
  Router& router;
  const Clock& clock;
  EventQueueOptions options;
  const int64_t base_unix_us, base_monotonic_us;  // when this began
  std::unordered_map<std::string, std::unique_ptr<Lane>> lanes;
  std::set<std::pair<uint64_t, Lane*>> order;  // by when a lane wants its turn
  size_t in_flight = 0;
  uint64_t in_flight_bytes = 0, events = 0;
  std::atomic<uint64_t> bytes = 0;  // read by enqueue on the store's thread
  std::array<uint64_t, kDropNames.size()> dropped{};
  bool reading = false, stopped = false, pump_posted = false;
  std::vector<std::string> empty;            // lanes that may have nothing left
  std::vector<std::function<void()>> again;  // commits that failed
  net::Timer timer, sweep_timer, again_timer;

  Impl(net::Loop& l, store::Store& s, net::WorkerPool& w, Router& r, const Clock& c, EventQueueOptions o)
      : loop(l),
        store(s),
        workers(w),
        router(r),
        clock(c),
        options(std::move(o)),
        base_unix_us(c.unix_us()),
        base_monotonic_us(c.monotonic_us()),
        timer(l),
        sweep_timer(l),
        again_timer(l) {}

  // Runs `work` on the loop unless the queue is gone by then.
  template <class F>
  static void post(net::Loop& loop, std::weak_ptr<Impl> queue, F work) {
    loop.post([queue = std::move(queue), work = std::move(work)]() mutable {
      if (auto self = queue.lock()) work(*self);
    });
  }

  int64_t elapsed_us() const { return clock.monotonic_us() - base_monotonic_us; }
  // Wall clock, but waits end after their time even where it is put back.
  uint64_t now_us() const { return static_cast<uint64_t>(std::max(clock.unix_us(), base_unix_us + elapsed_us())); }
  uint64_t scaled(int64_t us) const {
    return static_cast<uint64_t>(std::max(1.0, static_cast<double>(us) / options.clock_scale));
  }

  // An event is never older than this process has measured plus what it was at its start: setting the clock expires none.
  bool expired(const EventRow& row, const Function& function) const {
    int64_t by_wall = clock.unix_us() - row.created_us;
    int64_t measured = std::max<int64_t>(0, base_unix_us - row.created_us) + elapsed_us();
    return static_cast<double>(std::min(by_wall, measured)) * options.clock_scale > double{1e6} * function.max_event_age_s;
  }

  Result<> load();
  Result<> load_rows(const std::vector<store::Row>& rows);
  Lane& lane_of(const std::string& arn);
  Lane* find(const std::string& arn);
  static bool idle(const Lane& lane) { return lane.in_flight.empty() && lane.next_due_us == kNever && !lane.reading; }
  void place(Lane& lane);
  void put_back(Lane& lane, const EventRow& row);
  void hold(Lane& lane, uint64_t wait_us, const char* reason);
  void release(Lane& lane);
  bool room(const Lane& lane, uint64_t payload_bytes) const;
  bool may_start(Lane& lane);
  void announced(AsyncEvent event);
  void pump_soon();
  void pump();
  void read(Lane& lane);
  void on_page(const std::string& arn, const EventRow& from, Result<Page> page);
  void start(Lane& lane, EventRow row, std::optional<std::string> payload);
  void on_result(const std::string& arn, const std::string& request_id, InvokeResult result);
  void retry(Lane& lane, const EventRow& row, std::string_view error);
  void drop(const EventRow& row, Drop reason, std::string_view error);
  void erase(const EventRow& row);
  void commit(const EventRow& row, store::Mutation mutation, std::function<void(Lane&)> then);
  void ended(Lane& lane, const std::string& request_id);
  void sweep();
  void sweep_page(std::string from);
};

Result<> EventQueue::Impl::load() {
  std::string from = due_prefix(), end = store::prefix_end(from);
  for (;;) {
    std::vector<store::Row> rows;
    {
      auto view = TRY(store.read());
      rows = TRY(view->scan(store::Space::Event, from, end, kLoadPage));
    }
    if (rows.empty()) break;
    TRY(load_rows(rows));
    from = rows.back().key + '\0';
  }
  if (events)
    log::info("events", "events of an earlier run", {{"events", std::to_string(events)}, {"bytes", std::to_string(bytes)}});
  pump_soon();
  sweep_timer.start(options.sweep_us, [this] { sweep(); });
  return {};
}

Result<> EventQueue::Impl::load_rows(const std::vector<store::Row>& rows) {
  int64_t longest = 0;
  for (int64_t wait : options.error_waits_us) longest = std::max(longest, wait);
  uint64_t now = now_us(), latest = now + scaled(longest);
  std::vector<std::pair<EventRow, EventRow>> moves;
  for (const store::Row& stored : rows) {
    auto row = read_row(stored);
    if (!row) {
      log::error("events", "a stored event is left alone", {{"error", row.error().message}});
      continue;
    }
    ++events;
    bytes += row->bytes();
    if (row->due_us > latest) {  // the clock was put back meanwhile: nothing waits longer than the longest wait
      moves.emplace_back(*row, *row);
      moves.back().second.due_us = row->due_us = now;
    }
    put_back(lane_of(row->function_arn), *row);
  }
  if (moves.empty()) return {};
  return store.commit_and_wait([&moves](store::Transaction& transaction) -> Result<> {
    for (const auto& [old, moved] : moves) TRY(move_event(transaction, old, moved));
    return {};
  });
}

Lane& EventQueue::Impl::lane_of(const std::string& arn) {
  auto& lane = lanes[arn];
  if (!lane) {
    lane = std::make_unique<Lane>();
    lane->arn = arn;
  }
  return *lane;
}

Lane* EventQueue::Impl::find(const std::string& arn) {
  auto it = lanes.find(arn);
  return it == lanes.end() ? nullptr : it->second.get();
}

void EventQueue::Impl::place(Lane& lane) {
  order.erase({lane.wake_us, &lane});
  lane.wake_us = lane.next_due_us == kNever ? kNever : std::max(lane.next_due_us, lane.held_until_us);
  if (lane.wake_us != kNever && !lane.reading) {
    order.emplace(lane.wake_us, &lane);
  } else if (idle(lane)) {
    empty.push_back(lane.arn);
  }
}

// The row waits on disk (again).
void EventQueue::Impl::put_back(Lane& lane, const EventRow& row) {
  std::string key = row.due_key();
  if (lane.next_due_us == kNever || key < lane.cursor) lane.cursor = std::move(key);
  lane.next_due_us = std::min(lane.next_due_us, row.due_us);
  place(lane);
}

void EventQueue::Impl::hold(Lane& lane, uint64_t wait_us, const char* reason) {
  lane.held_until_us = now_us() + wait_us;
  lane.held_for = reason;
  place(lane);
}

void EventQueue::Impl::release(Lane& lane) {
  lane.hold_us = 0;
  lane.held_until_us = 0;
}

bool EventQueue::Impl::room(const Lane& lane, uint64_t payload_bytes) const {
  size_t free = options.most_in_flight - std::min(options.most_in_flight, in_flight);
  if (free == 0 || lane.in_flight.size() >= kShare * free || static_cast<double>(lane.in_flight.size()) >= lane.window)
    return false;
  return in_flight_bytes == 0 || in_flight_bytes + payload_bytes <= options.most_in_flight_bytes;
}

// Whether the function can be invoked at all. A function that was deleted keeps its lane open: start() drops its events.
bool EventQueue::Impl::may_start(Lane& lane) {
  FunctionPtr function = router.find(lane.arn);
  if (!function) {
    // Not known yet or not any more: the record of a new function may be on its way to the router.
    uint64_t now = now_us();
    if (lane.unknown_since_us == 0) lane.unknown_since_us = now;
    if (now >= lane.unknown_since_us + kSecond_us) return true;
    hold(lane, kSecond_us, "no such function");
    return false;
  }
  lane.unknown_since_us = 0;
  if (!options.ready || options.ready(*function)) return true;
  hold(lane, scaled(options.first_throttle_wait_us), "its code is not ready");
  return false;
}

void EventQueue::Impl::announced(AsyncEvent event) {
  EventRow row = new_row(event);
  ++events;
  Lane& lane = lane_of(row.function_arn);
  if (lane.in_flight.contains(row.request_id)) return;  // a read was faster
  uint64_t now = now_us();
  bool others_first = lane.reading || lane.next_due_us <= now || lane.held_until_us > now;
  if (!stopped && !others_first && room(lane, row.payload_bytes) && may_start(lane)) {
    return start(lane, std::move(row), std::move(event.payload));
  }
  put_back(lane, row);
  pump_soon();
}

void EventQueue::Impl::pump_soon() {
  if (std::exchange(pump_posted, true)) return;
  post(loop, weak_from_this(), [](Impl& self) { self.pump(); });
}

void EventQueue::Impl::pump() {
  pump_posted = false;
  for (const std::string& arn : std::exchange(empty, {})) {
    if (Lane* lane = find(arn); lane && idle(*lane)) lanes.erase(arn);
  }
  if (stopped || reading) return;
  uint64_t now = now_us();
  for (auto it = order.begin(); it != order.end() && it->first <= now;) {
    Lane& lane = *it->second;
    if (!room(lane, lane.wanted_bytes)) {
      ++it;
    } else if (may_start(lane)) {
      return read(lane);
    } else {
      it = order.begin();  // it is held now, so behind `now`
    }
  }
  // Lanes without room have their turn when something ends.
  auto later = order.lower_bound({now + 1, nullptr});
  if (later == order.end()) return timer.cancel();
  timer.start(static_cast<int64_t>(std::min<uint64_t>(later->first - now, kMinute_us)), [this] { pump(); });
}

void EventQueue::Impl::read(Lane& lane) {
  size_t most = std::min({kMostOfPage, options.most_in_flight - in_flight,
                          static_cast<size_t>(lane.window) - std::min(static_cast<size_t>(lane.window), lane.in_flight.size())});
  uint64_t most_bytes = options.most_in_flight_bytes - std::min(options.most_in_flight_bytes, in_flight_bytes);
  EventRow from{.function_arn = lane.arn, .due_us = lane.next_due_us};
  std::string cursor = std::exchange(lane.cursor, {});
  lane.next_due_us = kNever;
  lane.ended.clear();
  lane.reading = reading = true;
  place(lane);
  bool taken = workers.submit([&at = loop, &from_store = store, self = weak_from_this(), from, cursor,
                               most = std::max<size_t>(most, 1), most_bytes, until = now_us()] {
    auto page = read_page(from_store, from.function_arn, cursor, until, most, most_bytes);
    post(at, self,
         [from, page = std::move(page)](Impl& queue) mutable { queue.on_page(from.function_arn, from, std::move(page)); });
  });
  if (!taken) on_page(lane.arn, from, fail(Errc::Exhausted, "all workers are busy"));
}

void EventQueue::Impl::on_page(const std::string& arn, const EventRow& from, Result<Page> page) {
  Lane& lane = lane_of(arn);
  lane.reading = reading = false;
  lane.wanted_bytes = 0;
  if (!page) {
    log::error("events", "stored events cannot be read", {{"function", arn}, {"error", page.error().message}});
    put_back(lane, from);
    hold(lane, kSecond_us, "its events cannot be read");
    return pump_soon();
  }
  bool open = !stopped && lane.held_until_us <= now_us() && may_start(lane);
  auto ended_meanwhile = std::move(lane.ended);
  lane.ended.clear();
  if (page->next) put_back(lane, *page->next);
  for (auto& [row, payload] : page->events) {
    if (lane.in_flight.contains(row.request_id) || ended_meanwhile.contains(row.request_id)) continue;
    if (open && !room(lane, row.payload_bytes)) {
      open = false;
      lane.wanted_bytes = row.payload_bytes;
    }
    if (open) {
      start(lane, std::move(row), std::move(payload));
    } else {
      put_back(lane, row);
    }
  }
  place(lane);
  pump_soon();
}

void EventQueue::Impl::start(Lane& lane, EventRow row, std::optional<std::string> payload) {
  FunctionPtr function = router.find(lane.arn);
  std::string id = row.request_id;
  ++in_flight;
  in_flight_bytes += row.payload_bytes;
  const EventRow& kept = lane.in_flight.insert_or_assign(id, std::move(row)).first->second;
  if (!payload) return drop(kept, Drop::Damaged, "its payload is not stored");
  if (!function) return drop(kept, Drop::FunctionDeleted, "");
  if (expired(kept, *function)) return drop(kept, Drop::EventAgeExceeded, "");
  Invocation invocation;
  invocation.request_id = id;
  invocation.function = std::move(function);
  invocation.payload = std::move(*payload);
  invocation.trace_id = kept.trace_id;
  invocation.received_us = kept.created_us;
  invocation.attempt = static_cast<uint32_t>(kept.attempts) + 1;
  // Posted: the router may answer inside invoke().
  invocation.done = [&at = loop, self = weak_from_this(), arn = lane.arn, id](InvokeResult result) {
    post(at, self, [arn, id, result = std::move(result)](Impl& queue) mutable { queue.on_result(arn, id, std::move(result)); });
  };
  store::fault_point("event-before-invoke");
  router.invoke(std::move(invocation));
}

void EventQueue::Impl::on_result(const std::string& arn, const std::string& request_id, InvokeResult result) {
  Lane* lane = find(arn);
  if (!lane) return;
  auto it = lane->in_flight.find(request_id);
  if (it == lane->in_flight.end()) return;
  const EventRow row = it->second;
  if (result.kind == InvokeResult::Kind::Response || result.kind == InvokeResult::Kind::FunctionError) {
    release(*lane);
    if (lane->window < 1e9) lane->window += 1 / lane->window;
    if (result.kind == InvokeResult::Kind::FunctionError) return retry(*lane, row, result.error_type);
    return erase(row);
  }
  // It stays as it is on disk; the function as a whole waits. Those of it that are running show how many may.
  put_back(*lane, row);
  ended(*lane, request_id);
  if (lane->held_until_us > now_us()) return;
  lane->window = static_cast<double>(std::max<size_t>(1, lane->in_flight.size()));
  lane->hold_us = lane->hold_us ? std::min(lane->hold_us * 2, options.most_throttle_wait_us) : options.first_throttle_wait_us;
  hold(*lane, scaled(lane->hold_us), result.kind == InvokeResult::Kind::Throttled ? "throttled" : "unavailable");
}

void EventQueue::Impl::retry(Lane& lane, const EventRow& row, std::string_view error) {
  FunctionPtr function = router.find(lane.arn);
  if (row.attempts >= (function ? function->max_retries : 0)) return drop(row, Drop::RetriesExhausted, error);
  EventRow next = row;
  size_t wait = std::min<size_t>(next.attempts, options.error_waits_us.size() - 1);
  next.due_us = now_us() + scaled(options.error_waits_us[wait]);
  ++next.attempts;
  store::fault_point("event-before-retry");
  commit(
      row, [row, next](store::Transaction& transaction) { return move_event(transaction, row, next); },
      [this, next](Lane& at) {
        put_back(at, next);
        ended(at, next.request_id);
      });
}

void EventQueue::Impl::drop(const EventRow& row, Drop reason, std::string_view error) {
  ++dropped[static_cast<size_t>(reason)];
  log::warning("events", "event dropped",
               {{"request_id", row.request_id},
                {"function", row.function_arn},
                {"reason", std::string(kDropNames[static_cast<size_t>(reason)])},
                {"attempts", std::to_string(row.attempts + (reason == Drop::RetriesExhausted))},
                {"error", std::string(error)}});
  erase(row);
}

void EventQueue::Impl::erase(const EventRow& row) {
  store::fault_point("event-before-erase");
  commit(
      row, [row](store::Transaction& transaction) { return erase_event(transaction, row); },
      [this, row](Lane& lane) {
        store::fault_point("event-erased");
        events -= std::min<uint64_t>(events, 1);
        bytes -= std::min<uint64_t>(bytes, row.bytes());
        ended(lane, row.request_id);
      });
}

// Until the commit succeeds the event counts as in flight, so that it cannot start a second time.
void EventQueue::Impl::commit(const EventRow& row, store::Mutation mutation, std::function<void(Lane&)> then) {
  store.commit(mutation, [&at = loop, self = weak_from_this(), row, mutation, then = std::move(then)](Result<> done) {
    post(at, self, [row, mutation, then, done](Impl& queue) {
      if (done) {
        if (Lane* lane = queue.find(row.function_arn)) then(*lane);
        return;
      }
      log::error("events", "the end of an execution cannot be stored",
                 {{"request_id", row.request_id}, {"error", done.error().message}});
      queue.again.push_back([&queue, row, mutation, then] { queue.commit(row, mutation, then); });
      queue.again_timer.start(kSecond_us, [&queue] {
        for (auto& task : std::exchange(queue.again, {})) task();
      });
    });
  });
}

void EventQueue::Impl::ended(Lane& lane, const std::string& request_id) {
  auto it = lane.in_flight.find(request_id);
  if (it == lane.in_flight.end()) return;
  --in_flight;
  in_flight_bytes -= it->second.payload_bytes;
  lane.in_flight.erase(it);
  if (lane.reading) lane.ended.insert(request_id);
  place(lane);
  pump_soon();
}

// Finds events whose commit was never announced.
void EventQueue::Impl::sweep() {
  sweep_page(due_prefix());
  sweep_timer.start(options.sweep_us, [this] { sweep(); });
}

void EventQueue::Impl::sweep_page(std::string from) {
  (void)workers.submit([&at = loop, &from_store = store, self = weak_from_this(), from = std::move(from)]() mutable {
    auto heads = read_heads(from_store, from);
    if (!heads) return;  // the next sweep
    post(at, self, [heads = std::move(*heads), from](Impl& queue) {
      for (const EventRow& row : heads) {
        if (!queue.find(row.function_arn)) queue.put_back(queue.lane_of(row.function_arn), row);
      }
      queue.pump_soon();
      if (!from.empty()) queue.sweep_page(from);
    });
  });
}

EventQueue::EventQueue(net::Loop& loop, store::Store& store, net::WorkerPool& workers, Router& router, const Clock& clock,
                       EventQueueOptions options)
    : impl_(std::make_shared<Impl>(loop, store, workers, router, clock, std::move(options))) {}

EventQueue::~EventQueue() = default;

Result<> EventQueue::load() { return impl_->load(); }

Result<> EventQueue::enqueue(store::Transaction& transaction, const AsyncEvent& event) {
  if (event.payload.size() > store::kMaxValueBytes) return fail(Errc::TooLarge, "an event of more than 1 MiB");
  if (impl_->bytes + new_row(event).bytes() > impl_->options.backlog_bytes) {
    return fail(Errc::Exhausted, "too many asynchronous events are waiting");
  }
  TRY(write_event(transaction, event));
  store::fault_point("event-enqueued");
  return {};
}

void EventQueue::committed(const AsyncEvent& event) {
  store::fault_point("event-committed");
  impl_->bytes += new_row(event).bytes();
  Impl::post(impl_->loop, impl_, [event](Impl& queue) mutable { queue.announced(std::move(event)); });
}

void EventQueue::look(Held held) {
  for (auto& [arn, lane] : impl_->lanes) {
    if (held == Held::Stay || !lane->held_until_us) continue;
    impl_->release(*lane);
    impl_->place(*lane);
  }
  impl_->pump_soon();
}

void EventQueue::stop() { impl_->stopped = true; }

Value EventQueue::waiting() const {
  int64_t oldest = 0;
  auto take = [&oldest](int64_t at) {
    if (oldest == 0 || at < oldest) oldest = at;
  };
  Value held = Value::list();
  const uint64_t now = impl_->now_us();
  for (const auto& [arn, lane] : impl_->lanes) {
    if (lane->held_until_us > now && held.size() < kMostShown) {
      Value entry = Value::map();
      entry.set("function_arn", arn);
      entry.set("reason", lane->held_for);
      entry.set("until_us", static_cast<int64_t>(lane->held_until_us));
      held.push(std::move(entry));
    }
    for (const auto& [id, row] : lane->in_flight) take(row.created_us);
    if (lane->next_due_us != kNever) take(static_cast<int64_t>(lane->next_due_us));
  }
  Value v = Value::map();
  v.set("events", static_cast<int64_t>(impl_->events));
  v.set("bytes", static_cast<int64_t>(impl_->bytes.load()));
  v.set("in_flight", static_cast<int64_t>(impl_->in_flight));
  v.set("oldest_us", oldest);
  v.set("held", std::move(held));
  Value& dropped = v.set("dropped", Value::map());
  for (size_t i = 0; i < kDropNames.size(); ++i) dropped.set(kDropNames[i], static_cast<int64_t>(impl_->dropped[i]));
  return v;
}

}  // namespace gust::invoke
