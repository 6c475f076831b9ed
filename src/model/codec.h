// SPDX-License-Identifier: Apache-2.0

#pragma once

// Codec: one service on the wire, driven by its table: which operation a request is, in which of the service's protocols it
// came, its input as a document with the model's constraints checked, and answers and errors as HTTP responses of that same
// protocol. Immutable after construction apart from caches; any thread. Texts of errors: AWS's.

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

  // Which of the service's protocols the request speaks, by its headers, path and query; a service that speaks only one: that.
  Protocol protocol_of(const RequestView& request) const;
  // Whether the operation's name is in the body, a form: match_form it when it is there. (A form's Action may be in the query.)
  bool named_in_body(const RequestView& request) const;
  // The operation: by method and path (rest, CBOR), by X-Amz-Target (JSON), by Action of the query (forms).
  ApiResult<Match> match(const RequestView& request) const;
  // By Action of a form: the request's body.
  ApiResult<Match> match_form(std::string_view body) const;

  // Whether the body is a member as it is (an object's bytes, an event) instead of a document.
  bool raw_payload(const Operation& operation) const;
  // Input members. `body` is empty where raw_payload. `has_payload`: a raw body came along.
  ApiResult<Value> decode(const Match& match, const RequestView& request, std::string_view body, bool has_payload = true) const;

  http::Response encode(const Match& match, Reply reply, std::string_view request_id) const;
  // `head`: answer to a HEAD request, which has no body. `protocol`: as protocol_of told; the table's own if absent.
  http::Response encode_error(const ApiError& error, std::string_view request_id, bool head = false,
                              std::optional<Protocol> protocol = std::nullopt) const;

 private:
  ApiResult<Match> match_target(const RequestView& request, Match match) const;
  ApiResult<Match> match_path(const RequestView& request, Match match) const;
  ApiResult<Match> match_action(const QueryList& form, Match match) const;
  ApiResult<Value> decode_form(const Match& match, std::string_view body) const;
  ApiResult<Value> decode_document(const Match& match, std::string_view body) const;
  ApiResult<Value> decode_xml(const Member* payload, uint16_t shape, std::string_view body) const;

  const ServiceTable& table_;
  std::optional<Router> router_;  // of the rest protocols
  Constraints constraints_;
};

}  // namespace gust::model
