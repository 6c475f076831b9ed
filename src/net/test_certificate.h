// SPDX-License-Identifier: Apache-2.0

#pragma once

// For tests: a certificate for localhost that signs itself, and the client's side of TLS.

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstring>
#include <string>
#include <string_view>

namespace gust::net {

struct TestCertificate {
  std::string certificate, key;  // PEM

  explicit TestCertificate(const char* name = "localhost") {
    EVP_PKEY* pair = EVP_EC_gen("P-256");
    X509* x = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_set_version(x, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1,
                               0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509_set_pubkey(x, pair);
    X509_sign(x, pair, EVP_sha256());
    BIO* out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, x);
    certificate = taken(out);
    PEM_write_bio_PrivateKey(out, pair, nullptr, nullptr, 0, nullptr, nullptr);
    key = taken(out);
    BIO_free(out), X509_free(x), EVP_PKEY_free(pair);
  }

 private:
  static std::string taken(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<size_t>(size));
    (void)BIO_reset(bio);
    return text;
  }
};

// A client that believes every certificate. With a socket (blocking), or with bytes handed to and fro.
class TestTlsClient {
 public:
  explicit TestTlsClient(const char* server_name = nullptr, const char* protocols = nullptr, int version = 0)
      : context_(SSL_CTX_new(TLS_client_method())), ssl_(SSL_new(context_)) {
    SSL_set_verify(ssl_, SSL_VERIFY_NONE, nullptr);
    if (server_name != nullptr) SSL_set_tlsext_host_name(ssl_, server_name);
    if (protocols != nullptr) {
      SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(protocols), static_cast<unsigned>(strlen(protocols)));
    }
    if (version != 0) SSL_set_min_proto_version(ssl_, version), SSL_set_max_proto_version(ssl_, version);
    SSL_set_connect_state(ssl_);
  }
  ~TestTlsClient() { SSL_free(ssl_), SSL_CTX_free(context_); }
  TestTlsClient(const TestTlsClient&) = delete;
  TestTlsClient& operator=(const TestTlsClient&) = delete;

  SSL* ssl() { return ssl_; }
  bool connect(int socket) { return SSL_set_fd(ssl_, socket) == 1 && SSL_connect(ssl_) == 1; }
  bool write(std::string_view text) {
    return SSL_write(ssl_, text.data(), static_cast<int>(text.size())) == static_cast<int>(text.size());
  }
  std::string read_some() {
    char buffer[16384];
    const int n = SSL_read(ssl_, buffer, sizeof buffer);
    return n > 0 ? std::string(buffer, static_cast<size_t>(n)) : "";
  }
  std::string read_until_close() {
    std::string all, part;
    while (!(part = read_some()).empty()) all += part;
    return all;
  }

 private:
  SSL_CTX* context_;
  SSL* ssl_;
};

}  // namespace gust::net
