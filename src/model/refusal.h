// SPDX-License-Identifier: Apache-2.0

#pragma once

// What the front door of a service answers where the input breaks the model: each service has a code and a text of its own.

#include <string_view>
#include <vector>

#include "model/constraints.h"
#include "model/service.h"
#include "model/table.h"

namespace gust::model {

// `violations` is not empty.
ApiError refuse_input(const ServiceTable& table, const std::vector<Violation>& violations);
// A form that names an operation which the service does not have.
ApiError refuse_action(const ServiceTable& table, std::string_view action);
// A body that is not in the notation it should be in; `why` is the reader's.
ApiError refuse_notation(const ServiceTable& table, Protocol protocol, std::string_view why);

}  // namespace gust::model
