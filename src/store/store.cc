// SPDX-License-Identifier: Apache-2.0

#include "store/store.h"

#include <future>

namespace gust::store {

Failure value_too_large(size_t bytes) {
  return fail(Errc::TooLarge,
              "a store value of " + std::to_string(bytes) + " bytes; the most are " + std::to_string(kMaxValueBytes));
}

Result<> Store::commit_and_wait(Mutation mutation) {
  auto promise = std::make_shared<std::promise<Result<>>>();
  auto future = promise->get_future();
  commit(std::move(mutation), [promise](Result<> result) { promise->set_value(std::move(result)); });
  return future.get();
}

}  // namespace gust::store
