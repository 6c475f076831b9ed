// SPDX-License-Identifier: Apache-2.0

#include "services/sts/sts_service.h"

#include <algorithm>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "model/errors.h"
#include "services/sts/trust_policy.h"

namespace gust::sts {
namespace {

using model::ApiError;
using Unexpected = tl::unexpected<ApiError>;

// Sources: IAM User Guide, "Compare AWS STS credentials"; STS API Reference, GetSessionToken.
constexpr int64_t kAssumeDefault = 3600, kChainedMost = 3600;
constexpr int64_t kTokenDefault = 43'200, kTokenRootMost = 3600;
// AWS packs session policies and tags into a form and a limit that it does not tell; ours is their length against this.
constexpr size_t kPackedBytes = 8192;

Unexpected refuse(std::string_view code, std::string message, int status = 400) {
  return Unexpected(model::api_error(code, std::move(message), status));
}

Unexpected not_authorized(const model::Call& call, std::string_view action, std::string_view resource) {
  return refuse("AccessDenied",
                "User: " + call.identity.principal_arn + " is not authorized to perform: " + std::string(action) +
                    " on resource: " + std::string(resource),
                403);
}

bool is_session(std::string_view principal_arn) { return principal_arn.starts_with("arn:aws:sts:"); }

// Ids look like AWS's: AROA and 17 letters. For a role that IAM does not know, one that stays the same.
std::string made_up_role_id(std::string_view account, std::string_view name) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string id = "AROA";
  for (char byte : sha256(std::string(account) + "/" + std::string(name)).substr(0, 17)) {
    id += kLetters[static_cast<unsigned char>(byte) & 31];
  }
  return id;
}

Value credentials(const Issued& issued, int64_t expires_ms) {
  Value out = Value::map();
  out.set("AccessKeyId", issued.access_key_id);
  out.set("SecretAccessKey", issued.secret_access_key);
  out.set("SessionToken", issued.session_token);
  out.set("Expiration", Timestamp{expires_ms});
  return out;
}

struct RoleName {
  std::string account, name;
};

// "arn:aws:iam::111122223333:role/path/name"
tl::expected<RoleName, ApiError> parse_role_arn(std::string_view arn) {
  constexpr std::string_view kStart = "arn:aws:iam::";
  const std::string_view rest = arn.starts_with(kStart) ? arn.substr(kStart.size()) : std::string_view();
  const size_t slash = rest.rfind('/');
  const bool good = rest.size() > 18 && rest.substr(12).starts_with(":role/") && slash + 1 < rest.size() &&
                    rest.find_first_not_of("0123456789") == 12;
  if (!good) return refuse("ValidationError", std::string(arn) + " is invalid");
  return RoleName{std::string(rest.substr(0, 12)), std::string(rest.substr(slash + 1))};
}

tl::expected<Tags, ApiError> read_tags(const Value& input) {
  Tags tags;
  std::vector<std::string> seen;
  for (const Value& tag : input["Tags"].as_list()) {
    std::string key(tag["Key"].as_string());
    if (lower(key).starts_with("aws:")) {
      return refuse("InvalidParameterValue", "Tag keys with the prefix aws: are reserved: " + key);
    }
    if (std::find(seen.begin(), seen.end(), lower(key)) != seen.end()) {
      return refuse("InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    }
    seen.push_back(lower(key));
    tags.emplace_back(std::move(key), std::string(tag["Value"].as_string()));
  }
  return tags;
}

tl::expected<Session, ApiError> read_session(const Value& input) {
  Session out;
  auto tags = read_tags(input);
  if (!tags) return Unexpected(std::move(tags.error()));
  out.tags = std::move(*tags);
  for (const Value& key : input["TransitiveTagKeys"].as_list()) {
    const auto known = [&key](const auto& tag) { return equal_ignoring_case(tag.first, key.as_string()); };
    if (std::none_of(out.tags.begin(), out.tags.end(), known)) {
      return refuse("InvalidParameterValue", "The specified transitive tag key must be included in the requested tags.");
    }
    out.transitive_tag_keys.emplace_back(key.as_string());
  }
  out.policy = input["Policy"].as_string();
  if (!out.policy.empty() && !is_policy_json(out.policy)) {
    return refuse("MalformedPolicyDocument", "The policy is not in the valid JSON format.");
  }
  for (const Value& arn : input["PolicyArns"].as_list()) out.policy_arns.emplace_back(arn["arn"].as_string());
  out.source_identity = input["SourceIdentity"].as_string();
  return out;
}

// Percent of what there is room for; 0: the request has none of it.
size_t packed_percent(const Session& session) {
  size_t bytes = session.policy.size();
  for (const std::string& arn : session.policy_arns) bytes += arn.size();
  for (const auto& [key, value] : session.tags) bytes += key.size() + value.size();
  return bytes == 0 ? 0 : std::max<size_t>(1, (bytes * 100 + kPackedBytes - 1) / kPackedBytes);
}

}  // namespace

bool StsService::implements(std::string_view operation) const {
  return operation == "GetCallerIdentity" || operation == "AssumeRole" || operation == "GetSessionToken";
}

void StsService::call(model::Call call, model::Responder responder) {
  Answer answer = call.operation == "GetCallerIdentity" ? get_caller_identity(call)
                  : call.operation == "AssumeRole"      ? assume_role(call)
                  : call.operation == "GetSessionToken" ? get_session_token(call)
                                                        : Answer(Unexpected(model::not_implemented("sts", call.operation)));
  if (!answer) return responder.error(std::move(answer.error()));
  responder.reply(std::move(*answer));
}

StsService::Answer StsService::get_caller_identity(const model::Call& call) const {
  const model::Identity& who = call.identity;
  std::string user_id = who.user_id;
  if (user_id.empty() && is_session(who.principal_arn)) {
    // A function's own listener: arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION
    const size_t session = who.principal_arn.rfind('/'), role = who.principal_arn.find('/') + 1;
    const std::string name = who.principal_arn.substr(role, session - role);
    auto found = options_.find_role(who.account, name);
    if (!found) return Unexpected(model::from_error("sts", found.error()));
    user_id = (*found ? (*found)->role_id : made_up_role_id(who.account, name)) + ":" + who.principal_arn.substr(session + 1);
  }
  Value out = Value::map();
  out.set("UserId", user_id.empty() ? who.account : user_id);
  out.set("Account", who.account);
  out.set("Arn", who.principal_arn);
  return out;
}

tl::expected<Role, ApiError> StsService::trusted_role(const model::Call& call) const {
  const Value& input = call.input;
  const std::string arn(input["RoleArn"].as_string());
  auto name = parse_role_arn(arn);
  if (!name) return Unexpected(std::move(name.error()));
  auto found = options_.find_role(name->account, name->name);
  if (!found) return Unexpected(model::from_error("sts", found.error()));
  if (!*found || (*found)->arn != arn) {
    if (options_.any_role && !*found) return Role{arn, made_up_role_id(name->account, name->name), {}, 43'200};
    return not_authorized(call, "sts:AssumeRole", arn);
  }
  TrustRequest request{.caller_arn = call.identity.principal_arn, .caller_account = call.identity.account};
  request.caller_id = call.identity.user_id;
  request.context = {{"sts:rolesessionname", std::string(input["RoleSessionName"].as_string())},
                     {"aws:principalarn", call.identity.principal_arn},
                     {"aws:principalaccount", call.identity.account},
                     {"aws:sourceip", call.source_ip}};
  if (input.has("ExternalId")) request.context.emplace_back("sts:externalid", input["ExternalId"].as_string());
  if (input.has("SourceIdentity")) request.context.emplace_back("sts:sourceidentity", input["SourceIdentity"].as_string());
  for (const Value& tag : input["Tags"].as_list()) {
    request.context.emplace_back("aws:requesttag/" + std::string(tag["Key"].as_string()), tag["Value"].as_string());
  }
  std::vector<std::string_view> actions = {"sts:AssumeRole"};
  if (input["Tags"].size() > 0) actions.push_back("sts:TagSession");
  if (input.has("SourceIdentity")) actions.push_back("sts:SetSourceIdentity");
  for (std::string_view action : actions) {
    request.action = action;
    if (!trusts((*found)->trust_policy, request)) return not_authorized(call, action, arn);
  }
  return std::move(**found);
}

StsService::Answer StsService::assume_role(const model::Call& call) const {
  const Value& input = call.input;
  if (input["ProvidedContexts"].size() > 0) return Unexpected(model::not_implemented("sts", "AssumeRole with ProvidedContexts"));
  if (input.has("SerialNumber") || input.has("TokenCode")) {
    return refuse("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.", 403);
  }
  auto session = read_session(input);
  if (!session) return Unexpected(std::move(session.error()));
  auto role = trusted_role(call);
  if (!role) return Unexpected(std::move(role.error()));
  const int64_t seconds = input["DurationSeconds"].as_int(kAssumeDefault);
  if (is_session(call.identity.principal_arn) && seconds > kChainedMost) {
    return refuse("ValidationError",
                  "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining");
  }
  if (seconds > role->max_session_seconds) {
    return refuse("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  }
  const size_t packed = packed_percent(*session);
  if (packed > 100) {
    return refuse("PackedPolicyTooLarge",
                  "Packed size of session policies and tags consumes " + std::to_string(packed) + "% of allotted space.");
  }
  const std::string name(input["RoleSessionName"].as_string());
  session->account = role->arn.substr(13, 12);
  const std::string role_name = role->arn.substr(role->arn.rfind('/') + 1);
  session->principal_arn = "arn:aws:sts::" + session->account + ":assumed-role/" + role_name + "/" + name;
  session->user_id = role->role_id + ":" + name;
  session->expires_ms = options_.clock.unix_ms() / 1000 * 1000 + seconds * 1000;
  Value user = Value::map();
  user.set("AssumedRoleId", session->user_id);
  user.set("Arn", session->principal_arn);
  Value out = Value::map();
  out.set("Credentials", credentials(options_.sessions.issue(*session), session->expires_ms));
  out.set("AssumedRoleUser", std::move(user));
  if (packed > 0) out.set("PackedPolicySize", static_cast<int64_t>(packed));
  if (!session->source_identity.empty()) out.set("SourceIdentity", session->source_identity);
  return out;
}

StsService::Answer StsService::get_session_token(const model::Call& call) const {
  const model::Identity& who = call.identity;
  if (is_session(who.principal_arn) || who.access_key_id.starts_with("ASIA")) {
    return refuse("AccessDenied", "Cannot call GetSessionToken with session credentials", 403);
  }
  if (call.input.has("SerialNumber") || call.input.has("TokenCode")) {
    return refuse("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.", 403);
  }
  const bool root = who.principal_arn.ends_with(":root");
  int64_t seconds = call.input["DurationSeconds"].as_int(kTokenDefault);
  if (root) seconds = std::min(seconds, kTokenRootMost);
  Session session;
  session.account = who.account, session.principal_arn = who.principal_arn, session.user_id = who.user_id;
  session.expires_ms = options_.clock.unix_ms() / 1000 * 1000 + seconds * 1000;
  Value out = Value::map();
  out.set("Credentials", credentials(options_.sessions.issue(session), session.expires_ms));
  return out;
}

}  // namespace gust::sts
