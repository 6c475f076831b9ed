// SPDX-License-Identifier: Apache-2.0

#include "sandbox/kit_pool.h"

#include <algorithm>

namespace gust::sandbox {
namespace {

constexpr size_t kMostShelves = 4;
constexpr size_t kMostWaiting = 64;      // each holds descriptors; the daemon's end of the channel keeps the rest
constexpr uint32_t kMostOrdered = 16;    // few enough that neither process ever waits for room in the channel
constexpr uint32_t kUnpackTarget = 2;    // kits without /tmp

}  // namespace

KitPool::Shelf& KitPool::shelf(uint64_t tmp_bytes) {
  auto found = std::find_if(shelves_.begin(), shelves_.end(), [&](const Shelf& s) { return s.tmp_bytes == tmp_bytes; });
  if (found != shelves_.end()) {
    shelves_.splice(shelves_.begin(), shelves_, found);
    return shelves_.front();
  }
  shelves_.emplace_front().tmp_bytes = tmp_bytes;
  if (shelves_.size() > kMostShelves) {
    auto oldest = std::find_if(shelves_.rbegin(), shelves_.rend(),
                               [](const Shelf& s) { return s.waiting.empty() && s.ordered == 0 && s.tmp_bytes != 0; });
    if (oldest != shelves_.rend() && &*oldest != &shelves_.front()) {
      for (const Kit& kit : oldest->ready) remove(kit.name);
      shelves_.erase(std::next(oldest).base());
    }
  }
  return shelves_.front();
}

uint32_t KitPool::stock(const Shelf& shelf) const { return shelf.tmp_bytes == 0 ? std::min(kUnpackTarget, target_) : target_; }

void KitPool::order(Shelf& shelf, uint32_t stock) {
  while (shelf.ordered < kMostOrdered && shelf.ready.size() + shelf.ordered < stock + shelf.waiting.size()) {
    wire::Order order;
    order.task = wire::Task::Make;
    order.tmp_bytes = shelf.tmp_bytes;
    order.memory_bytes = shelf.memory_bytes;
    order.pids = shelf.pids;
    wire::put(order.name, prefix_ + std::to_string(++number_));
    if (!send_(order)) return;
    ++shelf.ordered;
  }
}

bool KitPool::take(const wire::Request& request, Kit& kit) {
  Shelf& from = shelf(request.tmp_bytes);
  from.memory_bytes = request.memory_bytes;
  from.pids = request.pids;
  if (from.ready.empty()) return false;
  kit = std::move(from.ready.front());
  from.ready.pop_front();
  order(from, stock(from));
  return true;
}

bool KitPool::wait(Waiting waiting) {
  Shelf& at = shelf(waiting.request.tmp_bytes);
  if (at.waiting.size() >= kMostWaiting) return false;
  at.waiting.push_back(std::move(waiting));
  order(at, stock(at));
  return true;
}

bool KitPool::arrived(Kit kit, Waiting& next, Kit& ready) {
  Shelf& at = shelf(kit.tmp_bytes);
  if (at.ordered) --at.ordered;
  bool wanted = !at.waiting.empty();
  if (wanted) {
    next = std::move(at.waiting.front());
    at.waiting.pop_front();
    ready = std::move(kit);
  } else {
    at.ready.push_back(std::move(kit));
  }
  order(at, stock(at));
  return wanted;
}

bool KitPool::failed(uint64_t tmp_bytes, Waiting& next) {
  Shelf& at = shelf(tmp_bytes);
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

void KitPool::prefill(uint64_t tmp_bytes, uint64_t memory_bytes, uint32_t pids) {
  Shelf& at = shelf(tmp_bytes);
  at.memory_bytes = memory_bytes;
  at.pids = pids;
  order(at, stock(at));
}

bool KitPool::remove(const std::string& name) {
  wire::Order order;
  order.task = wire::Task::Remove;
  wire::put(order.name, name);
  return send_(order);
}

bool parse_kit(net::Packet packet, wire::KitMessage& message, Kit& kit) {
  if (!wire::parse(packet.bytes, message)) return false;
  kit.name = wire::get(message.name);
  kit.tmp_bytes = message.tmp_bytes;
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
