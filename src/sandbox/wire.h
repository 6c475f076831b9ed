// SPDX-License-Identifier: Apache-2.0

#pragma once

// Messages between daemon and starter, and between starter and remover: one fixed struct a packet (SOCK_SEQPACKET), host
// byte order, descriptors beside it. They have no way to say uid 0, a host namespace or "without a filter". Arguments and
// environment of a program are in a memfd that only the sandbox's own init reads.

#include <cstdint>
#include <cstring>
#include <string_view>

namespace gust::sandbox::wire {

constexpr uint32_t kVersion = 1;
constexpr uint32_t kMaxInherit = 8;
constexpr size_t kMaxFds = 28;

enum class Verb : uint32_t { Start = 1, Kill, SetCpu, Freeze, Connect };
enum class Event : uint32_t { Started = 1, Exited, Connected };

// daemon -> starter. Descriptors of Start: control, spec, output pipe's write end, then `inherit` more.
struct Request {
  uint32_t version = kVersion;
  Verb verb = Verb::Start;
  uint64_t id = 0;
  uint64_t cookie = 0;  // returned with Connected
  uint64_t memory_bytes = 0, tmp_bytes = 0;
  uint32_t kind = 0;       // sandbox::Kind
  uint32_t cpu_milli = 0;  // SetCpu
  uint32_t visible_cpus = 0;
  uint32_t pids = 0;
  uint32_t inherit = 0;
  uint32_t frozen = 0;  // Freeze
  uint32_t port = 0;    // Connect
  uint32_t reserved = 0;
  char code[88] = {};  // names of directories under STATE/code, NUL-ended
  char output[88] = {};
};

// starter -> daemon. Descriptors of Started: pidfd, runtime listener, gateway listener, resolver, usage files;
// of Connected: the socket.
struct Report {
  uint32_t version = kVersion;
  Event event = Event::Started;
  uint64_t id = 0;
  uint64_t cookie = 0;
  int32_t error = 0;   // errno; 0: success
  int32_t status = 0;  // Exited: wait(2) status
  uint32_t oom = 0;
  uint32_t address = 0;  // Started: as in KitMessage
  uint64_t cpu_user_us = 0, cpu_system_us = 0, max_rss_kib = 0;
  char text[96] = {};  // what failed
};

// starter -> remover
enum class Task : uint32_t { Make = 1, Remove };
struct Order {
  uint32_t version = kVersion;
  Task task = Task::Make;
  uint64_t tmp_bytes = 0;  // 0: no /tmp
  uint64_t memory_bytes = 0;
  uint32_t pids = 0;
  uint32_t kind = 0;  // sandbox::Kind; returned
  char name[48] = {};
};

// remover -> starter. Descriptors: network namespace, runtime listener, gateway listener, resolver, [tmp], cgroup
// entrances, usage files.
struct KitMessage {
  uint32_t version = kVersion;
  int32_t error = 0;
  uint64_t tmp_bytes = 0;
  uint64_t memory_bytes = 0;
  uint32_t pids = 0;
  uint32_t has_tmp = 0;
  uint32_t entrances = 0, usage = 0;
  uint32_t kind = 0;
  uint32_t address = 0;  // IPv4 of a service's interface, host byte order; 0: none
  char name[48] = {};
  char text[96] = {};
};

template <class T>
std::string_view bytes_of(const T& message) {
  return {reinterpret_cast<const char*>(&message), sizeof message};
}

// False where the packet is not this struct of this version.
template <class T>
bool parse(std::string_view bytes, T& message) {
  if (bytes.size() != sizeof message) return false;
  std::memcpy(static_cast<void*>(&message), bytes.data(), sizeof message);
  return message.version == kVersion;
}

template <size_t N>
void put(char (&field)[N], std::string_view text) {
  size_t n = text.size() < N ? text.size() : N - 1;
  std::memcpy(field, text.data(), n);
  field[n] = 0;
}
template <size_t N>
std::string_view get(const char (&field)[N]) {
  return {field, strnlen(field, N)};
}

}  // namespace gust::sandbox::wire
