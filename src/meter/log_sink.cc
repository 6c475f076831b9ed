// SPDX-License-Identifier: Apache-2.0

#include "meter/log_sink.h"

#include <fcntl.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "base/ids.h"
#include "base/log.h"
#include "meter/log_format.h"
#include "os/files.h"

namespace gust::meter {
namespace {

constexpr auto kBatch = std::chrono::milliseconds(20);
constexpr size_t kFull = 32 << 20, kMostHeld = 64 << 20;  // text in memory while the disk lags
constexpr size_t kDayLength = 10;
constexpr auto kErrorPause = std::chrono::minutes(1);  // between two messages about a failing disk

// The files of one function or of one prefix of records: GROUP + DAY + suffix.
struct Group {
  std::string suffix;
  bool is_log = false;
  std::map<std::string, uint64_t> days;  // bytes on disk
  uint64_t bytes = 0;
  std::string full_day;  // on which lines are dropped
};

struct Pending {
  std::string group, day;
  auto operator<=>(const Pending&) const = default;
};

bool is_day(std::string_view text) {
  return text.size() == kDayLength && text[4] == '-' && text[7] == '-' &&
         std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) == 8;
}

}  // namespace

struct LogSink::Impl {
  std::string directory;
  LogLimits limits;
  std::mutex mutex;
  std::condition_variable wake, flushed;
  std::map<Pending, std::string> pending;
  uint64_t taken = 0, written = 0;
  bool ending = false;
  std::atomic<size_t> held = 0;
  std::atomic<uint64_t> dropped = 0;
  // The writer's own.
  std::map<std::string, Group> groups;
  uint64_t total = 0;  // of all logs
  std::chrono::steady_clock::time_point quiet_until{};
  std::thread thread;

  void add(std::string group, std::string_view day, std::string_view line) {
    if (held.load(std::memory_order_relaxed) > kMostHeld) {
      ++dropped;
      return;
    }
    bool was_empty;
    {
      std::lock_guard lock(mutex);
      was_empty = pending.empty();
      pending[{std::move(group), std::string(day)}] += line;
      held += line.size();
      ++taken;
    }
    if (was_empty) wake.notify_one();
  }

  Group& group_of(const std::string& name) {
    auto [it, added] = groups.try_emplace(name);
    if (added) {
      it->second.is_log = name.starts_with("logs/");
      it->second.suffix = it->second.is_log ? ".log" : ".jsonl";
    }
    return it->second;
  }

  // Files of an earlier process.
  void find(const std::string& folder, const std::string& prefix) {
    for (const std::string& name : files::list(directory + "/" + folder).value_or(std::vector<std::string>())) {
      size_t dot = name.rfind('.');
      if (dot == std::string::npos || dot < kDayLength) continue;
      std::string day = name.substr(dot - kDayLength, kDayLength), group = folder + "/" + name.substr(0, dot - kDayLength);
      if (!is_day(day) || !group.starts_with(prefix)) continue;
      uint64_t size = files::size(directory + "/" + folder + "/" + name).value_or(0);
      count(group_of(group), day, size);
    }
  }

  void count(Group& group, const std::string& day, uint64_t bytes) {
    group.days[day] += bytes;
    group.bytes += bytes;
    if (group.is_log) total += bytes;
  }

  void remove_oldest(const std::string& name, Group& group) {
    auto oldest = group.days.begin();
    (void)files::remove(directory + "/" + name + oldest->first + group.suffix);
    group.bytes -= oldest->second;
    if (group.is_log) total -= oldest->second;
    group.days.erase(oldest);
  }

