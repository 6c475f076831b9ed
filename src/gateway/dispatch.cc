// SPDX-License-Identifier: Apache-2.0

#include "gateway/dispatch.h"

#include <algorithm>

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

// "/service/GraniteServiceVersion20100801/operation/PutMetricData" -> the service's name there.
std::string_view smithy_service(const http::Request& r) {
  if (r.method != "POST" || !r.headers.has("smithy-protocol")) return {};
  size_t at = r.path.rfind("/service/"), end = r.path.rfind("/operation/");
  if (at == r.path.npos || end == r.path.npos || end < at + 9) return {};
  return std::string_view(r.path).substr(at + 9, end - at - 9);
}

// "/000000000000/my-queue", what an SQS client that speaks the query protocol posts to.
bool queue_path(std::string_view path) {
  return path.size() > 14 && path[0] == '/' && path[13] == '/' && path.find_first_not_of("0123456789", 1) == 13 &&
         path.find('/', 14) == path.npos;
}

void by_scope(const http::Request& r, Target& target) {
  const std::string& service = target.claim.authorization.scope.service;
  target.table = model::find_signing_name(service, r.headers.get("x-amz-target"));
  if (target.table == nullptr) target.unknown = service;
}

// Action and Version are in the query where they are before the body.
const model::ServiceTable* by_form(const http::Request& r) {
  bool in_query = r.query.starts_with("Action=") || r.query.find("&Action=") != r.query.npos;
  if (!in_query && !is_form(r)) return nullptr;
  if (auto query = model::parse_query(r.query); in_query && query) {
    const std::string* version = find_parameter(*query, "Version");
    if (const auto* table = model::find_form_version(version ? *version : std::string())) return table;
  }
  if (queue_path(r.path)) return model::find_service("sqs");
  return r.path == "/" ? &model::kSts : nullptr;  // what tools call first, and before they have keys
}

void without_scope(const http::Request& r, Target& target) {
  if (const std::string* header = r.headers.find("x-amz-target")) {
    target.table = model::find_target_prefix(std::string_view(*header).substr(0, header->rfind('.')));
    if (target.table == nullptr) target.unknown = *header;
    return;
  }
  std::string host = lower(host_name(r.headers.get("host")));
  bool bucket = host.find(".s3.") != host.npos || host.find(".s3-") != host.npos;  // whatever the bucket is called
  if (!bucket && (target.table = model::find_host(host)) != nullptr) return;
  if ((target.table = by_form(r)) != nullptr) return;
  target.table = dated_path(r.path) ? &model::kLambda : &model::kS3;
}

}  // namespace

Target find_target(const http::Request& r, const std::vector<std::string>& allowed_hosts) {
  Target target;
  target.claim = read_claim(r);
  if (std::string_view name = smithy_service(r); !name.empty()) target.table = model::find_target_prefix(name);
  if (target.table == nullptr && !target.claim.authorization.scope.service.empty()) by_scope(r, target);
  if (target.table == nullptr && target.claim.auth == Auth::QueryV2) target.table = &model::kS3;
  if (target.table == nullptr && target.unknown.empty()) without_scope(r, target);
  if (target.table == &model::kS3) {
    std::string bucket = bucket_of_host(r.headers.get("host"), allowed_hosts);
    if (!bucket.empty()) target.path = "/" + percent_encode(bucket, Slash::Encode) + (r.path.empty() ? "/" : r.path);
  }
  return target;
}

BucketAndKey split_path(std::string_view path) {
  if (path.empty() || path[0] != '/') return {};
  size_t end = std::min(path.find('/', 1), path.size());
  auto bucket = percent_decode(path.substr(1, end - 1));
  auto key = percent_decode(path.substr(std::min(end + 1, path.size())));
  if (!bucket || !key) return {};
  return {std::move(*bucket), std::move(*key)};
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
