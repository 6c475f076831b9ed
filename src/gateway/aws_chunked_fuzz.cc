// SPDX-License-Identifier: Apache-2.0

// Encoded bodies from a stranger in every mode: the first byte chooses the mode, the second how the rest is cut. However it
// is cut, the same comes out; never more than was announced.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/log.h"
#include "gateway/aws_chunked.h"

using namespace gust;

namespace {

struct Outcome {
  std::string body, code, trailers;
  bool operator==(const Outcome&) const = default;
};

Outcome run(const gateway::ChunkedForm& form, std::string_view wire, size_t step) {
  gateway::AwsChunked filter(form, std::nullopt, [](const model::ApiError& e) {
    http::Response r;
    r.body.bytes = e.code;
    return r;
  });
  Outcome out;
  for (; !wire.empty(); wire.remove_prefix(std::min(step, wire.size()))) {
    auto passed = filter.decode(wire.substr(0, step), out.body);
    GUST_CHECK(out.body.size() <= form.decoded_length);
    if (!passed) return {{}, filter.refusal(passed.error()).body.bytes, {}};
  }
  if (auto passed = filter.finish(); !passed) return {{}, filter.refusal(passed.error()).body.bytes, {}};
  GUST_CHECK(out.body.size() == form.decoded_length);
  for (const auto& [name, value] : filter.trailers().fields()) out.trailers += name + ":" + value + "\n";
#ifdef GUST_PLANTED_BUG
  if (!out.trailers.empty() && out.body.size() > 1) std::abort();
#endif
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  gateway::ChunkedForm form;
  form.is_signed = (data[0] & 1) != 0;
  form.has_trailers = (data[0] & 2) != 0;
  if (data[0] & 4) form.trailers.push_back("x-amz-checksum-crc32");
  form.decoded_length = data[0] >> 3;
  std::string_view wire(reinterpret_cast<const char*>(data + 2), size - 2);
  Outcome whole = run(form, wire, wire.size());
  GUST_CHECK(run(form, wire, data[1] % 13 + 1) == whole);
  return 0;
}
