// SPDX-License-Identifier: Apache-2.0

#pragma once

// The daemon process: builds every object by hand, serves on one loop, ends what is in flight after SIGTERM.

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/config.h"
#include "hosts/instance_type.h"
#include "net/socket.h"
#include "os/fd.h"

namespace gust::daemon {

struct DaemonOptions {
  Config config;
  net::Endpoint endpoint;     // where the first listener is, for people
  std::string state_on_host;  // what the state directory is called outside of this process
  uint32_t host_cpus = 1;
  uint64_t memory_budget_bytes = 0;
  hosts::InstanceTypes instance_types;
};

// Prints one line on standard output when it serves:
//   gust ready endpoint=http://127.0.0.1:4566 account=000000000000 credentials=/var/lib/gust/credentials.json
// Returns the process's exit status.
int run_daemon(const DaemonOptions& options, Fd warden_channel, std::vector<Fd> listeners, std::string state_directory);

}  // namespace gust::daemon
