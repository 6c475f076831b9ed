// SPDX-License-Identifier: Apache-2.0

// TLS on the port that speaks HTTP.

#include <fcntl.h>
#include <sys/time.h>

#include "http/test_server.h"
#include "net/test_certificate.h"

namespace gust::http {
namespace {

using net::TestTlsClient;

class Secure : public ServerTest {
 protected:
  void SetUp() override { tls_ = *net::TlsContext::make(certificate_.certificate, certificate_.key); }
  // The answer's body, which must be `size` long.
  static std::string read_answer(TestTlsClient& peer) {
    std::string all;
    size_t end = std::string::npos, length = 0;
    while (end == std::string::npos || all.size() < end + 4 + length) {
      const std::string part = peer.read_some();
      if (part.empty()) return all;
      all += part;
      if (end == std::string::npos && (end = all.find("\r\n\r\n")) != std::string::npos) {
        length = std::stoul(all.substr(all.find("Content-Length: ") + 16));
      }
    }
    return all;
  }
  net::TestCertificate certificate_;
};

TEST_F(Secure, BothAreSpokenOnOnePort) {
  start();
  Fd fd = raw();
  TestTlsClient peer("localhost", "\x02h2\x08http/1.1");
  ASSERT_TRUE(peer.connect(fd.get()));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(peer.write("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"));
    const std::string answer = read_answer(peer);
    EXPECT_NE(answer.find("X-Secure: yes"), std::string::npos);
    EXPECT_TRUE(answer.ends_with("abc"));
  }
  auto plain = client().send(post("/x", "abc"));
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(plain->headers.get("x-secure"), "no");
  EXPECT_EQ(plain->body.bytes, "abc");
}

TEST_F(Secure, LargeBodiesGoBothWaysAndTheEndIsSaid) {
  const std::string directory = testing::TempDir() + "gust-secure-" + new_id(8);
  ASSERT_TRUE(files::make_directories(directory));
  echo_.plan_ = BodyPlan{.limit = 64 << 20, .memory = 64 << 10, .spool_directory = directory, .md5 = true};
  start();
  std::string body;
  for (int i = 0; i < 9'000'000; ++i) body += static_cast<char>(i * 7 + i / 251);
  Fd fd = raw();
  TestTlsClient peer;
  ASSERT_TRUE(peer.connect(fd.get()));
  ASSERT_TRUE(
      peer.write("POST /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 9000000\r\n\r\n"));
  EXPECT_EQ(peer.read_some(), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(peer.write(body));
  const std::string answer = peer.read_until_close();
  EXPECT_EQ(SSL_get_shutdown(peer.ssl()) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
  EXPECT_NE(answer.find("X-Spooled: yes"), std::string::npos);
  EXPECT_NE(answer.find("X-Md5: " + hex_encode(md5(body))), std::string::npos);
  EXPECT_TRUE(std::string_view(answer).substr(answer.find("\r\n\r\n") + 4) == body);
  (void)files::remove_tree(directory);
}

TEST_F(Secure, PipelinedRequestsAreAnsweredInOrder) {
  start();
  Fd fd = raw();
  TestTlsClient peer;
  ASSERT_TRUE(peer.connect(fd.get()));
  std::string text;
  for (int i = 0; i < 200; ++i) text += "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n" + std::to_string(100 + i);
  ASSERT_TRUE(peer.write(text + "GET /raw HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
  const std::string all = peer.read_until_close();
  size_t at = 0;
  for (int i = 0; i < 200; ++i) {
    at = all.find("\r\n\r\n" + std::to_string(100 + i), at + 1);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_TRUE(all.ends_with("raw"));
}

TEST_F(Secure, WhatIsNoHandshakeIsRefusedAndOthersAreServed) {
  start();
  for (const std::string& text : {std::string("\x16\x03\x01\x40\x01garbage of some length that is no client hello at all"),
                                  std::string(70'000, '\x16'), std::string("\x16\x03\x01\x00\x05hello", 10)}) {
    Fd fd = raw();
    (void)::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
    shutdown(fd.get(), SHUT_WR);
    const std::string answer = read_until_close(fd.get());
    EXPECT_EQ(answer.find("HTTP"), std::string::npos);
  }
  Fd old = raw();
  TestTlsClient refused(nullptr, "\x02h2");
  EXPECT_FALSE(refused.connect(old.get()));
  Fd fd = raw();
  TestTlsClient peer;
  ASSERT_TRUE(peer.connect(fd.get()));
  ASSERT_TRUE(peer.write("GARBAGE\r\n\r\n"));  // inside TLS: HTTP's answer
  EXPECT_TRUE(peer.read_until_close().starts_with("HTTP/1.1 400"));
  EXPECT_EQ(client().send(post("/x", "1"))->body.bytes, "1");
}

TEST_F(Secure, AListenerWithoutTlsAnswersAHandshakeInHttp) {
  tls_.reset();
  start();
  Fd fd = raw();
  TestTlsClient peer;
  EXPECT_FALSE(peer.connect(fd.get()));
  EXPECT_EQ(client().send(post("/x", "1"))->body.bytes, "1");
}

TEST_F(Secure, ASlowHandshakeHeadOrBodyIsGivenUp) {
  start(Limits{.head_timeout_us = 400'000, .body_timeout_us = 400'000, .idle_timeout_us = 60'000'000});
  Fd stuck = raw(), dripping = raw();
  write_raw(stuck.get(), "\x16\x03\x01");
  EXPECT_EQ(read_until_close(stuck.get()), "");
  // A handshake that goes on all the time.
  bool refused = false;
  const std::string record("\x16\x03\x01\x20\x00", 5);
  write_raw(dripping.get(), record);
  for (int i = 0; i < 500 && !refused; ++i, usleep(10'000)) {
    char byte;
    refused = ::send(dripping.get(), "x", 1, MSG_NOSIGNAL) != 1 || recv(dripping.get(), &byte, 1, MSG_DONTWAIT) == 0;
  }
  EXPECT_TRUE(refused);
  auto drip = [this](const std::string& start, const char* piece) {
    Fd fd = raw();
    TestTlsClient peer;
    EXPECT_TRUE(peer.connect(fd.get()));
    EXPECT_TRUE(peer.write(start));
    fcntl(fd.get(), F_SETFL, O_NONBLOCK);
    std::string answer;
    for (int i = 0; i < 500 && answer.empty(); ++i, usleep(10'000)) {
      (void)peer.write(piece);
      answer = peer.read_some();
    }
    return answer.substr(0, 12);
  };
  EXPECT_EQ(drip("GET / HTTP/1.1\r\nHost: h\r\nA: ", "a"), "HTTP/1.1 408");
  EXPECT_EQ(drip("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n", "x"), "HTTP/1.1 408");
  EXPECT_EQ(echo_.requests, 0);
}

TEST_F(Secure, AReaderThatStopsHoldsLittleMemory) {
  const std::string directory = testing::TempDir() + "gust-secure-" + new_id(8);
  ASSERT_TRUE(files::make_directories(directory));
  const std::string content(48 << 20, 'c');
  ASSERT_TRUE(files::write(directory + "/f", content));
  echo_.files.file = FileSlice{std::make_shared<Fd>(std::move(*files::open(directory + "/f", O_RDONLY))), 0, content.size()};
  start();
  Fd fd = raw();
  TestTlsClient peer;
  ASSERT_TRUE(peer.connect(fd.get()));
  ASSERT_TRUE(peer.write("GET /files HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
  const std::string first = peer.read_some();
  usleep(200'000);  // time in which a server could read ahead
  on_loop([&] { EXPECT_LT(server_->held_bytes(), size_t{400} << 10); });
  const std::string all = first + peer.read_until_close();
  EXPECT_TRUE(std::string_view(all).substr(all.find("\r\n\r\n") + 4) == content);
  (void)files::remove_tree(directory);
}

TEST_F(Secure, ATruncatedRequestIsNoRequestAndAGonePeerIsNoticed) {
  start();
  {
    Fd fd = raw();
    TestTlsClient peer;
    ASSERT_TRUE(peer.connect(fd.get()));
    ASSERT_TRUE(peer.write("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc"));
    SSL_shutdown(peer.ssl());  // says that nothing follows, though seven bytes must
    EXPECT_EQ(read_until_close(fd.get()).find("HTTP"), std::string::npos);
  }
  EXPECT_EQ(echo_.requests, 0);
  Fd fd = raw();
  TestTlsClient peer;
  ASSERT_TRUE(peer.connect(fd.get()));
  ASSERT_TRUE(peer.write("GET /park HTTP/1.1\r\nHost: h\r\n\r\n"));
  for (int i = 0; i < 500 && echo_.requests == 0; ++i) usleep(10'000);
  SSL_shutdown(peer.ssl());
  for (int i = 0; i < 500 && echo_.aborts == 0; ++i) usleep(10'000);
  EXPECT_EQ(echo_.aborts, 1);
  for (size_t left = 1; left > 0; usleep(10'000)) on_loop([&] { left = server_->connections(); });
  size_t held = 1;
  on_loop([&] { held = server_->held_bytes(); });
  EXPECT_EQ(held, 0u);
}

}  // namespace
}  // namespace gust::http
