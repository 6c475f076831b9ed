// SPDX-License-Identifier: Apache-2.0

// The zip reader on arbitrary bytes: names and data lie inside the zip, entries do not share bytes, no entry gives more than
// it declared, and what was read whole has the declared size.

#include <cstdint>
#include <cstdlib>

#include "unpack/archive.h"

using namespace gust::unpack;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

bool inside(std::string_view zip, std::string_view part) {
  return part.empty() || (part.data() >= zip.data() && part.data() + part.size() <= zip.data() + zip.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view zip(reinterpret_cast<const char*>(data), size);
  std::vector<Entry> entries;
  if (list(zip, 1000, entries) != Read::Ok) return 0;
  size_t packed = 0;
  for (const Entry& entry : entries) {
    require(inside(zip, entry.name) && inside(zip, entry.data));
    packed += entry.data.size();
    uint64_t given = 0;
    const Read result = read(entry, [&](std::string_view piece) {
      given += piece.size();
      require(given <= entry.size);
      return given < 1 << 20;
    });
    if (result == Read::Ok) require(given == entry.size);
#ifdef GUST_PLANTED_BUG
    if (entry.encrypted && (entry.mode & 0170000) == 0120000) std::abort();
#endif
  }
  require(packed <= size);
  return 0;
}
