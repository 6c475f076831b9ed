// SPDX-License-Identifier: Apache-2.0

#pragma once

// Landlock ruleset of one sandbox: everything readable and executable, /tmp (and an unpacker's /out) writable, devices
// usable. A second wall behind read-only mounts. Kernels without Landlock: an invalid Fd, which is no error.

#include <vector>

#include "base/result.h"
#include "os/fd.h"

namespace gust::sandbox {

int landlock_abi();                                            // 0: not there
Result<Fd> make_ruleset(int abi, int root, int dev, int tmp);  // tmp -1: none
Result<> allow_writing(int abi, int ruleset, int directory);

}  // namespace gust::sandbox
