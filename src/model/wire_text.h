// SPDX-License-Identifier: Apache-2.0

#pragma once

// Fixed texts and headers of answers and errors.

#include <string_view>

#include "http/message.h"
#include "model/table.h"

namespace gust::model {

constexpr std::string_view kXmlHeader = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

// Of documents in JSON.
constexpr std::string_view content_type(Protocol protocol) {
  return protocol == Protocol::Json10   ? "application/x-amz-json-1.0"
         : protocol == Protocol::Json11 ? "application/x-amz-json-1.1"
                                        : "application/json";
}

// What every answer of the protocol carries: the request's id, and CBOR's mark.
inline void add_request_id(const ServiceTable& table, Protocol protocol, std::string_view request_id, http::Headers& headers) {
  if (table.id() == "s3") {
    headers.add("x-amz-request-id", request_id);
    headers.add("x-amz-id-2", request_id);
  } else {
    headers.add("x-amzn-RequestId", request_id);
  }
  if (protocol == Protocol::Cbor) headers.add("smithy-protocol", "rpc-v2-cbor");
}

}  // namespace gust::model
