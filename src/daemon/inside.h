// SPDX-License-Identifier: Apache-2.0

#pragma once

// What the daemon serves inside sandboxes besides the Runtime API: the gateway on 127.0.0.1:4566 and names on port 53.
// Who calls is decided here, by the listener that a call came in by. Loop thread only.

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

#include "http/server.h"
#include "model/service.h"
#include "net/loop.h"
#include "net/worker_pool.h"

namespace gust::daemon {

// Tags of listeners: a sandbox's id, or one of these for the host's.
inline constexpr uint64_t kFirstHostListener = uint64_t{1} << 63;

class Inside {
 public:
  explicit Inside(net::Loop& loop) : loop_(loop) {}
  void serve(http::Handler& gateway, net::WorkerPool& disk);  // once, before anything is attached

  void attach(uint64_t id, model::Identity who, Fd gateway_listener, Fd resolver);
  void detach(uint64_t id);  // closes its connections too
  // nullopt: a listener of the host. An identity without environment: a sandbox that is gone.
  std::optional<model::Identity> identity(uint64_t tag) const;

 private:
  struct Sandbox {
    Sandbox(net::Loop& loop, model::Identity w, Fd r) : who(std::move(w)), resolver(std::move(r)), watch(loop, resolver.get()) {}
    model::Identity who;
    Fd resolver;
    net::Watch watch;
  };
  void answer_names(uint64_t id);

  net::Loop& loop_;
  std::unique_ptr<http::Server> server_;
  std::unordered_map<uint64_t, std::unique_ptr<Sandbox>> sandboxes_;
};

}  // namespace gust::daemon
