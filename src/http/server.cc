// SPDX-License-Identifier: Apache-2.0

#include "http/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "base/ids.h"
#include "base/log.h"
#include "http/codec.h"
#include "http/upload.h"
#include "os/clock.h"
#include "os/files.h"

namespace gust::http {
namespace {

constexpr size_t kScratch = 64 << 10;     // one recv
constexpr size_t kPipelined = 64 << 10;   // kept while an exchange is being answered; then reading stops
constexpr size_t kFileChunk = 256 << 10;  // one read of a file answer
constexpr int64_t kTickUs = 500'000;      // how often deadlines are looked at
constexpr int64_t kLingerUs = 2'000'000;  // reading and dropping after an early answer, so that it is not lost to a reset
constexpr uint64_t kLingerBytes = 16 << 20;
constexpr int64_t kAcceptPauseUs = 100'000;  // after EMFILE and the like
constexpr size_t kBodyStep = 4 << 10;        // a slow body must bring so much to get more time
constexpr size_t kFairShare = 128 << 10;     // what a connection may hold however much the others do
constexpr size_t kKeptCapacity = 16 << 10;   // of a buffer that has become empty

class Connection;

}  // namespace

struct Server::Impl : std::enable_shared_from_this<Server::Impl> {
  struct Listener {
    Fd fd;
    net::Watch watch;
    net::Timer pause;
    size_t connections = 0;
  };

  Impl(net::Loop& loop_in, Handler& handler_in, Limits limits_in, net::WorkerPool* disk_in)
      : loop(loop_in), handler(handler_in), limits(limits_in), disk(disk_in), tick(loop_in), scratch(kScratch, '\0') {}

  void arm_accept(uint64_t tag);
  void accept_all(uint64_t tag);
  void arm_tick();
  void on_tick();
  void check_drained();
  std::string_view date();

  net::Loop& loop;
  Handler& handler;
  Limits limits;
  net::WorkerPool* disk;
  net::Timer tick;
  std::string scratch;
  std::unordered_map<uint64_t, std::unique_ptr<Listener>> listeners;
  std::unordered_set<std::shared_ptr<Connection>> connections;
  size_t held = 0;  // bytes, by all connections
  bool draining = false, ended = false;
  int64_t drain_until_us = 0;
  std::function<void()> drained;
  std::string date_text;
  int64_t date_second = 0;
};

namespace {

int64_t now_us() { return system_clock().monotonic_us(); }

class ExchangeImpl final : public Exchange {
 public:
  ExchangeImpl(std::weak_ptr<Connection> connection, net::Loop& loop, uint64_t tag)
      : connection_(std::move(connection)), loop_(loop), tag_(tag) {}
  Request& request() override { return request_; }
  uint64_t listener_tag() const override { return tag_; }
  const net::Endpoint& peer() const override;
  bool alive() const override { return !answered_ && !gone_; }
  void respond(Response response) override;
  void respond_raw(std::string head, std::string_view body) override;
  void respond_later(Response response) override {
    loop_.post(
        [self = shared_from_this(), r = std::make_shared<Response>(std::move(response))] { self->respond(std::move(*r)); });
  }
  void mark_gone() { gone_ = true; }
  bool answered() const { return answered_; }

 private:
  std::weak_ptr<Connection> connection_;
  net::Loop& loop_;
  uint64_t tag_;
  Request request_;
  mutable net::Endpoint peer_;
  bool answered_ = false, gone_ = false;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Server::Impl> server, Fd fd, uint64_t tag)
      : server_(std::move(server)), fd_(std::move(fd)), tag_(tag) {
    watch_.emplace(server_->loop, fd_.get());
    deadline_us_ = now_us() + server_->limits.idle_timeout_us;
  }
  void start() { arm_read(); }
  void answer(Response response);
  void answer_raw(std::string head, std::string_view body);
  void close();
  void on_deadline();
  int64_t deadline_us() const { return deadline_us_; }
  bool between_requests() const { return state_ == State::Head && in_.empty() && out_.empty(); }
  uint64_t tag() const { return tag_; }
  int fd() const { return fd_.get(); }

 private:
  enum class State { Head, Body, Handling, Sending, Lingering, Closed };

  void account();
  bool over_memory() const { return held_ > kFairShare && server_->held > server_->limits.memory; }
  void arm_read();
  void on_readable();
  void process();
  bool parse_head();
  bool parse_body();
  void body_progress();
  void hand_over();
  void refuse(int status, std::string_view text);
  void peer_closed();
  void send(std::string_view first);
  void flush();
  void send_file_chunk();
  void on_file_chunk(Result<std::string> chunk);
  void sent_all();
  void linger();

