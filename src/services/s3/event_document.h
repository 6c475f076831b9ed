// SPDX-License-Identifier: Apache-2.0

#pragma once

// The JSON document that a function gets when an object was made or removed: S3 User Guide, "Event message structure",
// version 2.1.

#include <cstdint>
#include <string>
#include <string_view>

#include "model/service.h"
#include "services/s3/bucket.h"
#include "services/s3/object.h"

namespace gust::s3 {

// What an event says about the request that caused it.
struct Cause {
  Cause() = default;
  Cause(const model::Call& call, int64_t now);
  std::string request_id, source_ip, principal;
  int64_t received_us = 0, now_ms = 0;  // wall clock
};

// `object` is null for a removal, which has neither size nor ETag. `sequencer` grows with every change of a key.
std::string event_document(std::string_view event, const Cause& cause, const Bucket& bucket, const Notification& notification,
                           std::string_view key, const Object* object, uint64_t sequencer);

// A key as events and url-encoded listings show it: percent-encoded, '/' kept, '+' for a space.
std::string form_encode(std::string_view key);

}  // namespace gust::s3
