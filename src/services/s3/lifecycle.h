// SPDX-License-Identifier: Apache-2.0

#pragma once

// Lifecycle configurations: what S3 refuses and what it adds. They are kept for the tools that put them (CDK's and SAM's own
// buckets) and have no effect: nothing expires here. Pure but for random ids.

#include <tl/expected.hpp>

#include "base/value.h"
#include "model/service.h"

namespace gust::s3 {

// The configuration as S3 gives it back: rules without ID have got one, dates are text.
tl::expected<Value, model::ApiError> accept_lifecycle(const Value& configuration);

}  // namespace gust::s3
