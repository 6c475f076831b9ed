// SPDX-License-Identifier: Apache-2.0

#pragma once

// Curated root trees: copies of the host files that a manifest (data/roots/NAME.manifest) names, in a directory of their own
// that sandboxes see as /. A tree is called NAME-HASH, where the hash covers the manifest and size and time of each file
// copied: after an upgrade of the host another tree is built beside it, and running instances keep theirs. Blocking; root.
// Two builders at the same time are harmless: the first rename wins.

#include <string>

#include "base/result.h"

namespace gust::sandbox {

// Path that the tree of this manifest has now, whether it is there or not. Invalid: a bad line; NotFound: a missing file.
Result<std::string> root_path(const std::string& target_directory, const std::string& manifest);

// Whether the tree at root_path() is there and complete.
Result<bool> root_is_current(const std::string& target_directory, const std::string& manifest);

// Builds the tree unless it is current; returns its path. Beside it lies PATH.list: mode, size, SHA-256 and name of each file.
Result<std::string> build_root(const std::string& target_directory, const std::string& manifest);

}  // namespace gust::sandbox
