// SPDX-License-Identifier: Apache-2.0

#pragma once

// Codec: one service's wire format, driven by its table: which operation a request is, its input as a document with the
// model's constraints checked, and answers and errors as HTTP responses. Immutable after construction apart from its
// pattern cache; any thread. Texts of errors: AWS's (lambda-style "1 validation error detected: ...").

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"
#include "model/constraints.h"
#include "model/router.h"
#include "model/service.h"
#include "model/table.h"

namespace gust::model {

template <class T>
using ApiResult = tl::expected<T, ApiError>;

class Codec {
 public:
  explicit Codec(const ServiceTable& table);
  const ServiceTable& table() const { return table_; }

  // The operation: by method and path (rest), by X-Amz-Target (json). The query protocol names it in the body: match_form.
  ApiResult<Match> match(const RequestView& request) const;
  ApiResult<Match> match_form(std::string_view body) const;

  // Whether the body is a member as it is (an object's bytes, an event) instead of a document.
  bool raw_payload(const Operation& operation) const;
  // Input members. `body` is empty where raw_payload. `has_payload`: a raw body came along.
  ApiResult<Value> decode(const Match& match, const RequestView& request, std::string_view body, bool has_payload = true) const;

  http::Response encode(const Match& match, Reply reply, std::string_view request_id) const;
  // `head`: answer to a HEAD request, which has no body. `protocol`: as protocol_of told; the table's own if absent.
  http::Response encode_error(const ApiError& error, std::string_view request_id, bool head = false,
                              std::optional<Protocol> protocol = std::nullopt) const;
  // Which of the service's protocols the request speaks, by its headers; the table's own where they show none.
  Protocol protocol_of(const RequestView& request) const;

 private:
  ApiResult<Value> decode_document(const Operation& operation, std::string_view body) const;
  ApiError violated(const std::vector<Violation>& violations) const;
  void add_request_id(http::Headers& headers, std::string_view request_id) const;
  void encode_json(const Operation& operation, Reply& reply, http::Response& response) const;
  void encode_xml(const Operation& operation, Reply& reply, http::Response& response) const;
  void encode_query(const Operation& operation, Reply& reply, std::string_view request_id, http::Response& response) const;
  std::string json_error(const ApiError& error) const;
  std::string error_type(std::string_view code) const;

  const ServiceTable& table_;
  Router router_;
  Constraints constraints_;
};

}  // namespace gust::model
