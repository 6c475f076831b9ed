// SPDX-License-Identifier: Apache-2.0

#pragma once

// A function as stored: one row of Space::Meta under (account, region, "lambda", name).

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "invoke/function.h"
#include "services/lambda/function_name.h"

namespace gust::lambda {

// One statement of a function's resource policy, as AddPermission was given it.
struct Statement {
  std::string id, action, principal;
  std::string source_arn, source_account, event_source_token, organization, url_auth_type;
  bool via_url = false;
  bool operator==(const Statement&) const = default;
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Record {
  std::string account, region, name;
  std::string runtime, handler, role, description, architecture = "x86_64";
  std::string code;        // hex SHA-256 of the zip
  uint64_t code_size = 0;  // of the zip
  uint32_t timeout_s = 3, memory_mb = 128, tmp_mb = 512;
  Pairs environment;  // in the order given
  bool has_environment = false;
  std::string revision_id;
  int64_t modified_ms = 0;
  uint64_t epoch = 1;  // counts what makes running environments outdated
  int64_t reserved_concurrency = -1;
  Pairs tags;
  std::vector<Statement> policy;
  std::string policy_revision;

  FunctionName id() const { return {account, region, name, ""}; }
  std::string arn() const { return id().arn(); }
  bool operator==(const Record&) const = default;
};

std::string record_key(std::string_view account, std::string_view region, std::string_view name);
// Start of all functions' keys of one account and region.
std::string record_prefix(std::string_view account, std::string_view region);
bool is_record_key(std::string_view key);

std::string encode(const Record& record);
Result<Record> decode(std::string_view bytes);

invoke::FunctionPtr to_function(const Record& record);

}  // namespace gust::lambda
