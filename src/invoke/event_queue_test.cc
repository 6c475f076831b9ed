// SPDX-License-Identifier: Apache-2.0

#include "invoke/event_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>

#include "invoke/event_rows.h"
#include "invoke/test_fixture.h"
#include "store/memory/memory_store.h"
#include "store/sqlite/sqlite_store.h"

namespace gust::invoke {
namespace {

using test::Runtime;

constexpr int64_t kSecond = 1'000'000, kMinute = 60 * kSecond;

// Fails the commits that it is told to.
class FlakyStore final : public store::Store {
 public:
  explicit FlakyStore(store::Store& inner) : inner_(inner) {}
  void commit(store::Mutation mutation, store::Done done) override {
    if (failures.load() > 0) {
      --failures;
      return done(fail(Errc::Exhausted, "no space left on device"));
    }
    inner_.commit(std::move(mutation), std::move(done));
  }
  Result<std::unique_ptr<store::View>> read() override {
    ++reads;
    if (failing_reads.load() > 0) {
      --failing_reads;
      return fail(Errc::Io, "input/output error");
    }
    return inner_.read();
  }
  std::atomic<int> failures = 0, failing_reads = 0, reads = 0;

 private:
  store::Store& inner_;
};

class EventQueueTest : public test::InvokeTest, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    clock_ = &fake_;
    InvokeTest::SetUp();
    engine_ = std::string(GetParam()) == "memory" ? store::make_memory_store()
                                                  : std::move(*store::open_sqlite_store(root_ + "/gust.db"));
    store_ = std::make_unique<FlakyStore>(*engine_);
    workers_ = std::make_unique<net::WorkerPool>("test", 2, 100);
  }
  void TearDown() override {
    queue_.reset();
    workers_.reset();
    store_.reset();
    engine_.reset();
    InvokeTest::TearDown();
  }
  void open(EventQueueOptions options = {}) {
    queue_ = std::make_unique<EventQueue>(loop_, *store_, *workers_, *router_, fake_, std::move(options));
    ASSERT_TRUE(queue_->load());
  }
  AsyncEvent event(const std::string& id, const std::string& function = "f", std::string payload = "{}") const {
    return {.request_id = id,
            .function_arn = test::make_function(function)->arn,
            .payload = std::move(payload),
            .source = "test",
            .created_us = fake_.unix_us()};
  }
  Result<> enqueue(const AsyncEvent& e) {
    Result<> result = store_->commit_and_wait([&](store::Transaction& t) { return queue_->enqueue(t, e); });
    if (result) queue_->committed(e);
    return result;
  }
  Value waiting(std::string_view what) const { return queue_->waiting()[what]; }
  int64_t dropped(std::string_view reason) const { return queue_->waiting()["dropped"][reason].as_int(); }
  void until_empty() {
    until([&] { return waiting("events").as_int() == 0 && waiting("in_flight").as_int() == 0; });
  }
  size_t rows() const { return (*engine_->read())->scan(store::Space::Event, "", "", 10'000)->size(); }
  void advance(int64_t us) {
    fake_.advance_us(us);
    queue_->look();
  }
  // Time passes; what is due is noticed as by the timer that it is for, without releasing throttles as look() does.
  void pass(int64_t us) {
    fake_.advance_us(us);
    queue_->look(EventQueue::Held::Stay);
    run_for_us(5'000);
  }

  // A function that notes each call and answers as it is told.
  struct Calls {
    std::mutex mutex;
    std::vector<std::string> ids;  // in order of their begin
    std::map<std::string, int> running;
    int most_of_one = 0, most = 0;
    std::atomic<int> fail = 0;  // so many calls are errors
    std::atomic<bool> hold = false;
    size_t size() {
      std::lock_guard lock(mutex);
      return ids.size();
    }
    std::vector<std::string> seen() {
      std::lock_guard lock(mutex);
      return ids;
    }
  };
  std::shared_ptr<Calls> script(const std::string& function) {
    auto calls = std::make_shared<Calls>();
    warden_->scripts[function] = [calls](Runtime& r) -> int {
      for (;;) {
        auto e = r.next();
        const std::string id = e.request_id();
        {
          std::lock_guard lock(calls->mutex);
          calls->ids.push_back(id);
          calls->most_of_one = std::max(calls->most_of_one, ++calls->running[id]);
          int all = 0;
          for (const auto& [name, n] : calls->running) all += n;
          calls->most = std::max(calls->most, all);
        }
        r.wait_until([&] { return !calls->hold; });
        {
          std::lock_guard lock(calls->mutex);
          --calls->running[id];
        }
        if (calls->fail-- > 0) {
          r.error(id, R"({"errorType":"Oops","errorMessage":"no"})");
        } else {
          r.respond(id, e.body);
        }
      }
    };
    return calls;
  }

  FakeClock fake_;
  std::unique_ptr<store::Store> engine_;
  std::unique_ptr<FlakyStore> store_;
  std::unique_ptr<net::WorkerPool> workers_;
  std::unique_ptr<EventQueue> queue_;
};

TEST_P(EventQueueTest, AnEventIsInvokedAndItsRowsGo) {
  auto calls = script("f");
  put("f");
  open();
  AsyncEvent e = event("id-1", "f", R"({"n":1})");
  ASSERT_TRUE(enqueue(e));
  EXPECT_EQ(rows(), 2u);
  until_empty();
  EXPECT_EQ(calls->seen(), (std::vector<std::string>{"id-1"}));
  EXPECT_EQ(rows(), 0u);
  EXPECT_EQ(waiting("bytes").as_int(), 0);
  auto all = executions();
  EXPECT_EQ(all[0]["attempt"].as_int(), 1);
  EXPECT_EQ(all[0]["received_us"].as_int(), e.created_us);
}

TEST_P(EventQueueTest, APayloadMayBeExactlyOneMebibyteAndNoMore) {
  auto size = std::make_shared<std::atomic<size_t>>(0);
  warden_->scripts["f"] = [size](Runtime& r) -> int {
    for (;;) {
      auto e = r.next();
      *size = e.body.size();
      r.respond(e.request_id(), "1");
    }
  };
  put("f");
  open();
  EXPECT_EQ(enqueue(event("big", "f", std::string((1 << 20) + 1, 'x'))).error().code, Errc::TooLarge);
  EXPECT_EQ(rows(), 0u);
  ASSERT_TRUE(enqueue(event("fits", "f", std::string(1 << 20, 'x'))));
  until_empty();
  EXPECT_EQ(size->load(), size_t{1} << 20);
}

TEST_P(EventQueueTest, AFunctionErrorIsTriedAgainAfterOneAndTwoMinutesUnderTheSameId) {
  auto calls = script("f");
  calls->fail = 100;
  put("f");
  open();
  ASSERT_TRUE(enqueue(event("id")));
  auto tried = [&](size_t n) { until([&] { return calls->size() == n && waiting("in_flight").as_int() == 0; }); };
  tried(1);
  advance(59 * kSecond);
  run_for_us(5'000);
  EXPECT_EQ(calls->size(), 1u);
  advance(kSecond);
  tried(2);
  advance(119 * kSecond);
  run_for_us(5'000);
  EXPECT_EQ(calls->size(), 2u);
  advance(kSecond);
  tried(3);
  until_empty();
  EXPECT_EQ(rows(), 0u);
  EXPECT_EQ(dropped("RetriesExhausted"), 1);
  EXPECT_EQ(calls->seen(), (std::vector<std::string>{"id", "id", "id"}));
  auto all = executions();
  ASSERT_EQ(all.size(), 3u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(all[static_cast<size_t>(i)]["attempt"].as_int(), i + 1);
}

TEST_P(EventQueueTest, TheFunctionsOwnNumberOfRetriesCounts) {
  auto calls = script("f");
  calls->fail = 100;
  put("f", [](Function& x) { x.max_retries = 0; });
  open();
  ASSERT_TRUE(enqueue(event("id")));
  until_empty();
  EXPECT_EQ(calls->size(), 1u);
  EXPECT_EQ(dropped("RetriesExhausted"), 1);
}

TEST_P(EventQueueTest, ASuccessfulRetryEndsIt) {
  auto calls = script("f");
  calls->fail = 1;
  put("f");
  open();
  ASSERT_TRUE(enqueue(event("id")));
  until([&] { return calls->size() == 1 && waiting("in_flight").as_int() == 0; });
  EXPECT_EQ(waiting("events").as_int(), 1);
  advance(kMinute);
  until_empty();
  EXPECT_EQ(calls->size(), 2u);
  EXPECT_EQ(dropped("RetriesExhausted"), 0);
}

TEST_P(EventQueueTest, AThrottledEventWaitsLongerEachTimeAndCountsNoAttempt) {
  auto calls = script("f");
  put("f", [](Function& x) { x.reserved_concurrency = 0; });
  open();
  ASSERT_TRUE(enqueue(event("id")));
  auto held = [&] {
    const Value list = waiting("held");
    return list.size() == 0 ? 0 : list.as_list()[0]["until_us"].as_int() - fake_.unix_us();
  };
  run_for_us(5'000);
  for (int64_t wait : {1, 2, 4, 8, 16, 32, 64, 128, 256, 300}) {
    until([&] { return held() == wait * kSecond; });
    EXPECT_EQ(waiting("held").as_list()[0]["reason"].as_string(), "throttled");
    pass(wait * kSecond - 1);
    EXPECT_EQ(held(), 1);
    pass(1);
  }
  until([&] { return held() == 300 * kSecond; });
  EXPECT_EQ(calls->size(), 0u);
  put("f");
  pass(299 * kSecond);
  EXPECT_EQ(calls->size(), 0u);  // five minutes are the longest
  pass(kSecond);
  until_empty();
  EXPECT_EQ(calls->size(), 1u);
  EXPECT_EQ(executions()[0]["attempt"].as_int(), 1);
}

TEST_P(EventQueueTest, AnEventThatGetsTooOldIsDropped) {
  auto calls = script("f");
  put("f", [](Function& x) { x.reserved_concurrency = 0, x.max_event_age_s = 60; });
  open();
  ASSERT_TRUE(enqueue(event("id")));
  advance(60 * kSecond);
  run_for_us(5'000);
  EXPECT_EQ(waiting("events").as_int(), 1);  // not yet
  advance(kSecond);
  until_empty();
  EXPECT_EQ(rows(), 0u);
  EXPECT_EQ(dropped("EventAgeExceeded"), 1);
  EXPECT_EQ(calls->size(), 0u);
}

TEST_P(EventQueueTest, ClosedThrottlesAndLongBacklogsKeepNobodyElseWaiting) {
  auto closed = script("closed"), slow = script("slow"), open_one = script("open");
  slow->hold = true;
  put("closed", [](Function& x) { x.reserved_concurrency = 0; });
  put("slow", [](Function& x) { x.timeout_s = 60; });
  put("open");
  open({.most_in_flight = 8});
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(enqueue(event("c" + std::to_string(i), "closed")));
    ASSERT_TRUE(enqueue(event("s" + std::to_string(i), "slow")));
  }
  fake_.advance_us(1);
  ASSERT_TRUE(enqueue(event("o", "open")));
  until([&] { return open_one->size() == 1; });
  EXPECT_LT(slow->size(), 50u);
  slow->hold = false;
  until([&] { return slow->size() == 50 && waiting("events").as_int() == 50; });
}

TEST_P(EventQueueTest, ASandboxThatCannotBeMadeIsTriedAgainWithoutCountingAsAnAttempt) {
  auto calls = script("f");
  put("f");
  warden_->failing_starts = 2;
  open();
  ASSERT_TRUE(enqueue(event("id")));
  until([&] { return warden_->failing_starts == 1 && waiting("in_flight").as_int() == 0; });
  pass(kSecond);
  until([&] { return warden_->failing_starts == 0 && waiting("in_flight").as_int() == 0; });
  EXPECT_EQ(calls->size(), 0u);
  pass(2 * kSecond);
  until_empty();
  EXPECT_EQ(executions()[0]["attempt"].as_int(), 1);
}

TEST_P(EventQueueTest, ADeletedFunctionsEventsAreDropped) {
  put("f", [](Function& x) { x.reserved_concurrency = 0; });
  open();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(enqueue(event(std::to_string(i))));
  router_->remove_function(test::make_function("f")->arn);
  advance(0);
  run_for_us(5'000);
  EXPECT_EQ(waiting("events").as_int(), 100);  // its record might be on its way
  advance(2 * kSecond);
  until_empty();
  EXPECT_EQ(dropped("FunctionDeleted"), 100);
  EXPECT_EQ(rows(), 0u);
}

TEST_P(EventQueueTest, AFunctionThatIsMadeAMomentLaterGetsItsEvents) {  // control of the one above
  auto calls = script("f");
  open();
  ASSERT_TRUE(enqueue(event("id")));
  run_for_us(5'000);
  put("f");
  advance(kSecond);
  until_empty();
  EXPECT_EQ(calls->size(), 1u);
}

TEST_P(EventQueueTest, EventsWaitForTheFunctionsCode) {
  auto calls = script("f");
  put("f");
  bool ready = false;
  open({.ready = [&](const Function&) { return ready; }});
  ASSERT_TRUE(enqueue(event("id")));
  pass(10 * kSecond);
  EXPECT_EQ(calls->size(), 0u);
  ready = true;
  queue_->look();
  until_empty();
  EXPECT_EQ(calls->size(), 1u);
}

TEST_P(EventQueueTest, AFullBacklogRefusesUntilSomethingIsDone) {
  auto calls = script("f");
  put("f", [](Function& x) { x.reserved_concurrency = 0; });
  open({.backlog_bytes = 10'000});
  int taken = 0;
  Result<> last = {};
  for (int i = 0; i < 20 && last; ++i) {
    last = enqueue(event(std::to_string(i), "f", std::string(2000, 'x')));
    taken += last.has_value();
  }
  EXPECT_EQ(last.error().code, Errc::Exhausted);
  EXPECT_GT(taken, 2);
  EXPECT_LE(waiting("bytes").as_int(), 10'000);
  run_for_us(5'000);
  put("f");
  advance(0);
  until_empty();
  EXPECT_EQ(calls->size(), static_cast<size_t>(taken));
  EXPECT_TRUE(enqueue(event("more", "f", std::string(2000, 'x'))));
}

TEST_P(EventQueueTest, TheOldestGoesFirst) {
  auto calls = script("f");
  warden_->scripts["g"] = warden_->scripts["f"];
  put("f"), put("g");
  open({.most_in_flight = 1});
  const int64_t now = fake_.unix_us();
  std::vector<int> order = {5, 2, 9, 1, 7, 3};
  calls->hold = true;
  AsyncEvent first = event("first");
  first.created_us = now - 100;
  ASSERT_TRUE(enqueue(first));  // holds the only place
  until([&] { return calls->size() == 1; });
  for (int i : order) {
    AsyncEvent e = event("f" + std::to_string(i));
    e.created_us = now - 90 + i;
    ASSERT_TRUE(enqueue(e));
  }
  AsyncEvent other = event("g4", "g");
  other.created_us = now - 86;
  ASSERT_TRUE(enqueue(other));
  calls->hold = false;
  until_empty();
  EXPECT_EQ(calls->seen(), (std::vector<std::string>{"first", "f1", "f2", "f3", "g4", "f5", "f7", "f9"}));
}

TEST_P(EventQueueTest, ALongBacklogStaysOnDiskAndEachIsDoneOnce) {
  auto calls = script("f");
  calls->hold = true;
  put("f", [](Function& x) { x.timeout_s = 60; });
  open({.most_in_flight = 4});
  const int n = 1000;
  for (int i = 0; i < n; ++i) ASSERT_TRUE(enqueue(event(std::to_string(i))));
  run_for_us(20'000);
  EXPECT_LE(waiting("in_flight").as_int(), 4);
  EXPECT_EQ(waiting("events").as_int(), n);
  calls->hold = false;
  until_empty();
  auto ids = calls->seen();
  EXPECT_EQ(ids.size(), static_cast<size_t>(n));
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), static_cast<size_t>(n));
  EXPECT_LE(calls->most, 4);
  EXPECT_EQ(rows(), 0u);
}

TEST_P(EventQueueTest, PayloadsInMemoryAreBounded) {
  auto calls = script("f");
  calls->hold = true;
  put("f", [](Function& x) { x.timeout_s = 60; });
  open({.most_in_flight_bytes = 2'500'000});
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(enqueue(event(std::to_string(i), "f", std::string(1 << 20, 'x'))));
  until([&] { return calls->size() == 2; });
  const int reads = store_->reads;
  run_for_us(10'000);
  EXPECT_EQ(waiting("in_flight").as_int(), 2);
  EXPECT_LE(store_->reads - reads, 2);  // and nobody looks again and again for what does not fit
  calls->hold = false;
  until_empty();
  EXPECT_EQ(calls->size(), 6u);
}

TEST_P(EventQueueTest, OneEventNeverRunsTwiceAtATimeHoweverOftenItIsLookedFor) {
  auto calls = script("f");
  put("f");
  open({.most_in_flight = 16});
  net::Timer prod(loop_);
  std::function<void()> again = [&] {
    queue_->look();
    prod.start(100, again);
  };
  again();
  std::thread enqueuer([&] {
    for (int i = 0; i < 300; ++i) EXPECT_TRUE(enqueue(event(std::to_string(i))));
  });
  until([&] { return calls->size() >= 300; });
  enqueuer.join();
  until_empty();
  prod.cancel();
  EXPECT_EQ(calls->most_of_one, 1);
  EXPECT_EQ(calls->size(), 300u);  // and no more often than needed
}

TEST_P(EventQueueTest, AMutationThatFailsAfterwardsLeavesNoEvent) {
  auto calls = script("f");
  put("f");
  open();
  AsyncEvent e = event("id");
  EXPECT_FALSE(store_->commit_and_wait([&](store::Transaction& t) -> Result<> {
    TRY(queue_->enqueue(t, e));
    return fail(Errc::Conflict, "the condition did not hold");
  }));
  EXPECT_EQ(rows(), 0u);
  advance(kMinute);
  run_for_us(5'000);
  EXPECT_EQ(calls->size(), 0u);
}

TEST_P(EventQueueTest, WhatAnEarlierProcessLeftIsDoneWithItsAttemptsCounted) {
  auto calls = script("f");
  calls->fail = 1;
  put("f");
  open();
  ASSERT_TRUE(enqueue(event("failed-once")));
  until([&] { return calls->size() == 1 && waiting("in_flight").as_int() == 0; });
  calls->hold = true;
  ASSERT_TRUE(enqueue(event("in-flight")));
  until([&] { return calls->size() == 2; });
  AsyncEvent untold = event("never-announced");
  ASSERT_TRUE(store_->commit_and_wait([&](store::Transaction& t) { return queue_->enqueue(t, untold); }));
  queue_.reset();
  make({});
  calls = script("f");
  put("f");
  open();
  EXPECT_EQ(waiting("events").as_int(), 3);
  until([&] { return calls->size() == 2 && waiting("events").as_int() == 1; });
  advance(kMinute);
  until_empty();
  auto all = executions();
  EXPECT_EQ(all.back()["request_id"].as_string(), "failed-once");
  EXPECT_EQ(all.back()["attempt"].as_int(), 2);
  EXPECT_EQ(rows(), 0u);
}

TEST_P(EventQueueTest, ACommitThatNobodyAnnouncedIsFoundByTheSweep) {
  auto calls = script("f");
  put("f");
  open({.sweep_us = 10'000});
  AsyncEvent untold = event("untold");
  ASSERT_TRUE(store_->commit_and_wait([&](store::Transaction& t) { return queue_->enqueue(t, untold); }));
  until([&] { return calls->size() == 1; });
  until([&] { return rows() == 0; });
}

TEST_P(EventQueueTest, TheEndOfAnExecutionIsStoredUntilThatSucceeds) {
  auto calls = script("f");
  calls->hold = true;
  put("f");
  open();
  ASSERT_TRUE(enqueue(event("id")));
  until([&] { return calls->size() == 1; });
  store_->failures = 1;
  calls->hold = false;
  until([&] { return store_->failures == 0; });
  run_for_us(5'000);
  EXPECT_EQ(waiting("in_flight").as_int(), 1);  // so that it cannot start again
  until_empty();
  EXPECT_EQ(calls->size(), 1u);
  EXPECT_EQ(rows(), 0u);
}

TEST_P(EventQueueTest, AFailedReadIsTriedAgain) {
  auto calls = script("f");
  put("f", [](Function& x) { x.reserved_concurrency = 0; });
  open();
  ASSERT_TRUE(enqueue(event("id")));
  run_for_us(5'000);
  put("f");
  store_->failing_reads = 1;
  pass(kSecond);
  until([&] { return store_->failing_reads == 0; });
  pass(kSecond);
  until_empty();
  EXPECT_EQ(calls->size(), 1u);
}

TEST_P(EventQueueTest, StoppedItDispatchesNothingButNotesWhatEnds) {
  auto calls = script("f");
  calls->hold = true;
  put("f");
  open();
  ASSERT_TRUE(enqueue(event("running")));
  until([&] { return calls->size() == 1; });
  queue_->stop();
  ASSERT_TRUE(enqueue(event("later")));
  calls->hold = false;
  until([&] { return waiting("events").as_int() == 1 && waiting("in_flight").as_int() == 0; });
  EXPECT_EQ(calls->size(), 1u);
  EXPECT_EQ(rows(), 2u);
}

TEST_P(EventQueueTest, ADueTimeFarAheadIsBroughtBack) {
  auto calls = script("f");
  put("f");
  open();
  AsyncEvent e = event("id");
  e.created_us += 365ll * 86'400 * kSecond;  // written under a clock that was a year ahead
  ASSERT_TRUE(store_->commit_and_wait([&](store::Transaction& t) { return write_event(t, e); }));
  queue_.reset();
  open();
  until_empty();
  EXPECT_EQ(calls->size(), 1u);
}

TEST_P(EventQueueTest, ScaledWaitsPassFaster) {
  auto calls = script("f");
  calls->fail = 100;
  put("f");
  open({.clock_scale = 60});
  ASSERT_TRUE(enqueue(event("id")));
  until([&] { return calls->size() == 1 && waiting("in_flight").as_int() == 0; });
  advance(kSecond);
  until([&] { return calls->size() == 2 && waiting("in_flight").as_int() == 0; });
  advance(2 * kSecond);
  until_empty();
  EXPECT_EQ(calls->size(), 3u);
}

INSTANTIATE_TEST_SUITE_P(Stores, EventQueueTest, testing::Values("memory", "sqlite"), [](auto& i) { return i.param; });

// A clock whose wall part can be set without time passing.
class StepClock : public Clock {
 public:
  int64_t unix_us() const override { return system_clock().unix_us() + step_us; }
  int64_t monotonic_us() const override { return system_clock().monotonic_us(); }
  std::atomic<int64_t> step_us = 0;
};

class SteppedTest : public test::InvokeTest {
 protected:
  void SetUp() override {
    clock_ = &stepped_;
    InvokeTest::SetUp();
    store_ = store::make_memory_store();
    queue_ = std::make_unique<EventQueue>(loop_, *store_, workers_, *router_, stepped_, EventQueueOptions{.clock_scale = 600});
    ASSERT_TRUE(queue_->load());
    // Fails at first.
    warden_->scripts["f"] = [this](Runtime& r) -> int {
      for (;;) {
        auto e = r.next();
        ++calls_ == 1 ? r.error(e.request_id(), "{}") : r.respond(e.request_id(), "1");
      }
    };
    put("f");
  }
  void TearDown() override {
    queue_.reset();
    InvokeTest::TearDown();
  }
  void enqueue(const std::string& id) {
    AsyncEvent e{
        .request_id = id, .function_arn = test::make_function("f")->arn, .payload = "{}", .created_us = stepped_.unix_us()};
    ASSERT_TRUE(store_->commit_and_wait([&](store::Transaction& t) { return queue_->enqueue(t, e); }));
    queue_->committed(e);
  }
  StepClock stepped_;
  std::atomic<int> calls_ = 0;
  std::unique_ptr<store::Store> store_;
  net::WorkerPool workers_{"test", 1, 10};
  std::unique_ptr<EventQueue> queue_;
};

TEST_F(SteppedTest, AClockPutBackDelaysNoRetryAndExpiresNoEvent) {
  enqueue("one");
  until([&] { return calls_ == 1; });
  stepped_.step_us = -30ll * 86'400 * kSecond;
  until([&] { return calls_ == 2; });  // 0.1 s later as promised, not in a month
  enqueue("two");
  until([&] { return calls_ == 3 && queue_->waiting()["events"].as_int() == 0; });
}

TEST_F(SteppedTest, AClockPutForwardExpiresNoEvent) {
  enqueue("one");
  until([&] { return calls_ == 1; });
  stepped_.step_us = 30ll * 86'400 * kSecond;
  until([&] { return calls_ == 2 && queue_->waiting()["events"].as_int() == 0; });
}

}  // namespace
}  // namespace gust::invoke
