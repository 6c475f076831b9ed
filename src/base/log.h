// SPDX-License-Identifier: Apache-2.0

#pragma once

// The processes' own log (not the functions'): one line per event on standard error,
// `ISO-time LEVEL area: text key=value ...`. Thread-safe: each line is one write(2). Never on the warm path.

#include <initializer_list>
#include <string>
#include <string_view>

namespace gust::log {

enum class Level { Debug, Info, Warning, Error };
struct Field {
  std::string_view name;
  std::string value;
};

void set_level(Level least);
void write(Level level, std::string_view area, std::string_view text, std::initializer_list<Field> fields = {});
inline void debug(std::string_view area, std::string_view text, std::initializer_list<Field> fields = {}) {
  write(Level::Debug, area, text, fields);
}
inline void info(std::string_view area, std::string_view text, std::initializer_list<Field> fields = {}) {
  write(Level::Info, area, text, fields);
}
inline void warning(std::string_view area, std::string_view text, std::initializer_list<Field> fields = {}) {
  write(Level::Warning, area, text, fields);
}
inline void error(std::string_view area, std::string_view text, std::initializer_list<Field> fields = {}) {
  write(Level::Error, area, text, fields);
}

}  // namespace gust::log

// Dies with a message where our own code is wrong. Never reached by untrusted input.
#define GUST_CHECK(condition)                               \
  do {                                                      \
    if (!(condition)) [[unlikely]]                          \
      ::gust::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
namespace gust {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}
