// SPDX-License-Identifier: Apache-2.0

#pragma once

// The supervisor: the root process that `gust serve` is. It holds the listening sockets and the state directory's lock,
// forks the warden's starter and remover and the daemon, watches them, and restarts them together with back-off when one
// dies. It parses nothing and serves nothing. Linux only; root.

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/fd.h"

namespace gust::daemon {

// What a child process of the supervisor runs; its return value is the exit status.
struct Processes {
  std::function<int(Fd daemon_channel, Fd remover_channel)> starter;  // root
  std::function<int(Fd starter_channel)> remover;                     // root
  std::function<int(Fd warden_channel, std::vector<Fd> listeners, std::string state_directory)> daemon;
  std::function<void()> clean_leftovers;  // after children died without cleaning up; in the remover's stead, as root
};

// Makes the state directory where it is absent and takes its lock; waits while another gust has it. The lock is held until
// the last of the supervisor's processes has ended: then nothing of them writes any more, and their port is free.
Result<Fd> lock_state(const std::string& state_directory);

struct SupervisorOptions {
  std::string state_directory;
  Fd lock;                    // of lock_state(); absent: supervise() takes it
  bool remove_state = false;  // --ephemeral
  unsigned uid = 900000;      // of the daemon; state_directory is given to it
  std::vector<Fd> listeners;
};

// Runs until SIGTERM or SIGINT (0), or until the daemon cannot be started ten times in a row (1). On a signal the daemon
// has 30 s to end what is in flight; a second signal ends everything at once.
int supervise(SupervisorOptions options, const Processes& processes);

// A directory for --ephemeral under the temporary directory.
Result<std::string> make_ephemeral_directory();

}  // namespace gust::daemon
