// SPDX-License-Identifier: Apache-2.0

#pragma once

// A Gust of the bench's own: started, asked for CPU time and memory, ended.

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/socket.h"

namespace gust::bench {

class Gust {
 public:
  // Starts `program serve --ephemeral` in strict mode (signatures verified) and waits for its ready line.
  static Result<Gust> start(const std::string& program);
  Gust(Gust&& other) noexcept;
  ~Gust();
  int64_t start_us() const { return start_us_; }  // from exec to the answer of the first request
  const net::Endpoint& endpoint() const { return endpoint_; }
  const std::string& credentials_file() const { return credentials_; }
  uint64_t cpu_ns() const;  // of the daemon: all threads, from schedstat
  uint64_t warden_cpu_ns() const;
  uint64_t rss_kib() const;  // VmRSS of all processes of Gust (shared pages counted in each)
  uint64_t pss_kib() const;  // shared pages counted once

 private:
  Gust() = default;
  Result<> wait_ready(int output);
  std::vector<int> children() const;
  int child(std::string_view name) const;

  int pid_ = -1;
  int64_t start_us_ = 0;
  net::Endpoint endpoint_;
  std::string credentials_;
};

}  // namespace gust::bench
