// SPDX-License-Identifier: Apache-2.0

#include "daemon/credential_chain.h"

#include "base/ids.h"
#include "os/files.h"
#include "services/sts/sessions.h"

namespace gust::daemon {

std::optional<model::Credential> CredentialChain::find(std::string_view access_key_id, std::string_view session_token) const {
  for (const model::CredentialStore* source : sources_) {
    if (auto found = source->find(access_key_id, session_token)) return found;
  }
  return std::nullopt;
}

Result<std::string> load_or_create_session_key(const std::string& path) {
  auto key = files::read(path, 4096);
  if (!key && key.error().code == Errc::NotFound) {
    key = random_bytes(sts::Sessions::kKeyBytes);
    TRY(files::write_durably(path, *key, 0600));
  }
  if (key && key->size() != sts::Sessions::kKeyBytes)
    return fail(Errc::Invalid, path + " is damaged; remove it, which ends all sessions");
  return key;
}

}  // namespace gust::daemon
