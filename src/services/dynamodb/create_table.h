// SPDX-License-Identifier: Apache-2.0

#pragma once

// CreateTable's input made into a table.

#include "services/dynamodb/table.h"

namespace gust::dynamodb {

// Without storage numbers and time of creation.
Api<Table> read_create_table(const Value& input, const model::Identity& identity);

}  // namespace gust::dynamodb
