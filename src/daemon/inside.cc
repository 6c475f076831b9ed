// SPDX-License-Identifier: Apache-2.0

#include "daemon/inside.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "daemon/resolver.h"

namespace gust::daemon {
namespace {

constexpr size_t kConnectionsPerSandbox = 256;
constexpr int kAnswersAtOnce = 64;  // then others get their turn

}  // namespace

void Inside::serve(http::Handler& gateway, net::WorkerPool& disk) {
  http::Limits limits;
  limits.connections = 50'000;
  limits.connections_per_listener = kConnectionsPerSandbox;
  limits.memory_per_listener = 64 << 20;
  server_ = std::make_unique<http::Server>(loop_, gateway, limits, &disk);
}

void Inside::attach(uint64_t id, model::Identity who, Fd gateway_listener, Fd resolver) {
  who.environment = id;
  sandboxes_[id] = std::make_unique<Sandbox>(loop_, std::move(who), std::move(resolver));
  server_->listen(std::move(gateway_listener), id);
  answer_names(id);
}

void Inside::detach(uint64_t id) {
  sandboxes_.erase(id);
  server_->stop_listening(id);
}

std::optional<model::Identity> Inside::identity(uint64_t tag) const {
  if (tag >= kFirstHostListener) return std::nullopt;
  const auto at = sandboxes_.find(tag);
  return at == sandboxes_.end() ? model::Identity{} : at->second->who;
}

void Inside::answer_names(uint64_t id) {
  const auto at = sandboxes_.find(id);
  if (at == sandboxes_.end()) return;
  const int fd = at->second->resolver.get();
  char query[kMaxDnsQuery + 1];
  for (int i = 0; i < kAnswersAtOnce; ++i) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const ssize_t n = recvfrom(fd, query, sizeof query, MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&from), &size);
    if (n < 0) break;
    const std::string answer = answer_dns({query, static_cast<size_t>(n)});
    if (!answer.empty())
      (void)sendto(fd, answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&from), size);
  }
  at->second->watch.when_readable([this, id] { answer_names(id); });
}

}  // namespace gust::daemon
