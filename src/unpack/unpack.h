// SPDX-License-Identifier: Apache-2.0

#pragma once

// Unpacks a function's zip into an empty directory, as a stranger's input: nothing is written outside of the directory,
// modes become 0755 or 0644, links are made last and only where they stay inside. Blocking; one call at a time on a
// directory. Runs as the program gust-unpack in a throw-away sandbox, and in tests and the fuzzer as a library.

#include <cstdint>
#include <string>
#include <string_view>

namespace gust::unpack {

struct Limits {
  size_t entries = 100'000;
  size_t depth = 64;                    // components of a path
  size_t path = 4096, component = 255;  // bytes, as Linux allows
  uint64_t bytes = 262'144'000;         // AWS Lambda guide, "Lambda quotas": deployment package, unzipped
  uint64_t ratio = 200;                 // unpacked : packed of the whole zip ...
  uint64_t ratio_floor = 32 << 20;      // ... asked for once this much would be written
};

enum class Kind { Ok, Corrupt, UnsafePath, UnsafeLink, UnsupportedEntry, TooMany, TooDeep, TooLarge, Ratio, Io };
std::string_view name_of(Kind kind);  // "corrupt", "unsafe-path", ...

struct Report {
  Kind kind = Kind::Ok;
  std::string text;          // for people, one line, printable ASCII
  uint64_t entries = 0;      // files and links made
  uint64_t bytes = 0;        // of their content
  std::string line() const;  // "OK entries bytes\n" or "ERROR kind text\n"
};

Report unpack(std::string_view zip, int directory, const Limits& limits = {});

// Removes everything in the directory (not itself); does not follow links.
Report empty(int directory);

}  // namespace gust::unpack
