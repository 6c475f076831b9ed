// SPDX-License-Identifier: Apache-2.0

#include "sandbox/kit_pool.h"

#include <algorithm>

namespace gust::sandbox {
namespace {

constexpr size_t kMostShelves = 4;
constexpr size_t kMostWaiting = 64;    // each holds descriptors; the daemon's end of the channel keeps the rest
constexpr uint32_t kMostOrdered = 16;  // few enough that neither process ever waits for room in the channel
constexpr uint32_t kUnpackTarget = 2, kServiceTarget = 1;

}  // namespace

KitKind kit_kind(const wire::Request& request) { return {request.tmp_bytes, static_cast<Kind>(request.kind)}; }

KitPool::Shelf& KitPool::shelf(KitKind kind) {
  auto found = std::find_if(shelves_.begin(), shelves_.end(), [&](const Shelf& s) { return s.kind == kind; });
  if (found != shelves_.end()) {
    shelves_.splice(shelves_.begin(), shelves_, found);
    return shelves_.front();
  }
  shelves_.emplace_front().kind = kind;
  if (shelves_.size() > kMostShelves) {
    auto oldest = std::find_if(shelves_.rbegin(), shelves_.rend(),
                               [](const Shelf& s) { return s.waiting.empty() && s.ordered == 0 && s.kind.kind != Kind::Unpack; });
    if (oldest != shelves_.rend() && &*oldest != &shelves_.front()) {
      for (Kit& kit : oldest->ready) actions_.discard(kit);
      shelves_.erase(std::next(oldest).base());
    }
  }
  return shelves_.front();
}

uint32_t KitPool::stock(const Shelf& shelf) const {
  switch (shelf.kind.kind) {
    case Kind::Function:
      return target_;
    case Kind::Service:
      return std::min(kServiceTarget, target_);
    case Kind::Unpack:
      return std::min(kUnpackTarget, target_);
  }
  return 0;
}

void KitPool::order(Shelf& shelf, uint32_t stock) {
  while (shelf.ordered < kMostOrdered && shelf.ready.size() + shelf.ordered < stock + shelf.waiting.size()) {
    wire::Order order;
    order.task = wire::Task::Make;
    order.tmp_bytes = shelf.kind.tmp_bytes;
    order.kind = static_cast<uint32_t>(shelf.kind.kind);
    order.memory_bytes = shelf.memory_bytes;
    order.pids = shelf.pids;
    wire::put(order.name, prefix_ + std::to_string(++number_));
    if (!actions_.send(order)) return;
    ++shelf.ordered;
  }
}

bool KitPool::take(const wire::Request& request, Kit& kit) {
  Shelf& from = shelf(kit_kind(request));
  from.memory_bytes = request.memory_bytes;
  from.pids = request.pids;
  if (from.ready.empty()) return false;
  kit = std::move(from.ready.front());
  from.ready.pop_front();
  return true;
}

void KitPool::refill(KitKind kind) {
  Shelf& at = shelf(kind);
  order(at, stock(at));
}

bool KitPool::wait(Waiting waiting) {
  Shelf& at = shelf(kit_kind(waiting.request));
  if (at.waiting.size() >= kMostWaiting) return false;
  at.waiting.push_back(std::move(waiting));
  order(at, stock(at));
  return true;
}

bool KitPool::arrived(Kit kit, Waiting& next, Kit& ready) {
  Shelf& at = shelf(kit.kind);
  if (at.ordered) --at.ordered;
  bool wanted = !at.waiting.empty();
  if (wanted) {
    next = std::move(at.waiting.front());
    at.waiting.pop_front();
    ready = std::move(kit);
  } else {
    at.ready.push_back(std::move(kit));
  }
  return wanted;
}

bool KitPool::failed(KitKind kind, Waiting& next) {
  Shelf& at = shelf(kind);
  if (at.ordered) --at.ordered;
  if (at.waiting.empty()) return false;  // not ordered again before somebody asks: it would fail in a circle
  next = std::move(at.waiting.front());
  at.waiting.pop_front();
  order(at, 0);
  return true;
}

bool KitPool::cancel(uint64_t id) {
  for (Shelf& s : shelves_) {
    auto found = std::find_if(s.waiting.begin(), s.waiting.end(), [&](const Waiting& w) { return w.request.id == id; });
    if (found == s.waiting.end()) continue;
    s.waiting.erase(found);
    return true;
  }
  return false;
}

void KitPool::lost(pid_t pid) {
  for (Shelf& s : shelves_) std::erase_if(s.ready, [&](const Kit& kit) { return kit.pid == pid; });
}

void KitPool::prefill(KitKind kind, uint64_t memory_bytes, uint32_t pids) {
  Shelf& at = shelf(kind);
  at.memory_bytes = memory_bytes;
  at.pids = pids;
  order(at, stock(at));
}

bool parse_kit(net::Packet packet, wire::KitMessage& message, Kit& kit) {
  if (!wire::parse(packet.bytes, message)) return false;
  kit.name = wire::get(message.name);
  kit.kind = {message.tmp_bytes, static_cast<Kind>(message.kind)};
  kit.address = message.address;
  kit.memory_bytes = message.memory_bytes;
  kit.pids = message.pids;
  if (message.error) return true;
  size_t count = 4 + (message.has_tmp ? 1 : 0) + size_t{message.entrances} + message.usage;
  if (packet.fds.size() != count) return false;
  auto next = packet.fds.begin();
  for (Fd* fd : {&kit.ns, &kit.runtime, &kit.gateway, &kit.resolver}) *fd = std::move(*next++);
  if (message.has_tmp) kit.tmp = std::move(*next++);
  for (uint32_t i = 0; i < message.entrances; ++i) kit.entrances.push_back(std::move(*next++));
  for (uint32_t i = 0; i < message.usage; ++i) kit.usage.push_back(std::move(*next++));
  return true;
}

}  // namespace gust::sandbox
