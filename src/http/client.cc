// SPDX-License-Identifier: Apache-2.0

#include "http/client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>

#include "base/encoding.h"
#include "http/codec.h"
#include "net/socket.h"

namespace gust::http {
namespace {

std::string tls_error(const char* what) {
  char text[256];
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  return std::string(what) + ": " + text;
}

// A connected byte stream, plain or TLS, blocking with a time-out for each read and write.
class Stream {
 public:
  ~Stream() {
    if (ssl_) SSL_free(ssl_);
    if (context_) SSL_CTX_free(context_);
  }

  Result<> connect(const Url& url, const ClientOptions& options) {
    fd_ = TRY(net::connect_tcp({url.host, url.port}, options.connect_timeout_us));
    timeval limit{options.timeout_us / 1'000'000, options.timeout_us % 1'000'000};
    if (options.timeout_us > 0) {
      setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
      setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    }
    return url.tls ? handshake(url.host) : Result<>();
  }

  Result<size_t> read(char* to, size_t size) {
    if (ssl_) {
      int n = SSL_read(ssl_, to, static_cast<int>(size));
      if (n > 0) return static_cast<size_t>(n);
      return SSL_get_error(ssl_, n) == SSL_ERROR_ZERO_RETURN ? Result<size_t>(0) : fail(Errc::Unknown, tls_error("TLS read"));
    }
    for (;;) {
      ssize_t n = recv(fd_.get(), to, size, 0);
      if (n >= 0) return static_cast<size_t>(n);
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return fail(Errc::Timeout, "no answer in time");
      return fail(Errc::Unknown, errno_error("receive", errno).message);
    }
  }

  // `sent` counts what the system took, so that the caller knows whether a retry is safe.
  Result<> write(std::string_view bytes, size_t& sent) {
    while (!bytes.empty()) {
      ssize_t n = ssl_ ? SSL_write(ssl_, bytes.data(), static_cast<int>(std::min<size_t>(bytes.size(), 1 << 20)))
                       : send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) {
        if (!ssl_ && errno == EINTR) continue;
        return fail(Errc::Unknown, ssl_ ? tls_error("TLS write") : errno_error("send", errno).message);
      }
      sent += static_cast<size_t>(n);
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return {};
  }

  // An idle connection that is readable was closed by its peer (or talks out of turn).
  bool stale() const {
    pollfd p{fd_.get(), POLLIN, 0};
    return poll(&p, 1, 0) != 0;
  }

 private:
  Result<> handshake(const std::string& host) {
    context_ = SSL_CTX_new(TLS_client_method());
    if (!context_) return fail(Errc::Internal, tls_error("TLS"));
    SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
    SSL_CTX_set_default_verify_paths(context_);
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    ssl_ = SSL_new(context_);
    if (!ssl_ || SSL_set1_host(ssl_, host.c_str()) != 1 || SSL_set_tlsext_host_name(ssl_, host.c_str()) != 1 ||
        SSL_set_fd(ssl_, fd_.get()) != 1) {
      return fail(Errc::Internal, tls_error("TLS"));
    }
    if (SSL_connect(ssl_) != 1) return fail(Errc::Unavailable, tls_error("TLS handshake"));
    return {};
  }

  Fd fd_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
};

}  // namespace

std::string Url::authority() const {
  std::string text = host.find(':') != std::string::npos ? "[" + host + "]" : host;
  return port == (tls ? 443 : 80) ? text : text + ":" + std::to_string(port);
}

Result<Url> parse_url(std::string_view text) {
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    url.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return fail(Errc::Invalid, "not an http:// or https:// address: '" + escape_terminal(text.substr(0, 100)) + "'");
  }
  while (rest.ends_with('/')) rest.remove_suffix(1);
  url.port = url.tls ? 443 : 80;
  size_t bracket = rest.find(']');
  size_t colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    auto port = parse_uint(rest.substr(colon + 1));
    if (!port || *port == 0 || *port > 65535)
      return fail(Errc::Invalid, "bad port in '" + escape_terminal(text.substr(0, 100)) + "'");
    url.port = static_cast<uint16_t>(*port);
    rest = rest.substr(0, colon);
  }
  if (rest.size() > 2 && rest.front() == '[' && rest.back() == ']') rest = rest.substr(1, rest.size() - 2);
  if (rest.empty() || rest.find_first_of("/?#@ \t\r\n") != std::string_view::npos) {
    return fail(Errc::Invalid, "bad host in '" + escape_terminal(text.substr(0, 100)) + "'");
  }
  url.host = rest;
  return url;
}

