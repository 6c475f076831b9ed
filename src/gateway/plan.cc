// SPDX-License-Identifier: Apache-2.0

#include "gateway/plan.h"

#include "base/encoding.h"
#include "gateway/upload.h"
#include "model/errors.h"

namespace gust::gateway {
namespace {

using model::api_error;
using model::ApiError;

struct Size {
  uint64_t limit;
  ApiError error;
};

std::string bytes(uint64_t n) { return std::to_string(n); }

Size lambda_size(std::string_view operation, const http::Headers& headers, const BodyLimits& limits) {
  if (operation == "Invoke" || operation == "InvokeWithResponseStream") {
    bool event = headers.get("x-amz-invocation-type") == "Event";
    if (!event) {
      return {limits.invoke_sync,
              api_error("RequestTooLargeException",
                        "Request must be smaller than " + bytes(limits.invoke_sync) + " bytes for the InvokeFunction operation",
                        413)};
    }
    std::string_view length = headers.get("content-length");
    std::string text = length.empty() ? "The" : std::string(length) + " byte";
    return {limits.invoke_event, api_error("RequestTooLargeException",
                                           text + " payload is too large for the Event invocation type (limit " +
                                               bytes(limits.invoke_event) + " bytes)",
                                           413)};
  }
  bool code = operation == "CreateFunction" || operation == "UpdateFunctionCode" || operation == "PublishLayerVersion";
  uint64_t limit = code ? limits.code : limits.document;
  return {
      limit,
      api_error("RequestEntityTooLargeException",
                "Request must be smaller than " + bytes(limit) + " bytes for the " + std::string(operation) + " operation", 413)};
}

// A usual body announces its length; building the answer to one that is too large then costs nothing.
bool surely_fits(const http::Headers& headers, uint64_t limit) {
  const std::string* length = headers.find("content-length");
  if (length == nullptr) return headers.find("transfer-encoding") == nullptr;
  auto n = parse_uint(*length);
  return n && *n <= limit;
}

uint64_t limit_of(const model::ServiceTable& table, const model::Operation* operation, const http::Headers& headers,
                  const BodyLimits& limits) {
  if (operation && is_invoke(table, *operation)) {
    return headers.get("x-amz-invocation-type") == "Event" ? limits.invoke_event : limits.invoke_sync;
  }
  return 0;
}

Size size_of(const model::ServiceTable& table, const model::Operation* operation, const http::Headers& headers,
             const BodyLimits& limits) {
  std::string_view name = operation ? table.name(*operation) : std::string_view();
  if (table.id() == "lambda") return lambda_size(name, headers, limits);
  if (table.id() == "s3") {
    bool upload = operation && is_upload(table, *operation);
    ApiError e =
        upload ? api_error("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size") : model::malformed_xml();
    if (upload) e.members.set("MaxSizeAllowed", static_cast<int64_t>(limits.object));
    return {upload ? limits.object : limits.xml, std::move(e)};
  }
  uint64_t limit = table.id() == "dynamodb" ? limits.dynamodb : limits.document;
  return {limit, api_error("RequestEntityTooLargeException", "Request must be smaller than " + bytes(limit) + " bytes", 413)};
}

}  // namespace

bool is_upload(const model::ServiceTable& table, const model::Operation& operation) {
  return &table == &model::kS3 && (table.name(operation) == "PutObject" || table.name(operation) == "UploadPart");
}

bool is_invoke(const model::ServiceTable& table, const model::Operation& operation) {
  return &table == &model::kLambda && table.name(operation) == "Invoke";
}

http::BodyPlan plan_body(const model::Codec& codec, const model::Operation* operation, const http::Headers& headers,
                         const BodyLimits& limits, const std::string& spool_directory, std::string_view request_id) {
  http::BodyPlan plan;
  if (uint64_t limit = limit_of(codec.table(), operation, headers, limits); limit > 0 && surely_fits(headers, limit)) {
    plan.limit = plan.memory = limit;
    return plan;
  }
  Size size = size_of(codec.table(), operation, headers, limits);
  plan.limit = size.limit;
  plan.memory = limits.memory;
  // An event goes into a function from memory: it never waits for a disk.
  if (operation && is_invoke(codec.table(), *operation)) plan.memory = plan.limit;
  plan.spool_directory = spool_directory;
  plan.too_large = codec.encode_error(size.error, request_id);
  if (operation && is_upload(codec.table(), *operation)) plan_digests(headers, plan);
  return plan;
}

}  // namespace gust::gateway
