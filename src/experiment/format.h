// SPDX-License-Identifier: Apache-2.0

#pragma once

// Numbers as people read them. The same in every locale, so that a report is the same everywhere.

#include <cstddef>
#include <cstdint>
#include <string>

namespace gust::experiment {

std::string fixed(double value, int digits);        // "3.14"; no "-0.00"
std::string grouped(double value);                  // "60 696": rounded to a whole number, a space between thousands
std::string short_count(double value);              // "61 k", "1.2 M"
std::string milliseconds(double ms);                // "213 ms", "8.4 ms", "4.02 s"
std::string money(double usd);                      // two decimals from 1 on, three significant digits below: "0.0000143"
std::string megabytes(uint64_t bytes);              // "48 MB" (2^20)
std::string percent(double share, int digits = 0);  // 0.123 -> "12 %"
std::string plural(size_t n, const char* noun);     // "1 upload", "3 uploads"

}  // namespace gust::experiment
