// SPDX-License-Identifier: Apache-2.0

// A DynamoDB PutItem from a stranger: whatever comes, decoding ends with a document or an AWS error, and a document can be
// written again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/json.h"
#include "model/codec.h"
#include "model/json_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gust;
  using namespace gust::model;
  static const Codec codec(kDynamodb);
  static const Operation* operation = kDynamodb.operation("PutItem");
  if (size > 64 << 10) return 0;
  Match match;
  match.operation = operation;
  auto input = codec.decode(match, RequestView{"POST", "/", "", nullptr}, {reinterpret_cast<const char*>(data), size});
  if (!input) {
    if (input.error().code.empty()) std::abort();
    codec.encode_error(input.error(), "r");
    return 0;
  }
  // What was decoded must survive a round trip.
  std::string text = json::write(to_json(kDynamodb, operation->input, TimeFormat::Default, *input));
  auto again = codec.decode(match, RequestView{"POST", "/", "", nullptr}, text);
  if (!again || !(*again == *input)) std::abort();
  return 0;
}
