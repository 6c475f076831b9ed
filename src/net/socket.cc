// SPDX-License-Identifier: Apache-2.0

#include "net/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/encoding.h"

namespace gust::net {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Result<Address> numeric(const Endpoint& endpoint) {
  Address a;
  if (auto* v4 = reinterpret_cast<sockaddr_in*>(&a.storage); inet_pton(AF_INET, endpoint.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(endpoint.port);
    a.length = sizeof *v4;
    return a;
  }
  if (auto* v6 = reinterpret_cast<sockaddr_in6*>(&a.storage); inet_pton(AF_INET6, endpoint.host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(endpoint.port);
    a.length = sizeof *v6;
    return a;
  }
  return fail(Errc::Invalid, "not an IP address: '" + escape_terminal(endpoint.host) + "'");
}

Endpoint endpoint_of(const sockaddr_storage& storage) {
  char text[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return {text, ntohs(v4.sin_port)};
  }
  if (storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return {text, ntohs(v6.sin6_port)};
  }
  return {};
}

Result<Fd> connect_one(const sockaddr* address, socklen_t length, int64_t timeout_us) {
  Fd fd(socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket");
  if (connect(fd.get(), address, length) != 0 && errno != EINPROGRESS) return fail_errno("connect");
  pollfd p{fd.get(), POLLOUT, 0};
  int ready = poll(&p, 1, static_cast<int>(timeout_us / 1000));
  if (ready < 0) return fail_errno("poll");
  if (ready == 0) return fail(Errc::Timeout, "connect: no answer in time");
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) return Failure(errno_error("connect", error));
  int one = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) & ~O_NONBLOCK);
  return fd;
}

}  // namespace

std::string Endpoint::text() const {
  bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  size_t colon = text.rfind(':');
  auto port = colon == std::string_view::npos ? fail(Errc::Invalid, "") : parse_uint(text.substr(colon + 1));
  if (!port || *port > 65535) {
    return fail(Errc::Invalid, "not ADDRESS:PORT: '" + escape_terminal(text.substr(0, 80)) + "'");
  }
  Endpoint endpoint{std::string(text.substr(0, colon)), static_cast<uint16_t>(*port)};
  if (endpoint.host.empty()) endpoint.host = "127.0.0.1";
  if (endpoint.host == "localhost") endpoint.host = "127.0.0.1";
  if (endpoint.host.front() == '[' && endpoint.host.back() == ']')
    endpoint.host = endpoint.host.substr(1, endpoint.host.size() - 2);
  TRY(numeric(endpoint));
  return endpoint;
}

Result<Fd> listen_tcp(const Endpoint& endpoint, int backlog) {
  Address address = TRY(numeric(endpoint));
  Fd fd(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket");
  int one = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (address.storage.ss_family == AF_INET6) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  if (bind(fd.get(), address.get(), address.length) != 0) return fail_errno("bind " + endpoint.text());
  if (listen(fd.get(), backlog) != 0) return fail_errno("listen " + endpoint.text());
  return fd;
}

Result<Endpoint> local_endpoint(int fd) {
  Address a;
  a.length = sizeof a.storage;
  if (getsockname(fd, a.get(), &a.length) != 0) return fail_errno("getsockname");
  return endpoint_of(a.storage);
}

Result<Endpoint> peer_endpoint(int fd) {
  Address a;
  a.length = sizeof a.storage;
  if (getpeername(fd, a.get(), &a.length) != 0) return fail_errno("getpeername");
  return endpoint_of(a.storage);
}

Result<Fd> connect_tcp(const Endpoint& endpoint, int64_t timeout_us) {
  if (auto address = numeric(endpoint)) return connect_one(address->get(), address->length, timeout_us);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  int error = getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
  if (error != 0) {
    return fail(Errc::NotFound, "cannot resolve '" + escape_terminal(endpoint.host) + "': " + gai_strerror(error));
  }
  Result<Fd> result = fail(Errc::NotFound, "no address for '" + escape_terminal(endpoint.host) + "'");
  for (addrinfo* a = found; a && !result; a = a->ai_next) result = connect_one(a->ai_addr, a->ai_addrlen, timeout_us);
  freeaddrinfo(found);
  return result;
}

Result<> send_packet(int fd, std::string_view bytes, const std::vector<int>& fds) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 32)];
  if (fds.size() > 32) return fail(Errc::TooLarge, "more than 32 descriptors in a message");
  if (!fds.empty()) {
    std::memset(control, 0, sizeof control);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(header), fds.data(), sizeof(int) * fds.size());
  }
  for (;;) {
    if (sendmsg(fd, &message, MSG_NOSIGNAL) >= 0) return {};
    if (errno != EINTR) return fail_errno("sendmsg");
  }
}

Result<Packet> receive_packet(int fd, size_t max_bytes, size_t max_fds) {
  Packet packet;
  packet.bytes.resize(max_bytes);
  iovec part{packet.bytes.data(), max_bytes};
  std::string control(CMSG_SPACE(sizeof(int) * max_fds), '\0');
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t n;
  do {
    n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return fail(Errc::Timeout, "no message");
  if (n < 0) return fail_errno("recvmsg");
  packet.bytes.resize(static_cast<size_t>(n));
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int got;
      std::memcpy(&got, CMSG_DATA(header) + i * sizeof(int), sizeof got);
      packet.fds.emplace_back(got);
    }
  }
  if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) return fail(Errc::TooLarge, "a message longer than its limit");
  return packet;
}

Result<std::pair<Fd, Fd>> packet_pair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) return fail_errno("socketpair");
  return std::pair<Fd, Fd>{Fd(fds[0]), Fd(fds[1])};
}

}  // namespace gust::net
