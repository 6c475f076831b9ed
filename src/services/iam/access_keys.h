// SPDX-License-Identifier: Apache-2.0

#pragma once

// The access keys of all users in memory, for the gateway: filled from the rows at the start, changed after each commit that
// changes a user. Thread-safe.

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/value.h"
#include "model/credentials.h"

namespace gust::iam {

class AccessKeys : public model::CredentialStore {
 public:
  // What the user's row says now; null: the user is gone.
  void update(const std::string& row_key, const Value& user);
  std::optional<model::Credential> find(std::string_view access_key_id, std::string_view session_token) const override;

  struct Use {
    std::string user_name, account;
    int64_t last_ms = 0;  // 0: not since the start
    std::string service, region;
  };
  std::optional<Use> last_use(std::string_view access_key_id) const;
  // A request of that key was let in. Not kept over a restart, as AWS promises no exactness either.
  void used(std::string_view access_key_id, std::string_view service, std::string_view region, int64_t now_ms);

 private:
  struct Entry {
    model::Credential credential;
    Use use;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> keys_;  // looked up for every signed request, without a copy of the id
  std::unordered_map<std::string, std::vector<std::string>> of_user_;  // row -> ids
};

}  // namespace gust::iam
