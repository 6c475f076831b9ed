// SPDX-License-Identifier: Apache-2.0

#include "daemon/certificate_authority.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "base/ids.h"
#include "os/files.h"

namespace gust::daemon {
namespace {

struct FreeX509 {
  void operator()(X509* x) const { X509_free(x); }
};
using Certificate = std::unique_ptr<X509, FreeX509>;

Certificate parse(const std::string& pem) {
  BIO* in = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  Certificate x(PEM_read_bio_X509(in, nullptr, nullptr, nullptr));
  BIO_free(in);
  return x;
}

// As a client checks a server's certificate at that time.
bool believed(const std::string& ca, const std::string& leaf, const char* name, int64_t at_ms) {
  Certificate root = parse(ca), x = parse(leaf);
  if (!root || !x) return false;
  X509_STORE* store = X509_STORE_new();
  X509_STORE_add_cert(store, root.get());
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, x.get(), nullptr);
  X509_VERIFY_PARAM* wanted = X509_STORE_CTX_get0_param(context);
  X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
  if (X509_VERIFY_PARAM_set1_ip_asc(wanted, name) != 1) X509_VERIFY_PARAM_set1_host(wanted, name, 0);
  X509_VERIFY_PARAM_set_time(wanted, at_ms / 1000);
  const bool good = X509_verify_cert(context) == 1;
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  return good;
}

class CertificateAuthorityTest : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(directory_); }
  CertificateAuthority open() {
    auto ca = CertificateAuthority::open(directory_, clock_);
    EXPECT_TRUE(ca) << ca.error().message;
    return std::move(*ca);
  }
  int mode(const char* name) const {
    struct stat status {};
    EXPECT_EQ(stat((directory_ + "/" + name).c_str(), &status), 0) << name;
    return static_cast<int>(status.st_mode & 0777);
  }
  std::string read(const char* name) const { return *files::read(directory_ + "/" + name); }

  FakeClock clock_{1'795'404'069'000'000};
  std::string directory_ = testing::TempDir() + "gust-ca-" + new_id(8);
  const std::vector<std::string> names_ = certificate_names({"box.lan", "*.cloud.test", "10.0.0.7"});
};

TEST_F(CertificateAuthorityTest, ItsServersAreBelievedUnderTheirNames) {
  CertificateAuthority ca = open();
  auto server = ca.server_certificate(names_);
  ASSERT_TRUE(server) << server.error().message;
  EXPECT_TRUE(server->renewed);
  const int64_t now = clock_.unix_ms();
  for (const char* name : {"localhost", "127.0.0.1", "::1", "bucket.s3.localhost", "box.lan", "b.box.lan", "b.s3.box.lan",
                           "cloud.test", "b.cloud.test", "10.0.0.7"}) {
    EXPECT_TRUE(believed(ca.certificate(), server->certificate, name, now)) << name;
  }
  for (const char* name : {"example.com", "127.0.0.2", "lan", "a.b.box.lan"}) {
    EXPECT_FALSE(believed(ca.certificate(), server->certificate, name, now)) << name;
  }
  EXPECT_FALSE(believed(ca.certificate(), server->certificate, "localhost", server->not_after_ms + 1000));
  EXPECT_FALSE(believed(ca.certificate(), ca.certificate(), "localhost", now));  // the authority is no server
  EXPECT_EQ(mode("ca.pem"), 0644);
  for (const char* secret : {"ca-key.pem", "server.pem", "server-key.pem"}) EXPECT_EQ(mode(secret), 0600) << secret;
}

