// SPDX-License-Identifier: Apache-2.0

#include "poller.h"

#include <unistd.h>

#include <algorithm>

#include "base/ids.h"
#include "base/json.h"
#include "base/log.h"
#include "os/clock.h"

namespace gust::scaler {

Poller::Poller(PollerOptions options) : options_(std::move(options)), client_(options_.aws), marker_(options_.prefix) {
  for (int i = 0; i < std::max(1, options_.workers); ++i) threads_.emplace_back([this] { worker(); });
}

Poller::~Poller() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    queue_.clear();
  }
  work_.notify_all();
  for (std::thread& t : threads_) t.join();
}

Result<> Poller::resume() {
  auto saved = client_.get_object(options_.bucket, options_.progress_key);
  if (!saved && saved.error().code != Errc::NotFound) return Failure(std::move(saved).error());
  if (saved) {
    Value progress = TRY(json::parse(saved->bytes));
    marker_ = std::max(marker_, std::string(progress["marker"].as_string()));
    for (const Value& key : progress["done"].as_list()) done_.insert(std::string(key.as_string()));
  }
  // Rows that were put after the progress was saved: a crash lies in between.
  auto parts = parse_key(options_.prefix + "x.jpg");
  if (!parts) return {};  // a prefix of another shape: only the saved progress counts
  for (const Value& row : TRY(client_.query_all(options_.job.table, "pk", parts->run + "#" + parts->arm))) {
    if (aws::string_of(row, "status") != "failed" || aws::string_of(row, "error_type").find("Image") != std::string_view::npos) {
      done_.insert(std::string(aws::string_of(row, "key")));
    }
  }
  return {};
}

Result<std::vector<aws::ObjectInfo>> Poller::list_new() {
  std::vector<aws::ObjectInfo> out;
  const int64_t old_ms = system_clock().unix_ms() - options_.grace_us / 1000;
  aws::ListOptions list;
  list.prefix = options_.prefix;
  if (marker_ > options_.prefix) list.start_after = marker_;
  seen_old_.clear();
  do {
    aws::ObjectPage page = TRY(client_.list_objects(options_.bucket, list));
    for (aws::ObjectInfo& info : page.objects) {
      if (info.last_modified_ms < old_ms) seen_old_.insert(info.key);
      if (!is_done(info.key)) out.push_back(std::move(info));
    }
    list.token = page.next_token;
  } while (!list.token.empty());
  return out;
}

// Everything up to the first key that is not done or may still get a predecessor.
void Poller::advance_marker() {
  while (!done_.empty() && seen_old_.contains(*done_.begin())) {
    // A key between marker and this one that was listed and is not done holds the marker.
    auto waiting = seen_old_.begin();
    if (*waiting < *done_.begin()) return;
    marker_ = *done_.begin();
    seen_old_.erase(seen_old_.begin());
    done_.erase(done_.begin());
  }
}

Result<> Poller::save() {
  Value progress = Value::map();
  progress.set("marker", marker_);
  Value& done = progress.set("done", Value::list());
  for (const std::string& key : done_) done.push(key);
  TRY(client_.put_object(options_.bucket, options_.progress_key, json::write(progress), "application/json"));
  return {};
}

void Poller::worker() {
  aws::Client client(options_.aws);
  Job job(client, options_.job);
  for (;;) {
    aws::ObjectInfo info;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      info = std::move(queue_.front());
      queue_.pop_front();
      ++busy_;
    }
    Upload upload{options_.bucket,       info.key, info.etag, info.last_modified_ms * 1000, "svc-" + new_uuid(),
                  first_.exchange(false)};
    auto row = job.run(upload);
    if (!row) log::warning("scaler", "will be tried again", {{"key", info.key}, {"error", row.error().message}});
    std::lock_guard lock(mutex_);
    // A key that names no run or arm can never have a row; trying it for ever would fill the log.
    if (row || row.error().code == Errc::Invalid) finished_.push_back(info.key);
    --busy_;
    idle_.notify_all();
  }
}

void Poller::work_through(const std::vector<aws::ObjectInfo>& batch) {
  std::unique_lock lock(mutex_);
  queue_.insert(queue_.end(), batch.begin(), batch.end());
  work_.notify_all();
  idle_.wait(lock, [&] { return queue_.empty() && busy_ == 0; });
  done_.insert(finished_.begin(), finished_.end());
  finished_.clear();
}

Result<size_t> Poller::poll_once() {
  std::vector<aws::ObjectInfo> found = TRY(list_new());
  const auto size = static_cast<size_t>(std::max(1, options_.batch));
  for (size_t at = 0; at < found.size(); at += size) {
    auto begin = found.begin() + static_cast<std::ptrdiff_t>(at);
    work_through({begin, begin + static_cast<std::ptrdiff_t>(std::min(size, found.size() - at))});
    TRY(save());
  }
  advance_marker();
  return found.size();
}

void Poller::run(const std::atomic<bool>& stop) {
  while (!stop) {
    const int64_t next = system_clock().monotonic_us() + options_.poll_us;
    if (auto polled = poll_once(); !polled) log::warning("scaler", "poll failed", {{"error", polled.error().message}});
    while (!stop && system_clock().monotonic_us() < next) usleep(50'000);
  }
}

}  // namespace gust::scaler
