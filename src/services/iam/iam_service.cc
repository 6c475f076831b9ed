// SPDX-License-Identifier: Apache-2.0

#include "services/iam/iam_service.h"

#include "model/errors.h"
#include "services/iam/policy_document.h"
#include "services/iam/records.h"
#include "store/key.h"

namespace gust::iam {
namespace {

constexpr std::string_view kLastUsed = "GetAccessKeyLastUsed";

// Documents are looked at before anything is locked or read.
std::optional<model::ApiError> wrong_document(const model::Call& call) {
  const bool trust = call.operation == "UpdateAssumeRolePolicy" || call.input.has("AssumeRolePolicyDocument");
  const Value& document = call.input[call.input.has("AssumeRolePolicyDocument") ? "AssumeRolePolicyDocument" : "PolicyDocument"];
  if (document.is_null()) return std::nullopt;
  auto wrong = wrong_with_policy(document.as_string(), trust ? PolicyKind::Trust : PolicyKind::Identity);
  if (!wrong) return std::nullopt;
  return model::api_error("MalformedPolicyDocument", std::move(*wrong));
}

}  // namespace

IamService::IamService(Options options) : options_(options) {
  for (auto list : {role_operations, user_operations, access_key_operations, group_operations, inline_policy_operations,
                    attached_policy_operations, tag_operations, managed_policy_operations, instance_profile_operations}) {
    for (const Operation& operation : list()) operations_.emplace(operation.name, operation);
  }
}

Result<> IamService::load() {
  auto view = TRY(options_.store.read());
  return each_row(*view, accounts_prefix(), accounts_prefix(), [this, &view](const store::Row& row) -> Result<bool> {
    const std::string account = TRY(store::KeyReader(std::string_view(row.key).substr(accounts_prefix().size())).text());
    const std::string users = row_prefix(account, kUser);
    TRY(each_row(*view, users, users, [this](const store::Row& user) -> Result<bool> {
      keys_.update(user.key, TRY(decode_row(user.value)));
      return true;
    }));
    return true;
  });
}

std::vector<std::string_view> IamService::without_effect() const {
  return {"Policies of users, groups and roles, permissions boundaries: kept, not evaluated yet."};
}

bool IamService::implements(std::string_view operation) const {
  return operations_.contains(operation) || operation == kLastUsed;
}

void IamService::call(model::Call call, model::Responder responder) {
  if (call.operation == kLastUsed) return last_used(call, responder);
  const auto at = operations_.find(call.operation);
  if (at == operations_.end()) return responder.error(model::not_implemented("iam", call.operation));
  if (auto wrong = wrong_document(call)) return responder.error(std::move(*wrong));
  at->second.access == Access::Reads ? read(at->second, std::move(call), responder)
                                     : write(at->second, std::move(call), responder);
}

void IamService::read(const Operation& operation, model::Call call, const model::Responder& responder) {
  auto view = options_.store.read();
  if (!view) return responder.error(model::from_error("iam", view.error()));
  Request request{call, **view, nullptr, options_.clock.unix_ms()};
  auto answer = operation.handler(request);
  if (request.problem) return responder.error(std::move(*request.problem));
  if (!answer) return responder.error(model::from_error("iam", answer.error()));
  responder.reply(std::move(*answer));
}

void IamService::write(const Operation& operation, model::Call call, const model::Responder& responder) {
  struct State {
    model::Call call;
    Value answer;
    std::optional<model::ApiError> problem;
    std::vector<std::pair<std::string, Value>> users;
  };
  auto state = std::make_shared<State>();
  state->call = std::move(call);
  auto mutation = [state, handler = operation.handler, now_ms = options_.clock.unix_ms()](store::Transaction& t) -> Result<> {
    Request request{state->call, t, &t, now_ms};
    auto answer = handler(request);
    state->problem = std::move(request.problem);
    state->users = std::move(request.users);
    if (!answer) return Failure(std::move(answer).error());
    state->answer = std::move(*answer);
    return {};
  };
  options_.store.commit(std::move(mutation), [this, state, responder](Result<> done) {
    if (!done && state->problem) return responder.error(std::move(*state->problem));
    if (!done) return responder.error(model::from_error("iam", done.error()));
    for (const auto& [key, user] : state->users) keys_.update(key, user);
    responder.reply(std::move(state->answer));
  });
}

void IamService::last_used(const model::Call& call, const model::Responder& responder) const {
  const std::string id(call.input["AccessKeyId"].as_string());
  const auto use = keys_.last_use(id);
  if (!use || use->account != call.identity.account) {
    return responder.error(model::api_error("NoSuchEntity", "The Access Key with id " + id + " cannot be found.", 404));
  }
  Value last = Value::map();
  if (use->last_ms > 0) last.set("LastUsedDate", Timestamp{use->last_ms / 1000 * 1000});
  last.set("ServiceName", use->last_ms > 0 ? use->service : "N/A");
  last.set("Region", use->last_ms > 0 ? use->region : "N/A");
  Value out = Value::map();
  out.set("UserName", use->user_name);
  out.set("AccessKeyLastUsed", std::move(last));
  responder.reply(std::move(out));
}

Result<std::optional<RoleInfo>> IamService::find_role(std::string_view account, std::string_view name) {
  auto view = TRY(options_.store.read());
  const auto row = TRY(view->get(store::Space::Meta, row_key(account, kRole, name)));
  if (!row) return std::optional<RoleInfo>();
  const Value role = TRY(decode_row(*row));
  RoleInfo info;
  info.arn = role["Arn"].as_string();
  info.role_id = role["Id"].as_string();
  info.trust_policy = role["Trust"].as_string();
  info.max_session_seconds = role["MaxSession"].as_int(3600);
  return std::optional<RoleInfo>(std::move(info));
}

}  // namespace gust::iam
