// SPDX-License-Identifier: Apache-2.0

#include "gateway/plan.h"

#include "base/encoding.h"
#include "gateway/upload.h"
#include "model/errors.h"

namespace gust::gateway {
namespace {

using model::api_error;
using model::ApiError;

bool is_event(const http::Headers& headers) { return headers.get("x-amz-invocation-type") == "Event"; }

bool any_invoke(std::string_view operation) { return operation == "Invoke" || operation == "InvokeWithResponseStream"; }

uint64_t lambda_limit(std::string_view operation, const http::Headers& headers, const BodyLimits& limits) {
  if (any_invoke(operation)) return is_event(headers) ? limits.invoke_event : limits.invoke_sync;
  bool code = operation == "CreateFunction" || operation == "UpdateFunctionCode" || operation == "PublishLayerVersion";
  return code ? limits.code : limits.document;
}

ApiError lambda_too_large(std::string_view operation, const http::Headers& headers, const std::string& limit) {
  if (!any_invoke(operation)) {
    return api_error("RequestEntityTooLargeException",
                     "Request must be smaller than " + limit + " bytes for the " + std::string(operation) + " operation", 413);
  }
  if (!is_event(headers)) {
    return api_error("RequestTooLargeException",
                     "Request must be smaller than " + limit + " bytes for the InvokeFunction operation", 413);
  }
  std::string_view length = headers.get("content-length");
  std::string text = length.empty() ? "The" : std::string(length) + " byte";
  return api_error("RequestTooLargeException",
                   text + " payload is too large for the Event invocation type (limit " + limit + " bytes)", 413);
}

uint64_t limit_of(const model::ServiceTable& table, const model::Operation* operation, const http::Headers& headers,
                  const BodyLimits& limits) {
  if (&table == &model::kLambda) return lambda_limit(operation ? table.name(*operation) : std::string_view(), headers, limits);
  if (&table == &model::kS3) return operation && is_upload(table, *operation) ? limits.object : limits.xml;
  return &table == &model::kDynamodb ? limits.dynamodb : limits.document;
}

}  // namespace

bool is_upload(const model::ServiceTable& table, const model::Operation& operation) {
  return &table == &model::kS3 && (table.name(operation) == "PutObject" || table.name(operation) == "UploadPart");
}

bool is_invoke(const model::ServiceTable& table, const model::Operation& operation) {
  return &table == &model::kLambda && table.name(operation) == "Invoke";
}

ApiError too_large(const model::ServiceTable& table, const model::Operation* operation, const http::Headers& headers,
                   const BodyLimits& limits) {
  uint64_t limit = limit_of(table, operation, headers, limits);
  std::string_view name = operation ? table.name(*operation) : std::string_view();
  if (&table == &model::kLambda) return lambda_too_large(name, headers, std::to_string(limit));
  if (&table == &model::kS3) {
    if (operation == nullptr || !is_upload(table, *operation)) return model::malformed_xml();
    ApiError e = api_error("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
    e.members.set("MaxSizeAllowed", static_cast<int64_t>(limit));
    return e;
  }
  return api_error("RequestEntityTooLargeException", "Request must be smaller than " + std::to_string(limit) + " bytes", 413);
}

// A usual body announces its length; building the answer to one that is too large then costs nothing.
bool surely_fits(const http::Headers& headers, uint64_t limit) {
  const std::string* length = headers.find("content-length");
  if (length == nullptr) return headers.find("transfer-encoding") == nullptr;
  auto n = parse_uint(*length);
  return n && *n <= limit;
}

http::BodyPlan plan_body(const model::ServiceTable& table, const model::Operation* operation, const http::Headers& headers,
                         const BodyLimits& limits, const std::string& spool_directory) {
  http::BodyPlan plan;
  plan.limit = limit_of(table, operation, headers, limits);
  plan.memory = limits.memory;
  // An event goes into a function from memory: it never waits for a disk.
  if (operation && is_invoke(table, *operation)) plan.memory = plan.limit;
  else plan.spool_directory = spool_directory;
  if (operation && is_upload(table, *operation)) plan_digests(headers, plan);
  return plan;
}

}  // namespace gust::gateway
