// SPDX-License-Identifier: Apache-2.0

#pragma once

// The actions that a bucket policy can name, and what each applies to (Service Authorization Reference, "Actions, resources,
// and condition keys for Amazon S3"). Pure functions.

#include <cstdint>
#include <string_view>

namespace gust::s3 {

// Bits: which kinds of resources.
inline constexpr uint8_t kNoResource = 0, kBucketResource = 1, kObjectResource = 2;

// Of all actions that the pattern takes in ("s3:Get*", "*"; in lower case); kNoResource: there is no such action.
uint8_t resources_of(std::string_view action_pattern);

// IAM's wild cards: * any run of characters, ? one.
bool wildcard_match(std::string_view pattern, std::string_view text);

}  // namespace gust::s3
