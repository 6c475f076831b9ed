// SPDX-License-Identifier: Apache-2.0

#pragma once

// Access keys and where the gateway finds them. Root keys come from the state directory (gateway/credentials.h), users' keys
// and sessions from IAM and STS (services/iam, services/sts); the daemon puts the sources one after the other.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gust::model {

struct Credential {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // not empty: the request must carry it
  std::string account = "000000000000";
  std::string principal_arn;  // empty: the account's root
  std::string user_id;        // empty: the account
  int64_t expires_ms = 0;     // unix; 0: never
  bool inactive = false;      // an access key that its owner has set Inactive
};

// Looked up for every signed request on the loop's thread: in memory, no waiting. Thread-safe.
class CredentialStore {
 public:
  virtual ~CredentialStore() = default;
  // `session_token`: what the request carries; sources whose tokens are self-contained read the key out of it. A token that
  // does not belong to the key is no concern of find: the gateway compares.
  virtual std::optional<Credential> find(std::string_view access_key_id, std::string_view session_token) const = 0;
};

}  // namespace gust::model
