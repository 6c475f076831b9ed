// SPDX-License-Identifier: Apache-2.0

#pragma once

// HTTP/1.1 server on one loop, with TLS on the same port. Parses with the codec (http/codec.h), keeps connections alive,
// bounds everything that a peer controls, spools large bodies to disk on disk threads.
//
// File answers: the loop sends what is in the page cache by sendfile(2) (mincore(2) tells; 0.05 ms of the 1.0 ms that 8 MiB
// cost), what is not is sent by a disk thread, which the socket is lent to for that piece: no loop waits for a disk, no disk
// thread for a client, and a slow reader costs no memory but the socket's buffer. Measured for 8 MiB over loopback on one
// core: sendfile on the loop 1.0 ms, on a disk thread 1.6, preadv2(RWF_NOWAIT) of 256 KiB and send 1.6, the same with 64 KiB
// 2.3. Over TLS: RWF_NOWAIT, a disk thread where that says no.
//
// All callbacks and methods are on the loop's thread unless said otherwise. A server makes its process ignore SIGPIPE.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "http/message.h"
#include "net/loop.h"
#include "net/socket.h"
#include "net/tls.h"
#include "net/worker_pool.h"

namespace gust::http {

struct Limits {
  size_t head_bytes = 64 << 10;              // request line and headers; beyond: 431
  size_t headers = 200;                      // number of fields; beyond: 431
  size_t connections = 10'000;               // per server; beyond: accepted and closed
  size_t connections_per_listener = 10'000;  // so that one sandbox cannot use up what all share
  int64_t head_timeout_us = 20'000'000;      // from the first byte to the end of the headers; beyond: 408 and close. TLS: also
                                             // from the first byte to the end of the handshake
  int64_t body_timeout_us = 30'000'000;      // for each 4 KiB of body (less at its end); beyond: 408 and close
  int64_t idle_timeout_us = 75'000'000;      // keep-alive without a request; beyond: close
  // Bytes of requests and answers that are held in memory for all connections together. Beyond, those that hold much
  // themselves are refused (503) and nothing is read ahead of an answer; small requests are served on.
  size_t memory = 512 << 20;
  size_t memory_per_listener = 512 << 20;  // the same for those of one tag, so that one sandbox cannot use up what all share
};

class Exchange;
using ExchangePtr = std::shared_ptr<Exchange>;

// What shall happen to a request's body, decided when its headers are there.
struct BodyPlan {
  uint64_t limit = 1 << 20;    // bytes after transfer decoding; beyond: `too_large`, then close
  uint64_t memory = 64 << 10;  // above this the body goes to a file in spool_directory (ignored where that is empty)
  std::string spool_directory;
  // Digests to compute into Body.
  bool md5 = false, sha1 = false, sha256 = false, crc32 = false, crc32c = false, crc64nvme = false;
  std::shared_ptr<BodyFilter> filter;  // `limit` counts its output; its input may be at most `wire_limit`
  uint64_t wire_limit = 0;
  // Where set: called before 100 Continue and before anything of the body is read; the request waits until it calls back on
  // the loop, once: nullopt goes on, a response is the answer and the body is not read.
  std::function<void(std::function<void(std::optional<Response>)>)> gate;
  std::optional<Response> refuse;     // answer now, without reading the body (100-continue is then not sent)
  std::optional<Response> too_large;  // answer where the limit is passed; a bare 413 otherwise
};

class Handler {
 public:
  virtual ~Handler() = default;
  virtual BodyPlan on_head(Exchange& exchange) = 0;   // headers are there; request().body is empty
  virtual void on_request(ExchangePtr exchange) = 0;  // whole request is there; answer now or later
  virtual void on_abort(Exchange&) {}                 // peer went away after on_request and before the answer
};

// One request and its answer. Kept alive by whoever holds the pointer; respond() after the peer has gone is harmless.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  virtual ~Exchange() = default;
  virtual Request& request() = 0;
  virtual uint64_t listener_tag() const = 0;      // as given to Server::listen: who the peer is by where it came in
  virtual const net::Endpoint& peer() const = 0;  // filled lazily
  virtual bool secure() const { return false; }   // came over TLS
  virtual bool alive() const = 0;                 // peer still there, no answer sent
  virtual void respond(Response response) = 0;    // once; loop thread
  // Pre-formatted answer for the hot path: status line, headers and body already put together. Keep-alive stays as is.
  virtual void respond_raw(std::string head, std::string_view body) = 0;
  // Any thread: posts respond() to the loop.
  virtual void respond_later(Response response) = 0;
  std::shared_ptr<void> context;  // the handler's own
};

class Server {
 public:
  // `disk` may be null where no plan ever spools and no answer is a file.
  Server(net::Loop& loop, Handler& handler, Limits limits, net::WorkerPool* disk);
  ~Server();
  // Takes a listening socket. stop_listening closes it and every connection that came in by it. `tls` (must outlive this):
  // a connection whose first byte is that of a handshake speaks TLS.
  void listen(Fd listener, uint64_t tag, const net::TlsContext* tls = nullptr);
  void stop_listening(uint64_t tag);
  // Stops accepting, lets exchanges in flight end, closes idle connections, then calls done (within limit_us at most).
  void drain(int64_t limit_us, std::function<void()> done);
  size_t connections() const;
  size_t held_bytes() const;  // as Limits::memory counts

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace gust::http
