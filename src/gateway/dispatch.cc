// SPDX-License-Identifier: Apache-2.0

#include "gateway/dispatch.h"

#include "base/encoding.h"
#include "base/json.h"
#include "gateway/browser.h"
#include "model/errors.h"
#include "model/router.h"

namespace gust::gateway {
namespace {

bool is_form(const http::Request& r) {
  return r.method == "POST" && r.headers.get("content-type").starts_with("application/x-www-form-urlencoded");
}

bool dated_path(std::string_view path) {  // "/2015-03-31/functions"
  if (path.size() < 12 || path[0] != '/' || path[5] != '-' || path[8] != '-' || path[11] != '/') return false;
  for (size_t i : {1, 2, 3, 4, 6, 7, 9, 10}) {
    if (path[i] < '0' || path[i] > '9') return false;
  }
  return true;
}

// Scope of X-Amz-Credential in a presigned query: KEY/date/region/service/aws4_request.
std::string presigned_service(const http::Request& r) {
  auto query = model::parse_query(r.query);
  if (!query) return {};
  for (const auto& [name, value] : *query) {
    if (!equal_ignoring_case(name, "X-Amz-Credential")) continue;
    size_t end = value.rfind('/');
    size_t start = end == value.npos || end == 0 ? value.npos : value.rfind('/', end - 1);
    if (start != value.npos) return value.substr(start + 1, end - start - 1);
  }
  return {};
}

Auth presigned(const http::Request& r) {
  for (std::string_view mark : {"X-Amz-Signature=", "Signature="}) {
    size_t at = r.query.find(mark);
    if (at != r.query.npos && (at == 0 || r.query[at - 1] == '&')) return Auth::Presigned;
  }
  return Auth::None;
}

// "lambda.localhost", "sts.us-east-1.amazonaws.com": the first label that names a service.
const model::ServiceTable* by_host(std::string_view authority) {
  std::string host = lower(host_name(authority));
  size_t dot = host.find('.');
  return dot == host.npos ? nullptr : model::find_service(std::string_view(host).substr(0, dot));
}

void by_scope(std::string_view service, Target& target) {
  target.table = model::find_signing_name(service);
  if (target.table == nullptr) target.unknown = service;
}

void without_scope(const http::Request& r, Target& target) {
  if (const std::string* header = r.headers.find("x-amz-target")) {
    target.table = model::find_target_prefix(std::string_view(*header).substr(0, header->rfind('.')));
    if (target.table == nullptr) target.unknown = *header;
    return;
  }
  if ((target.table = by_host(r.headers.get("host"))) != nullptr) return;
  // The only service with forms that is built.
  target.table = is_form(r) && r.path == "/" ? &model::kSts : dated_path(r.path) ? &model::kLambda : &model::kS3;
}

}  // namespace

Target find_target(const http::Request& r, const std::vector<std::string>& allowed_hosts) {
  Target target;
  std::string service;
  if (const std::string* header = r.headers.find("authorization")) {
    target.auth = Auth::Header;
    if (auto parsed = sigv4::parse_authorization(*header)) {
      target.authorization = std::move(*parsed);
      by_scope(target.authorization->scope.service, target);
    }
  } else if ((target.auth = presigned(r)) == Auth::Presigned) {
    if (service = presigned_service(r); !service.empty()) by_scope(service, target);
  }
  if (target.table == nullptr && target.unknown.empty()) without_scope(r, target);
  if (target.table == &model::kS3) {
    std::string bucket = bucket_of_host(r.headers.get("host"), allowed_hosts);
    if (!bucket.empty()) target.path = "/" + percent_encode(bucket, Slash::Encode) + (r.path.empty() ? "/" : r.path);
  }
  return target;
}

http::Response unknown_service(const http::Request& r, const Target& target, std::string_view request_id) {
  http::Response response;
  std::string name = target.unknown;
  if (const std::string* header = r.headers.find("x-amz-target")) name = *header;
  model::ApiError error = model::not_implemented(name, {});
  response.status = error.status;
  response.headers.add("x-amzn-RequestId", request_id);
  std::string& out = response.body.bytes;
  if (is_form(r)) {
    response.headers.add("Content-Type", "text/xml");
    out.append("<ErrorResponse><Error><Type>Sender</Type><Code>NotImplemented</Code><Message>").append(escape_xml(error.message));
    out.append("</Message></Error><RequestId>").append(request_id).append("</RequestId></ErrorResponse>");
    return response;
  }
  Value body = Value::map();
  if (r.headers.has("x-amz-target")) {
    response.headers.add("Content-Type", "application/x-amz-json-1.0");
    body.set("__type", error.code);
  } else {
    response.headers.add("Content-Type", "application/json");
    response.headers.add("x-amzn-ErrorType", error.code);
  }
  body.set("message", error.message);
  out = json::write(body);
  return response;
}

}  // namespace gust::gateway
