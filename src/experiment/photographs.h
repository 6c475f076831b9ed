// SPDX-License-Identifier: Apache-2.0

#pragma once

// Uploads made of photographs: a seeded crop of a real picture, encoded again, so that every upload is distinct and of 1 to
// 20 megapixels. Some carry an EXIF orientation, some are progressive, as real uploads do. The same sources and seed give
// the same bytes. Only JPEG sources; others in a directory are left out. See docs/photographs.md for where they come from.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace gust::experiment {

struct Photograph {
  std::string jpeg;
  std::string source;  // file name of the picture that it was cut from
  uint32_t width = 0, height = 0;
};

struct PhotographOptions {
  size_t first = 0;  // number of the first one: 60 photographs are the same, made at once or 20 by 20
  size_t count = 60;
  uint64_t seed = 1;
  double least_megapixels = 1, most_megapixels = 20;
  int threads = 2;
  std::function<void(size_t done, size_t all)> progress;  // may be empty; called from one thread at a time
};

// JPEG files of a directory and the directories below it, sorted; symbolic links are left out (wallpaper packages link one
// picture under many names).
Result<std::vector<std::string>> find_photographs(const std::string& directory);
// Those of docs/photographs.md that are installed.
std::vector<std::string> installed_photographs();

// Errors: NotFound (no usable source).
Result<std::vector<Photograph>> make_photographs(const std::vector<std::string>& sources, const PhotographOptions& options);

}  // namespace gust::experiment
