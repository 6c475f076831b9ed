// SPDX-License-Identifier: Apache-2.0

#pragma once

// What a handler of IAM gets and answers. Handlers that change something run inside a store mutation: they may run again, so
// they touch nothing but the request.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/service.h"
#include "store/store.h"

namespace gust::iam {

struct Request {
  const model::Call& call;
  store::View& view;
  store::Transaction* transaction;  // null for handlers that only read
  int64_t now_ms;
  std::optional<model::ApiError> problem = std::nullopt;
  // Users that were changed: key of the row, and what it is now (null: gone). For the access keys in memory, after the commit.
  std::vector<std::pair<std::string, Value>> users = {};

  const Value& input() const { return call.input; }
  std::string text(std::string_view member) const { return std::string(call.input[member].as_string()); }
  const std::string& account() const { return call.identity.account; }

  // The answer is this AWS error: return what it returns.
  Failure refuse(std::string_view code, std::string message, int status);
  Failure no_such_entity(std::string message) { return refuse("NoSuchEntity", std::move(message), 404); }
  Failure already_exists(std::string message) { return refuse("EntityAlreadyExists", std::move(message), 409); }
  Failure delete_conflict(std::string message) { return refuse("DeleteConflict", std::move(message), 409); }
  Failure limit_exceeded(std::string message) { return refuse("LimitExceeded", std::move(message), 409); }
  Failure malformed_policy(std::string message) { return refuse("MalformedPolicyDocument", std::move(message), 400); }
  Failure invalid_input(std::string message) { return refuse("InvalidInput", std::move(message), 400); }
  Failure validation_error(std::string message) { return refuse("ValidationError", std::move(message), 400); }
};

using Handler = Result<Value> (*)(Request& request);
enum class Access { Reads, Writes };
struct Operation {
  std::string_view name;
  Access access;
  Handler handler;
};
// Each file's own operations.
std::vector<Operation> role_operations();
std::vector<Operation> user_operations();
std::vector<Operation> access_key_operations();
std::vector<Operation> group_operations();
std::vector<Operation> inline_policy_operations();
std::vector<Operation> attached_policy_operations();
std::vector<Operation> tag_operations();
std::vector<Operation> managed_policy_operations();
std::vector<Operation> instance_profile_operations();

}  // namespace gust::iam
