// SPDX-License-Identifier: Apache-2.0

// Resource policies.

#include <algorithm>

#include "base/ids.h"
#include "model/errors.h"
#include "services/lambda/lambda_service.h"
#include "services/lambda/policy.h"
#include "services/lambda/policy_document.h"

namespace gust::lambda {
namespace {

using model::ApiError;
constexpr size_t kMaxPolicy = 20480;  // AWS Lambda guide, "Lambda quotas"

std::optional<ApiError> check_revision(const Record& record, std::string_view wanted) {
  if (wanted.empty() || wanted == record.policy_revision) return std::nullopt;
  return model::api_error("PreconditionFailedException",
                          "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to "
                          "retrieve the latest Revision Id",
                          412);
}

Statement to_statement(const Value& input) {
  const auto text = [&input](std::string_view name) { return std::string(input[name].as_string()); };
  Statement s;
  s.id = text("StatementId"), s.action = text("Action"), s.principal = text("Principal");
  s.source_arn = text("SourceArn"), s.source_account = text("SourceAccount");
  s.event_source_token = text("EventSourceToken"), s.organization = text("PrincipalOrgID");
  s.url_auth_type = text("FunctionUrlAuthType"), s.via_url = input["InvokedViaFunctionUrl"].as_bool();
  return s;
}

}  // namespace

void LambdaService::add_permission(model::Call& call, const model::Responder& responder) {
  const auto name = target(call);
  if (!name) return responder.error(name.error());
  if (!name->qualifier.empty()) {
    return responder.error(model::invalid_parameter_value("We currently do not support adding policies for $LATEST."));
  }
  const Statement statement = to_statement(call.input);
  if (!parse_principal(statement.principal)) {
    return responder.error(
        model::invalid_parameter_value("The provided principal was invalid. Please check the principal and try again."));
  }
  const std::string wanted(call.input["RevisionId"].as_string());
  change(
      *name,
      [statement, wanted, revision = new_uuid()](Record& record) -> Problem {
        if (auto e = check_revision(record, wanted)) return e;
        for (const Statement& other : record.policy) {
          if (other.id != statement.id) continue;
          return model::resource_conflict("The statement id (" + statement.id +
                                          ") provided already exists. Please provide a "
                                          "new statement id, or remove the existing statement.");
        }
        record.policy.push_back(statement);
        record.policy_revision = revision;
        const size_t size = policy_text(record).size();
        if (size <= kMaxPolicy) return std::nullopt;
        return model::api_error("PolicyLengthExceededException",
                                "The final policy size (" + std::to_string(size) + ") is bigger than the limit (20480).");
      },
      [statement](const Record& record) {
        model::Reply reply;
        reply.output.set("Statement", statement_text(statement, record.arn()));
        return reply;
      },
      responder);
}

void LambdaService::remove_permission(model::Call& call, const model::Responder& responder) {
  const auto name = target(call);
  if (!name) return responder.error(name.error());
  const std::string statement(call.input["StatementId"].as_string()), wanted(call.input["RevisionId"].as_string());
  change(
      *name,
      [statement, wanted, revision = new_uuid()](Record& record) -> Problem {
        if (auto e = check_revision(record, wanted)) return e;
        const auto removed = std::erase_if(record.policy, [&](const Statement& s) { return s.id == statement; });
        if (removed == 0) return model::resource_not_found("Statement " + statement + " is not found in resource policy.");
        record.policy_revision = revision;
        return std::nullopt;
      },
      [](const Record&) { return model::Reply{}; }, responder);
}

void LambdaService::get_policy(model::Call& call, const model::Responder& responder) {
  const auto name = target(call);
  if (!name) return responder.error(name.error());
  const auto record = find(*name);
  if (!record) return responder.error(record.error());
  if (record->policy.empty()) return responder.error(model::resource_not_found("The resource you requested does not exist."));
  Value output = Value::map();
  output.set("Policy", policy_text(*record));
  output.set("RevisionId", record->policy_revision);
  responder.reply(std::move(output));
}

}  // namespace gust::lambda
