// SPDX-License-Identifier: Apache-2.0

#pragma once

// Identity and Access Management: users and their access keys, groups, roles, policies, instance profiles. Everything is in the
// store; the access keys are in memory too, for the gateway. Policies are stored and returned, not evaluated. On workers.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "model/service.h"
#include "os/clock.h"
#include "services/iam/access_keys.h"
#include "services/iam/request.h"
#include "store/store.h"

namespace gust::iam {

struct Options {
  store::Store& store;  // these must outlive the service
  const Clock& clock;
};

struct RoleInfo {
  std::string arn, role_id, trust_policy;
  int64_t max_session_seconds = 3600;
};

class IamService : public model::Service {
 public:
  explicit IamService(Options options);
  Result<> load();  // once, before the first call: fills the access keys; blocking
  std::string_view id() const override { return "iam"; }
  bool implements(std::string_view operation) const override;
  std::vector<std::string_view> without_effect() const override;
  void call(model::Call call, model::Responder responder) override;

  AccessKeys& access_keys() { return keys_; }
  // By name, without path. Blocking; any thread but the store's writer.
  Result<std::optional<RoleInfo>> find_role(std::string_view account, std::string_view name);

 private:
  void read(const Operation& operation, model::Call call, const model::Responder& responder);
  void write(const Operation& operation, model::Call call, const model::Responder& responder);
  void last_used(const model::Call& call, const model::Responder& responder) const;

  Options options_;
  AccessKeys keys_;
  std::unordered_map<std::string_view, Operation> operations_;
};

}  // namespace gust::iam
