// SPDX-License-Identifier: Apache-2.0

#pragma once

// Sandboxes as the daemon sees them: it asks the warden (another process, root) over a seqpacket channel and gets
// descriptors back. Everything here is on the loop's thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/loop.h"
#include "os/fd.h"

namespace gust::sandbox {

enum class Kind : uint8_t { Function = 1, Service = 2, Unpack = 3 };

struct Limits {
  uint64_t memory_bytes = 128 << 20;
  uint32_t cpu_milli = 72;    // thousandths of a CPU while running (0: no limit); full CPU until set_cpu()
  uint32_t visible_cpus = 2;  // affinity; capped at the host's
  uint32_t pids = 1024;
  uint64_t tmp_bytes = 512 << 20;  // /tmp
};

struct StartSpec {
  Kind kind = Kind::Function;
  uint64_t id = 0;     // chosen by the daemon, unique for its lifetime
  std::string code;    // name of a directory under STATE/code (hex digits): /var/task, read-only
  std::string output;  // Unpack only: name of a directory under STATE/code, made by the warden: /out
  Limits limits;
  std::vector<std::string> arguments;    // argv; [0] is the path inside the sandbox
  std::vector<std::string> environment;  // NAME=value
  std::string working_directory = "/var/task";
  std::vector<int> inherit;  // Unpack only: borrowed descriptors that the program gets as 3, 4, ...
  bool run = true;           // start the program at once; otherwise GUST_INIT_RUN does
};

// What a started sandbox is known by. Closing `control` lets its init (PID 1) end, and with it everything inside.
struct Started {
  Fd pidfd;                   // of PID 1; for liveness only
  Fd control;                 // seqpacket to our init: see sandbox/init_protocol.h
  Fd runtime_listener;        // TCP 127.0.0.1:9001 inside; non-blocking
  Fd gateway_listener;        // TCP 127.0.0.1:4566 inside
  Fd resolver;                // UDP 127.0.0.1:53 inside
  Fd output;                  // read end of stdout and stderr together; non-blocking
  std::vector<Fd> usage;      // opened files for Usage, in the order that usage.h defines
  std::vector<Fd> threads;    // kept by read_usage(): /proc/TID/schedstat of the threads that it saw
  uint64_t thread_count = 0;  // ... when there were so many
  std::string address;  // Service: IPv4 of its interface eth0, reachable from other services and from this host; may be empty
};

struct Exit {
  int status = 0;                                                // wait(2) status of PID 1
  bool oom = false;                                              // the memory limit killed something inside
  uint64_t cpu_user_us = 0, cpu_system_us = 0, max_rss_kib = 0;  // rusage of everything inside that was waited for
};

// Resources used by a sandbox since it began. Read on kept descriptors: cheap, no allocation.
struct Usage {
  uint64_t cpu_user_us = 0, cpu_system_us = 0;
  uint64_t throttled_us = 0;       // of the cgroup's CPU quota
  uint64_t run_delay_us = 0;       // waiting for a CPU, throttling included where the kernel counts it
  uint64_t memory_peak_bytes = 0;  // since reset_peak()
  uint64_t oom_kills = 0;
};

class Warden {
 public:
  virtual ~Warden() = default;
  virtual void start(StartSpec spec, std::function<void(Result<Started>)> done) = 0;
  virtual void set_cpu(uint64_t id, uint32_t cpu_milli) = 0;  // 0: no limit
  virtual void kill(uint64_t id) = 0;                         // everything inside, at once; exit is then reported
  virtual void freeze(uint64_t id, bool frozen) = 0;
  // Called when PID 1 has ended and is reaped, for every started sandbox, whatever ended it. Cleaning up goes on behind.
  virtual void on_exit(std::function<void(uint64_t id, Exit)> callback) = 0;
  // Connection to 127.0.0.1:port in a sandbox's own network namespace (debuggers, telemetry): non-blocking and perhaps still
  // on its way; writable without SO_ERROR once it is made. NotFound: no such sandbox.
  virtual void connect(uint64_t id, uint16_t port, std::function<void(Result<Fd>)> done) = 0;
};

// Reads the counters of a started sandbox. Errors: NotFound once it is gone.
Result<Usage> read_usage(Started& sandbox);

// Starts memory_peak_bytes anew (where the kernel can: v1, and v2 from Linux 6.12).
void reset_peak(const Started& sandbox);

}  // namespace gust::sandbox
