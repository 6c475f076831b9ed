// SPDX-License-Identifier: Apache-2.0

#pragma once

// Tags of buckets and objects: what S3 refuses. Pure functions.

#include "base/value.h"
#include "services/s3/bucket_access.h"

namespace gust::s3 {

enum class Tagged { Bucket, Object };

// `tag_set`: a list of {Key, Value}. At most 50 tags of a bucket and 10 of an object, keys of 1 to 128 and values of up to
// 256 characters out of letters, digits, spaces and _ . : / = + - @ (S3 User Guide, "Categorizing your storage using tags").
Problem check_tags(const Value& tag_set, Tagged tagged);

}  // namespace gust::s3
