// SPDX-License-Identifier: Apache-2.0

#pragma once

// Verifies Signature Version 4 in the Authorization header. Signing keys are cached (at most kMaxKeys). Thread-safe.
// Errors come in the words of the service that was called.

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "crypto/sigv4.h"
#include "gateway/credentials.h"
#include "http/message.h"
#include "model/service.h"
#include "model/table.h"

namespace gust::gateway {

constexpr int64_t kMaxSkewMs = 15 * 60 * 1000;  // AWS: "within 15 minutes"

// Authorization errors, as the protocol of `table` spells them.
enum class AuthFault { Missing, Malformed, UnknownKey, BadToken, Skewed, Mismatch, NotSigned };
model::ApiError auth_error(const model::ServiceTable& table, AuthFault fault, std::string_view detail = {});

class Verifier {
 public:
  explicit Verifier(const CredentialStore& credentials) : credentials_(credentials) {}

  // The key's owner, where its id is known and its token is right. Needs no body.
  tl::expected<Credential, AuthFault> owner(const sigv4::ParsedAuthorization& authorization, const http::Headers& headers) const;
  // Whether the signature covers this request with this payload hash (hex, or UNSIGNED-PAYLOAD).
  std::optional<AuthFault> verify(const http::Request& request, const sigv4::ParsedAuthorization& authorization,
                                  const Credential& credential, std::string_view payload_hash, sigv4::PathEncoding path,
                                  int64_t now_ms);

 private:
  static constexpr size_t kMaxKeys = 1000;
  std::string key_for(const Credential& credential, const sigv4::Scope& scope);

  const CredentialStore& credentials_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::string> keys_;  // scope and secret -> signing key
};

}  // namespace gust::gateway