  // Makes room for `bytes` of `day`. False: that day's own files are all that is left.
  bool make_room(const std::string& name, Group& group, const std::string& day, uint64_t bytes) {
    while (group.bytes + bytes > limits.function_bytes && !group.days.empty() && group.days.begin()->first != day) {
      remove_oldest(name, group);
    }
    if (!group.is_log) return true;
    while (total + bytes > limits.total_bytes) {
      auto oldest = groups.end();
      for (auto it = groups.begin(); it != groups.end(); ++it) {
        const auto& days = it->second.days;
        if (!it->second.is_log || days.empty() || days.begin()->first >= day) continue;
        if (oldest == groups.end() || days.begin()->first < oldest->second.days.begin()->first) oldest = it;
      }
      if (oldest == groups.end()) break;
      remove_oldest(oldest->first, oldest->second);
    }
    return group.bytes + bytes <= limits.function_bytes && total + bytes <= limits.total_bytes;
  }

  void append(const Pending& to, std::string& text) {
    Group& group = group_of(to.group);
    uint64_t lines = static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
    if (!make_room(to.group, group, to.day, text.size())) {
      dropped += lines;
      if (std::exchange(group.full_day, to.day) == to.day) return;
      text = log_line(now_us(), "-", "-",
                      "gust: the limit of this log or of all logs is reached; today's further lines are dropped");
    }
    std::string path = directory + "/" + to.group + to.day + group.suffix;
    auto fd = files::open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (!fd && fd.error().code == Errc::NotFound) {
      (void)files::make_directories(path.substr(0, path.rfind('/')), 0755);
      fd = files::open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    }
    auto done = fd ? files::write_all(fd->get(), text) : Result<>(Failure(fd.error()));
    if (done) return count(group, to.day, text.size());
    dropped += lines;
    if (auto now = std::chrono::steady_clock::now(); now >= quiet_until) {
      log::error("log-sink", done.error().message, {{"dropped_lines", std::to_string(dropped)}});
      quiet_until = now + kErrorPause;
    }
  }

  static int64_t now_us() { return int64_t{std::time(nullptr)} * 1'000'000; }

  void run() {
    for (const std::string& name : files::list(directory + "/logs").value_or(std::vector<std::string>()))
      find("logs/" + name, "logs/");
    find("meter", "meter/");
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [this] { return ending || !pending.empty(); });
      if (pending.empty()) return;
      if (!ending) wake.wait_for(lock, kBatch, [this] { return ending; });
      auto batch = std::exchange(pending, {});
      uint64_t upto = taken;
      lock.unlock();
      for (auto& [to, text] : batch) {
        size_t bytes = text.size();
        append(to, text);
        held -= bytes;
      }
      lock.lock();
      written = upto;
      flushed.notify_all();
    }
  }
};

LogSink::LogSink(std::string directory, LogLimits limits) : impl_(std::make_unique<Impl>()) {
  impl_->directory = std::move(directory);
  impl_->limits = limits;
  impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
  pthread_setname_np(impl_->thread.native_handle(), "log-sink");
}

LogSink::~LogSink() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->ending = true;
  }
  impl_->wake.notify_all();
  impl_->thread.join();
}

void LogSink::line(std::string_view function, int64_t unix_us, std::string_view environment, std::string_view request_id,
                   std::string_view text) {
  std::string line = log_line(unix_us, environment, request_id, text);
  std::string group;
  group.reserve(function.size() + 6);
  group.append("logs/").append(function).append("/");
  impl_->add(std::move(group), std::string_view(line).substr(0, kDayLength), line);
}

void LogSink::record(std::string_view file_prefix, int64_t unix_us, std::string_view json_line) {
  impl_->add(std::string(file_prefix) + "-", iso8601(unix_us / 1000).substr(0, kDayLength), std::string(json_line) + "\n");
}

void LogSink::flush() {
  std::unique_lock lock(impl_->mutex);
  uint64_t upto = impl_->taken;
  impl_->flushed.wait(lock, [&] { return impl_->written >= upto; });
}

bool LogSink::full() const { return impl_->held.load(std::memory_order_relaxed) > kFull; }

uint64_t LogSink::dropped() const { return impl_->dropped; }

}  // namespace gust::meter
