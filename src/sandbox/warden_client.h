// SPDX-License-Identifier: Apache-2.0

#pragma once

// The daemon's end of the channel to the warden's starter. All on the loop's thread. When the warden is gone, everything
// that waits fails with Unavailable and later calls fail the same way.

#include <memory>

#include "sandbox/sandbox.h"

namespace gust::sandbox {

std::unique_ptr<Warden> make_warden(net::Loop& loop, Fd channel);

}  // namespace gust::sandbox
