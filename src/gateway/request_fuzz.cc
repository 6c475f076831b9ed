// SPDX-License-Identifier: Apache-2.0

// Heads of requests: an Authorization value, a target and a query go through dispatch, routing and the header bindings.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gateway/dispatch.h"
#include "gateway/upload.h"
#include "model/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gust;
  static const model::Codec codecs[] = {model::Codec(model::kS3), model::Codec(model::kLambda)};
  std::string_view rest(reinterpret_cast<const char*>(data), std::min<size_t>(size, 16 << 10));
  auto line = [&rest] {
    size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view l = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return l;
  };
  static const char* const kMethods[] = {"GET", "PUT", "POST", "DELETE", "HEAD"};
  http::Request request;
  request.method = kMethods[size % 5];
  request.path = "/" + std::string(line());
  request.query = line();
  request.headers.add("host", line());
  while (!rest.empty()) {
    std::string_view l = line();
    size_t colon = l.find(':');
    if (colon != l.npos) request.headers.add(l.substr(0, colon), l.substr(colon + 1));
  }
  auto target = gateway::find_target(request, {"*.example.com"});
  gateway::refuse_upload(request.headers);
  for (const model::Codec& codec : codecs) {
    model::RequestView view{request.method, target.path.empty() ? request.path : target.path, request.query, &request.headers};
    auto match = codec.match(view);
    if (match) (void)codec.decode(*match, view, {});
  }
  return 0;
}
