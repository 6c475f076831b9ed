// SPDX-License-Identifier: Apache-2.0

#pragma once

// The JSON document that a function gets when an object was made or removed: S3 User Guide, "Event message structure",
// version 2.1.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/service.h"
#include "services/s3/bucket.h"

namespace gust::s3 {

// What an event says about the request that caused it.
struct Cause {
  Cause() = default;
  Cause(const model::Call& call, int64_t now);
  std::string request_id, source_ip, principal;
  int64_t received_us = 0, now_ms = 0;  // wall clock
};

// What happened to a key.
struct Happened {
  std::string_view event;  // "s3:ObjectCreated:Put"
  std::string_view key;
  std::optional<uint64_t> size;  // of what was made
  std::string entity_tag;        // without quotes; empty for what was removed
  std::string version_id;        // empty where the bucket has no versions
};

// `sequencer` grows with every change of a key.
std::string event_document(const Happened& happened, const Cause& cause, const Bucket& bucket, const Notification& notification,
                           uint64_t sequencer);

std::string hex18(uint64_t number);  // as sequencers look

// A key as events and url-encoded listings show it: percent-encoded, '/' kept, '+' for a space.
std::string form_encode(std::string_view key);

}  // namespace gust::s3
