// SPDX-License-Identifier: Apache-2.0

#include "model/codec.h"

#include "base/encoding.h"
#include "base/json.h"
#include "model/binding.h"
#include "model/cbor.h"
#include "model/errors.h"
#include "model/form.h"
#include "model/json_codec.h"
#include "model/protocol.h"
#include "model/refusal.h"
#include "model/xml_codec.h"

namespace gust::model {
namespace {

// A document within a request of 70 MB (a zip as base64) must pass, and DynamoDB's values of 32 levels (70 of JSON).
constexpr json::Limits kJsonLimits{128, 80u << 20};

std::string_view header(const RequestView& request, std::string_view name) {
  return request.headers ? request.headers->get(name) : std::string_view();
}

bool names_action(std::string_view query) { return query.starts_with("Action=") || query.find("&Action=") != query.npos; }

Protocol form_protocol(const ServiceTable& table) { return table.speaks(Protocol::Ec2) ? Protocol::Ec2 : Protocol::Query; }

ApiError missing_action() { return api_error("MissingAction", "The request is missing an action or a required parameter."); }

}  // namespace

Codec::Codec(const ServiceTable& table) : table_(table), constraints_(table) {
  if (is_rest(table.protocol)) router_.emplace(table);
}

Protocol Codec::protocol_of(const RequestView& request) const {
  if (table_.protocol_count == 1) return table_.protocol;
  if (table_.speaks(Protocol::Cbor) && header(request, "smithy-protocol") == "rpc-v2-cbor") return Protocol::Cbor;
  // Services of several protocols: JSON always has its target. What else comes can only be a form.
  bool form = table_.speaks(Protocol::Query) && header(request, "x-amz-target").empty();
  return form && !header(request, "content-type").starts_with("application/x-amz-json") ? Protocol::Query : table_.protocol;
}

bool Codec::named_in_body(const RequestView& request) const {
  return is_form(protocol_of(request)) && !names_action(request.query);
}

ApiResult<Match> Codec::match(const RequestView& request) const {
  Match match;
  match.protocol = protocol_of(request);
  if (is_json_rpc(match.protocol)) return match_target(request, std::move(match));
  if (!is_form(match.protocol)) return match_path(request, std::move(match));
  auto form = parse_query(request.query);
  if (!form) return tl::unexpected(api_error("MalformedQueryString", form.error().message));
  auto found = match_action(*form, std::move(match));
  if (found) found->query = std::move(*form);
  return found;
}

ApiResult<Match> Codec::match_target(const RequestView& request, Match match) const {
  std::string_view target = header(request, "x-amz-target");
  std::string_view prefix = table_.target_prefix();
  if (target.size() > prefix.size() && target.starts_with(prefix) && target[prefix.size()] == '.') {
    match.operation = table_.operation(target.substr(prefix.size() + 1));
  }
  if (match.operation) return match;
  return tl::unexpected(api_error("UnknownOperationException", std::string()));
}

ApiResult<Match> Codec::match_path(const RequestView& request, Match match) const {
  if (match.protocol == Protocol::Cbor) {
    // /service/NAME/operation/NAME, maybe below something; the service's name is not checked, as the specification wants it.
    constexpr std::string_view kBefore = "/operation/";
    size_t at = request.path.rfind(kBefore);
    bool right =
        request.method == "POST" && at != request.path.npos && request.path.substr(0, at).rfind("/service/") != request.path.npos;
    if (right) match.operation = table_.operation(request.path.substr(at + kBefore.size()));
    if (match.operation) return match;
    return tl::unexpected(api_error("UnknownOperationException", std::string(), 404));
  }
  if (router_->match(request, match)) return match;
  if (table_.protocol == Protocol::RestXml) {
    ApiError e = api_error("MethodNotAllowed", "The specified method is not allowed against this resource.", 405);
    e.members.set("Method", request.method);
    return tl::unexpected(std::move(e));
  }
  return tl::unexpected(
      api_error("UnknownOperationException", "Unable to determine service/operation name to be authorized", 404));
}

ApiResult<Match> Codec::match_action(const QueryList& form, Match match) const {
  for (const auto& [name, value] : form) {
    if (name != "Action") continue;
    match.operation = table_.operation(value);
    if (match.operation) return match;
    return tl::unexpected(refuse_action(table_, to_utf8(value)));
  }
  return tl::unexpected(missing_action());
}

ApiResult<Match> Codec::match_form(std::string_view body) const {
  Match match;
  match.protocol = form_protocol(table_);
  auto form = parse_query(body, kMaxFormParameters);
  if (!form) return tl::unexpected(api_error("MalformedQueryString", form.error().message));
  return match_action(*form, std::move(match));
}

bool Codec::raw_payload(const Operation& operation) const {
  if (operation.input == kNone || !is_rest(table_.protocol)) return false;
  const Member* payload = table_.payload(table_.shape(operation.input));
  if (payload == nullptr) return false;
  Kind kind = table_.shape(payload->shape).kind;
  return kind == Kind::Blob || kind == Kind::String;
}

ApiResult<Value> Codec::decode_form(const Match& match, std::string_view body) const {
  auto form = parse_query(body, kMaxFormParameters);
  if (!form) return tl::unexpected(api_error("MalformedQueryString", form.error().message));
  form->insert(form->end(), match.query.begin(), match.query.end());
  auto input = from_form(table_, match.operation->input, match.protocol, *form);
  if (!input) return tl::unexpected(refuse_notation(table_, match.protocol, input.error().message));
  return std::move(*input);
}

ApiResult<Value> Codec::decode_xml(const Member* payload, uint16_t shape, std::string_view body) const {
  auto document = from_xml(table_, shape, payload ? table_.text(payload->wire) : std::string_view(), body);
  if (!document) return tl::unexpected(refuse_notation(table_, Protocol::RestXml, document.error().message));
  return std::move(*document);
}

ApiResult<Value> Codec::decode_document(const Match& match, std::string_view body) const {
  if (is_form(match.protocol)) return decode_form(match, body);
  if (body.empty()) return Value::map();
  const Member* payload = is_rest(match.protocol) ? table_.payload(table_.shape(match.operation->input)) : nullptr;
  uint16_t shape = payload ? payload->shape : match.operation->input;
  Value document;
  if (match.protocol == Protocol::RestXml) {
    auto read = decode_xml(payload, shape, body);
    if (!read) return read;
    document = std::move(*read);
  } else {
    bool cbor = match.protocol == Protocol::Cbor;
    auto parsed = cbor ? parse_cbor(body) : json::parse(body, kJsonLimits);
    if (!parsed) return tl::unexpected(refuse_notation(table_, match.protocol, parsed.error().message));
    auto typed = from_document(table_, shape, cbor ? Notation::Cbor : Notation::Json, std::move(*parsed));
    if (!typed) return tl::unexpected(serialization(typed.error().message));
    document = std::move(*typed);
  }
  if (payload == nullptr) return document;
  Value input = Value::map();
  input.set(table_.text(payload->name), std::move(document));
  return input;
}

ApiResult<Value> Codec::decode(const Match& match, const RequestView& request, std::string_view body, bool has_payload) const {
  Value input = Value::map();
  if (match.operation->input == kNone) return input;
  bool raw = raw_payload(*match.operation);
  if (!raw) {
    auto document = decode_document(match, body);
    if (!document) return document;
    input = std::move(*document);
  }
  if (is_rest(match.protocol)) {
    if (auto error = bind_input(table_, match, request, input)) return tl::unexpected(std::move(*error));
  }
  auto violations = constraints_.check(*match.operation, input, raw && has_payload);
  if (!violations.empty()) return tl::unexpected(refuse_input(table_, violations));
  return input;
}

}  // namespace gust::model
