// SPDX-License-Identifier: Apache-2.0

#pragma once

// The file's layout and its history. Step i makes layout i+1 of layout i; one that was released is never changed again. A
// file of an older version is brought forward step by step, each one a transaction of its own; a newer one is refused.

#include <span>
#include <string>

#include "base/result.h"
#include "store/sqlite/connection.h"

namespace gust::store {

using SchemaStep = Result<> (*)(Connection&);

std::span<const SchemaStep> schema_steps();
Result<> migrate(Connection& writer, const std::string& path, std::span<const SchemaStep> steps);

}  // namespace gust::store
