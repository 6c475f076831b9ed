// SPDX-License-Identifier: Apache-2.0

#include "connection.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "os/clock.h"

namespace gust::bench {
namespace {

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

// Length of the whole message at the start of the bytes; 0 where it is not all there.
size_t message_length(std::string_view bytes) {
  const size_t head = bytes.find("\r\n\r\n");
  if (head == bytes.npos) return 0;
  size_t body = 0;
  const std::string lowered = lower(bytes.substr(0, head));
  if (const size_t at = lowered.find("content-length:"); at != lowered.npos)
    body = strtoul(lowered.c_str() + at + 15, nullptr, 10);
  const size_t all = head + 4 + body;
  return bytes.size() >= all ? all : 0;
}

// Whole messages off the front of the buffer; false at the end of the connection.
bool read_message(int fd, std::string& buffer, std::string& message) {
  char chunk[65536];
  for (;;) {
    if (const size_t n = message_length(buffer); n != 0) {
      message.assign(buffer, 0, n);
      buffer.erase(0, n);
      return true;
    }
    const ssize_t got = ::recv(fd, chunk, sizeof chunk, 0);
    if (got <= 0) return false;
    buffer.append(chunk, static_cast<size_t>(got));
  }
}

[[noreturn]] void serve_echo(int listener, size_t answer_bytes) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const std::string answer =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(answer_bytes) + "\r\n\r\n" +
      std::string(answer_bytes, 'x');
  for (;;) {
    Fd peer(::accept(listener, nullptr, nullptr));
    if (!peer) _exit(0);
    std::string buffer, message;
    while (read_message(peer.get(), buffer, message) && send_all(peer.get(), answer)) {
    }
  }
}

}  // namespace

Result<Connection> Connection::open(const net::Endpoint& endpoint) {
  return Connection(TRY(net::connect_tcp(endpoint, 5'000'000)));
}

Result<std::string> Connection::ask(std::string_view request, int status) {
  std::string message;
  if (!send_all(fd_.get(), request) || !read_message(fd_.get(), buffer_, message))
    return fail(Errc::Io, "the connection was closed");
  if (message.size() < 12 || atoi(message.c_str() + 9) != status)
    return fail(Errc::Invalid, "unexpected answer: " + message.substr(0, 600));
  return message;
}

std::string Signer::request(std::string_view service, std::string_view method, std::string_view path, std::string_view body,
                            std::vector<std::pair<std::string, std::string>> headers) const {
  headers.emplace_back("host", authority);
  const std::string hash = hex_encode(sha256(body));
  sigv4::RequestParts parts{.method = method,
                            .raw_path = path.substr(0, path.find('?')),
                            .raw_query = path.find('?') == path.npos ? std::string_view() : path.substr(path.find('?') + 1),
                            .headers = headers,
                            .payload_hash = hash,
                            .path_encoding = service == "s3" ? sigv4::PathEncoding::Once : sigv4::PathEncoding::Twice};
  auto added = sigv4::sign(credentials, region, service, system_clock().unix_ms(), parts);
  std::string out = std::string(method) + " " + std::string(path) + " HTTP/1.1\r\n";
  for (const auto* list : {&headers, &added}) {
    for (const auto& [name, value] : *list) out += name + ": " + value + "\r\n";
  }
  out += "content-length: " + std::to_string(body.size()) + "\r\n\r\n";
  return out.append(body);
}

Result<EchoServer> EchoServer::start(size_t answer_bytes) {
  auto bound = TRY(net::listen_tcp({"127.0.0.1", 0}));
  const net::Endpoint endpoint = TRY(net::local_endpoint(bound.get()));
  const int flags = fcntl(bound.get(), F_GETFL);
  fcntl(bound.get(), F_SETFL, flags & ~O_NONBLOCK);
  const pid_t pid = fork();
  if (pid < 0) return fail_errno("fork");
  if (pid == 0) serve_echo(bound.get(), answer_bytes);
  return EchoServer(endpoint, pid);
}

EchoServer::~EchoServer() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

}  // namespace gust::bench
