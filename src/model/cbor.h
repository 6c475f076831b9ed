// SPDX-License-Identifier: Apache-2.0

#pragma once

// CBOR (RFC 8949) <-> Value, as far as Smithy's RPC v2 needs it. The only place that knows the encoding; hand-written because
// what a stranger claims (lengths, depth, counts) must be bounded before anything is allocated. Pure functions, any thread.

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/value.h"

namespace gust::model {

struct CborLimits {
  size_t depth = 64;  // nested arrays, maps and tags
  size_t nodes = 1'000'000;
};

// One data item that fills `bytes`. Integers beyond int64 and keys that are no text are Invalid; text must be UTF-8; `null` and
// `undefined` are null; tag 1 is a timestamp, other tags are dropped; of a repeated key the last one counts.
// Errors: Invalid, TooLarge.
Result<Value> parse_cbor(std::string_view bytes, CborLimits limits = {});

// Definite lengths, shortest integers; doubles as float32 where that is exact; timestamps under tag 1. Text that is no UTF-8 is
// repaired with U+FFFD.
std::string write_cbor(const Value& value);

}  // namespace gust::model
