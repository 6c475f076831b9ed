// SPDX-License-Identifier: Apache-2.0

#pragma once

// Attributes of keys are scalars: an expression must not look inside them. ValidationException in DynamoDB's words.

#include <optional>
#include <vector>

#include "services/dynamodb/expression.h"
#include "services/dynamodb/table.h"

namespace gust::dynamodb {

std::optional<model::ApiError> check_key_path(const Table& table, const Path& path);
std::optional<model::ApiError> check_key_paths(const Table& table, const std::vector<Path>& paths);
std::optional<model::ApiError> check_key_paths(const Table& table, const Condition& condition);

}  // namespace gust::dynamodb
