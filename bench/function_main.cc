// SPDX-License-Identifier: Apache-2.0

// The trivial handler that the benches call: answers its event.

#include "gust/lambda.h"

int main() {
  return gust::lambda::run([](const gust::lambda::Event& event) { return std::string(event.payload); });
}
