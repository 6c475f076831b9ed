// SPDX-License-Identifier: Apache-2.0

#include "experiment/replay.h"

#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "os/clock.h"

namespace gust::experiment {
namespace {

Sent send_one(aws::Client& client, const Due& due, const ReplayOptions& options, int64_t start_us) {
  Sent sent;
  sent.arm = options.arm;
  sent.sequence = due.sequence;
  sent.key = upload_key(options.run, options.arm, due.sequence);
  sent.bytes = due.content->size();
  sent.scheduled_us = start_us + due.at_us;
  sent.sent_us = system_clock().unix_us();
  aws::Metadata metadata = {{"run", options.run}, {"arm", options.arm}, {"seq", sequence_text(due.sequence)}};
  auto put = client.put_object(options.bucket, sent.key, *due.content, "image/jpeg", metadata);
  sent.done_us = system_clock().unix_us();
  if (put) sent.etag = *put;
  else sent.error = put.error().message;
  return sent;
}

}  // namespace

std::vector<Sent> replay(const std::vector<Due>& schedule, const ReplayOptions& options) {
  const int64_t start_us = system_clock().unix_us(), start_monotonic = system_clock().monotonic_us();
  std::vector<Sent> out;
  std::mutex mutex;  // guards out and on_sent
  std::atomic<size_t> next{0};
  auto work = [&] {
    aws::Client client(options.aws);
    for (size_t i = next++; i < schedule.size(); i = next++) {
      int64_t wait = start_monotonic + schedule[i].at_us - system_clock().monotonic_us();
      while (wait > 0 && !(options.stop && *options.stop)) {
        usleep(static_cast<useconds_t>(std::min<int64_t>(wait, 100'000)));
        wait = start_monotonic + schedule[i].at_us - system_clock().monotonic_us();
      }
      if (options.stop && *options.stop) return;
      Sent sent = send_one(client, schedule[i], options, start_us);
      std::lock_guard lock(mutex);
      if (options.on_sent) options.on_sent(sent);
      out.push_back(std::move(sent));
    }
  };
  std::vector<std::thread> threads;
  const auto count = std::min<size_t>(static_cast<size_t>(std::max(1, options.threads)), schedule.size());
  for (size_t i = 0; i < count; ++i) threads.emplace_back(work);
  for (std::thread& t : threads) t.join();
  std::sort(out.begin(), out.end(), [](const Sent& a, const Sent& b) { return a.sequence < b.sequence; });
  return out;
}

}  // namespace gust::experiment
