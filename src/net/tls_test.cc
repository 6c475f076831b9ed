// SPDX-License-Identifier: Apache-2.0

#include "net/tls.h"

#include <gtest/gtest.h>

#include <cstring>

#include "net/test_certificate.h"

namespace gust::net {
namespace {

// A client and a session that hand each other bytes.
class Pair {
 public:
  Pair(const TlsContext& context, TestTlsClient& client) : client_(client), session_(context) {
    in_ = BIO_new(BIO_s_mem()), out_ = BIO_new(BIO_s_mem());
    SSL_set_bio(client_.ssl(), in_, out_);
  }
  // Everything that one of them says goes to the other, `step` bytes at a time. False: the session refused.
  bool exchange(size_t step = 1 << 20) {
    for (bool moved = true; moved;) {
      if (!SSL_is_init_finished(client_.ssl())) (void)SSL_do_handshake(client_.ssl());
      std::string to_server = taken();
      moved = !to_server.empty() || !to_client_.empty();
      for (size_t at = 0; at < to_server.size(); at += step) {
        if (!session_.receive(std::string_view(to_server).substr(at, step), plain, to_client_)) return false;
      }
      BIO_write(in_, to_client_.data(), static_cast<int>(to_client_.size()));
      to_client_.clear();
    }
    return true;
  }
  std::string taken() {
    char* data = nullptr;
    const long size = BIO_get_mem_data(out_, &data);
    std::string text(data, static_cast<size_t>(size));
    (void)BIO_reset(out_);
    return text;
  }
  bool send(std::string_view text) { return session_.send(text, to_client_).has_value(); }
  void close() { session_.close(to_client_); }
  TlsSession& session() { return session_; }
  std::string plain;

 private:
  TestTlsClient& client_;
  TlsSession session_;
  BIO *in_ = nullptr, *out_ = nullptr;
  std::string to_client_;
};

class Tls : public testing::Test {
 protected:
  TestCertificate certificate_;
  std::unique_ptr<TlsContext> context_ = *TlsContext::make(certificate_.certificate, certificate_.key);
};

TEST_F(Tls, BytesGoBothWaysHoweverTheyAreCut) {
  for (size_t step : {size_t{1}, size_t{7}, size_t{1000}, size_t{1} << 20}) {
    TestTlsClient client;
    Pair pair(*context_, client);
    ASSERT_TRUE(pair.exchange(step));
    EXPECT_TRUE(pair.session().established());
    const std::string there(100'000, 'a'), back(300'000, 'b');
    ASSERT_TRUE(client.write(there));
    ASSERT_TRUE(pair.exchange(step));
    EXPECT_TRUE(pair.plain == there);
    ASSERT_TRUE(pair.send(back));
    ASSERT_TRUE(pair.exchange());
    std::string got;
    while (got.size() < back.size()) got += client.read_some();
    EXPECT_TRUE(got == back);
    EXPECT_FALSE(pair.session().ended());
    SSL_shutdown(client.ssl());
    ASSERT_TRUE(pair.exchange());
    EXPECT_TRUE(pair.session().ended());
  }
}

TEST_F(Tls, OldVersionsAreRefusedAndNewOnesSpoken) {
  for (auto [version, good] : {std::pair(TLS1_1_VERSION, false), {TLS1_2_VERSION, true}, {TLS1_3_VERSION, true}}) {
    TestTlsClient client(nullptr, nullptr, version);
    SSL_set_security_level(client.ssl(), 0);
    Pair pair(*context_, client);
    EXPECT_EQ(pair.exchange() && pair.session().established(), good) << version;
  }
}

TEST_F(Tls, OnlyHttp11IsAgreedOn) {
  auto agreed = [this](const char* protocols) -> std::string {
    TestTlsClient client(nullptr, protocols);
    Pair pair(*context_, client);
    if (!pair.exchange() || !pair.session().established()) return "refused";
    const unsigned char* name = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(client.ssl(), &name, &length);
    return std::string(reinterpret_cast<const char*>(name), length);
  };
  EXPECT_EQ(agreed("\x08http/1.1"), "http/1.1");
  EXPECT_EQ(agreed("\x02h2\x08http/1.1"), "http/1.1");
  EXPECT_EQ(agreed(nullptr), "");
  EXPECT_EQ(agreed("\x02h2"), "refused");
}

TEST_F(Tls, WhatIsNoTlsIsRefusedWithoutHarm) {
  std::string hello;
  {
    TestTlsClient client;
    Pair pair(*context_, client);
    (void)SSL_do_handshake(client.ssl());
    hello = pair.taken();
  }
  std::string plain, out;
  EXPECT_TRUE(TlsSession(*context_).receive(hello, plain, out));  // the control
  for (std::string text :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100, '\x16'), std::string("\x16\x03\x01\xff\xff", 5)}) {
    TlsSession session(*context_);
    bool refused = false;
    for (int i = 0; i < 100 && !refused; ++i) refused = !session.receive(text, plain, out);
    EXPECT_TRUE(refused) << text.substr(0, 5);
  }
  for (size_t i = 0; i < hello.size(); i += 3) {
    std::string changed = hello;
    changed[i] = static_cast<char>(changed[i] ^ 0x55);
    TlsSession session(*context_);
    (void)session.receive(changed, plain, out);
    EXPECT_FALSE(session.established());
  }
  for (size_t n = 0; n < hello.size(); n += 5) {
    TlsSession session(*context_);
    EXPECT_TRUE(session.receive(hello.substr(0, n), plain, out)) << n;
    EXPECT_FALSE(session.established());
  }
  EXPECT_TRUE(plain.empty());
}

