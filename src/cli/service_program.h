// SPDX-License-Identifier: Apache-2.0

#pragma once

// Which program of a package a service runs where the user did not say. Pure.

#include <string>

#include "base/result.h"
#include "cli/package.h"

namespace gust::cli {

// The file called like the service, else the only executable one. Invalid where that does not decide it.
Result<std::string> service_program(const Package& package, const std::string& name);

}  // namespace gust::cli
