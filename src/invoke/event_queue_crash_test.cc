// SPDX-License-Identifier: Apache-2.0

// A process is killed at each of the worst moments with events in every state, another one takes over: whatever was
// acknowledged must have been executed by one of the two. The process that dies is this program again, running the disabled
// test "Child" (the fault points read their setting once, at the process's start).

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <set>
#include <sstream>
#include <thread>

#include "invoke/event_queue.h"
#include "invoke/test_fixture.h"
#include "store/sqlite/sqlite_store.h"

namespace gust::invoke {
namespace {

using test::Runtime;

constexpr int kEvents = 400;
constexpr const char* kLoss = "plant-a-loss";

// A queue with a function whose executions are written to `out`: "x ID". Every seventh event fails at its first attempt.
class Process : public test::InvokeTest {
 protected:
  void TearDown() override {
    queue_.reset();
    workers_.reset();
    store_.reset();
    InvokeTest::TearDown();
  }
  void open(const std::string& directory, std::function<void(const std::string&)> executed) {
    warden_->scripts["f"] = [executed = std::move(executed), failed = std::make_shared<Failed>()](Runtime& r) -> int {
      for (;;) {
        auto e = r.next();
        executed(e.request_id());
        if (failed->now(e.request_id())) {
          r.error(e.request_id(), "{}");
        } else {
          r.respond(e.request_id(), "1");
        }
      }
    };
    put("f", [](Function& x) { x.max_event_age_s = 4'000'000'000; });  // scaled, two days
    store_ = std::move(*store::open_sqlite_store(directory + "/gust.db"));
    workers_ = std::make_unique<net::WorkerPool>("test", 2, 100);
    queue_ = std::make_unique<EventQueue>(loop_, *store_, *workers_, *router_, system_clock(),
                                          EventQueueOptions{.clock_scale = 20'000, .most_in_flight = 8});
    ASSERT_TRUE(queue_->load());
  }
  struct Failed {
    std::mutex mutex;
    std::set<std::string> ids;
    bool now(const std::string& id) {
      std::lock_guard lock(mutex);
      return std::stoi(id) % 7 == 3 && ids.insert(id).second;
    }
  };

  std::unique_ptr<store::Store> store_;
  std::unique_ptr<net::WorkerPool> workers_;
  std::unique_ptr<EventQueue> queue_;
};

using Child = Process;

// Lines to the pipe: "s ID" asked for, "a ID" acknowledged, "x ID" executed.
TEST_F(Child, DISABLED_Enqueues) {
  const char* directory = getenv("GUST_CRASH_DIRECTORY");
  ASSERT_TRUE(directory);
  const int out = atoi(getenv("GUST_CRASH_PIPE"));
  const bool lose = getenv("GUST_CRASH_MODE") == std::string_view(kLoss);
  auto tell = [out](char what, const std::string& id) {
    std::string line = std::string(1, what) + " " + id + "\n";
    if (write(out, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(3);
  };
  open(directory, [tell](const std::string& id) { tell('x', id); });
  std::thread enqueuer([&] {
    for (int i = 0; i < kEvents; ++i) {
      AsyncEvent e{.request_id = std::to_string(i),
                   .function_arn = test::make_function("f")->arn,
                   .payload = "{}",
                   .created_us = system_clock().unix_us()};
      const bool lost = lose && i == 5;
      tell('s', e.request_id);
      store_->commit([this, e, lost](store::Transaction& t) { return lost ? Result<>() : queue_->enqueue(t, e); },
                     [this, e, lost, tell](Result<> done) {
                       if (!done) return;
                       tell('a', e.request_id);
                       if (!lost) queue_->committed(e);
                     });
      usleep(200);
    }
  });
  run_for_us(20'000'000);
  enqueuer.join();
}

class Crash : public Process {
 protected:
  void SetUp() override {
    Process::SetUp();
    directory_ = root_ + "/state";
    ASSERT_TRUE(files::make_directories(directory_));
  }
  // Runs the child until it dies at the point's passage number `count`.
  void run_child(const std::string& point, int count, const char* mode) {
    int fds[2];
    ASSERT_EQ(pipe(fds), 0);
    const pid_t child = fork();
    if (child == 0) {
      setenv("GUST_FAULT_POINT", (point + ":" + std::to_string(count)).c_str(), 1);
      setenv("GUST_CRASH_DIRECTORY", directory_.c_str(), 1);
      setenv("GUST_CRASH_PIPE", std::to_string(fds[1]).c_str(), 1);
      setenv("GUST_CRASH_MODE", mode, 1);
      setenv("TEST_TMPDIR", directory_.c_str(), 1);  // what it leaves behind goes with ours
      const int null = ::open("/dev/null", O_WRONLY);
      dup2(null, 1), dup2(null, 2);
      execl("/proc/self/exe", "child", "--gtest_also_run_disabled_tests", "--gtest_filter=Child.DISABLED_Enqueues", nullptr);
      _exit(127);
    }
    close(fds[1]);
    std::string text;
    char buffer[4096];
    for (ssize_t n; (n = read(fds[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(n));
    close(fds[0]);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the point was not passed: " << status;
    std::istringstream lines(text.substr(0, text.rfind('\n') + 1));
    char what;
    for (std::string id; lines >> what >> id;) (what == 's' ? asked_ : what == 'a' ? acknowledged_ : executed_).insert(id);
  }
  // The next process, until nothing is left.
  void take_over() {
    std::mutex mutex;
    open(directory_, [&](const std::string& id) {
      std::lock_guard lock(mutex);
      executed_.insert(id);
    });
    until([&] { return queue_->waiting()["events"].as_int() == 0 && queue_->waiting()["in_flight"].as_int() == 0; });
    EXPECT_TRUE((*store_->read())->scan(store::Space::Event, "", "", 10)->empty());
  }
  std::set<std::string> lost() const {
    std::set<std::string> out;
    for (const std::string& id : acknowledged_) {
      if (!executed_.contains(id)) out.insert(id);
    }
    return out;
  }

  std::string directory_;
  std::set<std::string> asked_, acknowledged_, executed_;
};

class CrashAt : public Crash, public testing::WithParamInterface<const char*> {};

TEST_P(CrashAt, NothingAcknowledgedIsLost) {
  run_child(GetParam(), 30, "");
  EXPECT_GT(acknowledged_.size(), 0u);
  const std::set<std::string> before = executed_;
  const size_t unanswered = asked_.size() - acknowledged_.size();
  take_over();
  std::set<std::string> afterwards;
  std::set_difference(executed_.begin(), executed_.end(), before.begin(), before.end(),
                      std::inserter(afterwards, afterwards.end()));
  EXPECT_GT(unanswered + afterwards.size(), 0u) << "nothing was under way at the kill: this run proves nothing";
  EXPECT_EQ(lost(), std::set<std::string>());
}

INSTANTIATE_TEST_SUITE_P(Points, CrashAt,
                         testing::Values("event-enqueued", "store.before_commit", "store.after_commit", "event-committed",
                                         "event-before-invoke", "event-before-retry", "event-before-erase", "event-erased"),
                         [](auto& i) {
                           std::string name = i.param;
                           std::replace_if(
                               name.begin(), name.end(), [](char c) { return !isalnum(static_cast<unsigned char>(c)); }, '_');
                           return name;
                         });

TEST_F(Crash, ALossWouldBeNoticed) {  // control
  run_child("event-before-erase", 30, kLoss);
  take_over();
  EXPECT_EQ(lost(), std::set<std::string>{"5"});
}

}  // namespace
}  // namespace gust::invoke
