// SPDX-License-Identifier: Apache-2.0

#pragma once

// JSON text <-> Value. The only place that knows the JSON library (RapidJSON, iterative parser: depth cannot exhaust the
// stack). Thread-safe: no state.

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/value.h"

namespace gust::json {

struct Limits {
  size_t depth = 128;        // nested lists and maps
  size_t bytes = 16 << 20;   // length of the text
  size_t nodes = 1'000'000;  // values that parse() builds: each costs up to 200 bytes, its text as few as two
};

// RFC 8259, UTF-8 validated. Integers within int64 become ints, other numbers doubles. A repeated member name: the last
// one wins. Errors: Invalid with the offset, TooLarge over a limit.
Result<Value> parse(std::string_view text, Limits limits = {});

// Whether `text` is one JSON document within the limits, without building it (so the number of nodes does not matter).
bool valid(std::string_view text, Limits limits = {});

// Compact text. Blobs are written as base64, timestamps as seconds with three decimals. Not-finite doubles as null. Bytes of
// a string that are no UTF-8 become U+FFFD: what is written is always JSON.
std::string write(const Value& value);
std::string write_pretty(const Value& value);  // two-space indentation, for people

// `text` as a JSON string literal with its quotes.
std::string quote(std::string_view text);

}  // namespace gust::json
