// SPDX-License-Identifier: Apache-2.0

#pragma once

// What a Query's key condition means for the key of a table or of an index: one partition and the range of sort keys in it.

#include <optional>
#include <string>
#include <string_view>

#include "services/dynamodb/expression.h"
#include "services/dynamodb/item_key.h"

namespace gust::dynamodb {

// `from` and `to` (half-open) are what follows the partition's own bytes in a row's key, where the sort key is written as
// store::Key().text(key_text(value)). They hold whatever comes behind it in the key, so that rows of indexes, which go on
// with the table's key, are found too. An empty `to`: to the partition's end.
struct KeyQuery {
  Attribute hash;  // the partition
  std::string from, to;
  KeyRange within(const std::string& partition) const;
};

// `condition`: of a KeyConditionExpression or of KeyConditions. Errors: ValidationException in AWS's words. An empty range
// where the bounds exclude each other.
Api<KeyQuery> key_query(const Condition& condition, const KeyAttribute& hash, const std::optional<KeyAttribute>& range);

// A Query's filter must not look at the attributes of the key it reads by. `what`: "Filter Expression" or "QueryFilter".
std::optional<model::ApiError> check_filter(const Condition& filter, std::string_view what, const KeyAttribute& hash,
                                            const std::optional<KeyAttribute>& range);

// The attributes at the beginning of the condition's paths.
bool refers_to(const Condition& condition, std::string_view attribute);

}  // namespace gust::dynamodb
