// SPDX-License-Identifier: Apache-2.0

// Function output on its way into a log file and back: whatever a function prints is one line, shows on a terminal without
// moving its cursor, and reads back byte for byte. The same bytes as a line of a damaged file, a position and a pattern.

#include <cstdint>
#include <cstdlib>

#include "base/log.h"
#include "meter/log_format.h"
#include "services/logs/filter.h"
#include "services/logs/log_files.h"

using namespace gust;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string line = meter::log_line(1'795'404'069'000'000, "e-1", "r-1", text);
  GUST_CHECK(line.ends_with('\n') && line.find('\n') == line.size() - 1);
  for (unsigned char c : std::string_view(line).substr(0, line.size() - 1)) GUST_CHECK(c >= 0x20 || c == '\t');
  auto read = logs::parse_line(std::string_view(line).substr(0, line.size() - 1));
  GUST_CHECK(read.has_value() && read->message == text && read->environment == "e-1" && read->request == "r-1");
  GUST_CHECK(read->unix_ms == 1'795'404'069'000);
  if (auto damaged = logs::parse_line(text)) GUST_CHECK(damaged->message.size() <= size);
  if (auto position = logs::parse_position(text)) GUST_CHECK(logs::parse_position(position->text()) == *position);
  if (auto filter = logs::Filter::parse(text)) {
    bool matches = filter->matches("START RequestId: r-1 \"quoted\" ?-");
    (void)matches;
#ifdef GUST_PLANTED_BUG
    GUST_CHECK(!(matches && text.find("?\"START") != text.npos));
#endif
  }
  return 0;
}
