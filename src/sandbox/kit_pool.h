// SPDX-License-Identifier: Apache-2.0

#pragma once

// The starter's stock of prepared sandboxes ("kits": the remover's parts and an init that waits in them), by kind and size of
// /tmp, and the starts that wait for one. Sizes in use are kept filled; the least recently used sizes are given back.

#include <sys/types.h>

#include <deque>
#include <functional>
#include <list>
#include <string>
#include <vector>

#include "net/socket.h"
#include "os/fd.h"
#include "sandbox/sandbox.h"
#include "sandbox/wire.h"

namespace gust::sandbox {

// What all kits on one shelf have in common.
struct KitKind {
  uint64_t tmp_bytes = 0;  // 0: none
  Kind kind = Kind::Function;
  bool operator==(const KitKind&) const = default;
};
KitKind kit_kind(const wire::Request& request);

struct Kit {
  std::string name;
  KitKind kind;
  uint64_t memory_bytes = 0;
  uint32_t pids = 0;
  Fd runtime, gateway, resolver;
  std::vector<Fd> usage;
  uint32_t address = 0;
  Fd ns, tmp;                 // until the init runs
  std::vector<Fd> entrances;  // the same
  // Of the init:
  pid_t pid = 0;
  Fd pidfd, channel, ruleset;
};

struct Waiting {
  wire::Request request;
  std::vector<Fd> fds;
};

class KitPool {
 public:
  struct Actions {
    std::function<bool(const wire::Order&)> send;  // to the remover; false: it is gone
    std::function<void(Kit&)> discard;
  };
  KitPool(uint32_t target, std::string prefix, Actions actions)
      : target_(target), prefix_(std::move(prefix)), actions_(std::move(actions)) {}

  // A ready kit, or false: then wait(). These limits become the likely next ones of that kind. refill() is for after the
  // start, because the remover then works beside it.
  bool take(const wire::Request& request, Kit& kit);
  void refill(KitKind kind);
  bool wait(Waiting waiting);  // false: too many
  // A finished kit. If somebody waits, `next` is that one and true is returned.
  bool arrived(Kit kit, Waiting& next, Kit& ready);
  bool failed(KitKind kind, Waiting& next);  // true: `next` must be told
  bool cancel(uint64_t id);                  // a waiting start
  void lost(pid_t pid);                      // the init of a ready kit has ended
  void prefill(KitKind kind, uint64_t memory_bytes, uint32_t pids);

 private:
  struct Shelf {
    KitKind kind;
    uint64_t memory_bytes = 0;
    uint32_t pids = 0, ordered = 0;
    std::deque<Kit> ready;
    std::deque<Waiting> waiting;
  };
  Shelf& shelf(KitKind kind);
  uint32_t stock(const Shelf& shelf) const;
  void order(Shelf& shelf, uint32_t stock);

  uint32_t target_;
  std::string prefix_;
  Actions actions_;
  uint64_t number_ = 0;
  std::list<Shelf> shelves_;  // most recently used first
};

// Takes the remover's message and its descriptors apart; false where they do not fit each other.
bool parse_kit(net::Packet packet, wire::KitMessage& message, Kit& kit);

}  // namespace gust::sandbox