struct Client::Impl {
  Url url;
  ClientOptions options;
  std::unique_ptr<Stream> stream;
  std::string in;  // received beyond the last answer

  Result<> write(const Request& request, size_t& sent);
  Result<Response> read(bool to_head);
  Result<bool> fill();
};

Client::Client(Url url, ClientOptions options) : impl_(std::make_unique<Impl>(Impl{std::move(url), options, nullptr, {}})) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
const Url& Client::url() const { return impl_->url; }

Result<> Client::Impl::write(const Request& request, size_t& sent) {
  std::string head = print_request_head(request);
  if (!request.body.file) {
    if (request.body.bytes.size() <= 64 << 10) return stream->write(head + request.body.bytes, sent);
    TRY(stream->write(head, sent));
    return stream->write(request.body.bytes, sent);
  }
  TRY(stream->write(head, sent));
  char chunk[65536];
  for (uint64_t done = 0; done < request.body.file->length;) {
    size_t want = static_cast<size_t>(std::min<uint64_t>(sizeof chunk, request.body.file->length - done));
    ssize_t n = pread(request.body.file->file->get(), chunk, want, static_cast<off_t>(request.body.file->offset + done));
    if (n <= 0) return fail(Errc::Io, "the body's file is shorter than announced");
    TRY(stream->write({chunk, static_cast<size_t>(n)}, sent));
    done += static_cast<uint64_t>(n);
  }
  return {};
}

// More bytes into `in`; false at the end of the stream.
Result<bool> Client::Impl::fill() {
  char buffer[65536];
  size_t n = TRY(stream->read(buffer, sizeof buffer));
  in.append(buffer, n);
  return n > 0;
}

Result<Response> Client::Impl::read(bool to_head) {
  Response response;
  Framing framing;
  for (;;) {
    auto length = parse_response(in, {256 << 10, 500}, to_head, response, framing);
    if (!length) return fail(Errc::Invalid, "malformed answer: " + length.error().message);
    if (*length > 0) {
      in.erase(0, *length);
      if (response.status >= 200) break;
      response = Response{};  // 100 Continue and the like
      continue;
    }
    if (!TRY(fill())) return fail(Errc::Unknown, "the connection was closed before the answer");
  }
  BodyDecoder decoder(framing);
  Headers trailers;
  while (!decoder.done()) {
    auto taken = decoder.feed(in, trailers, [&](std::string_view piece) { response.body.bytes.append(piece); });
    if (!taken) return fail(Errc::Invalid, "malformed answer: " + taken.error().message);
    in.erase(0, *taken);
    if (response.body.bytes.size() > options.max_response) return fail(Errc::TooLarge, "an answer of more than its limit");
    if (decoder.done()) break;
    if (!TRY(fill())) {
      if (decoder.until_close()) break;
      return fail(Errc::Unknown, "the connection was closed in the middle of the answer");
    }
  }
  response.close = !framing.keep_alive;
  return response;
}

Result<Response> Client::send(Request request) {
  Impl& impl = *impl_;
  if (!request.headers.has("host")) request.headers.add("Host", impl.url.authority());
  if (!request.headers.has("content-length") &&
      (request.body.size() > 0 || request.method == "POST" || request.method == "PUT")) {
    request.headers.add("Content-Length", std::to_string(request.body.size()));
  }
  if (impl.stream && (impl.stream->stale() || !impl.in.empty())) impl.stream.reset();
  if (!impl.stream) {
    impl.in.clear();
    impl.stream = std::make_unique<Stream>();
    if (auto connected = impl.stream->connect(impl.url, impl.options); !connected) {
      impl.stream.reset();
      return fail(Errc::Unavailable, impl.url.host + ":" + std::to_string(impl.url.port) + ": " + connected.error().message);
    }
  }
  size_t sent = 0;
  auto written = impl.write(request, sent);
  // A server that refuses early answers and closes while we still write: its answer counts, so read in any case.
  if (!written && sent == 0) {
    impl.stream.reset();
    return fail(Errc::Unavailable, written.error().message);
  }
  auto response = impl.read(request.method == "HEAD");
  if (!response || response->close || !written) impl.stream.reset();
  if (!response && !written) return Failure(std::move(written).error());
  return response;
}

}  // namespace gust::http
