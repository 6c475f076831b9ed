// SPDX-License-Identifier: Apache-2.0

#include "services/lambda/record.h"

#include "services/lambda/document.h"
#include "store/key.h"

namespace gust::lambda {
namespace {

constexpr std::string_view kService = "lambda";
constexpr int64_t kVersion = 1;  // of the stored form; unknown members are dropped, missing ones get their defaults

Value from_pairs(const Pairs& pairs) {
  Value map = Value::map();
  for (const auto& [name, value] : pairs) map.map_ref().emplace_back(name, value);
  return map;
}

Pairs to_pairs(const Value& value) {
  Pairs pairs;
  for (const auto& [name, member] : value.as_map()) pairs.emplace_back(name, std::string(member.as_string()));
  return pairs;
}

Value from_statement(const Statement& s) {
  Value v = Value::map();
  v.set("id", s.id);
  v.set("action", s.action);
  v.set("principal", s.principal);
  v.set("source_arn", s.source_arn);
  v.set("source_account", s.source_account);
  v.set("event_source_token", s.event_source_token);
  v.set("organization", s.organization);
  v.set("url_auth_type", s.url_auth_type);
  v.set("via_url", s.via_url);
  return v;
}

Statement to_statement(const Value& v) {
  const auto text = [&v](std::string_view name) { return std::string(v[name].as_string()); };
  return {text("id"),           text("action"),         text("principal"),
          text("source_arn"),   text("source_account"), text("event_source_token"),
          text("organization"), text("url_auth_type"),  v["via_url"].as_bool()};
}

}  // namespace

std::string record_key(std::string_view account, std::string_view region, std::string_view name) {
  return store::Key().text(account).text(region).text(kService).text(name).bytes();
}

std::string record_prefix(std::string_view account, std::string_view region) {
  return store::Key().text(account).text(region).text(kService).bytes();
}

bool is_record_key(std::string_view key) {
  store::KeyReader reader(key);
  if (!reader.text() || !reader.text()) return false;
  const auto service = reader.text();
  return service && *service == kService && reader.text() && reader.rest().empty();
}

std::string encode(const Record& r) {
  Value v = Value::map();
  v.set("version", kVersion);
  v.set("account", r.account);
  v.set("region", r.region);
  v.set("name", r.name);
  v.set("runtime", r.runtime);
  v.set("handler", r.handler);
  v.set("role", r.role);
  v.set("description", r.description);
  v.set("architecture", r.architecture);
  v.set("code", r.code);
  v.set("code_size", r.code_size);
  v.set("timeout_s", r.timeout_s);
  v.set("memory_mb", r.memory_mb);
  v.set("tmp_mb", r.tmp_mb);
  if (r.has_environment) v.set("environment", from_pairs(r.environment));
  v.set("revision_id", r.revision_id);
  v.set("modified_ms", static_cast<long long>(r.modified_ms));
  v.set("epoch", r.epoch);
  v.set("reserved_concurrency", static_cast<long long>(r.reserved_concurrency));
  v.set("tags", from_pairs(r.tags));
  Value policy = Value::list();
  for (const Statement& statement : r.policy) policy.push(from_statement(statement));
  v.set("policy", std::move(policy));
  v.set("policy_revision", r.policy_revision);
  return encode_document(v);
}

Result<Record> decode(std::string_view bytes) {
  const Value v = TRY(decode_document(bytes));
  if (v["version"].as_int() != kVersion) return fail(Errc::Unsupported, "a function's record is of another version");
  const auto text = [&v](std::string_view name) { return std::string(v[name].as_string()); };
  const auto count = [&v](std::string_view name, int64_t otherwise) { return static_cast<uint32_t>(v[name].as_int(otherwise)); };
  Record r;
  r.account = text("account"), r.region = text("region"), r.name = text("name");
  r.runtime = text("runtime"), r.handler = text("handler"), r.role = text("role");
  r.description = text("description"), r.architecture = text("architecture");
  r.code = text("code"), r.code_size = static_cast<uint64_t>(v["code_size"].as_int());
  r.timeout_s = count("timeout_s", 3), r.memory_mb = count("memory_mb", 128), r.tmp_mb = count("tmp_mb", 512);
  r.has_environment = v.has("environment");
  r.environment = to_pairs(v["environment"]);
  r.revision_id = text("revision_id");
  r.modified_ms = v["modified_ms"].as_int();
  r.epoch = static_cast<uint64_t>(v["epoch"].as_int());
  r.reserved_concurrency = v["reserved_concurrency"].as_int(-1);
  r.tags = to_pairs(v["tags"]);
  for (const Value& statement : v["policy"].as_list()) r.policy.push_back(to_statement(statement));
  r.policy_revision = text("policy_revision");
  return r;
}

invoke::FunctionPtr to_function(const Record& r) {
  auto f = std::make_shared<invoke::Function>();
  f->account = r.account, f->region = r.region, f->name = r.name;
  f->arn = r.arn();
  f->revision_id = r.revision_id;
  f->runtime = r.runtime, f->handler = r.handler, f->role = r.role;
  f->code = r.code;
  f->memory_mb = r.memory_mb, f->timeout_s = r.timeout_s, f->tmp_mb = r.tmp_mb;
  f->environment = r.environment;
  f->reserved_concurrency = r.reserved_concurrency;
  f->log_group = "/aws/lambda/" + r.name;
  f->epoch = r.epoch;
  return f;
}

}  // namespace gust::lambda
