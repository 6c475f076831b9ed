// SPDX-License-Identifier: Apache-2.0

#include "daemon/certificate_authority.h"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/log.h"
#include "os/files.h"

namespace gust::daemon {
namespace {

template <class T, void (*Free)(T*)>
struct Freeing {
  void operator()(T* object) const { Free(object); }
};
using CertificatePtr = std::unique_ptr<X509, Freeing<X509, X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freeing<EVP_PKEY, EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, Freeing<BIO, BIO_free_all>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Freeing<GENERAL_NAMES, GENERAL_NAMES_free>>;

constexpr size_t kMaxFile = 64 << 10;
constexpr size_t kMaxHostName = 253;  // RFC 1035 section 2.3.4
constexpr int64_t kSkewMs = CertificateAuthority::kDayMs;

Failure crypto_failure(std::string_view what) {
  char text[256] = "no reason given";
  if (unsigned long code = ERR_get_error()) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return fail(Errc::Invalid, std::string(what) + ": " + text);
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  long size = BIO_get_mem_data(bio, &data);
  return std::string(data, size > 0 ? static_cast<size_t>(size) : 0);
}

std::string pem_of(X509* certificate) {
  BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate);
  return text_of(out.get());
}

std::string pem_of(EVP_PKEY* key) {
  BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(out.get());
}

BioPtr memory(std::string_view text) { return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

Result<CertificatePtr> parse_certificate(std::string_view pem) {
  CertificatePtr certificate(PEM_read_bio_X509(memory(pem).get(), nullptr, nullptr, nullptr));
  if (!certificate) return crypto_failure("not a certificate");
  return certificate;
}

Result<KeyPtr> parse_key(std::string_view pem) {
  KeyPtr key(PEM_read_bio_PrivateKey(memory(pem).get(), nullptr, nullptr, nullptr));
  if (!key) return crypto_failure("not a key");
  return key;
}

Result<KeyPtr> make_key() {
  KeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return crypto_failure("EC key");
  return key;
}

int64_t expires_ms(X509* certificate) {
  tm at{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &at) != 1) return 0;
  return static_cast<int64_t>(timegm(&at)) * 1000;
}

bool is_address(const std::string& name) {
  unsigned char address[16];
  return inet_pton(AF_INET, name.c_str(), address) == 1 || inet_pton(AF_INET6, name.c_str(), address) == 1;
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text.append(text.empty() ? "" : ",").append(is_address(name) ? "IP:" : "DNS:").append(name);
  }
  return text;
}

struct Wanted {
  std::string common_name;
  int64_t days = 0;
  std::vector<std::pair<int, std::string>> extensions;  // NID and text, in OpenSSL's notation
};

// A certificate for `subject_key`, signed by `issuer` (null: by itself) with `issuer_key`.
Result<CertificatePtr> issue(const Wanted& wanted, EVP_PKEY* subject_key, X509* issuer, EVP_PKEY* issuer_key, int64_t now_ms) {
  CertificatePtr made(X509_new());
  X509* x = made.get();
  std::string serial = random_bytes(16);
  serial[0] = static_cast<char>((serial[0] & 0x3f) | 0x40);  // positive and of full length
  BIGNUM* number = BN_bin2bn(reinterpret_cast<const unsigned char*>(serial.data()), static_cast<int>(serial.size()), nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
  BN_free(number);
  X509_set_version(x, X509_VERSION_3);
  time_t from = static_cast<time_t>((now_ms - kSkewMs) / 1000);
  time_t until = static_cast<time_t>((now_ms + wanted.days * CertificateAuthority::kDayMs) / 1000);
  ASN1_TIME_set(X509_getm_notBefore(x), from);
  ASN1_TIME_set(X509_getm_notAfter(x), until);
  X509_NAME* name = X509_get_subject_name(x);
  const auto* common = reinterpret_cast<const unsigned char*>(wanted.common_name.c_str());
  X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("Gust"), -1, -1, 0);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0);
  X509_set_issuer_name(x, issuer != nullptr ? X509_get_subject_name(issuer) : name);
  X509_set_pubkey(x, subject_key);
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer != nullptr ? issuer : x, x, nullptr, nullptr, 0);
  for (const auto& [nid, text] : wanted.extensions) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, text.c_str());
    if (extension == nullptr) return crypto_failure("extension " + text);
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
  }
  if (X509_sign(x, issuer_key, EVP_sha256()) == 0) return crypto_failure("sign");
  return made;
}

Wanted authority(std::string common_name) {
  return {std::move(common_name),
          CertificateAuthority::kCaDays,
          {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
           {NID_key_usage, "critical,keyCertSign,cRLSign"},
           {NID_subject_key_identifier, "hash"}}};
}

Wanted server(const std::vector<std::string>& names) {
  return {"gust",
          CertificateAuthority::kServerDays,
          {{NID_basic_constraints, "critical,CA:FALSE"},
           {NID_key_usage, "critical,digitalSignature"},
           {NID_ext_key_usage, "serverAuth"},
           {NID_subject_key_identifier, "hash"},
           {NID_authority_key_identifier, "keyid"},
           {NID_subject_alt_name, alternative_names(names)}}};
}

std::string common_name_of(X509* certificate) {
  char text[65] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text, sizeof text);
  return text;
}

// The alternative names of a certificate in the notation that we make them from.
std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> out;
  NamesPtr names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) {
      out.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                       ASN1_STRING_length(name->d.dNSName));
    } else if (name->type == GEN_IPADD) {
      char text[INET6_ADDRSTRLEN] = "";
      bool v4 = ASN1_STRING_length(name->d.iPAddress) == 4;
      inet_ntop(v4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name->d.iPAddress), text, sizeof text);
      out.emplace_back(text);
    }
  }
  return out;
}

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxHostName || name.find("..") != name.npos || name.front() == '.') return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'; });
}

}  // namespace

