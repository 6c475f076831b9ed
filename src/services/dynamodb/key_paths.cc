// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/key_paths.h"

#include "model/errors.h"

namespace gust::dynamodb {
namespace {

using Problem = std::optional<model::ApiError>;

Problem inside_a_key(std::string_view role, const std::string& attribute) {
  return model::validation("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: " +
                           std::string(role) + ": " + attribute);
}

}  // namespace

Problem check_key_path(const Table& table, const Path& path) {
  if (path.steps.size() < 2) return std::nullopt;
  const std::string& attribute = path.steps[0].name;
  if (table.is_key(attribute)) return inside_a_key("Key", attribute);
  for (const Index& index : table.indexes) {
    if (index.keys.is_key(attribute)) return inside_a_key("IndexKey", attribute);
  }
  return std::nullopt;
}

Problem check_key_paths(const Table& table, const std::vector<Path>& paths) {
  for (const Path& path : paths) {
    if (auto e = check_key_path(table, path)) return e;
  }
  return std::nullopt;
}

Problem check_key_paths(const Table& table, const Condition& condition) {
  for (const Operand& operand : condition.operands) {
    if (operand.kind == Operand::Kind::Value) continue;
    if (auto e = check_key_path(table, operand.path)) return e;
  }
  for (const Condition& child : condition.children) {
    if (auto e = check_key_paths(table, child)) return e;
  }
  return std::nullopt;
}

}  // namespace gust::dynamodb