  std::shared_ptr<Server::Impl> server_;
  Fd fd_;
  std::optional<net::Watch> watch_;  // gone once the connection is closed
  uint64_t tag_;
  State state_ = State::Head;
  std::string in_;    // received, not consumed
  size_t in_at_ = 0;  // consumed part of in_
  std::string out_;
  size_t out_at_ = 0;
  std::shared_ptr<ExchangeImpl> exchange_;
  std::shared_ptr<Upload> upload_;
  BodyDecoder decoder_;
  Framing framing_;
  std::optional<FileSlice> file_;
  bool read_armed_ = false, write_armed_ = false, processing_ = false, close_after_ = false, reading_file_ = false;
  uint64_t lingered_ = 0;
  size_t held_ = 0;           // as counted in the server
  size_t request_bytes_ = 0;  // of the body that was handed over and not answered yet
  size_t body_step_ = 0;      // bytes of body since the deadline was last moved
  int64_t deadline_us_ = 0;   // 0: none (an exchange is being answered)
};

const net::Endpoint& ExchangeImpl::peer() const {
  if (peer_.port == 0) {
    if (auto connection = connection_.lock()) {
      if (auto endpoint = net::peer_endpoint(connection->fd())) peer_ = *endpoint;
    }
  }
  return peer_;
}

void ExchangeImpl::respond(Response response) {
  if (!alive()) return;
  answered_ = true;
  if (auto connection = connection_.lock()) connection->answer(std::move(response));
}

void ExchangeImpl::respond_raw(std::string head, std::string_view body) {
  if (!alive()) return;
  answered_ = true;
  if (auto connection = connection_.lock()) connection->answer_raw(std::move(head), body);
}

// Empties a buffer; a large one gives its memory back, since a connection may idle for long.
void clear(std::string& buffer) {
  if (buffer.capacity() > kKeptCapacity) {
    buffer = std::string();
  } else {
    buffer.clear();
  }
}

void Connection::account() {
  size_t now = state_ == State::Closed ? 0 : in_.size() + out_.size() + request_bytes_ + (upload_ ? upload_->held() : 0);
  server_->held += now - held_;
  held_ = now;
}

void Connection::arm_read() {
  if (read_armed_ || state_ == State::Closed) return;
  read_armed_ = true;
  watch_->when_readable([weak = weak_from_this()] {
    if (auto self = weak.lock()) {
      self->read_armed_ = false;
      self->on_readable();
    }
  });
}

void Connection::on_readable() {
  if (state_ == State::Closed) return;
  std::string& scratch = server_->scratch;
  ssize_t n = recv(fd_.get(), scratch.data(), scratch.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return arm_read();
  if (n <= 0) return peer_closed();
  std::string_view data(scratch.data(), static_cast<size_t>(n));
  if (state_ == State::Lingering) {
    lingered_ += data.size();
    return lingered_ > kLingerBytes ? close() : arm_read();
  }
  if (in_at_ == in_.size()) {
    in_.clear();
    in_at_ = 0;
  }
  in_.append(data);
  account();
  process();
}

// Works through what is in in_, then waits for more where more is wanted.
void Connection::process() {
  if (processing_) return;
  auto self = shared_from_this();
  processing_ = true;
  bool more = true;
  while (more && (state_ == State::Head || state_ == State::Body)) {
    more = state_ == State::Head ? parse_head() : parse_body();
  }
  processing_ = false;
  if (in_at_ == in_.size()) {
    clear(in_);
    in_at_ = 0;
  } else if (in_at_ >= kPipelined) {
    in_.erase(0, in_at_);
    in_at_ = 0;
  }
  account();
  switch (state_) {
    case State::Head:
    case State::Lingering:
      return arm_read();
    case State::Body:
      if (!upload_->congested()) arm_read();
      return;
    case State::Handling:
    case State::Sending:
      // Reading on tells when the peer goes away; what it pipelines is kept up to a limit.
      if (in_.size() - in_at_ < kPipelined && !over_memory()) arm_read();
      return;
    case State::Closed:
      return;
  }
}

bool Connection::parse_head() {
  std::string_view data = std::string_view(in_).substr(in_at_);
  if (data.empty()) return false;
  const Limits& limits = server_->limits;
  if (!exchange_) {
    exchange_ = std::make_shared<ExchangeImpl>(weak_from_this(), server_->loop, tag_);
    deadline_us_ = now_us() + limits.head_timeout_us;
  }
  auto length = parse_request(data, {limits.head_bytes, limits.headers}, exchange_->request(), framing_);
  if (!length) return refuse(length.error().status, length.error().message), false;
  if (*length == 0) return false;
  in_at_ += *length;
  BodyPlan plan = server_->handler.on_head(*exchange_);
  bool has_body = framing_.chunked || framing_.content_length.value_or(0) > 0;
  if (plan.refuse) {
    state_ = State::Handling;
    close_after_ = has_body || framing_.expect_continue;
    exchange_->respond(std::move(*plan.refuse));
    return state_ == State::Head;
  }
  if (framing_.content_length.value_or(0) > plan.limit) {
    state_ = State::Handling;
    close_after_ = true;
    Response response = plan.too_large ? std::move(*plan.too_large) : Response{.status = 413};
    exchange_->respond(std::move(response));
    return false;
  }
  upload_ = std::make_shared<Upload>(server_->loop, server_->disk, std::move(plan));
  decoder_ = BodyDecoder(framing_);
  state_ = State::Body;
  body_step_ = 0;
  deadline_us_ = now_us() + limits.body_timeout_us;
  // Also where no body follows: a client that asked waits for it (botocore does for an empty object).
  if (framing_.expect_continue && in_at_ == in_.size()) send("HTTP/1.1 100 Continue\r\n\r\n");
  return state_ == State::Body;
}

bool Connection::parse_body() {
  std::string_view data = std::string_view(in_).substr(in_at_);
  if (!decoder_.done() && !data.empty()) {
    bool too_large = false;
    auto taken = decoder_.feed(data, exchange_->request().trailers, [&](std::string_view piece) {
      too_large = too_large || upload_->append(piece) == Upload::Verdict::TooLarge;
    });
    if (!taken) return refuse(taken.error().status, taken.error().message), false;
    if (too_large) {
      Response response = upload_->plan().too_large ? *upload_->plan().too_large : Response{.status = 413};
      state_ = State::Handling;
      close_after_ = true;
      exchange_->respond(std::move(response));
      return false;
    }
    in_at_ += *taken;
    if ((body_step_ += *taken) >= kBodyStep) {
      body_step_ = 0;
      deadline_us_ = now_us() + server_->limits.body_timeout_us;
    }
    account();
    if (over_memory() && !upload_->spooling()) return refuse(503, "too many large requests at once; try again"), false;
  }
  upload_->pump([weak = weak_from_this()] {
    if (auto self = weak.lock()) self->body_progress();
  });
  if (upload_->error()) return refuse(503, upload_->error()->message), false;
  if (!decoder_.done()) return in_at_ < in_.size();
  if (!upload_->idle()) return false;
  hand_over();
  return state_ == State::Head;
}

void Connection::body_progress() {
  if (state_ != State::Body) return;
  if (upload_->error()) {
    log::warning("http", "upload failed", {{"error", upload_->error()->message}});
    return refuse(507, upload_->error()->message);
  }
  process();
}

void Connection::hand_over() {
  exchange_->request().body = upload_->take();
  request_bytes_ = exchange_->request().body.bytes.size();
  upload_.reset();
  state_ = State::Handling;
  deadline_us_ = 0;
  server_->handler.on_request(exchange_);
}

void Connection::refuse(int status, std::string_view text) {
  if (!exchange_) exchange_ = std::make_shared<ExchangeImpl>(weak_from_this(), server_->loop, tag_);
  state_ = State::Handling;
  close_after_ = true;
  Response response{.status = status, .close = true};
  response.headers.add("Content-Type", "text/plain");
  response.body.bytes = std::string(text) + "\n";
  exchange_->respond(std::move(response));
}

void Connection::peer_closed() {
  auto exchange = exchange_;
  bool was_handled = state_ == State::Handling && exchange && exchange->alive();
  close();
  if (was_handled) {
    exchange->mark_gone();
    server_->handler.on_abort(*exchange);
  }
}

void Connection::answer(Response response) {
  if (state_ != State::Handling) return;
  bool keep = framing_.keep_alive && !response.close && !close_after_ && !server_->draining;
  close_after_ = !keep;
  response.headers.add("Date", server_->date());
  bool head_request = exchange_->request().method == "HEAD";
  std::string head = print_response_head(response, keep);
  state_ = State::Sending;
  deadline_us_ = now_us() + server_->limits.body_timeout_us;
  if (!head_request && !response.content_length) {
    if (response.body.file) {
      file_ = std::move(response.body.file);
    } else {
      head.append(response.body.bytes);
    }
  }
  send(head);
}

void Connection::answer_raw(std::string head, std::string_view body) {
  if (state_ != State::Handling) return;
  close_after_ = close_after_ || !framing_.keep_alive;
  state_ = State::Sending;
  deadline_us_ = now_us() + server_->limits.body_timeout_us;
  head.append(body);
  send(head);
}

// Sends at once what the socket takes; the rest waits in out_.
void Connection::send(std::string_view bytes) {
  if (out_.empty()) {
    ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) return peer_closed();
    if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
  }
  out_.append(bytes);
  account();
  flush();
}

void Connection::flush() {
  while (out_at_ < out_.size()) {
    ssize_t n = ::send(fd_.get(), out_.data() + out_at_, out_.size() - out_at_, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      if (!write_armed_) {
        write_armed_ = true;
        watch_->when_writable([weak = weak_from_this()] {
          if (auto self = weak.lock()) {
            self->write_armed_ = false;
            if (self->state_ != State::Closed) self->flush();
          }
        });
      }
      return;
    }
    if (n < 0) return peer_closed();
    out_at_ += static_cast<size_t>(n);
    deadline_us_ = now_us() + server_->limits.body_timeout_us;
  }
  clear(out_);
  out_at_ = 0;
  account();
  if (state_ != State::Sending) return;  // that was a 100 Continue
  file_ && file_->length > 0 ? send_file_chunk() : sent_all();
}

void Connection::send_file_chunk() {
  if (reading_file_) return;
  reading_file_ = true;
  FileSlice slice = *file_;
  slice.length = std::min<uint64_t>(slice.length, kFileChunk);
  auto task = [weak = weak_from_this(), slice, &loop = server_->loop] {
    auto chunk = std::make_shared<Result<std::string>>(files::read_fd(slice.file->get(), slice.offset, slice.length));
    loop.post([weak, chunk] {
      if (auto self = weak.lock()) self->on_file_chunk(std::move(*chunk));
    });
  };
  if (!server_->disk) {
    task();
  } else if (!server_->disk->submit(task)) {
    close();  // the head is out: an error can no longer be told otherwise
  }
}

void Connection::on_file_chunk(Result<std::string> chunk) {
  reading_file_ = false;
  if (state_ != State::Sending) return;
  if (!chunk) {
    log::error("http", "a file answer could not be read", {{"error", chunk.error().message}});
    return close();
  }
  file_->offset += chunk->size();
  file_->length -= chunk->size();
  send(*chunk);
}

void Connection::sent_all() {
  exchange_.reset();
  request_bytes_ = 0;
  file_.reset();
  if (close_after_) return linger();
  state_ = State::Head;
  deadline_us_ = now_us() + server_->limits.idle_timeout_us;
  process();
}

void Connection::linger() {
  upload_.reset();
  account();
  shutdown(fd_.get(), SHUT_WR);
  state_ = State::Lingering;
  deadline_us_ = now_us() + kLingerUs;
  arm_read();
}

void Connection::close() {
  if (state_ == State::Closed) return;
  auto self = shared_from_this();
  state_ = State::Closed;
  account();
  upload_.reset();
  watch_.reset();
  fd_.reset();
  server_->connections.erase(self);
  if (auto it = server_->listeners.find(tag_); it != server_->listeners.end()) --it->second->connections;
  server_->check_drained();
}

void Connection::on_deadline() {
  if (state_ == State::Body || (state_ == State::Head && exchange_)) {
    deadline_us_ = now_us() + kLingerUs;
    return refuse(408, "the request did not arrive in time");
  }
  peer_closed();
}

}  // namespace

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
    if (connections.size() >= limits.connections || it->second->connections >= limits.connections_per_listener) continue;
    int one = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    auto connection = std::make_shared<Connection>(shared_from_this(), std::move(fd), tag);
    connections.insert(connection);
    ++it->second->connections;
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

void Server::listen(Fd listener, uint64_t tag) {
  int fd = listener.get();
  impl_->listeners[tag] = std::unique_ptr<Impl::Listener>(
      new Impl::Listener{std::move(listener), net::Watch(impl_->loop, fd), net::Timer(impl_->loop), 0});
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
