// SPDX-License-Identifier: Apache-2.0

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "http/connection.h"
#include "http/file_answer.h"
#include "os/files.h"

namespace gust::http {
namespace {

constexpr uint64_t kTurn = 512 << 10;       // of a file, then other connections get theirs
constexpr uint64_t kEncrypted = 64 << 10;   // encrypted at once: about 30 us
constexpr uint64_t kDiskPiece = 256 << 10;  // read by a disk thread for TLS
constexpr size_t kKeptCapacity = 16 << 10;  // of a buffer that has become empty

}  // namespace

// A large one gives its memory back, since a connection may idle for long.
void Connection::clear(std::string& buffer) {
  if (buffer.capacity() > kKeptCapacity) {
    buffer = std::string();
  } else {
    buffer.clear();
  }
}

void Connection::answer(Response response) {
  if (state_ != State::Handling) return;
  bool keep = framing_.keep_alive && !response.close && !close_after_ && !server_->draining;
  close_after_ = !keep;
  response.headers.add("Date", server_->date());
  std::string head = print_response_head(response, keep);
  std::string_view bytes;
  if (exchange_->request().method != "HEAD" && !response.content_length) {
    files_ = std::move(response.body.more);
    if (response.body.file) {
      files_.insert(files_.begin(), std::move(*response.body.file));
    } else {
      bytes = response.body.bytes;
    }
    tidy(files_);
  }
  begin_answer(head, bytes);
}

void Connection::answer_raw(const std::string& head, std::string_view body) {
  if (state_ != State::Handling) return;
  close_after_ = close_after_ || !framing_.keep_alive;
  begin_answer(head, body);
}

void Connection::begin_answer(std::string_view head, std::string_view body) {
  if (!files_.empty() && !std::exchange(sized_, true)) size_send_buffer(fd_->get());
  state_ = State::Sending;
  deadline_us_ = now_us() + server_->limits.body_timeout_us;
  send(head, body);
}

// Sends at once what the socket takes; the rest waits in out_.
void Connection::send(std::string_view head, std::string_view body) {
  if (tls_) {
    if (!tls_->send(head, out_) || !tls_->send(body, out_)) return peer_closed();
  } else {
    if (out_.empty()) {
      iovec parts[2] = {{const_cast<char*>(head.data()), head.size()}, {const_cast<char*>(body.data()), body.size()}};
      msghdr message{};
      message.msg_iov = parts, message.msg_iovlen = body.empty() ? 1 : 2;
      ssize_t n = sendmsg(fd_->get(), &message, MSG_NOSIGNAL | (files_.empty() ? 0 : MSG_MORE));
      if (n < 0 && errno != EAGAIN && errno != EINTR) return peer_closed();
      size_t sent = n > 0 ? static_cast<size_t>(n) : 0, of_head = std::min(sent, head.size());
      head.remove_prefix(of_head);
      body.remove_prefix(sent - of_head);
    }
    out_.append(head).append(body);
  }
  account();
  flush();
}

void Connection::arm_write() {
  if (write_armed_) return;
  write_armed_ = true;
  watch_->when_writable([weak = weak_from_this()] {
    if (auto self = weak.lock()) {
      self->write_armed_ = false;
      if (self->state_ != State::Closed) self->flush();
    }
  });
}

void Connection::flush() {
  if (!write_out()) return;
  if (state_ == State::Sending) return send_files();
  if (tls_) process();  // reading may have stopped until this was out
}

// Whether all of out_ is with the socket. Otherwise flush() comes again, or the connection is closed.
bool Connection::write_out() {
  while (out_at_ < out_.size()) {
    ssize_t n = ::send(fd_->get(), out_.data() + out_at_, out_.size() - out_at_, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return arm_write(), false;
    if (n < 0) return peer_closed(), false;
    out_at_ += static_cast<size_t>(n);
    moved();
  }
  clear(out_);
  out_at_ = 0;
  account();
  return true;
}

// The peer takes its answer: it gets more time.
void Connection::moved() {
  if (state_ == State::Sending) deadline_us_ = now_us() + server_->limits.body_timeout_us;
}

// Nothing waits in out_: goes on with the files.
void Connection::send_files() {
  if (on_disk_) return;
  for (uint64_t turn = kTurn; file_at_ < files_.size();) {
    if (turn == 0) return arm_write();
    FileSlice piece = files_[file_at_];
    piece.length = std::min(piece.length, turn);
    auto sent = tls_ ? send_encrypted(piece) : send_plain(piece);
    if (!sent) return;
    turn -= *sent;
  }
  sent_all();
}

// How much of the piece has gone; nullopt: goes on later, or the connection is closed.
std::optional<uint64_t> Connection::send_plain(const FileSlice& piece) {
  if (server_->disk != nullptr && !in_page_cache(piece)) return send_on_disk(piece), std::nullopt;
  return sent_piece(send_slice(fd_->get(), piece));
}

std::optional<uint64_t> Connection::sent_piece(const Result<size_t>& sent) {
  if (!sent) return cut_off(sent.error()), std::nullopt;
  if (*sent == 0) return arm_write(), std::nullopt;
  advance(*sent);
  moved();
  return *sent;
}

std::optional<uint64_t> Connection::send_encrypted(const FileSlice& piece) {
  auto read = read_cached(piece, server_->scratch.get(), kEncrypted);
  if (!read) return read_on_disk(piece), std::nullopt;
  if (!tls_->send({server_->scratch.get(), *read}, out_)) return close(), std::nullopt;
  advance(*read);
  if (!write_out()) return std::nullopt;
  return *read;
}

// A disk thread does `work` with the socket, which stays untouched here until `then` has its result on the loop.
template <class T>
void Connection::on_disk(std::function<Result<T>(int socket)> work, std::function<void(Connection&, Result<T>)> then) {
  on_disk_ = true;
  auto task = [weak = weak_from_this(), socket = fd_, work = std::move(work), then = std::move(then), &loop = server_->loop] {
    auto result = std::make_shared<Result<T>>(work(socket->get()));
    loop.post([weak, then, result] {
      auto self = weak.lock();
      if (!self) return;
      self->on_disk_ = false;
      if (self->state_ == State::Sending) then(*self, std::move(*result));
    });
  };
  if (server_->disk == nullptr) return task();
  // The head is out: an error can no longer be told otherwise.
  if (!server_->disk->submit(task)) close();
}

void Connection::send_on_disk(const FileSlice& piece) {
  on_disk<size_t>([piece](int socket) { return send_slice(socket, piece); },
                  [](Connection& self, Result<size_t> sent) {
                    if (self.sent_piece(sent)) self.send_files();
                  });
}

void Connection::read_on_disk(FileSlice piece) {
  piece.length = std::min(piece.length, kDiskPiece);
  on_disk<std::string>([piece](int) { return files::read_fd(piece.file->get(), piece.offset, piece.length); },
                       [](Connection& self, Result<std::string> bytes) {
                         if (!bytes) return self.cut_off(bytes.error());
                         self.advance(bytes->size());
                         self.send(*bytes);
                       });
}

// The answer cannot be completed, and its head promised more.
void Connection::cut_off(const Error& error) {
  if (error.code == Errc::Unavailable) return peer_closed();
  log::error("http", "a file answer could not be read", {{"error", error.message}});
  close();
}

void Connection::advance(uint64_t bytes) {
  FileSlice& slice = files_[file_at_];
  slice.offset += bytes;
  slice.length -= bytes;
  if (slice.length == 0) ++file_at_;
}

void Connection::drop_files() {
  if (!files_.empty() && server_->disk != nullptr && any_unlinked(files_)) {
    auto files = std::make_shared<std::vector<FileSlice>>(std::move(files_));
    files_.clear();
    (void)server_->disk->submit([files]() mutable { files.reset(); });
  }
  files_.clear();
  file_at_ = 0;
}

void Connection::sent_all() {
  exchange_.reset();
  request_bytes_ = 0;
  drop_files();
  if (close_after_) return linger();
  state_ = State::Head;
  deadline_us_ = now_us() + server_->limits.idle_timeout_us;
  process();
}

}  // namespace gust::http
