// SPDX-License-Identifier: Apache-2.0

#pragma once

// What the starter asks of a Start request before it does anything as root.

#include <cstddef>
#include <string_view>

#include "sandbox/wire.h"

namespace gust::sandbox {

// One directory's name: 1 to 80 of [0-9A-Za-z._-], not beginning with a dot.
bool is_code_name(std::string_view name);

// nullptr: nothing wrong; else what.
const char* problem_of(const wire::Request& request, size_t fds, bool can_unpack);

}  // namespace gust::sandbox
