// SPDX-License-Identifier: Apache-2.0

#pragma once

// `gust explain`: every limit of a function with the rule that it comes from, and for each live environment the place in
// /proc or the control group where the kernel shows it. Loop thread only; reads /proc.

#include <string>

#include "base/value.h"
#include "invoke/router.h"

namespace gust::daemon {

// {"function", "settings": [{"name", "value", "source"}], "environments": [{"environment", "state", "cause", "host_pid",
//  "values": [{"name", "value", "source"}]}]}. The function must exist.
Value explain_function(const invoke::Router& router, const std::string& arn);

// The pid that a pidfd means, from /proc/self/fdinfo (pidfd_open(2)); -1 where its process has ended.
int64_t pid_of(int pidfd);

}  // namespace gust::daemon
