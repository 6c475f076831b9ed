// SPDX-License-Identifier: Apache-2.0

// A DynamoDB PutItem and a Lambda CreateFunction from a stranger: whatever comes, decoding ends with a document or an AWS
// error that is JSON, and a document can be written again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/encoding.h"
#include "base/json.h"
#include "base/log.h"
#include "model/codec.h"
#include "model/json_codec.h"

using namespace gust;
using namespace gust::model;

namespace {

void check(const Codec& codec, const Match& match, const RequestView& view, std::string_view body) {
  const ServiceTable& table = codec.table();
  auto input = codec.decode(match, view, body);
  if (!input) {
    GUST_CHECK(!input.error().code.empty());
    GUST_CHECK(json::valid(codec.encode_error(input.error(), "r").body.bytes));
    return;
  }
#ifdef GUST_PLANTED_BUG
  for (const auto& [name, attribute] : (*input)["Item"].as_map()) {
    if (attribute["N"].as_string().size() > 4) std::abort();
  }
#endif
  // What was decoded must survive a round trip (of labels and headers only the body's part).
  std::string text = json::write(to_document(table, match.operation->input, Notation::Json, TimeFormat::Default, *input));
  auto again = codec.decode(match, view, text);
  GUST_CHECK(again.has_value() && *again == *input);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Codec dynamodb(kDynamodb), lambda(kLambda);
  if (size < 1 || size > 64 << 10) return 0;
  std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    Match match;
    match.operation = kDynamodb.operation("PutItem");
    match.protocol = Protocol::Json10;
    check(dynamodb, match, {"POST", "/", "", nullptr}, body);
  } else {
    RequestView view{"POST", "/2015-03-31/functions", "", nullptr};
    auto match = lambda.match(view);
    GUST_CHECK(match.has_value());
    check(lambda, *match, view, body);
  }
  return 0;
}
