// SPDX-License-Identifier: Apache-2.0

#pragma once

// Identifiers and time text. Random bytes come from the kernel (getrandom), so ids are unguessable. Thread-safe.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gust {

std::string random_bytes(size_t n);
std::string new_uuid();                 // RFC 9562 version 4, 36 characters: request ids, revision ids
std::string new_id(size_t hex_digits);  // lower-case hexadecimal, for names that we choose ourselves
bool is_uuid(std::string_view text);

// Milliseconds since 1970-01-01 UTC <-> text.
std::string iso8601(int64_t unix_ms);                    // 2026-11-23T03:21:09.123Z
std::string iso8601_lambda(int64_t unix_ms);             // 2026-11-23T03:21:09.123+0000, as Lambda's LastModified
std::string iso8601_basic(int64_t unix_ms);              // 20261123T032109Z, as SigV4
std::string http_date(int64_t unix_ms);                  // Mon, 23 Nov 2026 03:21:09 GMT (RFC 9110 section 5.6.7)
Result<int64_t> parse_iso8601(std::string_view text);    // the first and third form, Z or +hh:mm, fraction optional
Result<int64_t> parse_http_date(std::string_view text);  // IMF-fixdate only

}  // namespace gust