TEST_F(Tls, DamagedRecordsEndASession) {
  TestTlsClient client;
  Pair pair(*context_, client);
  ASSERT_TRUE(pair.exchange());
  ASSERT_TRUE(client.write("secret"));
  std::string record = pair.taken(), plain, out;
  record.back() = static_cast<char>(record.back() ^ 1);
  EXPECT_FALSE(pair.session().receive(record, plain, out));
  EXPECT_TRUE(plain.empty());
  EXPECT_FALSE(out.empty());  // the alert
}

TEST_F(Tls, AnotherCertificateIsForSessionsToCome) {
  const TestCertificate renewed("renewed");
  auto subject = [](SSL* ssl) {
    char name[64] = "";
    X509* x = SSL_get1_peer_certificate(ssl);
    if (x != nullptr) X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, name, sizeof name);
    X509_free(x);
    return std::string(name);
  };
  TestTlsClient before, after;
  Pair old(*context_, before);
  ASSERT_TRUE(old.exchange());
  EXPECT_FALSE(context_->use(renewed.certificate, certificate_.key));  // a key that does not fit changes nothing
  ASSERT_TRUE(context_->use(renewed.certificate, renewed.key));
  Pair fresh(*context_, after);
  ASSERT_TRUE(fresh.exchange());
  EXPECT_EQ(subject(before.ssl()), "localhost");
  EXPECT_EQ(subject(after.ssl()), "renewed");
  ASSERT_TRUE(before.write("goes on"));
  ASSERT_TRUE(old.exchange());
  EXPECT_EQ(old.plain, "goes on");
}

TEST_F(Tls, AHostNameIsAskedForOnceAndGetsItsOwnCertificate) {
  int asked = 0;
  context_->on_name([&](std::string_view name) -> std::optional<std::string> {
    ++asked;
    return name == "b.localhost" ? std::optional(certificate_.certificate) : std::nullopt;
  });
  for (const char* name : {"b.localhost", "b.localhost", "other", "other"}) {
    TestTlsClient client(name);
    Pair pair(*context_, client);
    EXPECT_TRUE(pair.exchange() && pair.session().established()) << name;
  }
  EXPECT_EQ(asked, 2);
}

TEST(TlsContext, WantsACertificateAndItsKey) {
  const TestCertificate a, b;
  EXPECT_TRUE(TlsContext::make(a.certificate, a.key));
  EXPECT_FALSE(TlsContext::make(a.certificate, b.key));
  EXPECT_FALSE(TlsContext::make("", a.key));
  EXPECT_FALSE(TlsContext::make(a.certificate, "nonsense"));
}

}  // namespace
}  // namespace gust::net
