// SPDX-License-Identifier: Apache-2.0

#pragma once

// CreateTable's input made into a table, and tags. What is not built is refused by name: indexes, streams, encryption keys,
// protection against deletion, limits of throughput. Provisioned throughput is kept and shown, and throttles nothing.

#include "services/dynamodb/table.h"

namespace gust::dynamodb {

// Without id, storage number and time of creation.
Api<Table> read_create_table(const Value& input, const model::Identity& identity);

// Adds the Tags member; of equal keys the last counts. ValidationException beyond 50 tags.
std::optional<model::ApiError> add_tags(Pairs& tags, const Value& list);
Value render_tags(const Pairs& tags);

}  // namespace gust::dynamodb
