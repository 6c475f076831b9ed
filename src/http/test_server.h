// SPDX-License-Identifier: Apache-2.0

#pragma once

// For the server's tests: a server on a loop of its own whose handler sends back what it gets, and raw connections to it.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <thread>

#include "base/encoding.h"
#include "base/ids.h"
#include "crypto/hash.h"
#include "http/client.h"
#include "http/server.h"
#include "os/files.h"

namespace gust::http {

class Echo : public Handler {
 public:
  BodyPlan on_head(Exchange& exchange) override {
    BodyPlan plan = plan_;
    if (exchange.request().path == "/refuse") plan.refuse = Response{.status = 403};
    return plan;
  }
  void on_request(ExchangePtr exchange) override {
    Request& request = exchange->request();
    ++requests;
    if (request.path == "/park") {
      parked = exchange;
      return;
    }
    Response response;
    response.headers.add("X-Trailer", request.trailers.get("t"));
    response.headers.add("X-Md5", hex_encode(request.body.md5));
    response.headers.add("X-Spooled", request.body.file ? "yes" : "no");
    response.headers.add("X-Secure", exchange->secure() ? "yes" : "no");
    if (request.path == "/files") {
      response.body = files;
      return exchange->respond(std::move(response));
    }
    if (request.path == "/raw") return exchange->respond_raw("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "raw");
    if (!request.body.path.empty()) unlink(request.body.path.c_str());
    response.body = std::move(request.body);
    exchange->respond(std::move(response));
  }
  void on_abort(Exchange&) override { ++aborts; }

  BodyPlan plan_;
  Body files;  // the answer to /files
  ExchangePtr parked;
  std::atomic<int> requests = 0, aborts = 0;
};

class ServerTest : public testing::Test {
 protected:
  void start(Limits limits = {}) {
    auto listener = net::listen_tcp({"127.0.0.1", 0});
    ASSERT_TRUE(listener);
    endpoint_ = *net::local_endpoint(listener->get());
    server_ = std::make_unique<Server>(loop_, echo_, limits, &disk_);
    server_->listen(std::move(*listener), 1, tls_.get());
    thread_ = std::thread([this] { loop_.run(); });
  }
  void TearDown() override {
    if (!thread_.joinable()) return;
    on_loop([&] {
      echo_.parked.reset();
      server_.reset();
    });
    loop_.stop();
    thread_.join();
  }
  template <class F>
  void on_loop(F f) {
    std::promise<void> done;
    loop_.post([&] {
      f();
      done.set_value();
    });
    done.get_future().wait();
  }
  Client client() { return Client(Url{false, endpoint_.host, endpoint_.port}, {.timeout_us = 20'000'000}); }
  Fd raw() { return std::move(*net::connect_tcp(endpoint_, 1'000'000)); }
  static std::string read_some(int fd) {
    char buffer[4096];
    ssize_t n = recv(fd, buffer, sizeof buffer, 0);
    return n > 0 ? std::string(buffer, static_cast<size_t>(n)) : "";
  }
  static std::string read_until_close(int fd) {
    std::string all, part;
    while (!(part = read_some(fd)).empty()) all += part;
    return all;
  }
  static void write_raw(int fd, std::string_view text) {
    ASSERT_EQ(::send(fd, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }

  std::unique_ptr<net::TlsContext> tls_;  // before start(): the listener speaks TLS too
  net::Loop loop_;
  net::WorkerPool disk_{"disk", 2, 1000};
  Echo echo_;
  std::unique_ptr<Server> server_;
  net::Endpoint endpoint_;
  std::thread thread_;
};

inline Request post(std::string path, std::string body) {
  Request request;
  request.method = "POST";
  request.target = std::move(path);
  request.body.bytes = std::move(body);
  return request;
}

}  // namespace gust::http
