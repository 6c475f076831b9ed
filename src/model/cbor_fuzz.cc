// SPDX-License-Identifier: Apache-2.0

// CBOR from a stranger: whatever comes, reading ends with a value that can be written and read again, or an error; a
// CloudWatch request made of it ends with a document or an AWS error that is CBOR.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/log.h"
#include "model/cbor.h"
#include "model/codec.h"

using namespace gust;
using namespace gust::model;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Codec codec(kCloudwatch);
  if (size > 64 << 10) return 0;
  std::string_view body(reinterpret_cast<const char*>(data), size);
  if (auto value = parse_cbor(body)) {
    std::string wrote = write_cbor(*value);
    auto again = parse_cbor(wrote);
    GUST_CHECK(again.has_value() && write_cbor(*again) == wrote);  // not the values: NaN is not NaN
  }
  Match match;
  match.operation = kCloudwatch.operation("PutMetricData");
  match.protocol = Protocol::Cbor;
  auto input = codec.decode(match, {"POST", "/", "", nullptr}, body);
  if (!input) {
    GUST_CHECK(!input.error().code.empty());
    GUST_CHECK(parse_cbor(codec.encode_error(input.error(), "r", false, Protocol::Cbor).body.bytes).has_value());
    return 0;
  }
#ifdef GUST_PLANTED_BUG
  if (!(*input)["Namespace"].as_string().starts_with("n")) std::abort();  // as all seeds have it
#endif
  return 0;
}
