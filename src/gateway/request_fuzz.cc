// SPDX-License-Identifier: Apache-2.0

// Heads of requests from a stranger, as the codec lets them through: host check, dispatch, the signature's text, routing and
// header bindings. Every refusal is a well-formed document; a name that a signature allows is one that the codec allows.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <pugixml.hpp>

#include "base/encoding.h"
#include "base/json.h"
#include "base/log.h"
#include "gateway/browser.h"
#include "gateway/dispatch.h"
#include "gateway/upload.h"
#include "gateway/verifier.h"
#include "http/codec.h"
#include "model/codec.h"

using namespace gust;

namespace {

void require_document(const http::Response& response) {
  const std::string& body = response.body.bytes;
  GUST_CHECK(is_utf8(body));
  if (response.headers.get("content-type").find("json") != std::string_view::npos) {
    GUST_CHECK(json::valid(body));
  } else if (!body.empty()) {
    pugi::xml_document document;
    GUST_CHECK(document.load_buffer(body.data(), body.size()));
  }
}

void check_signature(const http::Request& request, const gateway::Target& target) {
  static const gateway::StaticCredentials keys(
      std::vector<gateway::Credential>{{.access_key_id = "AKIAROOT", .secret_access_key = "secret"}});
  static gateway::Verifier verifier(keys);
  constexpr int64_t kNow = 1'795'404'069'000;
  const sigv4::ParsedAuthorization& authorization = target.claim.authorization;
  if (target.claim.auth != gateway::Auth::QueryV2) GUST_CHECK(authorization.scope.date.size() == 8);
#ifdef GUST_PLANTED_BUG
  if (authorization.signed_headers.size() > 3 && authorization.access_key_id == "AKIAROOT") std::abort();
#endif
  auto owner = verifier.owner(target.claim, kNow);
  if (!owner) return;
  // No input can hold a signature of the secret that this process made up.
  for (bool once : {true, false}) {
    auto fault = gateway::Verifier::verify(
        {request, target.claim, *owner, request.headers.get("x-amz-content-sha256"), target.route(request), once, kNow});
    GUST_CHECK(fault.has_value());
    static const model::Codec s3(model::kS3);
    require_document(s3.encode_error(gateway::auth_error(model::Protocol::RestXml, *fault), "r"));
  }
}

void check_routing(const model::Codec& codec, const http::Request& request, const gateway::Target& target) {
  model::RequestView view{request.method, target.route(request), request.query, &request.headers};
  auto match = codec.match(view);
  if (!match) return require_document(codec.encode_error(match.error(), "r"));
  auto input = codec.decode(*match, view, {});
  if (!input) return require_document(codec.encode_error(input.error(), "r"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const model::Codec s3(model::kS3), lambda(model::kLambda);
  http::Request request;
  http::Framing framing;
  auto length = http::parse_request({reinterpret_cast<const char*>(data), size}, {}, request, framing);
  if (!length || *length == 0) return 0;
  static const std::vector<std::string> kHosts = {"*.example.com", "gust.example"};
  (void)gateway::host_allowed(request.headers.get("host"), kHosts);
  (void)gateway::origin_of(request.headers, kHosts);
  auto target = gateway::find_target(request, kHosts);
  if (target.claim.error) {
    for (auto protocol : {model::Protocol::RestXml, model::Protocol::Json10}) {
      GUST_CHECK(gateway::auth_error(protocol, *target.claim.error).status >= 400);
    }
  } else if (target.claim.auth != gateway::Auth::None) {
    check_signature(request, target);
  }
  if (target.table == nullptr) require_document(gateway::unknown_service(request, target, "r"));
  if (auto error = gateway::refuse_upload(request, "PutObject")) require_document(s3.encode_error(*error, "r"));
  check_routing(s3, request, target);
  check_routing(lambda, request, target);
  return 0;
}
