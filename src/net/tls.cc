// SPDX-License-Identifier: Apache-2.0

#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <unordered_map>

#include "base/log.h"

namespace gust::net {
namespace {

template <class T, void (*Free)(T*)>
struct Freeing {
  void operator()(T* object) const { Free(object); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, Freeing<SSL_CTX, SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Freeing<SSL, SSL_free>>;
using BioPtr = std::unique_ptr<BIO, Freeing<BIO, BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freeing<EVP_PKEY, EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Freeing<X509, X509_free>>;

constexpr size_t kMost = 1 << 30;  // OpenSSL counts in int

Failure tls_failure(std::string_view what) {
  char text[256] = "no reason given";
  if (unsigned long code = ERR_get_error()) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();  // the queue is the thread's: what is left would be taken for the next session's
  return fail(Errc::Invalid, std::string(what) + ": " + text);
}

// RFC 7301: a client that offers protocols must be told one of its own, or be refused.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* in, unsigned in_length, void*) {
  static constexpr unsigned char kOurs[] = "\x08http/1.1";
  int found = SSL_select_next_proto(const_cast<unsigned char**>(out), length, kOurs, sizeof kOurs - 1, in, in_length);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

BioPtr memory(std::string_view text) { return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

// The certificates for names that clients ask for.
struct Names {
  std::function<std::optional<std::string>(std::string_view)> ask;
  std::unordered_map<std::string, CertificatePtr> known;  // null: the usual one
};

int choose_certificate(SSL* ssl, int*, void* names_pointer) {
  auto& names = *static_cast<Names*>(names_pointer);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr || !names.ask) return SSL_TLSEXT_ERR_NOACK;
  auto at = names.known.find(name);
  if (at == names.known.end()) {
    if (names.known.size() >= TlsContext::kMostNames) names.known.clear();
    const std::string pem = names.ask(name).value_or("");
    BioPtr in = memory(pem);
    at = names.known.emplace(name, PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)).first;
    ERR_clear_error();
  }
  if (at->second && SSL_use_certificate(ssl, at->second.get()) != 1) return SSL_TLSEXT_ERR_ALERT_FATAL;
  return SSL_TLSEXT_ERR_OK;
}

Result<> load(SSL_CTX* context, const std::string& certificates, const std::string& key) {
  BioPtr in = memory(certificates);
  CertificatePtr leaf(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) return tls_failure("certificate");
  while (X509* next = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, next) != 1) {
      X509_free(next);
      return tls_failure("certificate");
    }
  }
  ERR_clear_error();  // the end of the text
  in = memory(key);
  KeyPtr private_key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  if (!private_key || SSL_CTX_use_PrivateKey(context, private_key.get()) != 1) return tls_failure("key");
  return {};
}

Result<ContextPtr> make_context(const std::string& certificates, const std::string& key, void* names) {
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context) return tls_failure("TLS");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY | SSL_MODE_ENABLE_PARTIAL_WRITE);
  // Resumption by tickets, which cost the server no memory.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 1);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  SSL_CTX_set_tlsext_servername_callback(context.get(), choose_certificate);
  SSL_CTX_set_tlsext_servername_arg(context.get(), names);
  TRY(load(context.get(), certificates, key));
  return context;
}

}  // namespace

struct TlsContext::Impl {
  Names names;
  ContextPtr context;  // sessions hold it too
};

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

Result<std::unique_ptr<TlsContext>> TlsContext::make(const std::string& certificates, const std::string& key) {
  auto impl = std::make_unique<Impl>();
  impl->context = TRY(make_context(certificates, key, &impl->names));
  return std::unique_ptr<TlsContext>(new TlsContext(std::move(impl)));
}

Result<> TlsContext::use(const std::string& certificates, const std::string& key) {
  impl_->context = TRY(make_context(certificates, key, &impl_->names));
  impl_->names.known.clear();
  return {};
}

void TlsContext::on_name(std::function<std::optional<std::string>(std::string_view name)> certificate) {
  impl_->names.ask = std::move(certificate);
  impl_->names.known.clear();
}

struct TlsSession::Impl {
  SslPtr ssl;
  BIO *in = nullptr, *out = nullptr;  // the session's
  bool ended = false;

  void drain(std::string& to) {
    char* data = nullptr;
    long size = BIO_get_mem_data(out, &data);
    if (size > 0) to.append(data, static_cast<size_t>(size));
    (void)BIO_reset(out);
  }
};

TlsSession::TlsSession(const TlsContext& context) : impl_(std::make_unique<Impl>()) {
  impl_->ssl.reset(SSL_new(context.impl_->context.get()));
  impl_->in = BIO_new(BIO_s_mem());
  impl_->out = BIO_new(BIO_s_mem());
  GUST_CHECK(impl_->ssl && impl_->in && impl_->out);  // no memory
  SSL_set_bio(impl_->ssl.get(), impl_->in, impl_->out);
  SSL_set_accept_state(impl_->ssl.get());
}

TlsSession::~TlsSession() = default;

Result<> TlsSession::receive(std::string_view wire, std::string& plain, std::string& out) {
  Impl& impl = *impl_;
  ERR_clear_error();  // SSL_get_error looks at what others have left
  wire = wire.substr(0, kMost);
  if (BIO_write(impl.in, wire.data(), static_cast<int>(wire.size())) != static_cast<int>(wire.size())) return tls_failure("TLS");
  for (;;) {
    char record[16 << 10];  // the largest that there is
    size_t n = 0;
    if (SSL_read_ex(impl.ssl.get(), record, sizeof record, &n) == 1) {
      plain.append(record, n);
      continue;
    }
    int why = SSL_get_error(impl.ssl.get(), 0);
    impl.drain(out);
    if (why == SSL_ERROR_WANT_READ) return {};
    if (why == SSL_ERROR_ZERO_RETURN) {
      impl.ended = true;
      return {};
    }
    return tls_failure("TLS");
  }
}

Result<> TlsSession::send(std::string_view plain, std::string& out) {
  ERR_clear_error();
  while (!plain.empty()) {
    size_t n = 0;
    if (SSL_write_ex(impl_->ssl.get(), plain.data(), std::min(plain.size(), kMost), &n) != 1) return tls_failure("TLS");
    plain.remove_prefix(n);
  }
  impl_->drain(out);
  return {};
}

void TlsSession::close(std::string& out) {
  if (established()) (void)SSL_shutdown(impl_->ssl.get());
  ERR_clear_error();
  impl_->drain(out);
}

bool TlsSession::established() const { return SSL_is_init_finished(impl_->ssl.get()) == 1; }
bool TlsSession::ended() const { return impl_->ended; }

}  // namespace gust::net
