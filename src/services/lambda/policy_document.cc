// SPDX-License-Identifier: Apache-2.0

#include "services/lambda/policy_document.h"

#include "base/json.h"
#include "services/lambda/policy.h"

namespace gust::lambda {
namespace {

Value condition(const Statement& s) {
  Value equals = Value::map(), result = Value::map();
  if (!s.source_account.empty()) equals.set("AWS:SourceAccount", s.source_account);
  if (!s.event_source_token.empty()) equals.set("lambda:EventSourceToken", s.event_source_token);
  if (!s.organization.empty()) equals.set("aws:PrincipalOrgID", s.organization);
  if (!s.url_auth_type.empty()) equals.set("lambda:FunctionUrlAuthType", s.url_auth_type);
  if (equals.size() != 0) result.set("StringEquals", std::move(equals));
  if (s.via_url) result.set("Bool", Value::map()).set("lambda:InvokedViaFunctionUrl", "true");
  if (!s.source_arn.empty()) result.set("ArnLike", Value::map()).set("AWS:SourceArn", s.source_arn);
  return result;
}

Value statement_value(const Statement& s, std::string_view function_arn) {
  Value v = Value::map();
  v.set("Sid", s.id);
  v.set("Effect", "Allow");
  const Principal principal = parse_principal(s.principal).value_or(Principal{});
  if (principal.kind == Principal::Kind::Anybody) {
    v.set("Principal", "*");
  } else {
    const bool service = principal.kind == Principal::Kind::Service;
    v.set("Principal", Value::map()).set(service ? "Service" : "AWS", principal.text);
  }
  v.set("Action", s.action);
  v.set("Resource", function_arn);
  Value conditions = condition(s);
  if (conditions.size() != 0) v.set("Condition", std::move(conditions));
  return v;
}

}  // namespace

std::string statement_text(const Statement& statement, std::string_view function_arn) {
  return json::write(statement_value(statement, function_arn));
}

std::string policy_text(const Record& record) {
  Value v = Value::map();
  v.set("Version", "2012-10-17");
  v.set("Id", "default");
  Value& statements = v.set("Statement", Value::list());
  for (const Statement& statement : record.policy) statements.push(statement_value(statement, record.arn()));
  return json::write(v);
}

std::string environment_text(const Pairs& environment) {
  Value v = Value::map();
  for (const auto& [name, value] : environment) v.set(name, value);
  return json::write(v);
}

bool is_event(std::string_view text) { return json::valid(text); }

}  // namespace gust::lambda
