// SPDX-License-Identifier: Apache-2.0

// Documents of four S3 operations from a stranger: decoding ends with a document or an AWS error, and what is written of
// either is XML in UTF-8.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <pugixml.hpp>

#include "base/encoding.h"
#include "base/log.h"
#include "model/codec.h"
#include "model/xml_codec.h"

using namespace gust;
using namespace gust::model;

namespace {

void require_xml(const std::string& text) {
  pugi::xml_document document;
  GUST_CHECK(is_utf8(text) && document.load_buffer(text.data(), text.size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Codec codec(kS3);
  static const RequestView kViews[] = {{"PUT", "/b", "notification", nullptr},
                                       {"POST", "/b", "delete", nullptr},
                                       {"PUT", "/b", "acl", nullptr},
                                       {"POST", "/b/k", "uploadId=u", nullptr}};
  if (size < 1 || size > 64 << 10) return 0;
  const RequestView& view = kViews[data[0] % 4];
  auto match = codec.match(view);
  GUST_CHECK(match.has_value());
  auto input = codec.decode(*match, view, {reinterpret_cast<const char*>(data) + 1, size - 1});
  if (!input) {
    GUST_CHECK(!input.error().code.empty());
    require_xml(codec.encode_error(input.error(), "r").body.bytes);
    return 0;
  }
#ifdef GUST_PLANTED_BUG
  for (const Value& rule : (*input)["NotificationConfiguration"]["LambdaFunctionConfigurations"].as_list()) {
    if (rule["Id"].as_string().size() > 1) std::abort();
  }
#endif
  std::string out;
  append_xml(kS3, out, "Root", match->operation->input, nullptr, *input);
  require_xml(out);
  return 0;
}
