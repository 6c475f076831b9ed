// SPDX-License-Identifier: Apache-2.0

#pragma once

// What the gateway asks a bucket about strangers: pages of other origins (CORS) and requests that nobody signed. Implemented
// by S3, wired by the daemon. May read the store, so: worker threads only. Thread-safe.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gust::model {

struct CorsRequest {
  std::string bucket;
  std::string origin;
  std::string method;                // of a preflight: Access-Control-Request-Method
  std::vector<std::string> headers;  // of a preflight: Access-Control-Request-Headers, in lower case
  bool preflight = false;
};
using CorsHeaders = std::vector<std::pair<std::string, std::string>>;  // to be added to the answer

enum class CorsRefusal { NoBucket, NotEnabled, NoRule };

class BucketRules {
 public:
  virtual ~BucketRules() = default;
  // Nothing: no rule of the bucket allows it (or there is no such bucket, or no configuration).
  virtual std::optional<CorsHeaders> cors(const CorsRequest& request) = 0;
  // After cors() said nothing: why, for the words of the refusal.
  virtual CorsRefusal why_refused(std::string_view /*bucket*/) { return CorsRefusal::NoRule; }
  // Whether the bucket's policy lets everybody do `action` ("s3:GetObject") on the key (empty: on the bucket itself).
  virtual bool anybody_may(std::string_view action, std::string_view bucket, std::string_view key) = 0;
};

}  // namespace gust::model
