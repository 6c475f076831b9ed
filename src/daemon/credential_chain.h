// SPDX-License-Identifier: Apache-2.0

#pragma once

// Where the gateway finds access keys: the root keys of the state directory, then IAM's users, then STS's sessions. Asked on
// the loop; all sources are in memory. The sources must outlive it.

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/credentials.h"

namespace gust::daemon {

class CredentialChain : public model::CredentialStore {
 public:
  CredentialChain(std::initializer_list<const model::CredentialStore*> sources) : sources_(sources) {}
  std::optional<model::Credential> find(std::string_view access_key_id, std::string_view session_token) const override;

 private:
  std::vector<const model::CredentialStore*> sources_;
};

// The key that authenticates sessions, from `path` (0600), made where there is none. Blocking. Invalid: damaged.
Result<std::string> load_or_create_session_key(const std::string& path);

}  // namespace gust::daemon
