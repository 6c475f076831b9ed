// SPDX-License-Identifier: Apache-2.0

#include "meter/log_sink.h"

#include <fcntl.h>
#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "base/ids.h"
#include "base/log.h"
#include "os/files.h"

namespace gust::meter {
namespace {

constexpr auto kBatch = std::chrono::milliseconds(20);
constexpr size_t kMostHeld = 64 << 20;  // text in memory while the disk lags; beyond, lines are dropped and counted

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\\') {
      out += "\\\\";
    } else {
      out += c == '\t' || static_cast<unsigned char>(c) >= 0x20 ? c : ' ';
    }
  }
  return out;
}

}  // namespace

struct LogSink::Impl {
  std::string directory;
  LogLimits limits;
  std::mutex mutex;
  std::condition_variable wake, flushed;
  std::map<std::string, std::string> pending;  // by path below the directory
  size_t held = 0;
  uint64_t dropped = 0, taken = 0, written = 0;
  bool ending = false;
  std::thread thread;

  void add(const std::string& path, const std::string& line) {
    bool was_empty;
    {
      std::lock_guard lock(mutex);
      if (held > kMostHeld) {
        ++dropped;
        return;
      }
      was_empty = pending.empty();
      pending[path] += line;
      held += line.size();
      ++taken;
    }
    if (was_empty) wake.notify_one();
  }

  void append(const std::string& path, const std::string& text) {
    std::string full = directory + "/" + path;
    (void)files::make_directories(full.substr(0, full.rfind('/')), 0755);
    auto fd = files::open(full, O_WRONLY | O_CREAT | O_APPEND, 0644);
    auto done = fd ? files::write_all(fd->get(), text) : Result<>(Failure(fd.error()));
    if (!done) log::error("log-sink", done.error().message);
    trim(full.substr(0, full.rfind('/')));
  }

  // Drops the oldest days of a folder that has more than its share.
  void trim(const std::string& folder) {
    auto names = files::list(folder);
    if (!names || names->size() < 2) return;
    uint64_t total = 0;
    for (auto it = names->rbegin(); it != names->rend(); ++it) {
      total += files::size(folder + "/" + *it).value_or(0);
      if (total > limits.function_bytes && it != names->rbegin()) (void)files::remove(folder + "/" + *it);
    }
  }

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [this] { return ending || !pending.empty(); });
      if (pending.empty()) return;
      if (!ending) wake.wait_for(lock, kBatch, [this] { return ending; });
      auto batch = std::move(pending);
      pending.clear();
      held = 0;
      uint64_t upto = taken;
      lock.unlock();
      for (const auto& [path, text] : batch) append(path, text);
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
  std::string time = iso8601(unix_us / 1000);
  std::string line = time;
  line.append("\t").append(environment).append("\t").append(request_id).append("\t").append(escaped(text)).append("\n");
  impl_->add("logs/" + std::string(function) + "/" + time.substr(0, 10) + ".log", line);
}

void LogSink::record(std::string_view file_prefix, int64_t unix_us, std::string_view json_line) {
  impl_->add(std::string(file_prefix) + "-" + iso8601(unix_us / 1000).substr(0, 10) + ".jsonl", std::string(json_line) + "\n");
}

void LogSink::flush() {
  std::unique_lock lock(impl_->mutex);
  uint64_t upto = impl_->taken;
  impl_->flushed.wait(lock, [&] { return impl_->written >= upto; });
}

}  // namespace gust::meter
