// SPDX-License-Identifier: Apache-2.0

#pragma once

// Which service a request is for, by the order of the clients: SigV4 scope, X-Amz-Target, form Action, Host, path; and the
// S3 path with the bucket of a virtual-host name put in front. Pure functions.

#include <optional>
#include <string>
#include <vector>

#include "crypto/sigv4.h"
#include "http/message.h"
#include "model/service.h"
#include "model/table.h"

namespace gust::gateway {

enum class Auth { None, Header, Presigned };

struct Target {
  const model::ServiceTable* table = nullptr;  // null: `unknown` names what was asked for
  std::string unknown;
  Auth auth = Auth::None;
  std::optional<sigv4::ParsedAuthorization> authorization;  // of Auth::Header, where it can be read
  std::string path;                                         // for routing; empty: as in the request (no copy on the usual way)
};

Target find_target(const http::Request& request, const std::vector<std::string>& allowed_hosts);

// The refusal of a service that has no table, in the protocol that the request seems to speak.
http::Response unknown_service(const http::Request& request, const Target& target, std::string_view request_id);

}  // namespace gust::gateway
