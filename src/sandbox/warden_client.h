// SPDX-License-Identifier: Apache-2.0

#pragma once

// The daemon's end of the warden's channel. Loop thread only.

#include <memory>

#include "sandbox/sandbox.h"

namespace gust::sandbox {

// When the channel ends (the starter is gone) `lost` is called: the daemon cannot go on.
std::unique_ptr<Warden> make_warden(net::Loop& loop, Fd channel, std::function<void()> lost);

}  // namespace gust::sandbox
