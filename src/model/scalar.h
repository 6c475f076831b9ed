// SPDX-License-Identifier: Apache-2.0

#pragma once

// Scalars as text in headers, queries, labels, XML and forms. Pure functions.

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/value.h"
#include "model/table.h"

namespace gust::model {

// Invalid with a short reason ("not an integer") where the text does not fit the kind. Lists and structures are Invalid.
Result<Value> scalar_from_text(Kind kind, TimeFormat format, std::string_view text);
// "NaN", "Infinity", "-Infinity", as AWS writes them.
std::optional<double> special_number(std::string_view text);
// The other way. A value of another kind than expected is written by what it is.
std::string scalar_to_text(const Value& value, TimeFormat format);

}  // namespace gust::model
