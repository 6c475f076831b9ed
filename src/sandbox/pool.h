// SPDX-License-Identifier: Apache-2.0

#pragma once

// What is made ahead of a start because it costs too much on its path: network namespaces with their sockets, and /tmp
// file systems (ext4 in an unlinked sparse file behind a loop device: ENOSPC at the size, no memory charged). Starter only.

#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "base/result.h"
#include "os/fd.h"

namespace gust::sandbox {

struct Network {
  Fd name_space, runtime_listener, gateway_listener, resolver;
};
Result<Network> make_network();  // needs a single-threaded caller: it visits the new namespace

class TmpPool {
 public:
  // `directory`: for the images (sparse; each is unlinked at once). Falls back to tmpfs, which is charged as memory, where
  // the kernel gives no loop device; fallback() says so.
  explicit TmpPool(std::string directory) : directory_(std::move(directory)) {}
  Result<Fd> take(uint64_t bytes);  // a detached mount tree, mode 1777
  void refill();                    // makes at most one
  bool full() const { return ready_.size() >= kReady; }
  bool fallback() const { return fallback_; }

 private:
  static constexpr uint64_t kPooledBytes = 512ull << 20;
  static constexpr size_t kReady = 4;
  Result<Fd> make(uint64_t bytes);
  Result<std::string> image(uint64_t bytes);

  std::string directory_;
  std::map<uint64_t, std::string> images_;  // formatted and empty, by size
  std::deque<Fd> ready_;
  bool fallback_ = false;
};

}  // namespace gust::sandbox
