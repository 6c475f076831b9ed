// SPDX-License-Identifier: Apache-2.0

// Forms of the query protocols from a stranger (STS, SQS, EC2): decoding ends with a document or an AWS error that is XML.

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

struct Target {
  const Codec& codec;
  Protocol protocol;
};

void require_xml(const std::string& text) {
  pugi::xml_document document;
  GUST_CHECK(is_utf8(text) && document.load_buffer(text.data(), text.size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Codec sts(kSts), sqs(kSqs), ec2(kEc2);
  static const Target kTargets[] = {{sts, Protocol::Query}, {sqs, Protocol::Query}, {ec2, Protocol::Ec2}};
  if (size < 1 || size > 64 << 10) return 0;
  const auto& [codec, protocol] = kTargets[data[0] % 3];
  std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto match = codec.match_form(body);
  if (!match) return require_xml(codec.encode_error(match.error(), "r", false, protocol).body.bytes), 0;
  GUST_CHECK(match->protocol == protocol);
  auto input = codec.decode(*match, {"POST", "/", "", nullptr}, body);
  if (!input) {
    GUST_CHECK(!input.error().code.empty());
    return require_xml(codec.encode_error(input.error(), "r", false, protocol).body.bytes), 0;
  }
#ifdef GUST_PLANTED_BUG
  if ((*input)["RoleSessionName"].as_string().size() > 4) std::abort();
#endif
  if (match->operation->input == kNone) return 0;
  std::string out;
  append_xml(codec.table(), out, "Root", match->operation->input, nullptr, *input);
  require_xml(out);
  return 0;
}