std::vector<std::string> certificate_names(const std::vector<std::string>& allowed_hosts) {
  std::vector<std::string> out = {"localhost", "*.localhost", "*.s3.localhost", "127.0.0.1", "::1"};
  auto add = [&out](std::string name) {
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(std::move(name));
  };
  for (const std::string& configured : allowed_hosts) {
    std::string name = lower(trim(configured));
    if (is_address(name)) {
      add(std::move(name));
      continue;
    }
    if (name.starts_with("*.")) name.erase(0, 2);
    if (!is_host_name(name)) continue;  // no certificate can name it
    add(name), add("*." + name), add("*.s3." + name);
  }
  return out;
}

struct CertificateAuthority::Impl {
  std::string directory, pem;
  const Clock* clock;
  CertificatePtr certificate;
  KeyPtr key, server_key;
  std::vector<std::string> names;  // of the server's certificate

  std::string file(const char* name) const { return directory + "/" + name; }
  bool lasts(X509* x) const { return expires_ms(x) > clock->unix_ms() + kRenewDays * kDayMs; }

  Result<> make_authority(std::string common_name) {
    certificate = TRY(issue(authority(std::move(common_name)), key.get(), nullptr, key.get(), clock->unix_ms()));
    pem = pem_of(certificate.get());
    TRY(files::write_durably(file("ca.pem"), pem, 0644));
    // For every client of this machine, whatever the umask.
    if (chmod(file("ca.pem").c_str(), 0644) != 0) return fail_errno("chmod " + file("ca.pem"));
    return {};
  }

  Result<> load_or_make() {
    if (!files::exists(file("ca-key.pem"))) {
      key = TRY(make_key());
      TRY(files::write_durably(file("ca-key.pem"), pem_of(key.get()), 0600));
      return make_authority("Gust local CA " + new_id(8));
    }
    std::string key_pem = TRY(files::read(file("ca-key.pem"), kMaxFile));
    key = TRY(parse_key(key_pem));
    if (!files::exists(file("ca.pem"))) return make_authority("Gust local CA " + new_id(8));  // the first start broke off
    pem = TRY(files::read(file("ca.pem"), kMaxFile));
    certificate = TRY(parse_certificate(pem));
    if (X509_check_private_key(certificate.get(), key.get()) != 1) return crypto_failure("the key is not the certificate's");
    if (lasts(certificate.get())) return {};
    log::warning("ca", "the authority's certificate ends and is made again: clients need the new one",
                 {{"file", file("ca.pem")}});
    return make_authority(common_name_of(certificate.get()));
  }

  // The stored certificate of the server, where it is still good.
  Result<Server> stored() {
    std::string server_pem = TRY(files::read(file("server.pem"), kMaxFile));
    std::string key_pem = TRY(files::read(file("server-key.pem"), kMaxFile));
    CertificatePtr x = TRY(parse_certificate(server_pem));
    server_key = TRY(parse_key(key_pem));
    bool good = lasts(x.get()) && names_of(x.get()) == names && X509_check_private_key(x.get(), server_key.get()) == 1 &&
                X509_verify(x.get(), key.get()) == 1;
    ERR_clear_error();
    if (!good) return fail(Errc::NotFound, "no certificate for these names");
    return Server{std::move(server_pem), std::move(key_pem), expires_ms(x.get()), false};
  }
};

CertificateAuthority::CertificateAuthority(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CertificateAuthority::~CertificateAuthority() = default;
CertificateAuthority::CertificateAuthority(CertificateAuthority&&) noexcept = default;
CertificateAuthority& CertificateAuthority::operator=(CertificateAuthority&&) noexcept = default;

Result<CertificateAuthority> CertificateAuthority::open(const std::string& directory, const Clock& clock) {
  auto impl = std::make_unique<Impl>();
  impl->directory = directory;
  impl->clock = &clock;
  TRY(files::make_directories(directory, 0755));
  if (auto loaded = impl->load_or_make(); !loaded) return Failure(std::move(loaded.error()).in(directory));
  return CertificateAuthority(std::move(impl));
}

const std::string& CertificateAuthority::certificate() const { return impl_->pem; }
std::string CertificateAuthority::path() const { return impl_->file("ca.pem"); }

Result<CertificateAuthority::Server> CertificateAuthority::server_certificate(const std::vector<std::string>& names) {
  Impl& impl = *impl_;
  impl.names = names;
  if (auto stored = impl.stored()) return stored;
  impl.server_key = TRY(make_key());
  CertificatePtr x =
      TRY(issue(server(names), impl.server_key.get(), impl.certificate.get(), impl.key.get(), impl.clock->unix_ms()));
  Server made{pem_of(x.get()), pem_of(impl.server_key.get()), expires_ms(x.get()), true};
  TRY(files::write_durably(impl.file("server-key.pem"), made.key, 0600));
  TRY(files::write_durably(impl.file("server.pem"), made.certificate, 0600));
  return made;
}

std::optional<std::string> CertificateAuthority::certificate_for(std::string_view host) const {
  const Impl& impl = *impl_;
  std::string name = lower(host);
  bool below =
      is_host_name(name) && std::any_of(impl.names.begin(), impl.names.end(), [&name](const std::string& ours) {
        return !is_address(ours) && !ours.starts_with("*.") && name.size() > ours.size() + 1 && name.ends_with("." + ours);
      });
  if (!below || !impl.server_key) return std::nullopt;
  auto x = issue(server({name}), impl.server_key.get(), impl.certificate.get(), impl.key.get(), impl.clock->unix_ms());
  if (!x) return std::nullopt;
  return pem_of(x->get());
}

}  // namespace gust::daemon
