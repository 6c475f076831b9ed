// SPDX-License-Identifier: Apache-2.0

#include "services/iam/records.h"

#include <functional>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/json.h"
#include "model/errors.h"
#include "services/iam/tags.h"
#include "store/key.h"

namespace gust::iam {
namespace {

constexpr std::string_view kService = "iam", kAttachment = "attachment";
constexpr size_t kPage = 200;

store::Key service_key(std::string_view account) { return store::Key().text(account).text("").text(kService); }

}  // namespace

Failure Request::refuse(std::string_view code, std::string message, int status) {
  problem = model::api_error(code, std::move(message), status);
  return fail(Errc::Conflict, problem->message);
}

std::string row_prefix(std::string_view account, const Kind& kind) { return service_key(account).text(kind.noun).bytes(); }
std::string row_key(std::string_view account, const Kind& kind, std::string_view name) {
  return service_key(account).text(kind.noun).text(lower(name)).bytes();
}
std::string attachment_prefix(std::string_view account, std::string_view policy_arn) {
  return service_key(account).text(kAttachment).text(policy_arn).bytes();
}
std::string attachment_key(std::string_view account, std::string_view policy_arn, const Kind& kind, std::string_view name) {
  return service_key(account).text(kAttachment).text(policy_arn).text(kind.noun).text(lower(name)).bytes();
}

std::string accounts_prefix() { return service_key("").bytes(); }
Result<> mark_account(Request& request) {
  return request.transaction->put(store::Space::Meta, service_key("").text(request.account()).bytes(), "");
}

std::string encode_row(const Value& entity) { return json::write(entity); }
Result<Value> decode_row(std::string_view bytes) { return json::parse(bytes); }

Result<Value> find(Request& request, const Kind& kind, std::string_view name) {
  auto row = TRY(request.view.get(store::Space::Meta, row_key(request.account(), kind, name)));
  return row ? decode_row(*row) : Result<Value>(Value());
}

Result<Value> get(Request& request, const Kind& kind, std::string_view name) {
  Value entity = TRY(find(request, kind, name));
  if (!entity.is_null()) return entity;
  const std::string text(name);
  if (&kind == &kInstanceProfile || kind.noun == kInstanceProfile.noun) {
    return request.no_such_entity("Instance Profile " + text + " cannot be found.");
  }
  return request.no_such_entity("The " + std::string(kind.noun) + " with name " + text + " cannot be found.");
}

Result<Value> get(Request& request, const Kind& kind) { return get(request, kind, request.text(kind.name_member)); }

Result<> save(Request& request, const Kind& kind, const Value& entity) {
  const std::string key = row_key(request.account(), kind, entity["Name"].as_string());
  if (kind.noun == kUser.noun) request.users.emplace_back(key, entity);
  return request.transaction->put(store::Space::Meta, key, encode_row(entity));
}

Result<> erase(Request& request, const Kind& kind, const Value& entity) {
  const std::string key = row_key(request.account(), kind, entity["Name"].as_string());
  if (kind.noun == kUser.noun) request.users.emplace_back(key, Value());
  return request.transaction->erase(store::Space::Meta, key);
}

std::string new_iam_id(std::string_view prefix) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string id(prefix);
  for (char byte : random_bytes(17)) id += kLetters[static_cast<unsigned char>(byte) & 31];
  return id;
}

std::string arn_of(std::string_view account, const Kind& kind, std::string_view path, std::string_view name) {
  std::string arn = "arn:aws:iam::";
  return arn.append(account).append(":").append(kind.noun).append(path).append(name);
}

Result<Value> make(Request& request, const Kind& kind, std::string path, size_t most) {
  const std::string name = request.text(kind.name_member);
  if (path.empty()) path = "/";
  Value existing = TRY(find(request, kind, name));
  if (!existing.is_null()) {
    if (kind.noun == kPolicy.noun) {
      return request.already_exists("A policy called " + name + " already exists. Duplicate names are not allowed.");
    }
    if (kind.noun == kInstanceProfile.noun) return request.already_exists("Instance Profile " + name + " already exists.");
    return request.already_exists(std::string(kind.title) + " with name " + name + " already exists.");
  }
  if (TRY(count_rows(request.view, row_prefix(request.account(), kind))) >= most) {
    std::string quota(kind.title);
    quota = kind.noun == kPolicy.noun ? "Policies" : kind.noun == kInstanceProfile.noun ? "InstanceProfiles" : quota + "s";
    return request.limit_exceeded("Cannot exceed quota for " + quota + "PerAccount: " + std::to_string(most));
  }
  Value entity = Value::map();
  entity.set("Name", name);
  entity.set("Path", path);
  entity.set("Id", new_iam_id(kind.id_prefix));
  entity.set("Arn", arn_of(request.account(), kind, path, name));
  entity.set("Created", request.now_ms / 1000 * 1000);
  entity.set("Tags", Value::list());
  TRY(add_tags(request, entity, request.input()["Tags"]));
  return entity;
}

Result<> each_row(store::View& view, const std::string& prefix, const std::string& from,
                  const std::function<Result<bool>(const store::Row& row)>& row) {
  const std::string end = store::prefix_end(prefix);
  for (std::string at = from;;) {
    const auto rows = TRY(view.scan(store::Space::Meta, at, end, kPage));
    for (const store::Row& r : rows) {
      if (!TRY(row(r))) return {};
    }
    if (rows.empty()) return {};
    at = rows.back().key + '\0';
  }
}

Result<size_t> count_rows(store::View& view, const std::string& prefix) {
  size_t n = 0;
  TRY(each_row(view, prefix, prefix, [&n](const store::Row&) -> Result<bool> { return ++n, true; }));
  return n;
}

Value timestamp(const Value& milliseconds) { return Timestamp{milliseconds.as_int()}; }

}  // namespace gust::iam
