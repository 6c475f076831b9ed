// SPDX-License-Identifier: Apache-2.0

#pragma once

// Our own certificate authority, made at the first start, so that clients can use TLS: an EC P-256 key and certificate in a
// directory of their own, and a server's certificate signed with it. Users make their clients trust ca.pem (AWS_CA_BUNDLE,
// NODE_EXTRA_CA_CERTS, SSL_CERT_FILE); the key never leaves the directory. Blocking file access in open() and
// server_certificate() only. One thread at a time.
//
// Files, written durably: ca.pem (0644), ca-key.pem, server.pem, server-key.pem (0600).

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/clock.h"

namespace gust::daemon {

// The names of a server on this machine: localhost, loopback addresses, the configured hosts, and under each name what
// buckets have (*.NAME, *.s3.NAME). `allowed_hosts` as in the configuration: names, "*.NAME", or addresses.
std::vector<std::string> certificate_names(const std::vector<std::string>& allowed_hosts);

class CertificateAuthority {
 public:
  static constexpr int64_t kDayMs = 86'400'000;
  static constexpr int64_t kCaDays = 3650, kServerDays = 397;
  static constexpr int64_t kRenewDays = 30;  // left: then a new one is made

  // Reads the authority in `directory`, or makes it. An expired certificate is made again with the same key and name (clients
  // must then be given the new one). Invalid: files are there but damaged; nothing is overwritten.
  static Result<CertificateAuthority> open(const std::string& directory, const Clock& clock);
  ~CertificateAuthority();
  CertificateAuthority(CertificateAuthority&&) noexcept;
  CertificateAuthority& operator=(CertificateAuthority&&) noexcept;

  const std::string& certificate() const;  // PEM, as in ca.pem
  std::string path() const;                // of ca.pem

  struct Server {
    std::string certificate, key;  // PEM
    int64_t not_after_ms = 0;
    bool renewed = false;  // made by this call
  };
  // The server's certificate: the stored one where it names exactly these and has time left. Call it again once a day.
  Result<Server> server_certificate(const std::vector<std::string>& names);
  // Wildcards of one label under a name without a dot (*.localhost) are not believed by OpenSSL and Node, nor any wildcard for
  // a name with more dots than it: for a host name below one of `names` that a client asks for (SNI), a certificate of the
  // same key. Call server_certificate first. nullopt: none of ours.
  std::optional<std::string> certificate_for(std::string_view host) const;

 private:
  struct Impl;
  explicit CertificateAuthority(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gust::daemon
