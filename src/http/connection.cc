// SPDX-License-Identifier: Apache-2.0

#include "http/connection.h"

#include <sys/socket.h>

#include <cerrno>

#include "base/log.h"

namespace gust::http {
namespace {

constexpr size_t kPipelined = 64 << 10;   // kept while an exchange is being answered; then reading stops
constexpr int64_t kLingerUs = 2'000'000;  // reading and dropping after an early answer, so that it is not lost to a reset
constexpr uint64_t kLingerBytes = 16 << 20;
constexpr size_t kBodyStep = 4 << 10;     // a slow body must bring so much to get more time
constexpr size_t kFairShare = 128 << 10;  // what a connection may hold however much the others do

}  // namespace

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
  if (auto connection = connection_.lock()) connection->answer_raw(head, body);
}

void ExchangeImpl::respond_later(Response response) {
  loop_.post([self = shared_from_this(), r = std::make_shared<Response>(std::move(response))] { self->respond(std::move(*r)); });
}

Connection::Connection(std::shared_ptr<Server::Impl> server, std::shared_ptr<Server::Impl::Source> source, Fd fd)
    : server_(std::move(server)), source_(std::move(source)), fd_(std::make_shared<Fd>(std::move(fd))) {
  watch_.emplace(server_->loop, fd_->get());
  deadline_us_ = now_us() + server_->limits.idle_timeout_us;
}

void Connection::account() {
  size_t now = 0;
  if (state_ != State::Closed) {
    now = in_.size() + out_.size() + request_bytes_ + (upload_ ? upload_->held() : 0) + (tls_ ? net::TlsSession::kBytes : 0);
  }
  server_->held += now - held_;
  source_->held += now - held_;
  held_ = now;
}

bool Connection::over_memory() const {
  const Limits& limits = server_->limits;
  return held_ > kFairShare && (server_->held > limits.memory || source_->held > limits.memory_per_listener);
}

bool Connection::may_read() const {
  switch (state_) {
    case State::Head:
    case State::Lingering:
      return out_.size() - out_at_ < kPipelined;  // who does not take what it is sent is not read either
    case State::Body:
      return !upload_->congested();
    case State::Gate:
    case State::Handling:
    case State::Sending:
      // Reading on tells when the peer goes away; what it pipelines is kept up to a limit.
      return in_.size() - in_at_ < kPipelined && out_.size() - out_at_ < kPipelined && !over_memory();
    case State::Closed:
      return false;
  }
  return false;
}

