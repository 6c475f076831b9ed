// SPDX-License-Identifier: Apache-2.0

#pragma once

// The starter's stock of kits (what the remover prepared for one sandbox each) by size of /tmp, and the starts that wait for
// one. Sizes in use are kept filled; the least recently used sizes are given back.

#include <deque>
#include <functional>
#include <list>
#include <string>
#include <vector>

#include "net/socket.h"
#include "os/fd.h"
#include "sandbox/wire.h"

namespace gust::sandbox {

struct Kit {
  std::string name;
  uint64_t tmp_bytes = 0, memory_bytes = 0;
  uint32_t pids = 0;
  Fd ns, runtime, gateway, resolver, tmp, ruleset;
  std::vector<Fd> entrances, usage;
};

struct Waiting {
  wire::Request request;
  std::vector<Fd> fds;
};

class KitPool {
 public:
  // `send` gives an order to the remover; false: the remover is gone.
  KitPool(uint32_t target, std::string prefix, std::function<bool(const wire::Order&)> send)
      : target_(target), prefix_(std::move(prefix)), send_(std::move(send)) {}

  // A ready kit, or false: then wait(). These limits become the likely next ones of that size.
  bool take(const wire::Request& request, Kit& kit);
  bool wait(Waiting waiting);  // false: too many
  // A kit from the remover. If somebody waits, `next` is that one and true is returned.
  bool arrived(Kit kit, Waiting& next, Kit& ready);
  bool failed(uint64_t tmp_bytes, Waiting& next);  // true: `next` must be told
  bool cancel(uint64_t id);                        // a waiting start
  void prefill(uint64_t tmp_bytes, uint64_t memory_bytes, uint32_t pids);
  bool remove(const std::string& name);

 private:
  struct Shelf {
    uint64_t tmp_bytes = 0, memory_bytes = 0;
    uint32_t pids = 0, ordered = 0;
    std::deque<Kit> ready;
    std::deque<Waiting> waiting;
  };
  Shelf& shelf(uint64_t tmp_bytes);
  uint32_t stock(const Shelf& shelf) const;
  void order(Shelf& shelf, uint32_t stock);

  uint32_t target_;
  std::string prefix_;
  std::function<bool(const wire::Order&)> send_;
  uint64_t number_ = 0;
  std::list<Shelf> shelves_;  // most recently used first
};

// Takes the message and its descriptors apart; false where they do not fit each other.
bool parse_kit(net::Packet packet, wire::KitMessage& message, Kit& kit);

}  // namespace gust::sandbox
