// SPDX-License-Identifier: Apache-2.0

#pragma once

// A Router with everything around it, for the tests of this folder: a loop run by the test's thread, a TestWarden, log files
// in a directory of its own.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "invoke/router.h"
#include "invoke/test_warden.h"
#include "meter/log_sink.h"
#include "os/clock.h"
#include "os/files.h"

namespace gust::invoke::test {

class InvokeTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "gust-invoke-XXXXXX";
    ASSERT_TRUE(mkdtemp(root_.data()));
    logs_ = std::make_unique<meter::LogSink>(root_, meter::LogLimits());
    make({});
  }
  void TearDown() override {
    router_.reset();
    warden_.reset();
    logs_.reset();
    (void)files::remove_tree(root_);
  }
  void make(RouterOptions options) {
    router_.reset();
    warden_ = std::make_unique<TestWarden>(loop_);
    router_ = std::make_unique<Router>(loop_, *warden_, *logs_, *clock_, std::move(options));
    warden_->on_exit([this](uint64_t id, sandbox::Exit exit) { router_->exited(id, exit); });
  }
  // Runs the loop until it holds; a test that waits for ever fails.
  void until(const std::function<bool()>& holds) {
    net::Timer poll(loop_);
    const int64_t end = system_clock().monotonic_us() + 60'000'000;
    bool held = false;
    std::function<void()> look = [&] {
      held = holds();
      if (held || system_clock().monotonic_us() > end) return loop_.stop();
      poll.start(300, look);
    };
    poll.start(0, look);
    loop_.run();
    ASSERT_TRUE(held);
  }
  // Runs the loop for a while: for what must not happen.
  void run_for_us(int64_t us) {
    net::Timer end(loop_);
    end.start(us, [this] { loop_.stop(); });
    loop_.run();
  }
  FunctionPtr put(const std::string& name, std::function<void(Function&)> with = nullptr) {
    FunctionPtr f = make_function(name, std::move(with));
    router_->put_function(f);
    return f;
  }
  size_t count(State state) const {
    size_t n = 0;
    router_->each_environment([&](const Environment& e) { n += e.state == state; });
    return n;
  }
  void until_idle(size_t n) {
    until([&] { return count(State::Idle) == n; });
  }
  std::string read_all(const std::string& folder) const {
    logs_->flush();
    std::string text;
    for (const std::string& name : files::list(root_ + "/" + folder).value_or(std::vector<std::string>()))
      text += *files::read(root_ + "/" + folder + "/" + name);
    return text;
  }
  std::string log(const std::string& function) const { return read_all("logs/" + function); }
  std::vector<Value> executions() const {
    std::vector<Value> out;
    std::string text = read_all("meter");
    for (size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
      out.push_back(*json::parse(text.substr(at, end - at)));
    return out;
  }

  std::string root_;
  net::Loop loop_;
  const Clock* clock_ = &system_clock();
  std::unique_ptr<meter::LogSink> logs_;
  std::unique_ptr<TestWarden> warden_;
  std::unique_ptr<Router> router_;
};

}  // namespace gust::invoke::test
