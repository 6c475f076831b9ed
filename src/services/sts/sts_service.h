// SPDX-License-Identifier: Apache-2.0

#pragma once

// Security Token Service: GetCallerIdentity, AssumeRole, GetSessionToken. The rest is refused by name. On workers; no state
// but what it is given.
//
// Unlike on AWS, the account's root may assume roles: a Gust that was just installed has no other key.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "model/service.h"
#include "os/clock.h"
#include "services/sts/sessions.h"

namespace gust::sts {

struct Role {
  std::string arn, role_id, trust_policy;
  int64_t max_session_seconds = 3600;
};
// IAM's role of that name (without path) in that account; may block. An error is told as an internal failure.
using FindRole = std::function<Result<std::optional<Role>>(std::string_view account, std::string_view name)>;

struct Options {
  const Sessions& sessions;  // these must outlive the service
  const Clock& clock;
  FindRole find_role;
  bool any_role = false;  // for development: a role that does not exist is assumed all the same
};

class StsService : public model::Service {
 public:
  explicit StsService(Options options) : options_(std::move(options)) {}
  std::string_view id() const override { return "sts"; }
  bool implements(std::string_view operation) const override;
  void call(model::Call call, model::Responder responder) override;

 private:
  using Answer = tl::expected<Value, model::ApiError>;
  Answer get_caller_identity(const model::Call& call) const;
  Answer assume_role(const model::Call& call) const;
  Answer get_session_token(const model::Call& call) const;
  tl::expected<Role, model::ApiError> trusted_role(const model::Call& call) const;

  Options options_;
};

}  // namespace gust::sts
