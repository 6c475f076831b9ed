// SPDX-License-Identifier: Apache-2.0

#include "sandbox/usage.h"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <string_view>

#include "sandbox/sandbox.h"

namespace gust::sandbox {
namespace {

constexpr size_t kMostKept = 16;      // files of threads kept open for one sandbox
constexpr size_t kMostThreads = 512;  // whose run delay is read; each costs about 5 us

using Buffer = std::array<char, 8192>;

Result<std::string_view> read_counter(const Fd& fd, Buffer& buffer) {
  ssize_t n = pread(fd.get(), buffer.data(), buffer.size(), 0);
  if (n < 0 && errno == ENODEV) return fail(Errc::NotFound, "the sandbox is gone");
  if (n < 0) return fail_errno("read usage");
  return std::string_view(buffer.data(), static_cast<size_t>(n));
}

uint64_t number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string_view next_word(std::string_view& text) {
  size_t begin = text.find_first_not_of(" \n");
  if (begin == std::string_view::npos) return text = {};
  size_t end = text.find_first_of(" \n", begin);
  if (end == std::string_view::npos) end = text.size();
  std::string_view word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

uint64_t field(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    std::string_view name = next_word(text), value = next_word(text);
    if (name == key) return number(value);
  }
  return 0;
}

// Adds the second number of a /proc/TID/schedstat: nanoseconds of waiting for a CPU. False: the thread has ended.
bool add_run_delay(const Fd& file, uint64_t& sum_ns) {
  char buffer[128];
  ssize_t n = pread(file.get(), buffer, sizeof buffer, 0);
  if (n <= 0) return false;
  std::string_view text(buffer, static_cast<size_t>(n));
  next_word(text);
  sum_ns += number(next_word(text));
  return true;
}

// Version 1 keeps the list that an opened "tasks" has once read for as long as it is read every second
// (cgroup_pidlist_start, kernel/cgroup/cgroup-v1.c): opened anew, it is today's.
Result<std::string_view> current_tasks(const Fd& tasks, Buffer& buffer) {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", tasks.get());
  Fd fresh(open(path, O_RDONLY | O_CLOEXEC));
  return read_counter(fresh ? fresh : tasks, buffer);
}

// Of the threads that live now; those that have ended are not counted. Their files are kept as long as there are as many
// threads and all can still be read, because opening them costs more than all the rest.
Result<uint64_t> run_delay_us(Started& sandbox, const Fd& pids, const Fd& tasks) {
  Buffer buffer;
  const uint64_t count = number(TRY(read_counter(pids, buffer)));
  uint64_t sum_ns = 0;
  if (count == sandbox.thread_count && !sandbox.threads.empty()) {
    bool all = true;
    for (const Fd& file : sandbox.threads) all = all && add_run_delay(file, sum_ns);
    if (all) return sum_ns / 1000;
  }
  sandbox.threads.clear();
  sandbox.thread_count = count;
  sum_ns = 0;
  std::string_view list = TRY(current_tasks(tasks, buffer));
  for (size_t seen = 0; seen < kMostThreads; ++seen) {
    std::string_view tid = next_word(list);
    if (tid.empty() || tid.size() > 10) break;
    char path[40] = "/proc/";
    char* end = path + 6;
    end += tid.copy(end, tid.size());
    std::string_view("/schedstat").copy(end, 10);
    Fd file(open(path, O_RDONLY | O_CLOEXEC));
    if (file && add_run_delay(file, sum_ns) && count <= kMostKept) sandbox.threads.push_back(std::move(file));
  }
  return sum_ns / 1000;
}

Result<Usage> read_v1(Started& sandbox) {
  const std::vector<Fd>& files = sandbox.usage;
  Usage usage;
  Buffer buffer;
  // The total is exact, its split comes from timer ticks: share out the one by the other.
  uint64_t total_us = number(TRY(read_counter(files[kV1Cpu], buffer))) / 1000;
  std::string_view split = TRY(read_counter(files[kV1CpuSplit], buffer));
  uint64_t user = 0, system = 0;
  for (int i = 0; i < 3; ++i) next_word(split);  // "cpu user system"
  while (!next_word(split).empty()) {
    user += number(next_word(split));
    system += number(next_word(split));
  }
  uint64_t ticks = user + system;
  usage.cpu_user_us =
      ticks ? static_cast<uint64_t>(static_cast<double>(total_us) * static_cast<double>(user) / static_cast<double>(ticks))
            : total_us;
  usage.cpu_system_us = total_us - usage.cpu_user_us;
  usage.throttled_us = field(TRY(read_counter(files[kV1CpuStat], buffer)), "throttled_time") / 1000;
  usage.memory_peak_bytes = number(TRY(read_counter(files[kV1MemoryPeak], buffer)));
  usage.oom_kills = field(TRY(read_counter(files[kV1Oom], buffer)), "oom_kill");
  usage.run_delay_us = TRY(run_delay_us(sandbox, files[kV1Pids], files[kV1Tasks]));
  return usage;
}

Result<Usage> read_v2(Started& sandbox) {
  const std::vector<Fd>& files = sandbox.usage;
  Usage usage;
  Buffer buffer;
  std::string_view cpu = TRY(read_counter(files[kV2CpuStat], buffer));
  usage.cpu_user_us = field(cpu, "user_usec");
  usage.cpu_system_us = field(cpu, "system_usec");
  usage.throttled_us = field(cpu, "throttled_usec");
  usage.memory_peak_bytes = number(TRY(read_counter(files[kV2MemoryPeak], buffer)));
  usage.oom_kills = field(TRY(read_counter(files[kV2MemoryEvents], buffer)), "oom_kill");
  usage.run_delay_us = TRY(run_delay_us(sandbox, files[kV2Pids], files[kV2Threads]));
  return usage;
}

}  // namespace

Result<Usage> read_usage(Started& sandbox) {
  if (sandbox.usage.size() == kV1Files) return read_v1(sandbox);
  if (sandbox.usage.size() == kV2Files) return read_v2(sandbox);
  return fail(Errc::NotFound, "no usage files");
}

void reset_peak(const Started& sandbox) {
  bool v1 = sandbox.usage.size() == kV1Files;
  if (!v1 && sandbox.usage.size() != kV2Files) return;
  const Fd& file = sandbox.usage[v1 ? size_t{kV1MemoryPeak} : size_t{kV2MemoryPeak}];
  // memory.peak can be written from Linux 6.12; before that the peak is that of the sandbox's whole life.
  [[maybe_unused]] ssize_t n = pwrite(file.get(), "0", 1, 0);
}

}  // namespace gust::sandbox
