// SPDX-License-Identifier: Apache-2.0

#include "services/iam/access_keys.h"

namespace gust::iam {

void AccessKeys::update(const std::string& row_key, const Value& user) {
  std::lock_guard lock(mutex_);
  std::unordered_map<std::string, Use> uses;
  for (const std::string& id : of_user_[row_key]) {
    uses[id] = std::move(keys_[id].use);
    keys_.erase(id);
  }
  of_user_.erase(row_key);
  for (const Value& key : user["Keys"].as_list()) {
    const std::string id(key["Id"].as_string());
    Entry& entry = keys_[id];
    model::Credential& c = entry.credential;
    c.access_key_id = id;
    c.secret_access_key = key["Secret"].as_string();
    c.principal_arn = user["Arn"].as_string();
    c.account = c.principal_arn.substr(13, 12);
    c.user_id = user["Id"].as_string();
    c.inactive = key["Status"].as_string() != "Active";
    entry.use = std::move(uses[id]);
    entry.use.user_name = user["Name"].as_string();
    entry.use.account = c.account;
    of_user_[row_key].push_back(id);
  }
}

std::optional<model::Credential> AccessKeys::find(std::string_view access_key_id, std::string_view) const {
  std::lock_guard lock(mutex_);
  const auto at = keys_.find(access_key_id);
  return at == keys_.end() ? std::nullopt : std::optional(at->second.credential);
}

std::optional<AccessKeys::Use> AccessKeys::last_use(std::string_view access_key_id) const {
  std::lock_guard lock(mutex_);
  const auto at = keys_.find(access_key_id);
  return at == keys_.end() ? std::nullopt : std::optional(at->second.use);
}

void AccessKeys::used(std::string_view access_key_id, std::string_view service, std::string_view region, int64_t now_ms) {
  std::lock_guard lock(mutex_);
  const auto at = keys_.find(access_key_id);
  if (at == keys_.end()) return;
  at->second.use.last_ms = now_ms;
  at->second.use.service = service;
  at->second.use.region = region;
}

}  // namespace gust::iam
