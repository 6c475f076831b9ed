// SPDX-License-Identifier: Apache-2.0

#pragma once

// Which service a request is for, as the clients tell it (surface 6.1): the path of smithy's RPC protocols, the scope of the
// signature with X-Amz-Target, X-Amz-Target alone, a form's Version, Host, path; and for S3 the path with the bucket of a
// virtual-host name put in front. Pure functions.

#include <string>
#include <string_view>
#include <vector>

#include "gateway/claim.h"
#include "http/message.h"
#include "model/service.h"
#include "model/table.h"

namespace gust::gateway {

struct Target {
  const model::ServiceTable* table = nullptr;  // null: `unknown` names what was asked for
  std::string unknown;
  Claim claim;
  std::string path;  // for routing; empty: as in the request (no copy on the usual way)

  std::string_view route(const http::Request& request) const { return path.empty() ? request.path : path; }
};

Target find_target(const http::Request& request, const std::vector<std::string>& allowed_hosts);

// "/bucket/a%20b" as bucket and key, decoded; empty where there is none or where it cannot be decoded.
struct BucketAndKey {
  std::string bucket, key;
};
BucketAndKey split_path(std::string_view path);

// The refusal of a service that has no table, in the protocol that the request seems to speak.
http::Response unknown_service(const http::Request& request, const Target& target, std::string_view request_id);

}  // namespace gust::gateway
