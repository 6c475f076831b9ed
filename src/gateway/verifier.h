// SPDX-License-Identifier: Apache-2.0

#pragma once

// Verifies signatures: Version 4 in the header and in the query, Version 2 in the query of S3's URLs. Thread-safe without
// locks: each thread keeps signing keys of its own (at most 1000).

#include <optional>
#include <string>
#include <string_view>

#include "crypto/sigv4.h"
#include "gateway/auth_error.h"
#include "gateway/claim.h"
#include "gateway/credentials.h"
#include "http/message.h"

namespace gust::gateway {

constexpr int64_t kMaxSkewMs = 15 * 60 * 1000;  // AWS: "within 15 minutes"

// The signing key of a scope.
std::string signing_key_of(const Credential& credential, const sigv4::Scope& scope);
// A URL whose time has passed or has not come. Also where nothing else is verified.
std::optional<AuthError> check_url_time(const Claim& claim, int64_t now_ms);
// A session that has ended, a key that is switched off.
std::optional<AuthError> check_credential(const Credential& credential, int64_t now_ms);

class Verifier {
 public:
  explicit Verifier(const CredentialStore& credentials) : credentials_(credentials) {}

  // The key's owner, where its id is known and its token is right. Needs no body.
  tl::expected<Credential, AuthError> owner(const Claim& claim, int64_t now_ms) const;
  std::optional<Credential> find(std::string_view access_key_id, std::string_view token) const {
    return credentials_.find(access_key_id, token);
  }

  struct Check {
    const http::Request& request;
    const Claim& claim;
    const Credential& credential;
    std::string_view payload_hash;  // hex, UNSIGNED-PAYLOAD or STREAMING-...
    std::string_view path;          // of QueryV2: with the bucket of a virtual-host name in front
    bool s3 = false;
    int64_t now_ms = 0;
  };
  // Whether the signature covers the request.
  static std::optional<AuthError> verify(const Check& check);

 private:
  const CredentialStore& credentials_;
};

}  // namespace gust::gateway
