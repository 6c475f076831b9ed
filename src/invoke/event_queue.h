// SPDX-License-Identifier: Apache-2.0

#pragma once

// Asynchronous invocations: durable before they are acknowledged, dispatched through the Router at least once, retried as
// AWS does (Lambda guide, "Asynchronous invocation"). A long backlog stays on disk, only what is being invoked is in memory.
//
// Its rows (event_rows.h) are ordered by due time within a function, so that one with a long backlog or a closed throttle is
// passed over without reading it; the functions' earliest due times are kept in memory, and the oldest of all goes first.
//
// Everything but enqueue() and committed() is on the loop's thread. Destroy it after the loop has stopped, before the store
// and the pool's other users; work that is still under way then has no effect but the commits that were asked for.

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "invoke/ports.h"
#include "invoke/router.h"
#include "net/loop.h"
#include "net/worker_pool.h"
#include "os/clock.h"
#include "store/store.h"

namespace gust::invoke {

struct EventQueueOptions {
  double clock_scale = 1;                       // how many times faster waits and ages pass
  uint64_t backlog_bytes = 1ull << 30;          // of all events not done; beyond: enqueue answers Exhausted. May be passed
                                                // by what one COMMIT of the store holds.
  size_t most_in_flight = 1000;                 // events handed to the router at a time
  uint64_t most_in_flight_bytes = 64ull << 20;  // of their payloads
  std::vector<int64_t> error_waits_us = {60'000'000, 120'000'000};                  // after the first, second ... function error
  int64_t first_throttle_wait_us = 1'000'000, most_throttle_wait_us = 300'000'000;  // doubled in between
  int64_t sweep_us = 60'000'000;  // between two looks for events that were committed but never announced
  // Whether the function's code can run now; its events wait meanwhile. Empty: always. On the loop.
  std::function<bool(const Function&)> ready;
};

class EventQueue final : public EventSink {
 public:
  EventQueue(net::Loop& loop, store::Store& store, net::WorkerPool& workers, Router& router, const Clock& clock,
             EventQueueOptions options = {});
  ~EventQueue() override;

  // Finds what an earlier process left. Blocking; once, before the loop runs. The functions must be in the router by the
  // time the loop runs: events of functions that it does not know are dropped after a second.
  Result<> load();

  // TooLarge: a payload over 1 MiB; Exhausted: the backlog is full.
  Result<> enqueue(store::Transaction& transaction, const AsyncEvent& event) override;
  // To be called from the commit's done: then an event cannot be invoked again by a late call.
  void committed(const AsyncEvent& event) override;

  // Looks for due events now. Release: functions held back too (their code became ready, a limit was raised).
  enum class Held { Stay, Release };
  void look(Held held = Held::Release);
  void stop();  // dispatches nothing more; what is in flight is still noted down. For draining: before Router::drain.

  // For `gust ps`: events, bytes, in_flight, oldest_us (wall clock: creation or due time of the oldest), dropped by reason,
  // held: the functions held back (the first hundred) with reason and until_us.
  Value waiting() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with the work that is under way
};

}  // namespace gust::invoke
