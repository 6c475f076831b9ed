// SPDX-License-Identifier: Apache-2.0

#pragma once

// Small text encodings. Decoders refuse malformed input with Invalid; none of them allocates more than its input's size.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gust {

std::string base64_encode(std::string_view bytes);         // RFC 4648 section 4, with padding
Result<std::string> base64_decode(std::string_view text);  // padding required, no white space
std::string hex_encode(std::string_view bytes);            // lower case
Result<std::string> hex_decode(std::string_view text);

// Percent-encoding of RFC 3986: everything but A-Z a-z 0-9 - . _ ~ (and '/' where keep_slash).
enum class Slash { Keep, Encode };
std::string percent_encode(std::string_view bytes, Slash slash);
enum class Plus { Literal, Space };  // Space: form encoding
Result<std::string> percent_decode(std::string_view text, Plus plus = Plus::Literal);

// Text that may come from a stranger, made safe for one kind of page.
std::string escape_xml(std::string_view text);       // & < > " ' ; what XML forbids and what is no UTF-8 becomes U+FFFD
std::string escape_terminal(std::string_view text);  // control characters as \xNN, so that output cannot move a cursor

bool is_utf8(std::string_view text);
std::string to_utf8(std::string_view text);                        // bytes that are no UTF-8 become U+FFFD
std::string lower(std::string_view text);                          // ASCII only
bool equal_ignoring_case(std::string_view a, std::string_view b);  // ASCII only
std::string_view trim(std::string_view text);                      // spaces and tabs at both ends

// A decimal number that fills the whole text; nullopt-like Invalid otherwise (sign only for the signed one).
Result<uint64_t> parse_uint(std::string_view text);
Result<int64_t> parse_int(std::string_view text);

}  // namespace gust
