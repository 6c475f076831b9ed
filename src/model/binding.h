// SPDX-License-Identifier: Apache-2.0

#pragma once

// Members that travel outside the body: path labels, query parameters and headers in; headers and the status out. A '+' in a
// query is a space, as AWS reads it (clients send %2B for a plus). Pure functions over immutable tables.

#include <optional>

#include "base/value.h"
#include "http/message.h"
#include "model/router.h"
#include "model/service.h"
#include "model/table.h"

namespace gust::model {

// Adds the bound members of the input to `input`. An ApiError in the service's own words where one cannot be read.
std::optional<ApiError> bind_input(const ServiceTable& table, const Match& match, const RequestView& request, Value& input);

// Writes the output's header members into `headers`; a statusCode member replaces `status`.
void bind_output(const ServiceTable& table, uint16_t shape, const Value& output, http::Headers& headers, int& status);

}  // namespace gust::model
