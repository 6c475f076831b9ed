// SPDX-License-Identifier: Apache-2.0

#pragma once

// Tags of an entity: a list of Key and Value in the record, at most 50, keys unique without case. Pure.

#include "services/iam/request.h"

namespace gust::iam {

// Adds or replaces. InvalidInput for a key twice or a reserved one, LimitExceeded beyond 50.
Result<> add_tags(Request& request, Value& entity, const Value& tags);

}  // namespace gust::iam
