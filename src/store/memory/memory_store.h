// SPDX-License-Identifier: Apache-2.0

#pragma once

// The store's semantics in memory: oracle of the conformance suite and store of unit tests. Nothing survives it. Commits
// happen inside commit(), on the caller's thread; otherwise as store/store.h says.

#include <memory>

#include "store/store.h"

namespace gust::store {

std::unique_ptr<Store> make_memory_store();

}  // namespace gust::store
