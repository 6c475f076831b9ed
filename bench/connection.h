// SPDX-License-Identifier: Apache-2.0

#pragma once

// One HTTP connection that sends prepared bytes, so that a measurement holds neither signing nor formatting; and a bare
// echo server as the baseline of such a round trip.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "crypto/sigv4.h"
#include "net/socket.h"
#include "os/fd.h"

namespace gust::bench {

class Connection {
 public:
  static Result<Connection> open(const net::Endpoint& endpoint);
  // Sends all and reads one answer with a Content-Length. Errors: Io; Invalid: another status than `status`.
  Result<std::string> ask(std::string_view request, int status = 200);

 private:
  explicit Connection(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
  std::string buffer_;
};

struct Signer {
  sigv4::Credentials credentials;
  std::string region, authority;  // Host
  // The bytes of a signed request; `path` may have a query. Headers beside host and the signature's own.
  std::string request(std::string_view service, std::string_view method, std::string_view path, std::string_view body,
                      std::vector<std::pair<std::string, std::string>> headers = {}) const;
};

// A process that answers each request of one connection at a time with `answer_bytes` of body. Ends with this object.
class EchoServer {
 public:
  static Result<EchoServer> start(size_t answer_bytes);
  EchoServer(EchoServer&& other) noexcept : endpoint_(other.endpoint_), pid_(std::exchange(other.pid_, -1)) {}
  ~EchoServer();
  const net::Endpoint& endpoint() const { return endpoint_; }

 private:
  EchoServer(net::Endpoint endpoint, int pid) : endpoint_(std::move(endpoint)), pid_(pid) {}
  net::Endpoint endpoint_;
  int pid_;
};

}  // namespace gust::bench
