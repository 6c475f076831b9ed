// SPDX-License-Identifier: Apache-2.0

#pragma once

// Pages of lists: MaxItems (100 where absent; the table bounds it), Marker, IsTruncated. A marker is what the page before ended
// with, in base64.

#include <functional>
#include <string>
#include <string_view>

#include "services/iam/records.h"
#include "services/iam/request.h"

namespace gust::iam {

// The page of `list` (sorted by `key`) that the request asks for, as {MEMBER: [...], IsTruncated, Marker}.
Result<Value> page_of(Request& request, std::string_view member, Value::List list,
                      const std::function<std::string(const Value&)>& key);

// A page of entities, straight from the store: those below PathPrefix for which `element` gives something but null.
Result<Value> page_of_rows(Request& request, std::string_view member, const Kind& kind,
                           const std::function<Value(const Value& entity)>& element);

}  // namespace gust::iam
