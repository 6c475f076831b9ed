// SPDX-License-Identifier: Apache-2.0

#pragma once

// The operations of the comparison as signed requests: what every server is asked, byte for byte but for the host and the
// signature. Objects and items are overwritten, so that a run may be as long as wanted.

#include <string>
#include <string_view>
#include <vector>

#include "../connection.h"
#include "base/result.h"

namespace gust::bench {

enum class Service { S3, DynamoDb };
inline constexpr size_t kListed = 1000;  // keys of ListObjectsV2

// A table or bucket with what the operations read: made once for each server. Errors: what the server answered.
Result<> prepare(Connection& connection, const Signer& signer, Service service);

// Requests of one operation, to be sent again and again. Empty: there is no such operation.
std::vector<std::string> requests_of(const Signer& signer, Service service, std::string_view operation);

}  // namespace gust::bench
