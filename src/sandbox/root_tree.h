// SPDX-License-Identifier: Apache-2.0

#pragma once

// The curated tree that sandboxes see as their root: copies of the files that a manifest lists, never the host's /usr.
// Built once for each content of the manifest, outside the state directory, shared by all instances. Blocking; root.

#include <string>

#include "base/result.h"

namespace gust::sandbox {

// Makes DIRECTORY/provided-HASH from the manifest at `manifest_path` unless it is there, and returns its path. Lines of a
// manifest: `dir PATH`, `copy GLOB` (host path, same place in the tree; links are followed), `copy? GLOB` (may match
// nothing), `tree PATH` (a directory with everything in it), `link PATH TARGET`, `text PATH content with \n`; # comments.
Result<std::string> ensure_root(const std::string& directory, const std::string& manifest_path);

}  // namespace gust::sandbox
