// SPDX-License-Identifier: Apache-2.0

#pragma once

// What daemon and warden say to each other: fixed structs over SOCK_SEQPACKET, host byte order, one version (both are the
// same executable). No field can express user 0, a host namespace or a missing filter; names of directories are checked to
// be plain hexadecimal by the warden.

#include <cstdint>

namespace gust::sandbox::wire {

inline constexpr uint32_t kVersion = 1;
inline constexpr uint32_t kMostInherited = 4;

enum class Verb : uint32_t { Start = 1, Kill = 2, SetCpu = 3, Freeze = 4, Connect = 5 };
struct Request {
  uint32_t version = kVersion;
  Verb verb = Verb::Start;
  uint64_t id = 0;
  uint32_t kind = 0;
  uint32_t cpu_milli = 0;      // Start, SetCpu
  uint32_t visible_cpus = 0;
  uint32_t pids = 0;
  uint64_t memory_bytes = 0;
  uint64_t tmp_bytes = 0;
  uint32_t inherited = 0;
  uint32_t argument = 0;       // Freeze: 0 or 1; Connect: port
  char code[72] = {};          // hexadecimal name under STATE/code, or empty
  char output[72] = {};
};
// Start carries descriptors: spec, then `inherited` more.

enum class Event : uint32_t { Started = 1, Failed = 2, Exited = 3, Connected = 4 };
struct Report {
  uint32_t version = kVersion;
  Event event = Event::Started;
  uint64_t id = 0;
  int32_t status = 0;          // Exited: wait status; Failed: errno
  uint32_t oom = 0;
  char text[160] = {};         // Failed: which call
};
// Started carries: pidfd, control, output, runtime listener, gateway listener, resolver, usage files...

}  // namespace gust::sandbox::wire
