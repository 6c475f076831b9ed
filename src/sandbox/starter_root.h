// SPDX-License-Identifier: Apache-2.0

#pragma once

// The starter's own mount namespace: a root of its own with nothing in it but what sandboxes are made of, so that copying it
// for each of them is cheap and host paths are out of reach. /t is the template of every sandbox's tree, read-only.

#include "base/result.h"
#include "os/fd.h"
#include "sandbox/warden_process.h"

namespace gust::sandbox {

constexpr char kInit[] = "/t/var/runtime/init";

struct StarterRoot {
  Fd code;       // STATE/code as seen here
  Fd root, dev;  // of the template, for Landlock rules
  Fd null;
};

// Once, at the start of the process; afterwards only /t, /code and /proc exist.
Result<StarterRoot> enter_starter_root(const WardenConfig& config);

}  // namespace gust::sandbox
