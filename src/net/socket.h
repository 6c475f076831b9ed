// SPDX-License-Identifier: Apache-2.0

#pragma once

// Sockets: creation only; reading and writing is recv(2)/send(2) with a Watch. All are non-blocking and close-on-exec
// unless said otherwise. Thread-safe.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/fd.h"

namespace gust::net {

struct Endpoint {
  std::string host;  // "127.0.0.1", "::1"
  uint16_t port = 0;
  std::string text() const;  // "127.0.0.1:4566", "[::1]:4566"
};
Result<Endpoint> parse_endpoint(std::string_view text);  // "127.0.0.1:4566", ":0" (= 127.0.0.1:0), "[::1]:80"

Result<Fd> listen_tcp(const Endpoint& endpoint, int backlog = 1024);  // SO_REUSEADDR
Result<Endpoint> local_endpoint(int fd);
Result<Endpoint> peer_endpoint(int fd);
Result<Fd> connect_tcp(const Endpoint& endpoint, int64_t timeout_us);  // blocking socket with TCP_NODELAY; host may be a name

// SOCK_SEQPACKET messages with descriptors. send: whole message or error (Exhausted: would block).
// receive: empty message and no error = peer closed; Timeout = nothing there (non-blocking socket).
struct Packet {
  std::string bytes;
  std::vector<Fd> fds;
};
Result<> send_packet(int fd, std::string_view bytes, const std::vector<int>& fds = {});
Result<Packet> receive_packet(int fd, size_t max_bytes = 65536, size_t max_fds = 16);
Result<std::pair<Fd, Fd>> packet_pair();  // blocking

}  // namespace gust::net
