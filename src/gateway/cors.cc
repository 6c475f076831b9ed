// SPDX-License-Identifier: Apache-2.0

#include "gateway/cors.h"

#include <algorithm>

#include "base/encoding.h"
#include "model/errors.h"

namespace gust::gateway {
namespace {

constexpr size_t kMaxHeaders = 100;  // of Access-Control-Request-Headers that are looked at; one more is never allowed

std::string_view requested_method(const http::Request& request) { return request.headers.get("access-control-request-method"); }

}  // namespace

model::CorsRequest cors_request(const http::Request& request, std::string bucket) {
  model::CorsRequest out;
  out.bucket = std::move(bucket);
  out.origin = request.headers.get("origin");
  out.preflight = request.method == "OPTIONS";
  out.method = out.preflight ? requested_method(request) : std::string_view(request.method);
  std::string_view names = out.preflight ? request.headers.get("access-control-request-headers") : std::string_view();
  while (!names.empty() && out.headers.size() <= kMaxHeaders) {
    size_t end = std::min(names.find(','), names.size());
    std::string name = lower(trim(names.substr(0, end)));
    if (!name.empty()) out.headers.push_back(std::move(name));
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return out;
}

model::CorsHeaders configured_cors(const http::Request& request) {
  model::CorsHeaders out = {{"Access-Control-Allow-Origin", std::string(request.headers.get("origin"))}};
  if (request.method != "OPTIONS") {
    out.emplace_back("Access-Control-Expose-Headers",
                     "ETag, x-amz-request-id, x-amz-id-2, x-amz-version-id, x-amzn-RequestId, x-amzn-ErrorType, "
                     "x-amz-function-error, x-amz-log-result, x-amz-executed-version");
    return out;
  }
  out.emplace_back("Access-Control-Allow-Methods", "GET, HEAD, PUT, POST, DELETE, PATCH");
  if (const std::string* names = request.headers.find("access-control-request-headers")) {
    out.emplace_back("Access-Control-Allow-Headers", *names);
  }
  out.emplace_back("Access-Control-Max-Age", "600");
  return out;
}

void add_cors(const model::CorsHeaders& headers, http::Headers& out) {
  for (const auto& [name, value] : headers) out.set(name, value);
  if (!out.has("vary")) out.add("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
}

std::optional<model::ApiError> refuse_preflight(const http::Request& request) {
  if (!request.headers.has("origin")) {
    return model::api_error("BadRequest", "Insufficient information. Origin request header needed.");
  }
  if (requested_method(request).empty()) {
    return model::api_error("BadRequest", "Invalid Access-Control-Request-Method: null");
  }
  return std::nullopt;
}

model::ApiError cors_forbidden(const model::CorsRequest& request, model::CorsRefusal why, bool object) {
  std::string_view text =
      "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / "
      "Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.";
  if (why == model::CorsRefusal::NoBucket) text = "CORSResponse: Bucket not found";
  if (why == model::CorsRefusal::NotEnabled) text = "CORSResponse: CORS is not enabled for this bucket.";
  model::ApiError e = model::api_error("AccessForbidden", std::string(text), 403);
  e.members.set("Method", request.method);
  e.members.set("ResourceType", object && why == model::CorsRefusal::NoRule ? "OBJECT" : "BUCKET");
  return e;
}

}  // namespace gust::gateway
