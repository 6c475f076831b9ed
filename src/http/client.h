// SPDX-License-Identifier: Apache-2.0

#pragma once

// Blocking HTTP/1.1 client for the command line, the experiment and the C++ function library. One object = one
// connection, kept alive and made again when the peer closed it; used by one thread at a time. TLS through OpenSSL with
// the system's certificates.

#include <cstdint>
#include <memory>
#include <string>

#include "http/message.h"

namespace gust::http {

struct ClientOptions {
  int64_t connect_timeout_us = 5'000'000;
  int64_t timeout_us = 60'000'000;    // between two bytes of the answer; 0: none (Runtime API's next)
  uint64_t max_response = 256 << 20;  // TooLarge beyond
};

struct Url {
  bool tls = false;
  std::string host;
  uint16_t port = 80;
  std::string authority() const;  // Host header: port left out where it is the scheme's default
};
Result<Url> parse_url(std::string_view text);  // "http://127.0.0.1:4566", trailing slash allowed, no path

class Client {
 public:
  explicit Client(Url url, ClientOptions options = {});
  ~Client();
  Client(Client&&) noexcept;
  // Host and Content-Length are added where absent. Errors: Unavailable = could not connect or nothing was sent (retry is
  // safe), Unknown = connection lost after sending, Timeout, TooLarge, Invalid = malformed answer.
  Result<Response> send(Request request);
  const Url& url() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gust::http
