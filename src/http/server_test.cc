// SPDX-License-Identifier: Apache-2.0

#include "http/server.h"

#include "http/test_server.h"

namespace gust::http {
namespace {

TEST_F(ServerTest, AConnectionIsKeptForManyRequests) {
  start();
  Client c = client();
  for (int i = 0; i < 50; ++i) {
    auto response = c.send(post("/x", std::to_string(i)));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body.bytes, std::to_string(i));
  }
  on_loop([&] { EXPECT_EQ(server_->connections(), 1u); });
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  start();
  Fd fd = raw();
  std::string text;
  for (int i = 0; i < 5; ++i)
    text += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n" + std::to_string(i);
  write_raw(fd.get(), text + "GET /raw HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  std::string all = read_until_close(fd.get());
  size_t at = 0;
  for (int i = 0; i < 5; ++i) {
    at = all.find("\r\n\r\n" + std::to_string(i), at + 1);
    ASSERT_NE(at, std::string::npos) << i << all;
  }
  EXPECT_TRUE(all.ends_with("raw"));
}

TEST_F(ServerTest, OneContinueThenTheAnswerAndTrailersArrive) {
  start();
  Fd fd = raw();
  write_raw(fd.get(),
            "POST /t HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
  std::string first = read_some(fd.get());
  EXPECT_EQ(first, "HTTP/1.1 100 Continue\r\n\r\n");
  write_raw(fd.get(), "3\r\nabc\r\n0\r\nT: end\r\n\r\n");
  std::string rest = read_until_close(fd.get());
  EXPECT_NE(rest.find("X-Trailer: end"), std::string::npos) << rest;
  EXPECT_EQ(rest.find("100 Continue"), std::string::npos);
  EXPECT_TRUE(rest.ends_with("abc"));
}

TEST_F(ServerTest, ALargeUploadGoesThroughAFileAndComesBackEqual) {
  std::string directory = testing::TempDir() + "gust-spool-" + new_id(8);
  ASSERT_TRUE(files::make_directories(directory));
  echo_.plan_ = BodyPlan{.limit = 64 << 20, .memory = 64 << 10, .spool_directory = directory, .md5 = true};
  start();
  std::string body;
  for (int i = 0; i < 3'000'000; ++i) body += static_cast<char>(i * 7 + i / 251);
  auto response = client().send(post("/big", body));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->headers.get("x-spooled"), "yes");
  EXPECT_EQ(response->headers.get("x-md5"), hex_encode(md5(body)));
  EXPECT_TRUE(response->body.bytes == body);
  auto small = client().send(post("/small", "abc"));
  ASSERT_TRUE(small);
  EXPECT_EQ(small->headers.get("x-spooled"), "no");
  EXPECT_EQ(small->headers.get("x-md5"), hex_encode(md5("abc")));
  EXPECT_TRUE(files::list(directory)->empty());
  (void)files::remove_tree(directory);
}

TEST_F(ServerTest, AnUploadThatBreaksOffLeavesNoFile) {
  std::string directory = testing::TempDir() + "gust-spool-" + new_id(8);
  ASSERT_TRUE(files::make_directories(directory));
  echo_.plan_ = BodyPlan{.limit = 64 << 20, .memory = 1024, .spool_directory = directory};
  start();
  Fd fd = raw();
  write_raw(fd.get(), "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n" + std::string(100'000, 'x'));
  for (int i = 0; i < 200 && files::list(directory)->empty(); ++i) usleep(10'000);
  ASSERT_FALSE(files::list(directory)->empty());
  fd.reset();
  for (int i = 0; i < 200 && !files::list(directory)->empty(); ++i) usleep(10'000);
  EXPECT_TRUE(files::list(directory)->empty());
  EXPECT_EQ(echo_.requests, 0);
  (void)files::remove_tree(directory);
}

TEST_F(ServerTest, BodiesOverTheLimitAreRefusedHoweverTheyAreSent) {
  echo_.plan_ = BodyPlan{.limit = 1000};
  start();
  auto announced = client().send(post("/x", std::string(1001, 'x')));
  ASSERT_TRUE(announced) << announced.error().message;
  EXPECT_EQ(announced->status, 413);
  Fd fd = raw();
  write_raw(fd.get(),
            "PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" + std::string(1024, 'x') + "\r\n");
  EXPECT_NE(read_until_close(fd.get()).find("413"), std::string::npos);
  EXPECT_EQ(client().send(post("/x", std::string(1000, 'x')))->status, 200);
  EXPECT_EQ(client().send(post("/refuse", std::string(1000, 'x')))->status, 403);
}

TEST_F(ServerTest, ASlowBodyIsGivenUpAndAnIdleConnectionClosed) {
  start(Limits{.body_timeout_us = 200'000, .idle_timeout_us = 400'000});
  Fd slow = raw(), idle = raw();
  write_raw(slow.get(), "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_NE(read_until_close(slow.get()).find("408"), std::string::npos);
  EXPECT_EQ(read_until_close(idle.get()), "");
  EXPECT_EQ(echo_.requests, 0);
}

TEST_F(ServerTest, ABodyThatDripsIsGivenUpThoughSomethingComesAllTheTime) {
  start(Limits{.body_timeout_us = 400'000});
  Fd slow = raw();
  write_raw(slow.get(), "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
  // Each byte comes long before the time is over; the limit of this loop is far behind it.
  bool refused = false;
  for (int i = 0; i < 500 && !refused; ++i) {
    refused = ::send(slow.get(), "x", 1, MSG_NOSIGNAL) != 1;
    char byte;
    refused = refused || recv(slow.get(), &byte, 1, MSG_DONTWAIT) >= 0;
    usleep(10'000);
  }
  EXPECT_TRUE(refused);
  EXPECT_EQ(echo_.requests, 0);
}

TEST_F(ServerTest, LargeBodiesHaveALimitTogetherAndSmallRequestsAreServedOn) {
  echo_.plan_.limit = echo_.plan_.memory = 8 << 20;
  start(Limits{.memory = 4 << 20});
  const std::string head = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n";
  const std::string most(2'999'999, 'x');
  Fd first = raw();
  write_raw(first.get(), head + most);  // 3 MB are held from now on
  size_t held = 0;
  for (int i = 0; i < 500 && held < most.size(); ++i, usleep(10'000)) on_loop([&] { held = server_->held_bytes(); });
  ASSERT_GE(held, most.size());
  Fd second = raw();
  (void)::send(second.get(), head.data(), head.size(), MSG_NOSIGNAL);
  (void)::send(second.get(), most.data(), most.size(), MSG_NOSIGNAL);
  EXPECT_TRUE(read_until_close(second.get()).starts_with("HTTP/1.1 503"));
  EXPECT_EQ(client().send(post("/x", "small"))->body.bytes, "small");
  write_raw(first.get(), "x");
  EXPECT_TRUE(read_some(first.get()).starts_with("HTTP/1.1 200"));  // who was first is served
  first.reset();
  for (int i = 0; i < 500 && held > 0; ++i, usleep(10'000)) on_loop([&] { held = server_->held_bytes(); });
  EXPECT_EQ(held, 0u);
  EXPECT_EQ(client().send(post("/x", most))->status, 200);
}

TEST_F(ServerTest, AnEndlessPipelineIsNotCollected) {
  start();
  Fd fd = raw();
  // Cut so that a part of a request is always left over.
  const std::string one = "GET /raw HTTP/1.1\r\nHost: h\r\nA: " + std::string(900, 'a') + "\r\n\r\n";
  constexpr int kRequests = 2000;
  std::thread reader([&] {
    std::string all;
    for (std::string part; all.size() < kRequests * 41u && !(part = read_some(fd.get())).empty();) all += part;
    EXPECT_EQ(all.size(), kRequests * 41u);
  });
  size_t most = 0;
  std::string bytes = one.substr(0, 500);
  for (int i = 0; i < kRequests; ++i) {
    bytes += i + 1 < kRequests ? one.substr(500) + one.substr(0, 500) : one.substr(500);
    write_raw(fd.get(), bytes);
    bytes.clear();
    if (i % 50 == 0) on_loop([&] { most = std::max(most, server_->held_bytes()); });
  }
  reader.join();
  EXPECT_LT(most, size_t{400} << 10);  // of 2 MB that went through
  EXPECT_EQ(echo_.requests, kRequests);
}

TEST_F(ServerTest, AParkedRequestLearnsThatItsPeerHasGone) {
  start();
  Fd fd = raw();
  write_raw(fd.get(), "GET /park HTTP/1.1\r\nHost: h\r\n\r\n");
  for (int i = 0; i < 500 && echo_.requests == 0; ++i) usleep(10'000);
  ASSERT_EQ(echo_.requests, 1);
  EXPECT_EQ(echo_.aborts, 0);
  fd.reset();
  for (int i = 0; i < 500 && echo_.aborts == 0; ++i) usleep(10'000);
  EXPECT_EQ(echo_.aborts, 1);
  on_loop([&] {
    EXPECT_FALSE(echo_.parked->alive());
    echo_.parked->respond(Response{});  // harmless
  });
}

TEST_F(ServerTest, ThousandsOfIdleConnectionsDoNotDisturbAnother) {
  start();
  std::vector<Fd> idle;
  for (int i = 0; i < 400; ++i) idle.push_back(raw());
  EXPECT_EQ(client().send(post("/x", "1"))->body.bytes, "1");
}

TEST_F(ServerTest, BeyondTheConnectionLimitNewOnesAreClosed) {
  start(Limits{.connections = 2});
  Client a = client(), b = client();
  ASSERT_TRUE(a.send(post("/x", "1")));
  ASSERT_TRUE(b.send(post("/x", "1")));
  EXPECT_FALSE(client().send(post("/x", "1")));
  EXPECT_TRUE(a.send(post("/x", "1")));
}

TEST_F(ServerTest, DrainingWaitsForTheExchangeInFlight) {
  start();
  Fd fd = raw();
  write_raw(fd.get(), "GET /park HTTP/1.1\r\nHost: h\r\n\r\n");
  for (int i = 0; i < 500 && echo_.requests == 0; ++i) usleep(10'000);
  std::promise<void> drained;
  on_loop([&] { server_->drain(20'000'000, [&] { drained.set_value(); }); });
  auto future = drained.get_future();
  EXPECT_EQ(future.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  on_loop([&] { echo_.parked->respond(Response{.status = 202}); });
  EXPECT_NE(read_until_close(fd.get()).find("202"), std::string::npos);
  fd.reset();
  EXPECT_EQ(future.wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST(Url, IsTakenApart) {
  EXPECT_EQ(parse_url("http://127.0.0.1:4566/")->authority(), "127.0.0.1:4566");
  EXPECT_EQ(parse_url("https://s3.amazonaws.com")->port, 443);
  EXPECT_EQ(parse_url("http://[::1]:80")->authority(), "[::1]");
  for (const char* bad : {"", "ftp://x", "http://", "http://h:0", "http://h:99999", "http://h/path", "http://u@h"}) {
    EXPECT_FALSE(parse_url(bad)) << bad;
  }
}

TEST_F(ServerTest, AnEmptyBodyThatWasAskedForIsInvitedToo) {
  start();
  Fd fd = raw();
  const std::string head = "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n";
  (void)send(fd.get(), head.data(), head.size(), MSG_NOSIGNAL);
  std::string all;
  while (all.find("HTTP/1.1 200 OK") == std::string::npos) {
    const std::string part = read_some(fd.get());
    ASSERT_FALSE(part.empty());
    all += part;
  }
  EXPECT_TRUE(all.starts_with("HTTP/1.1 100 Continue\r\n\r\n"));
}

TEST_F(ServerTest, ALargeBodyThatStaysInMemoryArrivesWhole) {
  echo_.plan_.limit = echo_.plan_.memory = 8 << 20;
  start();
  Request request{.method = "POST", .target = "/echo"};
  request.body.bytes = std::string(5 << 20, 'm');
  auto response = client().send(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->headers.get("X-Spooled"), "no");
  EXPECT_TRUE(response->body.bytes == request.body.bytes);
}

TEST_F(ServerTest, OneListenerCannotUseUpTheConnectionsOfAll) {
  Limits limits;
  limits.connections_per_listener = 2;
  start(limits);
  auto second = net::listen_tcp({"127.0.0.1", 0});
  ASSERT_TRUE(second);
  const net::Endpoint other = *net::local_endpoint(second->get());
  on_loop([&] { server_->listen(std::move(*second), 2); });
  auto ask = [](int fd) {
    const std::string text = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    (void)send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    return read_some(fd).starts_with("HTTP/1.1 200");
  };
  Fd a = raw(), b = raw();
  ASSERT_TRUE(ask(a.get()) && ask(b.get()));
  Fd c = raw();
  EXPECT_FALSE(ask(c.get()));
  Fd elsewhere = std::move(*net::connect_tcp(other, 1'000'000));
  EXPECT_TRUE(ask(elsewhere.get()));
  a.reset();
  for (size_t left = 3; left > 2; usleep(1000)) on_loop([&] { left = server_->connections(); });
  Fd d = raw();
  EXPECT_TRUE(ask(d.get()));
}

TEST_F(ServerTest, OneListenerCannotUseUpTheMemoryOfAll) {
  echo_.plan_.limit = echo_.plan_.memory = 8 << 20;
  start(Limits{.memory_per_listener = 4 << 20});
  auto second = net::listen_tcp({"127.0.0.1", 0});
  ASSERT_TRUE(second);
  const net::Endpoint other = *net::local_endpoint(second->get());
  on_loop([&] { server_->listen(std::move(*second), 2); });
  const std::string head = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n";
  const std::string most(2'999'999, 'x');
  Fd hostile = raw();
  write_raw(hostile.get(), head + most);
  size_t held = 0;
  for (int i = 0; i < 500 && held < most.size(); ++i, usleep(10'000)) on_loop([&] { held = server_->held_bytes(); });
  ASSERT_GE(held, most.size());
  Fd same = raw();
  (void)::send(same.get(), head.data(), head.size(), MSG_NOSIGNAL);
  (void)::send(same.get(), most.data(), most.size(), MSG_NOSIGNAL);
  EXPECT_TRUE(read_until_close(same.get()).starts_with("HTTP/1.1 503"));
  Client elsewhere(Url{false, other.host, other.port});
  auto served = elsewhere.send(post("/x", most));
  ASSERT_TRUE(served) << served.error().message;
  EXPECT_EQ(served->status, 200);
}

// What a plan's gate was given, to be called when the test wants it.
struct Gate {
  std::function<void(std::optional<Response>)> pass;
  std::atomic<int> asked = 0;
  void at(BodyPlan& plan) {
    plan.gate = [this](std::function<void(std::optional<Response>)> then) {
      pass = std::move(then);
      ++asked;
    };
  }
};

TEST_F(ServerTest, AGateIsWaitedForBeforeTheBodyIsInvited) {
  Gate gate;
  gate.at(echo_.plan_);
  start();
  const std::string head = "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
  Fd passed = raw();
  write_raw(passed.get(), head);
  for (int i = 0; i < 500 && gate.asked < 1; ++i) usleep(10'000);
  ASSERT_EQ(gate.asked, 1);
  char byte = 0;
  EXPECT_LT(recv(passed.get(), &byte, 1, MSG_DONTWAIT), 0);  // nothing was said yet
  on_loop([&] { gate.pass(std::nullopt); });
  EXPECT_EQ(read_some(passed.get()), "HTTP/1.1 100 Continue\r\n\r\n");
  write_raw(passed.get(), "abc");
  EXPECT_TRUE(read_some(passed.get()).ends_with("abc"));

  Fd refused = raw();
  write_raw(refused.get(), head);
  for (int i = 0; i < 500 && gate.asked < 2; ++i) usleep(10'000);
  on_loop([&] { gate.pass(Response{.status = 403}); });
  EXPECT_TRUE(read_until_close(refused.get()).starts_with("HTTP/1.1 403"));  // and the connection ends
  EXPECT_EQ(echo_.requests, 1);
}

TEST_F(ServerTest, AGateMayAnswerAtOnceOrWhenThePeerHasGone) {
  echo_.plan_.gate = [](const std::function<void(std::optional<Response>)>& then) { then(std::nullopt); };
  start();
  Client c = client();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(c.send(post("/x", "abc"))->body.bytes, "abc");
  Gate gate;
  on_loop([&] { gate.at(echo_.plan_); });
  Fd fd = raw();
  write_raw(fd.get(), "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
  for (int i = 0; i < 500 && gate.asked < 1; ++i) usleep(10'000);
  fd.reset();
  for (size_t left = 2; left > 1; usleep(10'000)) on_loop([&] { left = server_->connections(); });
  on_loop([&] { gate.pass(std::nullopt); });
  EXPECT_EQ(echo_.requests, 3);
}

// Takes "[" and "]" away; "!" is no input of it, and "?" must not be the last.
class Brackets : public BodyFilter {
 public:
  Result<> decode(std::string_view wire, std::string& out) override {
    for (char c : wire) {
      if (c == '!') return fail(Errc::Invalid, "!");
      if (c != '[' && c != ']') out += c;
      last_ = c;
    }
    return {};
  }
  Result<> finish() override { return last_ == '?' ? fail(Errc::Invalid, "?") : Result<>(); }
  Response refusal(const Error& error) const override {
    Response r{.status = 422};
    r.body.bytes = "refused " + error.message;
    return r;
  }

 private:
  char last_ = 0;
};

TEST_F(ServerTest, AFilterMakesTheBodyAndCanRefuseIt) {
  std::string directory = testing::TempDir() + "gust-spool-" + new_id(8);
  ASSERT_TRUE(files::make_directories(directory));
  start();
  for (const std::string& spool : {std::string(), directory}) {
    auto send = [&](const std::string& body) {
      on_loop([&] {
        echo_.plan_ = BodyPlan{.limit = 1 << 20, .memory = 1000, .spool_directory = spool, .md5 = true};
        echo_.plan_.filter = std::make_shared<Brackets>();
        echo_.plan_.wire_limit = 2 << 20;
      });
      return client().send(post("/x", body));
    };
    for (size_t size : {size_t{10}, size_t{500'000}}) {
      const std::string pure(size, 'x'), wire = "[[" + pure + "]";
      auto good = send(wire);
      ASSERT_TRUE(good) << good.error().message;
      EXPECT_TRUE(good->body.bytes == pure);
      EXPECT_EQ(good->headers.get("x-md5"), hex_encode(md5(pure)));
      auto bad = send(wire + "!" + pure);
      ASSERT_TRUE(bad) << bad.error().message;
      EXPECT_EQ(bad->status, 422);
      EXPECT_EQ(bad->body.bytes, "refused !");
      EXPECT_EQ(send(wire + "?")->body.bytes, "refused ?");
    }
    EXPECT_EQ(send(std::string(1'500'000, '['))->status, 200);  // only what comes out counts
    EXPECT_EQ(send(std::string(1'500'000, 'x'))->status, 413);
    EXPECT_EQ(send(std::string(2'500'000, '['))->status, 413);
  }
  EXPECT_TRUE(files::list(directory)->empty());
  (void)files::remove_tree(directory);
}

}  // namespace
}  // namespace gust::http
