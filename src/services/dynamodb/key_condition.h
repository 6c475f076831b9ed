// SPDX-License-Identifier: Apache-2.0

#pragma once

// What a KeyConditionExpression means: the range of store keys that a Query reads.

#include "services/dynamodb/expression.h"
#include "services/dynamodb/item_key.h"

namespace gust::dynamodb {

// Errors: ValidationException in AWS's words. An empty range where the bounds exclude each other.
Api<KeyRange> key_range(const Condition& condition, const Table& table);

// The attributes at the beginning of the condition's paths.
bool refers_to(const Condition& condition, std::string_view attribute);

}  // namespace gust::dynamodb