void Connection::arm_read() {
  if (read_armed_ || !may_read()) return;
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
  auto self = shared_from_this();
  char* scratch = server_->scratch.get();
  size_t most = state_ == State::Body ? Server::Impl::kScratch : kPipelined;
  ssize_t n = recv(fd_->get(), scratch, most, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return arm_read();
  if (n <= 0) return peer_closed();
  std::string_view data(scratch, static_cast<size_t>(n));
  if (std::exchange(first_byte_, false) && source_->tls != nullptr && data.front() == net::TlsSession::kFirstByte) {
    tls_ = std::make_unique<net::TlsSession>(*source_->tls);
    deadline_us_ = now_us() + server_->limits.head_timeout_us;
  }
  if (tls_ && !decrypt(data)) return;
  if (state_ == State::Lingering) {
    lingered_ += static_cast<uint64_t>(n);
    return lingered_ > kLingerBytes ? close() : arm_read();
  }
  take(data);
  if (tls_ && tls_->ended() && state_ != State::Closed) peer_closed();
}

// What was received becomes what it means. False: the connection is at its end.
bool Connection::decrypt(std::string_view& data) {
  bool established = tls_->established();
  server_->plain.clear();
  auto taken = tls_->receive(data, server_->plain, out_);
  if (!taken) {
    log::debug("http", "TLS refused", {{"error", taken.error().message}});
    if (state_ == State::Lingering || exchange_) return peer_closed(), false;
    close_after_ = true;
    state_ = State::Sending;  // of the alert
    deadline_us_ = now_us() + kLingerUs;
    flush();
    return false;
  }
  if (!established && tls_->established()) deadline_us_ = now_us() + server_->limits.idle_timeout_us;
  if (!out_.empty()) flush();
  data = server_->plain;
  return state_ != State::Closed;
}

// A body goes on to where it shall be without being collected first.
void Connection::take(std::string_view data) {
  if (state_ == State::Body && in_.empty() && !decoder_.done()) {
    auto taken = feed_body(data);
    data.remove_prefix(taken.value_or(data.size()));
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
  arm_read();
}

bool Connection::parse_head() {
  std::string_view data = std::string_view(in_).substr(in_at_);
  if (data.empty()) return false;
  const Limits& limits = server_->limits;
  if (!exchange_) {
    exchange_ = std::make_shared<ExchangeImpl>(weak_from_this(), server_->loop, tag(), tls_ != nullptr);
    deadline_us_ = now_us() + limits.head_timeout_us;
  }
  auto length = parse_request(data, {limits.head_bytes, limits.headers}, exchange_->request(), framing_);
  if (!length) return refuse(length.error().status, length.error().message), false;
  if (*length == 0) return false;
  in_at_ += *length;
  BodyPlan plan = server_->handler.on_head(*exchange_);
  if (plan.refuse) {
    answer_unread(std::move(*plan.refuse));
    return state_ == State::Head;
  }
  if (framing_.content_length.value_or(0) > (plan.filter ? plan.wire_limit : plan.limit)) {
    answer_unread(plan.too_large ? std::move(*plan.too_large) : Response{.status = 413});
    return false;
  }
  plan_ = std::move(plan);
  if (!plan_->gate) return begin_body();
  state_ = State::Gate;
  deadline_us_ = 0;
  auto gate = std::exchange(plan_->gate, nullptr);
  gate([weak = weak_from_this(), asked = std::weak_ptr<Exchange>(exchange_)](std::optional<Response> refusal) {
    if (auto self = weak.lock()) self->pass_gate(asked.lock(), std::move(refusal));
  });
  return state_ == State::Head || state_ == State::Body;
}

void Connection::pass_gate(const ExchangePtr& exchange, std::optional<Response> refusal) {
  if (state_ != State::Gate || exchange != exchange_) return;
  auto self = shared_from_this();
  if (refusal) {
    answer_unread(std::move(*refusal));
  } else {
    begin_body();
  }
  process();
}

bool Connection::begin_body() {
  upload_ = std::make_shared<Upload>(server_->loop, server_->disk, std::move(*plan_));
  plan_.reset();
  decoder_ = BodyDecoder(framing_);
  state_ = State::Body;
  body_step_ = 0;
  body_ended_ = false;
  deadline_us_ = now_us() + server_->limits.body_timeout_us;
  // Also where no body follows: a client that asked waits for it (botocore does for an empty object).
  if (framing_.expect_continue && in_at_ == in_.size()) send("HTTP/1.1 100 Continue\r\n\r\n");
  return state_ == State::Body;
}

bool Connection::parse_body() {
  std::string_view data = std::string_view(in_).substr(in_at_);
  if (!decoder_.done() && !data.empty()) {
    auto taken = feed_body(data);
    if (!taken) return false;
    in_at_ += *taken;
  }
  if (decoder_.done() && !std::exchange(body_ended_, true)) upload_->end();
  upload_->pump([weak = weak_from_this()] {
    if (auto self = weak.lock()) self->body_progress();
  });
  if (auto refusal = upload_->refusal()) {
    answer_unread(std::move(*refusal));
    return state_ == State::Head;
  }
  if (upload_->error()) return refuse(503, upload_->error()->message), false;
  if (!decoder_.done()) return in_at_ < in_.size();
  if (!upload_->idle()) return false;
  hand_over();
  return state_ == State::Head;
}

// How much of `data` was body; nullopt where the request has been answered instead.
std::optional<size_t> Connection::feed_body(std::string_view data) {
  bool too_large = false;
  auto taken = decoder_.feed(data, exchange_->request().trailers, [&](std::string_view piece) {
    too_large = too_large || upload_->append(piece) == Upload::Verdict::TooLarge;
  });
  if (!taken) return refuse(taken.error().status, taken.error().message), std::nullopt;
  if (too_large) {
    Response response = upload_->plan().too_large ? *upload_->plan().too_large : Response{.status = 413};
    close_after_ = true;
    return answer_unread(std::move(response)), std::nullopt;
  }
  if ((body_step_ += *taken) >= kBodyStep) {
    body_step_ = 0;
    deadline_us_ = now_us() + server_->limits.body_timeout_us;
  }
  account();
  if (over_memory() && !upload_->spooling()) {
    return refuse(503, "too many large requests at once; try again"), std::nullopt;
  }
  return *taken;
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
  if (!exchange_) exchange_ = std::make_shared<ExchangeImpl>(weak_from_this(), server_->loop, tag(), tls_ != nullptr);
  state_ = State::Handling;
  close_after_ = true;
  Response response{.status = status, .close = true};
  response.headers.add("Content-Type", "text/plain");
  response.body.bytes = std::string(text) + "\n";
  exchange_->respond(std::move(response));
}

// An answer before the handler has the request: what is left of the body cannot be told from a next request.
void Connection::answer_unread(Response response) {
  bool unread = state_ == State::Body ? !decoder_.done()
                                      : framing_.chunked || framing_.content_length.value_or(0) > 0 || framing_.expect_continue;
  close_after_ = close_after_ || unread;
  plan_.reset();
  upload_.reset();
  state_ = State::Handling;
  exchange_->respond(std::move(response));
}

void Connection::peer_closed() {
  auto exchange = exchange_;
  bool was_handled = state_ == State::Handling && exchange && exchange->alive();
  close();
  if (exchange) exchange->mark_gone();
  if (was_handled) server_->handler.on_abort(*exchange);
}

void Connection::on_deadline() {
  if (state_ == State::Body || (state_ == State::Head && exchange_)) {
    deadline_us_ = now_us() + kLingerUs;
    return refuse(408, "the request did not arrive in time");
  }
  peer_closed();
}

// Reads and drops what is under way, so that the peer sees the answer instead of a reset.
void Connection::linger() {
  upload_.reset();
  if (tls_) {
    tls_->close(out_);
    (void)::send(fd_->get(), out_.data(), out_.size(), MSG_NOSIGNAL);
    out_.clear();
  }
  account();
  shutdown(fd_->get(), SHUT_WR);
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
  plan_.reset();
  watch_.reset();
  if (on_disk_) shutdown(fd_->get(), SHUT_RDWR);  // a disk thread has it too
  fd_.reset();
  tls_.reset();
  drop_files();
  server_->connections.erase(self);
  --source_->connections;
  server_->check_drained();
}

}  // namespace gust::http
