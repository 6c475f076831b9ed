// SPDX-License-Identifier: Apache-2.0

#pragma once

// A zip file (PKWARE APPNOTE 6.3.10) as a list of entries: central directory, zip64, methods stored and deflated. Our own
// reader instead of libarchive's because a static program in an empty root has neither the locales nor the character set
// tables that libarchive converts names with; here a name is its bytes. Everything is bounds-checked against the text in
// memory; a local header that names another file than the central directory, or entries that share bytes, are corrupt.
// No exceptions, no base/: this is part of a static helper. Not thread-safe, needs no state.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gust::unpack {

struct Entry {
  std::string_view name;  // as stored; points into the zip
  std::string_view data;  // compressed bytes; points into the zip
  uint64_t size = 0;      // as declared; read() checks it
  uint32_t crc = 0;
  uint16_t method = 0;  // 0 stored, 8 deflated
  uint32_t mode = 0;    // UNIX type and permission bits, 0 where the zip was made elsewhere
  bool encrypted = false;
};

enum class Read { Ok, Corrupt, TooMany, Stopped };

// Reads the directory. TooMany where it lists more than `max_entries`.
Read list(std::string_view zip, size_t max_entries, std::vector<Entry>& entries);

// Gives the entry's content in pieces to `sink` (false stops: Stopped). Corrupt where length or CRC differ; never gives more
// than the declared size. `entry.method` must be 0 or 8, else Corrupt.
Read read(const Entry& entry, const std::function<bool(std::string_view)>& sink);

}  // namespace gust::unpack
