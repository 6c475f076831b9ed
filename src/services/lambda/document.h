// SPDX-License-Identifier: Apache-2.0

#pragma once

// Value <-> bytes, as stored in the store's rows: one tag byte per value, varint lengths, numbers in 8 bytes. Members are
// found by name, so that a record can gain and lose members between versions. The tags are on disk: never reuse one.

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/value.h"

namespace gust::lambda {

std::string encode_document(const Value& value);
Result<Value> decode_document(std::string_view bytes);  // Invalid where malformed or nested more than 16 deep

}  // namespace gust::lambda
