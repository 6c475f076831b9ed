// SPDX-License-Identifier: Apache-2.0

#pragma once

// What of an item an answer shows.

#include <optional>
#include <string_view>
#include <vector>

#include "services/dynamodb/expression.h"

namespace gust::dynamodb {

using Projection = std::optional<std::vector<Path>>;  // none: everything

// ProjectionExpression or AttributesToGet of a request that has no other expressions; names that it does not use are an error.
Api<Projection> read_projection(const Value& input);
// The same beside other expressions, whose placeholders these are.
Api<Projection> read_projection(const Value& input, Placeholders& placeholders);

// A stored item as a document; `size` becomes what the whole item counts. Invalid where damaged.
Result<Value> projected_document(std::string_view bytes, const Projection& projection, size_t& size);

}  // namespace gust::dynamodb
