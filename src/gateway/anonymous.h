// SPDX-License-Identifier: Apache-2.0

#pragma once

// Requests that nobody signed: what a bucket's policy must allow to everybody for them.

#include <string_view>

namespace gust::gateway {

// "s3:GetObject"; empty where an operation of S3 is never anybody's. `version`: of an object's version.
std::string_view public_action(std::string_view operation, bool version);

}  // namespace gust::gateway
