// SPDX-License-Identifier: Apache-2.0

#pragma once

// A directory as the zip that CreateFunction takes. The same files give the same bytes: names are sorted, modes are 0644 or
// 0755, times are left out. Empty directories are left out. A link to a file inside the directory becomes that file; links
// that leave it, links to directories, sockets, pipes and devices are refused by name.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "experiment/zip.h"

namespace gust::cli {

struct PackageLimits {
  uint64_t bytes = 50 << 20;  // AWS Lambda guide, "Lambda quotas": a zip in a direct upload; ours are not compressed
  size_t files = 60'000;      // zip's own limit is 65535
  size_t depth = 64;          // directories in each other
};

using Package = std::vector<experiment::ZipFile>;

// Blocking. Errors: NotFound, Invalid (what cannot be packed), TooLarge.
Result<Package> read_package(const std::string& directory, const PackageLimits& limits = {});

// Makes the file executable in the package. NotFound where there is none of that name.
Result<> make_executable(Package& package, std::string_view name);

}  // namespace gust::cli
