// SPDX-License-Identifier: Apache-2.0

// Documents of three S3 operations from a stranger: decoding ends with a document or an AWS error.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "model/codec.h"
#include "model/xml_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gust;
  using namespace gust::model;
  static const Codec codec(kS3);
  static const char* const kNames[] = {"PutBucketNotificationConfiguration", "DeleteObjects", "PutBucketAcl", "CompleteMultipartUpload"};
  if (size < 1 || size > 64 << 10) return 0;
  Match match;
  match.operation = kS3.operation(kNames[data[0] % 4]);
  auto input = codec.decode(match, RequestView{"PUT", "/", "", nullptr}, {reinterpret_cast<const char*>(data) + 1, size - 1});
  if (!input) {
    if (input.error().code.empty()) std::abort();
    codec.encode_error(input.error(), "r");
    return 0;
  }
  std::string out;
  append_xml(kS3, out, "Root", match.operation->input, nullptr, *input);
  return 0;
}
