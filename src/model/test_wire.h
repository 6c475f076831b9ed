// SPDX-License-Identifier: Apache-2.0

#pragma once

// For the codec's tests: hand-made requests in, documents and errors out.

#include <string>
#include <string_view>

#include "base/json.h"
#include "model/codec.h"

namespace gust::model {

struct Outcome {
  std::string operation;
  Value input;
  ApiError error;  // code empty: none
};

class Wire {
 public:
  explicit Wire(const ServiceTable& table) : codec(table) {}
  Outcome decode(std::string_view method, std::string_view path, std::string_view query = {}, std::string_view body = {},
                 http::Headers headers = {}) {
    RequestView view{method, path, query, &headers};
    Outcome out;
    auto match = codec.named_in_body(view) ? codec.match_form(body) : codec.match(view);
    if (!match) {
      out.error = match.error();
      return out;
    }
    out.operation = codec.table().name(*match->operation);
    auto input = codec.decode(*match, view, body);
    if (input) out.input = std::move(*input);
    else out.error = input.error();
    return out;
  }
  Outcome target(std::string_view operation, std::string_view body) {
    http::Headers headers;
    headers.add("X-Amz-Target", std::string(codec.table().target_prefix()) + "." + std::string(operation));
    return decode("POST", "/", "", body, headers);
  }
  http::Response encode(std::string_view operation, Reply reply) {
    return encode(operation, std::move(reply), codec.table().protocol);
  }
  http::Response encode(std::string_view operation, Reply reply, Protocol protocol) {
    Match match;
    match.operation = codec.table().operation(operation);
    match.protocol = protocol;
    return codec.encode(match, std::move(reply), "req-1");
  }
  http::Response output(std::string_view operation, std::string_view document) {
    Reply reply;
    reply.output = *json::parse(document);
    return encode(operation, std::move(reply));
  }
  Codec codec;
};

inline std::string text(const Value& v) { return json::write(v); }

}  // namespace gust::model
