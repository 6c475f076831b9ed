// SPDX-License-Identifier: Apache-2.0

#pragma once

// Inside of the server: what all its connections share, and one connection as a state machine. Loop thread only.
// connection.cc is the way in, connection_answer.cc the way out, server.cc listens and keeps deadlines.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "http/codec.h"
#include "http/server.h"
#include "http/upload.h"
#include "os/clock.h"

namespace gust::http {

class Connection;

inline int64_t now_us() { return system_clock().monotonic_us(); }

struct Server::Impl : std::enable_shared_from_this<Server::Impl> {
  // What the connections of one listener share; they go on while the server drains, when nothing listens any more.
  struct Source {
    uint64_t tag;
    const net::TlsContext* tls;
    size_t connections = 0;
    size_t held = 0;  // bytes
  };
  struct Listener {
    Fd fd;
    net::Watch watch;
    net::Timer pause;
    std::shared_ptr<Source> source;
  };

  Impl(net::Loop& loop_in, Handler& handler_in, Limits limits_in, net::WorkerPool* disk_in);

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
  // Of whoever reads or sends just now. Pages that nobody needed yet cost no memory.
  static constexpr size_t kScratch = 256 << 10;  // one recv of a body
  std::unique_ptr<char[]> scratch = std::make_unique_for_overwrite<char[]>(kScratch);
  std::string plain;
  std::unordered_map<uint64_t, std::unique_ptr<Listener>> listeners;
  std::unordered_set<std::shared_ptr<Connection>> connections;
  size_t held = 0;  // bytes, by all connections
  bool draining = false, ended = false;
  int64_t drain_until_us = 0;
  std::function<void()> drained;
  std::string date_text;
  int64_t date_second = 0;
};

class ExchangeImpl final : public Exchange {
 public:
  ExchangeImpl(std::weak_ptr<Connection> connection, net::Loop& loop, uint64_t tag, bool secure)
      : connection_(std::move(connection)), loop_(loop), tag_(tag), secure_(secure) {}
  Request& request() override { return request_; }
  uint64_t listener_tag() const override { return tag_; }
  const net::Endpoint& peer() const override;
  bool secure() const override { return secure_; }
  bool alive() const override { return !answered_ && !gone_; }
  void respond(Response response) override;
  void respond_raw(std::string head, std::string_view body) override;
  void respond_later(Response response) override;
  void mark_gone() { gone_ = true; }

 private:
  std::weak_ptr<Connection> connection_;
  net::Loop& loop_;
  uint64_t tag_;
  bool secure_;
  Request request_;
  mutable net::Endpoint peer_;
  bool answered_ = false, gone_ = false;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Server::Impl> server, std::shared_ptr<Server::Impl::Source> source, Fd fd);
  void start() { arm_read(); }
  void answer(Response response);
  void answer_raw(const std::string& head, std::string_view body);
  void close();
  void on_deadline();
  int64_t deadline_us() const { return deadline_us_; }
  bool between_requests() const { return state_ == State::Head && in_.empty() && out_.empty(); }
  uint64_t tag() const { return source_->tag; }
  int fd() const { return fd_ ? fd_->get() : -1; }

 private:
  // Gate: the plan's gate has not answered yet. Handling: the handler has the request.
  enum class State { Head, Gate, Body, Handling, Sending, Lingering, Closed };

  // The way in.
  void account();
  bool over_memory() const;
  bool may_read() const;
  void arm_read();
  void on_readable();
  bool decrypt(std::string_view& data);
  void take(std::string_view data);
  void process();
  bool parse_head();
  void pass_gate(const ExchangePtr& exchange, std::optional<Response> refusal);
  bool begin_body();
  bool parse_body();
  std::optional<size_t> feed_body(std::string_view data);
  void body_progress();
  void hand_over();
  void refuse(int status, std::string_view text);
  void answer_unread(Response response);
  void peer_closed();
  void linger();

  // The way out.
  static void clear(std::string& buffer);
  void begin_answer(std::string_view head, std::string_view body);
  void send(std::string_view head, std::string_view body = {});
  void arm_write();
  void flush();
  bool write_out();
  void moved();
  void send_files();
  std::optional<uint64_t> send_plain(const FileSlice& piece);
  std::optional<uint64_t> send_encrypted(const FileSlice& piece);
  std::optional<uint64_t> sent_piece(const Result<size_t>& sent);
  template <class T>
  void on_disk(std::function<Result<T>(int socket)> work, std::function<void(Connection&, Result<T>)> then);
  void send_on_disk(const FileSlice& piece);
  void read_on_disk(FileSlice piece);
  void cut_off(const Error& error);
  void advance(uint64_t bytes);
  void drop_files();
  void sent_all();

  std::shared_ptr<Server::Impl> server_;
  std::shared_ptr<Server::Impl::Source> source_;
  std::shared_ptr<Fd> fd_;           // shared with a disk thread while that sends
  std::optional<net::Watch> watch_;  // gone once the connection is closed
  std::unique_ptr<net::TlsSession> tls_;
  State state_ = State::Head;
  std::string in_;    // received, not consumed
  size_t in_at_ = 0;  // consumed part of in_
  std::string out_;
  size_t out_at_ = 0;
  std::shared_ptr<ExchangeImpl> exchange_;
  std::shared_ptr<Upload> upload_;
  std::optional<BodyPlan> plan_;  // while its gate is asked
  BodyDecoder decoder_;
  Framing framing_;
  std::vector<FileSlice> files_;  // of the answer; those before file_at_ are sent
  size_t file_at_ = 0;
  bool first_byte_ = true;  // nothing was received yet
  bool sized_ = false;      // the send buffer, for files
  bool read_armed_ = false, write_armed_ = false, processing_ = false, close_after_ = false, on_disk_ = false;
  bool body_ended_ = false;  // and the upload knows
  uint64_t lingered_ = 0;
  size_t held_ = 0;           // as counted in server and source
  size_t request_bytes_ = 0;  // of the body that was handed over and not answered yet
  size_t body_step_ = 0;      // bytes of body since the deadline was last moved
  int64_t deadline_us_ = 0;   // 0: none (an exchange is being answered)
};

}  // namespace gust::http
