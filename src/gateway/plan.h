// SPDX-License-Identifier: Apache-2.0

#pragma once

// How large a body each operation takes and where it goes. Sources of the numbers: Lambda quotas (6 MiB synchronous, 1 MiB
// asynchronous, 70,167,211 bytes of CreateFunction), S3 (5 GiB in one PUT), DynamoDB (16 MB of a batch).

#include <cstdint>
#include <string>

#include "http/server.h"
#include "model/service.h"
#include "model/table.h"

namespace gust::gateway {

struct BodyLimits {
  uint64_t invoke_sync = 6 << 20;
  uint64_t invoke_event = 1 << 20;
  uint64_t code = 70'167'211;
  uint64_t object = 5ull << 30;
  uint64_t dynamodb = 16 << 20;
  uint64_t xml = 4 << 20;
  uint64_t document = 2 << 20;
  uint64_t memory = 64 << 10;  // above this a body is spooled, where a worker reads it
};

bool is_upload(const model::ServiceTable& table, const model::Operation& operation);  // PutObject, UploadPart
bool is_invoke(const model::ServiceTable& table, const model::Operation& operation);

// `operation` may be null (query protocol: it is in the body). Without the answer to a body that is too large.
http::BodyPlan plan_body(const model::ServiceTable& table, const model::Operation* operation, const http::Headers& headers,
                         const BodyLimits& limits, const std::string& spool_directory);
// Whether a head announces a body within the limit: then nobody needs the answer to one beyond.
bool surely_fits(const http::Headers& headers, uint64_t limit);
model::ApiError too_large(const model::ServiceTable& table, const model::Operation* operation, const http::Headers& headers,
                          const BodyLimits& limits);

}  // namespace gust::gateway
