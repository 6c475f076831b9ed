// SPDX-License-Identifier: Apache-2.0

#pragma once

// Temporary credentials that carry their own meaning: the session token holds who it is for and until when, authenticated
// with a key of the daemon; the secret key is derived from the same key. Nothing is stored for a session, so a restart does
// not end one and nothing but its time does. Thread-safe.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/credentials.h"
#include "os/clock.h"

namespace gust::sts {

using Tags = std::vector<std::pair<std::string, std::string>>;

// What a token says. Policies, tags and source identity are carried for the evaluation of policies.
struct Session {
  std::string account, principal_arn, user_id;
  int64_t expires_ms = 0;  // unix
  std::string source_identity;
  Tags tags;
  std::vector<std::string> transitive_tag_keys;
  std::string policy;
  std::vector<std::string> policy_arns;
};

struct Issued {
  std::string access_key_id, secret_access_key, session_token;
};

class Sessions : public model::CredentialStore {
 public:
  static constexpr size_t kKeyBytes = 32;
  static constexpr size_t kMaxToken = 32 << 10;  // characters; a longer one is none of ours

  // `key`: kKeyBytes random bytes, kept with the state; another one ends all sessions.
  explicit Sessions(std::string key) : key_(std::move(key)) {}

  Issued issue(const Session& session) const;
  // What the token says, where it is ours and belongs to that key. Expired ones too: expires_ms tells.
  std::optional<Session> open(std::string_view access_key_id, std::string_view session_token) const;
  std::optional<model::Credential> find(std::string_view access_key_id, std::string_view session_token) const override;

 private:
  std::string secret_of(std::string_view access_key_id) const;
  std::string key_;
};

}  // namespace gust::sts
