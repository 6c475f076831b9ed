// SPDX-License-Identifier: Apache-2.0

#include "http/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>

#include "base/ids.h"
#include "base/log.h"
#include "http/connection.h"

namespace gust::http {
namespace {

constexpr int64_t kTickUs = 500'000;         // how often deadlines are looked at
constexpr int64_t kAcceptPauseUs = 100'000;  // after EMFILE and the like

}  // namespace

Server::Impl::Impl(net::Loop& loop_in, Handler& handler_in, Limits limits_in, net::WorkerPool* disk_in)
    : loop(loop_in), handler(handler_in), limits(limits_in), disk(disk_in), tick(loop_in) {
  signal(SIGPIPE, SIG_IGN);  // sendfile(2) has no MSG_NOSIGNAL
}

std::string_view Server::Impl::date() {
  int64_t now = system_clock().unix_ms();
  if (now / 1000 != date_second) {
    date_second = now / 1000;
    date_text = http_date(now);
  }
  return date_text;
}

void Server::Impl::arm_accept(uint64_t tag) {
  auto it = listeners.find(tag);
  if (it == listeners.end()) return;
  it->second->watch.when_readable([weak = weak_from_this(), tag] {
    if (auto self = weak.lock()) self->accept_all(tag);
  });
}

void Server::Impl::accept_all(uint64_t tag) {
  auto it = listeners.find(tag);
  if (it == listeners.end() || ended) return;
  for (int i = 0; i < 64; ++i) {
    Fd fd(accept4(it->second->fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN) break;
      // No descriptors or memory: what is waiting stays in the backlog until some are free.
      log::warning("http", "accept failed", {{"error", errno_error("accept", errno).message}});
      it->second->pause.start(kAcceptPauseUs, [weak = weak_from_this(), tag] {
        if (auto self = weak.lock()) self->arm_accept(tag);
      });
      return;
    }
    auto& source = it->second->source;
    if (connections.size() >= limits.connections || source->connections >= limits.connections_per_listener) continue;
    int one = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    auto connection = std::make_shared<Connection>(shared_from_this(), source, std::move(fd));
    connections.insert(connection);
    ++source->connections;
    connection->start();
  }
  arm_accept(tag);
}

void Server::Impl::arm_tick() {
  tick.start(kTickUs, [weak = weak_from_this()] {
    if (auto self = weak.lock(); self && !self->ended) self->on_tick();
  });
}

void Server::Impl::on_tick() {
  int64_t now = now_us();
  std::vector<std::shared_ptr<Connection>> late;
  for (const auto& connection : connections) {
    if (connection->deadline_us() != 0 && connection->deadline_us() < now) late.push_back(connection);
  }
  for (const auto& connection : late) connection->on_deadline();
  if (draining) check_drained();
  arm_tick();
}

void Server::Impl::check_drained() {
  if (!draining || !drained) return;
  if (!connections.empty() && now_us() < drain_until_us) return;
  loop.post(std::exchange(drained, nullptr));
}

Server::Server(net::Loop& loop, Handler& handler, Limits limits, net::WorkerPool* disk)
    : impl_(std::make_shared<Impl>(loop, handler, limits, disk)) {
  impl_->arm_tick();
}

Server::~Server() {
  impl_->ended = true;
  impl_->tick.cancel();
  impl_->listeners.clear();
  auto connections = impl_->connections;
  for (const auto& connection : connections) connection->close();
}

void Server::listen(Fd listener, uint64_t tag, const net::TlsContext* tls) {
  int fd = listener.get();
  auto source = std::make_shared<Impl::Source>(Impl::Source{.tag = tag, .tls = tls});
  impl_->listeners[tag] = std::unique_ptr<Impl::Listener>(
      new Impl::Listener{std::move(listener), net::Watch(impl_->loop, fd), net::Timer(impl_->loop), std::move(source)});
  impl_->arm_accept(tag);
}

void Server::stop_listening(uint64_t tag) {
  impl_->listeners.erase(tag);
  std::vector<std::shared_ptr<Connection>> of_tag;
  for (const auto& connection : impl_->connections) {
    if (connection->tag() == tag) of_tag.push_back(connection);
  }
  for (const auto& connection : of_tag) connection->close();
}

void Server::drain(int64_t limit_us, std::function<void()> done) {
  impl_->listeners.clear();
  impl_->draining = true;
  impl_->drain_until_us = now_us() + limit_us;
  impl_->drained = std::move(done);
  std::vector<std::shared_ptr<Connection>> idle;
  for (const auto& connection : impl_->connections) {
    if (connection->between_requests()) idle.push_back(connection);
  }
  for (const auto& connection : idle) connection->close();
  impl_->check_drained();
}

size_t Server::connections() const { return impl_->connections.size(); }
size_t Server::held_bytes() const { return impl_->held; }

}  // namespace gust::http