TEST_F(CertificateAuthorityTest, NamesThatWildcardsDoNotCoverGetTheirOwnCertificate) {
  CertificateAuthority ca = open();
  EXPECT_FALSE(ca.certificate_for("bucket.localhost"));  // before there is a server
  auto server = ca.server_certificate(names_);
  ASSERT_TRUE(server);
  EXPECT_FALSE(believed(ca.certificate(), server->certificate, "bucket.localhost", clock_.unix_ms()));
  for (const char* name : {"bucket.localhost", "Bucket.localhost", "a.b.c.localhost", "my.bucket.s3.box.lan"}) {
    auto leaf = ca.certificate_for(name);
    ASSERT_TRUE(leaf) << name;
    EXPECT_TRUE(believed(ca.certificate(), *leaf, name, clock_.unix_ms())) << name;
    EXPECT_FALSE(believed(ca.certificate(), *leaf, "other.localhost", clock_.unix_ms()));
  }
  const std::string name(300, 'a');
  for (const std::string& other : {std::string("localhost"), std::string("example.com"), std::string("xlocalhost"),
                                   std::string(".localhost"), std::string("a..localhost"), std::string("a,DNS:x.localhost"),
                                   std::string("*.localhost"), name + ".localhost", std::string("x.10.0.0.7")}) {
    EXPECT_FALSE(ca.certificate_for(other)) << other;
  }
}

TEST_F(CertificateAuthorityTest, AnotherLifeUsesWhatIsThere) {
  std::string before, server_before;
  {
    CertificateAuthority ca = open();
    before = ca.certificate();
    server_before = ca.server_certificate(names_)->certificate;
  }
  CertificateAuthority ca = open();
  EXPECT_EQ(ca.certificate(), before);
  EXPECT_EQ(ca.certificate(), read("ca.pem"));
  auto server = ca.server_certificate(names_);
  EXPECT_EQ(server->certificate, server_before);
  EXPECT_FALSE(server->renewed);
  auto other = ca.server_certificate(certificate_names({}));  // other names
  EXPECT_TRUE(other->renewed);
  EXPECT_NE(other->certificate, server_before);
}

TEST_F(CertificateAuthorityTest, CertificatesAreMadeAgainBeforeTheyEnd) {
  CertificateAuthority ca = open();
  const std::string first = ca.server_certificate(names_)->certificate;
  auto pass = [this](int64_t days) { clock_.advance_us(days * CertificateAuthority::kDayMs * 1000); };
  pass(CertificateAuthority::kServerDays - CertificateAuthority::kRenewDays - 1);
  EXPECT_EQ(ca.server_certificate(names_)->certificate, first);
  pass(2);
  auto second = ca.server_certificate(names_);
  EXPECT_TRUE(second->renewed);
  EXPECT_TRUE(believed(ca.certificate(), second->certificate, "localhost", clock_.unix_ms()));
  const std::string old_ca = ca.certificate();
  pass(CertificateAuthority::kCaDays);
  CertificateAuthority renewed = open();
  EXPECT_NE(renewed.certificate(), old_ca);
  EXPECT_EQ(read("ca.pem"), renewed.certificate());
  EXPECT_TRUE(believed(renewed.certificate(), renewed.server_certificate(names_)->certificate, "localhost", clock_.unix_ms()));
}

TEST_F(CertificateAuthorityTest, DamageIsToldAndAHalfMadeAuthorityIsCompleted) {
  { (void)open(); }
  ASSERT_TRUE(files::remove(directory_ + "/ca.pem"));  // the first start broke off
  { EXPECT_FALSE(open().certificate().empty()); }
  ASSERT_TRUE(files::write(directory_ + "/server.pem", "damaged"));
  {
    CertificateAuthority ca = open();
    auto server = ca.server_certificate(names_);
    ASSERT_TRUE(server);  // can be made again
    EXPECT_TRUE(believed(ca.certificate(), server->certificate, "localhost", clock_.unix_ms()));
  }
  const std::string key = read("ca-key.pem");
  ASSERT_TRUE(files::write(directory_ + "/ca-key.pem", "damaged"));
  EXPECT_FALSE(CertificateAuthority::open(directory_, clock_));
  EXPECT_EQ(read("ca-key.pem"), "damaged");  // nothing is overwritten
  ASSERT_TRUE(files::write(directory_ + "/ca-key.pem", key));
  EXPECT_TRUE(CertificateAuthority::open(directory_, clock_));
}

}  // namespace
}  // namespace gust::daemon
