// SPDX-License-Identifier: Apache-2.0

// Fuzz target: heads and chunked bodies. Properties: never a crash; a chunked body read at once and byte by byte gives the
// same result; what we print of a parsed request parses to the same again.

#include <cstdint>
#include <cstdlib>

#include "http/codec.h"

using namespace gust::http;

static void require(bool condition) {
  if (!condition) std::abort();
}

static bool decode(std::string_view bytes, size_t piece, std::string& body, bool& done) {
  Framing framing;
  framing.chunked = true;
  BodyDecoder decoder(framing);
  Headers trailers;
  size_t at = 0;
  while (at < bytes.size() && !decoder.done()) {
    auto taken = decoder.feed(bytes.substr(at, piece), trailers, [&](std::string_view b) { body += b; });
    if (!taken) return false;
    at += *taken;
  }
  done = decoder.done();
  return true;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Request request;
  Framing framing;
  auto length = parse_request(bytes, {4096, 50}, request, framing);
  if (length && *length > 0) {
    Request again;
    Framing framing_again;
    std::string printed = print_request_head(request);
    if (request.minor_version == 1) {
      auto second = parse_request(printed, {8192, 50}, again, framing_again);
      require(second && *second == printed.size() && again.target == request.target);
      require(framing.chunked == framing_again.chunked && framing.content_length == framing_again.content_length);
    }
  }
  Response response;
  (void)parse_response(bytes, {4096, 50}, false, response, framing);
  std::string whole, bytewise;
  bool whole_done = false, bytewise_done = false;
  bool a = decode(bytes, size + 1, whole, whole_done), b = decode(bytes, 1, bytewise, bytewise_done);
  require(a == b);
  if (a) require(whole == bytewise && whole_done == bytewise_done);
  return 0;
}
