// SPDX-License-Identifier: Apache-2.0

#pragma once

// One line of a log file, format 1: `ISO-time TAB environment TAB request-id TAB text LF`. In the text a newline is written
// as \n, a backslash as \\, any other control character but the tab as \xHH: a file can be shown on a terminal, and reading
// gives back every byte. No state.

#include <cstdint>
#include <string>
#include <string_view>

namespace gust::meter {

std::string log_line(int64_t unix_us, std::string_view environment, std::string_view request_id, std::string_view text);
std::string escape_log_text(std::string_view text);
std::string unescape_log_text(std::string_view text);  // an unknown escape stands for its second character

}  // namespace gust::meter
