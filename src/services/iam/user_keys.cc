// SPDX-License-Identifier: Apache-2.0

// Operations on users' access keys.

#include <algorithm>

#include "base/encoding.h"
#include "base/ids.h"
#include "services/iam/page.h"
#include "services/iam/principals.h"

namespace gust::iam {
namespace {

constexpr size_t kMostKeys = 2;  // quota of IAM

std::string new_access_key_id() {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string id = "AKIA";
  for (char byte : random_bytes(16)) id += kLetters[static_cast<unsigned char>(byte) & 31];
  return id;
}

// The key of the input's AccessKeyId in the user's row.
Result<size_t> key_index(Request& request, const Value& user) {
  const std::string id = request.text("AccessKeyId");
  const Value::List& keys = user["Keys"].as_list();
  const auto at = std::find_if(keys.begin(), keys.end(), [&id](const Value& key) { return key["Id"].as_string() == id; });
  if (at == keys.end()) return request.no_such_entity("The Access Key with id " + id + " cannot be found.");
  return static_cast<size_t>(at - keys.begin());
}

Result<Value> caller_or_named(Request& request) {
  const std::string name = TRY(user_name(request));
  return get(request, kUser, name);
}

Result<Value> create_access_key(Request& request) {
  Value user = TRY(caller_or_named(request));
  if (user["Keys"].size() >= kMostKeys) {
    return request.limit_exceeded("Cannot exceed quota for AccessKeysPerUser: " + std::to_string(kMostKeys));
  }
  Value key = Value::map();
  key.set("Id", new_access_key_id());
  key.set("Secret", base64_encode(random_bytes(30)));
  key.set("Status", "Active");
  key.set("Created", request.now_ms / 1000 * 1000);
  user.set("Keys", user["Keys"]).push(key);
  TRY(save(request, kUser, user));
  Value made = Value::map();
  made.set("UserName", user["Name"]);
  made.set("AccessKeyId", key["Id"]);
  made.set("Status", key["Status"]);
  made.set("SecretAccessKey", key["Secret"]);
  made.set("CreateDate", timestamp(key["Created"]));
  Value out = Value::map();
  out.set("AccessKey", std::move(made));
  return out;
}

Result<Value> list_access_keys(Request& request) {
  const Value user = TRY(caller_or_named(request));
  Value::List list;
  for (const Value& key : user["Keys"].as_list()) {
    Value listed = Value::map();
    listed.set("UserName", user["Name"]);
    listed.set("AccessKeyId", key["Id"]);
    listed.set("Status", key["Status"]);
    listed.set("CreateDate", timestamp(key["Created"]));
    list.push_back(std::move(listed));
  }
  const auto id = [](const Value& key) { return std::string(key["AccessKeyId"].as_string()); };
  std::sort(list.begin(), list.end(), [&id](const Value& a, const Value& b) { return id(a) < id(b); });
  return page_of(request, "AccessKeyMetadata", std::move(list), id);
}

Result<Value> update_access_key(Request& request) {
  Value user = TRY(caller_or_named(request));
  const size_t at = TRY(key_index(request, user));
  user.set("Keys", user["Keys"]).list_ref()[at].set("Status", request.text("Status"));
  TRY(save(request, kUser, user));
  return Value::map();
}

Result<Value> delete_access_key(Request& request) {
  Value user = TRY(caller_or_named(request));
  const size_t at = TRY(key_index(request, user));
  Value::List& keys = user.set("Keys", user["Keys"]).list_ref();
  keys.erase(keys.begin() + static_cast<std::ptrdiff_t>(at));
  TRY(save(request, kUser, user));
  return Value::map();
}

}  // namespace

std::vector<Operation> access_key_operations() {
  return {{"CreateAccessKey", Access::Writes, create_access_key},
          {"ListAccessKeys", Access::Reads, list_access_keys},
          {"UpdateAccessKey", Access::Writes, update_access_key},
          {"DeleteAccessKey", Access::Writes, delete_access_key}};
}

}  // namespace gust::iam
