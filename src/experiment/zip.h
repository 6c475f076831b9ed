// SPDX-License-Identifier: Apache-2.0

#pragma once

// Writes a zip archive without compression (APPNOTE 6.3.10, version 2.0 of the format): what CreateFunction takes. Names
// and sizes are our own; below 4 GiB and 65535 entries.

#include <cstdint>
#include <string>
#include <vector>

namespace gust::experiment {

struct ZipFile {
  std::string name, content;
  uint32_t mode = 0644;  // UNIX permissions
};

std::string make_zip(const std::vector<ZipFile>& files);

}  // namespace gust::experiment
