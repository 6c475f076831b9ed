// SPDX-License-Identifier: Apache-2.0

#include "daemon/supervisor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/files.h"

namespace gust::daemon {
namespace {

// Runs supervise() in a child with a daemon that reports its pid and its user through a pipe and then waits for SIGTERM.
class SupervisorTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    int fds[2];
    ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
    read_ = Fd(fds[0]);
    write_ = Fd(fds[1]);
    auto directory = make_ephemeral_directory();
    ASSERT_TRUE(directory);
    state_ = *directory;
    child_ = fork();
    if (child_ == 0) _exit(run_supervisor());
    write_.reset();
  }

  void TearDown() override {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
    if (!state_.empty()) (void)files::remove_tree(state_);
  }

  int run_supervisor() {
    Processes processes;
    // The channels end with the daemon: that is how the warden's processes learn of its death.
    auto wait_for_eof = [](Fd channel) {
      char byte;
      return read(channel.get(), &byte, 1) == 0 ? 0 : 1;
    };
    processes.starter = [&](Fd daemon_channel, Fd) {
      const int status = wait_for_eof(std::move(daemon_channel));
      usleep(lingering_us_);
      return status;
    };
    processes.remover = [&](Fd starter_channel) { return wait_for_eof(std::move(starter_channel)); };
    processes.daemon = [&](Fd, std::vector<Fd>, std::string state) {
      bool writable = files::write(state + "/objects/probe", "x").has_value();
      std::string line = std::to_string(getpid()) + " " + std::to_string(getuid()) + " " + (writable ? "w" : "-") + "\n";
      if (write(write_.get(), line.data(), line.size()) < 0) return 1;
      sigset_t set;
      sigemptyset(&set);
      sigaddset(&set, SIGTERM);
      sigprocmask(SIG_BLOCK, &set, nullptr);
      int got = 0;
      sigwait(&set, &got);
      return 0;
    };
    processes.clean_leftovers = [] {};
    SupervisorOptions options;
    options.state_directory = state_;
    options.uid = 900000;
    return supervise(std::move(options), processes);
  }

  std::string next_line() {
    std::string line;
    pollfd p{read_.get(), POLLIN, 0};
    char c;
    while (poll(&p, 1, 20'000) == 1 && read(read_.get(), &c, 1) == 1 && c != '\n') line += c;
    return line;
  }

  Fd read_, write_;
  useconds_t lingering_us_ = 0;  // how long the starter takes to end
  std::string state_;
  pid_t child_ = 0;
};

TEST_F(SupervisorTest, TheDaemonRunsAsItsOwnUserAndOwnsItsState) {
  std::string line = next_line();
  EXPECT_NE(line.find(" 900000 w"), std::string::npos) << line;
}

TEST_F(SupervisorTest, AKilledDaemonIsStartedAgainAndSigtermEndsEverything) {
  std::string first = next_line();
  ASSERT_FALSE(first.empty());
  ASSERT_EQ(kill(std::stoi(first), SIGKILL), 0);
  std::string second = next_line();
  ASSERT_FALSE(second.empty());
  EXPECT_NE(first, second);
  ASSERT_EQ(kill(child_, SIGTERM), 0);
  int status = 0;
  ASSERT_EQ(waitpid(child_, &status, 0), child_);
  child_ = 0;
  EXPECT_EQ(status, 0);
  EXPECT_NE(kill(std::stoi(second), 0), 0);
}

class LingeringSupervisorTest : public SupervisorTest {
 protected:
  LingeringSupervisorTest() { lingering_us_ = 1'000'000; }
};

TEST_F(LingeringSupervisorTest, SigtermWhileItWaitsForADeadDaemonsSiblingsEndsIt) {
  std::string line = next_line();
  ASSERT_FALSE(line.empty());
  ASSERT_EQ(kill(std::stoi(line), SIGKILL), 0);
  while (kill(std::stoi(line), 0) == 0) usleep(1'000);  // the supervisor has reaped it
  ASSERT_EQ(kill(child_, SIGTERM), 0);
  int status = 0;
  ASSERT_EQ(waitpid(child_, &status, 0), child_);
  child_ = 0;
  EXPECT_EQ(status, 0);
  EXPECT_EQ(next_line(), "");  // no other daemon was started
}

TEST_F(SupervisorTest, ASecondOneWaitsForTheLock) {
  ASSERT_FALSE(next_line().empty());
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
  Fd has_lock(fds[0]), tell(fds[1]);
  pid_t second = fork();
  if (second == 0) {
    auto lock = lock_state(state_);
    _exit(lock && write(tell.get(), "l", 1) == 1 ? 0 : 1);
  }
  tell.reset();
  pollfd p{has_lock.get(), POLLIN, 0};
  EXPECT_EQ(poll(&p, 1, 300), 0);
  kill(child_, SIGKILL);
  EXPECT_EQ(poll(&p, 1, 20'000), 1);  // once the last of its processes has ended
  int status = 1;
  waitpid(second, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(SupervisorTest, ItsOwnDeathEndsTheDaemon) {
  std::string line = next_line();
  ASSERT_FALSE(line.empty());
  pid_t daemon = std::stoi(line);
  ASSERT_EQ(kill(daemon, 0), 0);  // positive control: it was there
  kill(child_, SIGKILL);
  waitpid(child_, nullptr, 0);
  child_ = 0;
  for (int i = 0; i < 200 && kill(daemon, 0) == 0; ++i) usleep(50'000);
  EXPECT_NE(kill(daemon, 0), 0);
}

}  // namespace
}  // namespace gust::daemon
