// SPDX-License-Identifier: Apache-2.0

#pragma once

// Named places at which a test may kill the process: the worst moments. GUST_FAULT_POINT=name or name:count in the
// environment at process start makes the count-th passage of that point send SIGKILL to the process, after a moment in which
// only the passing thread stands still: an answer that did not wait for it gets out and is found to be a lie. Otherwise free
// of cost but for one branch. Thread-safe.

#include <string_view>

namespace gust::store {

void fault_point(std::string_view name);

}  // namespace gust::store
