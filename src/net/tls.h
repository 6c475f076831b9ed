// SPDX-License-Identifier: Apache-2.0

#pragma once

// The server's side of TLS (OpenSSL, 1.2 and newer, ALPN http/1.1) as a filter on bytes: who owns the socket hands in what
// was received and sends what comes out. No sockets and no waiting here, so limits and deadlines stay with the connection.

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gust::net {

// Certificate and key of a server. use() and the making of sessions: one thread.
class TlsContext {
 public:
  // PEM: the leaf first, then what leads to the root; the key that belongs to the leaf. Invalid where they do not fit.
  static Result<std::unique_ptr<TlsContext>> make(const std::string& certificates, const std::string& key);
  ~TlsContext();
  // From the next session on (a renewed certificate).
  Result<> use(const std::string& certificates, const std::string& key);
  // Asked with the host name that a client names (SNI): another certificate of the same key, as PEM, or nullopt for the usual
  // one. On the thread of the sessions; at most kMostNames answers are kept.
  static constexpr size_t kMostNames = 1000;
  void on_name(std::function<std::optional<std::string>(std::string_view name)> certificate);

  struct Impl;

 private:
  explicit TlsContext(std::unique_ptr<Impl> impl);
  friend class TlsSession;
  std::unique_ptr<Impl> impl_;
};

// One connection. Used by one thread at a time; its context must outlive it.
class TlsSession {
 public:
  static constexpr size_t kBytes = 48 << 10;  // about what one costs, for the books of whoever counts memory
  static constexpr char kFirstByte = 0x16;    // of a TLS connection: a handshake record; of no HTTP request

  explicit TlsSession(const TlsContext& context);
  ~TlsSession();

  // Takes what the peer sent: appends what it means to `plain` (never more than `wire` is long, plus one record) and what
  // must go back to `out`. Invalid: no TLS, or broken; `out` then holds the alert, and the session is of no more use.
  Result<> receive(std::string_view wire, std::string& plain, std::string& out);
  // Appends the records of `plain` to `out`. Only when established().
  Result<> send(std::string_view plain, std::string& out);
  void close(std::string& out);  // says that nothing follows

  bool established() const;  // the handshake is over
  bool ended() const;        // the peer has said that nothing follows

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gust::net
