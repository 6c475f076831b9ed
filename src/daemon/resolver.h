// SPDX-License-Identifier: Apache-2.0

#pragma once

// The name server inside a sandbox (RFC 1035 over UDP): localhost and every name below it are 127.0.0.1, so that
// bucket.localhost reaches the gateway; every other name does not exist as long as there is no egress. A pure function:
// the socket belongs to inside.h.

#include <string>
#include <string_view>

namespace gust::daemon {

inline constexpr size_t kMaxDnsQuery = 512;  // RFC 1035 section 4.2.1

// The answer to one datagram; empty: none is deserved (not a query, cut off).
std::string answer_dns(std::string_view query);

}  // namespace gust::daemon
