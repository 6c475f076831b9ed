// SPDX-License-Identifier: Apache-2.0

// The zip reader on arbitrary bytes: nothing may be read out of bounds or grow without limit.

#include <cstdlib>

#include "unpack/archive.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gust::unpack;
  std::vector<Entry> entries;
  if (list({reinterpret_cast<const char*>(data), size}, 1000, entries) != Read::Ok) return 0;
  for (const Entry& entry : entries) {
    uint64_t given = 0;
    (void)read(entry, [&](std::string_view piece) {
      given += piece.size();
      if (given > entry.size) std::abort();
      return given < 1 << 20;
    });
  }
  return 0;
}
