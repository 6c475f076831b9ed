// SPDX-License-Identifier: Apache-2.0

#pragma once

// The parameters that came before expressions (DynamoDB guide, "Legacy conditional parameters"): Expected, AttributeUpdates,
// KeyConditions, QueryFilter, ScanFilter, ConditionalOperator, AttributesToGet. Each becomes what its expression would have
// become, so that nothing behind knows of them. Pure functions; errors are ValidationException in DynamoDB's words.

#include <optional>
#include <string_view>
#include <vector>

#include "base/value.h"
#include "services/dynamodb/expression.h"
#include "services/dynamodb/table.h"

namespace gust::dynamodb::legacy {

// "Can not use both expression and non-expression parameters in the same request: ..." and the like.
std::optional<model::ApiError> check_mixed(const Value& input);

Api<std::optional<Condition>> expected(const Value& input);        // Expected with ConditionalOperator
Api<std::optional<Update>> attribute_updates(const Value& input);  // AttributeUpdates (PUT, ADD, DELETE)
Api<std::optional<Condition>> key_conditions(const Value& input);  // KeyConditions; key_condition.h checks it against the key
// QueryFilter or ScanFilter with ConditionalOperator.
Api<std::optional<Condition>> filter(const Value& input, std::string_view member);
Api<std::optional<std::vector<Path>>> attributes_to_get(const Value& input);

}  // namespace gust::dynamodb::legacy
