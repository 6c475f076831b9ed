// SPDX-License-Identifier: Apache-2.0

#pragma once

// Root access keys. The file STATE/credentials.json (mode 0600) is made at the first start with one of them. Thread-safe: a store
// does not change after it was made.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/credentials.h"

namespace gust::gateway {

using model::Credential;
using model::CredentialStore;

class StaticCredentials : public CredentialStore {
 public:
  explicit StaticCredentials(std::vector<Credential> all) : all_(std::move(all)) {}
  std::optional<Credential> find(std::string_view access_key_id, std::string_view session_token) const override;
  const std::vector<Credential>& all() const { return all_; }

 private:
  std::vector<Credential> all_;
};

// A new random key pair in AWS's form: AKIA and 16 letters, 40 characters of secret.
Credential new_root_key(std::string_view account);

// Reads `path`; where it does not exist, makes it with a new root key of `account`. Blocking. Errors: Invalid where the
// file is not what this wrote.
Result<std::vector<Credential>> load_or_create_credentials(const std::string& path, std::string_view account);

}  // namespace gust::gateway
