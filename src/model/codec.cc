// SPDX-License-Identifier: Apache-2.0

#include "model/codec.h"

#include "base/encoding.h"
#include "base/json.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "model/binding.h"
#include "model/errors.h"
#include "model/json_codec.h"
#include "model/xml_codec.h"

namespace gust::model {
namespace {

// A document within a request of 70 MB (a zip as base64) must pass.
constexpr json::Limits kJsonLimits{64, 80u << 20};
constexpr std::string_view kXmlHeader = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

bool json_rpc(Protocol p) { return p == Protocol::Json10 || p == Protocol::Json11; }

}  // namespace

Codec::Codec(const ServiceTable& table) : table_(table), router_(table), constraints_(table) {}

ApiResult<Match> Codec::match(const RequestView& request) const {
  Match match;
  match.protocol = protocol_of(request);
  if (json_rpc(table_.protocol)) {
    std::string_view target = request.headers ? request.headers->get("x-amz-target") : std::string_view();
    std::string_view prefix = table_.target_prefix();
    if (target.size() > prefix.size() && target.starts_with(prefix) && target[prefix.size()] == '.') {
      match.operation = table_.operation(target.substr(prefix.size() + 1));
    }
    if (match.operation) return match;
    return tl::unexpected(api_error("UnknownOperationException", std::string()));
  }
  if (table_.protocol == Protocol::Query) {
    return tl::unexpected(api_error("MissingAction", "The request is missing an action parameter."));
  }
  if (router_.match(request, match)) return match;
  if (table_.protocol == Protocol::RestXml) {
    ApiError e = api_error("MethodNotAllowed", "The specified method is not allowed against this resource.", 405);
    e.members.set("Method", request.method);
    return tl::unexpected(std::move(e));
  }
  return tl::unexpected(
      api_error("UnknownOperationException", "Unable to determine service/operation name to be authorized", 404));
}

ApiResult<Match> Codec::match_form(std::string_view body) const {
  auto form = parse_query(body);
  if (!form) return tl::unexpected(api_error("MalformedQueryString", form.error().message));
  for (const auto& [name, value] : *form) {
    if (name != "Action") continue;
    Match match;
    match.protocol = table_.protocol;
    match.operation = table_.operation(value);
    if (match.operation) return match;
    return tl::unexpected(api_error("InvalidAction", "Could not find operation " + value));
  }
  return tl::unexpected(api_error("MissingAction", "The request is missing an action parameter."));
}

bool Codec::raw_payload(const Operation& operation) const {
  if (operation.input == kNone || json_rpc(table_.protocol) || table_.protocol == Protocol::Query) return false;
  const Member* payload = table_.payload(table_.shape(operation.input));
  if (payload == nullptr) return false;
  Kind kind = table_.shape(payload->shape).kind;
  return kind == Kind::Blob || kind == Kind::String;
}

ApiResult<Value> Codec::decode_document(const Operation& operation, std::string_view body) const {
  const Shape& s = table_.shape(operation.input);
  if (table_.protocol == Protocol::Query) {
    auto form = parse_query(body);
    auto input = form ? from_form(table_, operation.input, *form) : tl::unexpected(form.error());
    if (!input) return tl::unexpected(api_error("MalformedInput", input.error().message));
    return std::move(*input);
  }
  if (body.empty()) return Value::map();
  const Member* payload = json_rpc(table_.protocol) ? nullptr : table_.payload(s);
  uint16_t shape = payload ? payload->shape : operation.input;
  Result<Value> document;
  if (table_.protocol == Protocol::RestXml) {
    document = from_xml(table_, shape, payload ? table_.text(payload->wire) : std::string_view(), body);
    if (!document) return tl::unexpected(malformed_xml());
  } else {
    document = json::parse(body, kJsonLimits);
    if (!document) {
      if (table_.id() == "lambda") {
        return tl::unexpected(
            api_error("InvalidRequestContentException", "Could not parse request body into json: " + document.error().message));
      }
      return tl::unexpected(serialization(std::string()));
    }
    document = from_json(table_, shape, std::move(*document));
    if (!document) return tl::unexpected(serialization(document.error().message));
  }
  if (payload == nullptr) return std::move(*document);
  Value input = Value::map();
  input.set(table_.text(payload->name), std::move(*document));
  return input;
}

ApiResult<Value> Codec::decode(const Match& match, const RequestView& request, std::string_view body, bool has_payload) const {
  Value input = Value::map();
  if (match.operation->input == kNone) return input;
  bool raw = raw_payload(*match.operation);
  bool has_document = false;
  if (!raw) {
    auto document = decode_document(*match.operation, body);
    if (!document) return document;
    input = std::move(*document);
    has_document = true;
  }
  if (!json_rpc(table_.protocol) && table_.protocol != Protocol::Query) {
    if (auto error = bind_input(table_, match, request, input)) return tl::unexpected(std::move(*error));
  }
  auto violations = constraints_.check(*match.operation, input, !has_document && has_payload);
  if (!violations.empty()) return tl::unexpected(violated(violations));
  return input;
}

ApiError Codec::violated(const std::vector<Violation>& violations) const {
  const Violation& v = violations.front();
  if (table_.protocol != Protocol::RestXml) {
    if (table_.protocol == Protocol::Query) return api_error("ValidationError", joined(violations));
    if (table_.id() == "logs") return invalid_parameter(joined(violations));
    return validation(joined(violations));
  }
  std::string_view shape = v.shape == kNone ? std::string_view() : table_.text(table_.shape(v.shape).name);
  if (v.fault == Fault::Enumeration && shape == "BucketLocationConstraint") {
    ApiError e = api_error("InvalidLocationConstraint", "The specified location-constraint is not valid");
    e.members.set("LocationConstraint", v.value);
    return e;
  }
  if (v.fault == Fault::Enumeration && shape == "StorageClass") {
    ApiError e = api_error("InvalidStorageClass", "The storage class you specified is not valid");
    e.members.set("StorageClassRequested", v.value);
    return e;
  }
  if (shape == "Event") return invalid_argument("The event is not supported for notifications", "Event", v.value);
  if (v.member && v.member->location != Location::Body) {
    std::string_view wire = table_.text(v.member->wire);
    if (v.fault == Fault::Missing) return api_error("InvalidRequest", "Missing required parameter: " + std::string(wire));
    return invalid_argument("The value specified for " + std::string(wire) + " is not valid", wire, v.value);
  }
  return malformed_xml();
}

void Codec::add_request_id(http::Headers& headers, std::string_view request_id) const {
  if (table_.protocol == Protocol::RestXml) {
    headers.add("x-amz-request-id", request_id);
    headers.add("x-amz-id-2", request_id);
  } else {
    headers.add("x-amzn-RequestId", request_id);
  }
}

http::Response Codec::encode(const Match& match, Reply reply, std::string_view request_id) const {
  const Operation& operation = *match.operation;
  http::Response response;
  response.status = reply.status != 0 ? reply.status : operation.status;
  add_request_id(response.headers, request_id);
  int status = response.status;
  if (operation.output != kNone && !json_rpc(table_.protocol) && table_.protocol != Protocol::Query) {
    bind_output(table_, operation.output, reply.output, response.headers, status);
    if (reply.status == 0) response.status = status;
  }
  if (table_.text(operation.method) == "HEAD") {
    response.content_length = reply.head_length;
    return response;
  }
  if (reply.payload) {
    // A type of the payload's own comes from a header member of the output (GetObject's ContentType).
    if (!response.headers.has("content-type")) {
      response.headers.add("Content-Type", table_.protocol == Protocol::RestXml ? "binary/octet-stream" : "application/json");
    }
    response.body = std::move(*reply.payload);
    return response;
  }
  switch (table_.protocol) {
    case Protocol::RestJson:
    case Protocol::Json10:
    case Protocol::Json11:
      encode_json(operation, reply, response);
      break;
    case Protocol::RestXml:
      encode_xml(operation, reply, response);
      break;
    case Protocol::Query:
    case Protocol::Ec2:
    case Protocol::Cbor:
      encode_query(operation, reply, request_id, response);
      break;
  }
  return response;
}

void Codec::encode_json(const Operation& operation, Reply& reply, http::Response& response) const {
  bool rpc = json_rpc(table_.protocol);
  if (!rpc && response.status == 204) return;
  std::string& out = response.body.bytes;
  if (operation.output == kNone) {
    if (!rpc) return;  // UntagResource and the like: 204 without a body
    // AWS sends an empty body where a json 1.1 operation has no output, and DynamoDB has none such.
  } else {
    const Shape& s = table_.shape(operation.output);
    const Member* payload = rpc ? nullptr : table_.payload(s);
    if (payload && reply.output.has(table_.text(payload->name))) {
      out = json::write(to_json(table_, payload->shape, payload->time, reply.output[table_.text(payload->name)]));
    } else if (!payload) {
      out = json::write(to_json(table_, operation.output, TimeFormat::Default, std::move(reply.output)));
    }
  }
  response.headers.add("Content-Type", table_.protocol == Protocol::Json10   ? "application/x-amz-json-1.0"
                                       : table_.protocol == Protocol::Json11 ? "application/x-amz-json-1.1"
                                                                             : "application/json");
  if (table_.id() == "dynamodb") response.headers.add("x-amz-crc32", std::to_string(crc32(out)));
}

void Codec::encode_xml(const Operation& operation, Reply& reply, http::Response& response) const {
  if (operation.output == kNone || response.status == 204) return;
  const Shape& s = table_.shape(operation.output);
  std::string& out = response.body.bytes;
  if (const Member* payload = table_.payload(s)) {
    const Value* v = reply.output.find(table_.text(payload->name));
    Kind kind = table_.shape(payload->shape).kind;
    if (v == nullptr) return;
    if (kind == Kind::String || kind == Kind::Blob) {
      out = std::string(v->as_string());
      return;
    }
    out = kXmlHeader;
    append_xml(table_, out, table_.text(payload->wire), payload->shape, payload, *v, table_.xmlns());
  } else {
    bool body = false;
    for (const Member& m : table_.members(s)) body = body || m.location == Location::Body;
    if (!body) return;
    std::string_view root = table_.text(operation.output_root);
    if (root.empty()) root = table_.text(s.name);
    out = kXmlHeader;
    if (operation.flags & kUnwrappedOutput) {
      const Member& only = table_.members(s)[0];
      out.append("<").append(root).append(" xmlns=\"").append(table_.xmlns()).append("\">");
      out.append(escape_xml(reply.output[table_.text(only.name)].as_string())).append("</").append(root).append(">");
    } else {
      append_xml(table_, out, root, operation.output, nullptr, reply.output, table_.xmlns());
    }
  }
  response.headers.set("Content-Type", "application/xml");
}

void Codec::encode_query(const Operation& operation, Reply& reply, std::string_view request_id, http::Response& response) const {
  std::string& out = response.body.bytes;
  std::string name(table_.name(operation));
  out.append("<").append(name).append("Response xmlns=\"").append(table_.xmlns()).append("\">");
  if (operation.output != kNone) {
    append_xml(table_, out, table_.text(operation.output_root), operation.output, nullptr, reply.output);
  }
  out.append("<ResponseMetadata><RequestId>").append(request_id).append("</RequestId></ResponseMetadata></");
  out.append(name).append("Response>");
  response.headers.add("Content-Type", "text/xml");
}

// What stands in front of the code in __type.
std::string Codec::error_type(std::string_view code) const {
  std::string_view own = table_.text(table_.error_namespace_text);
  if (own.empty()) return std::string(code);
  std::string_view prefix = code == "ValidationException" ? "com.amazon.coral.validate#"
                            : table_.error(code)          ? own
                                                          : "com.amazon.coral.service#";
  return std::string(prefix).append(code);
}

std::string Codec::json_error(const ApiError& error) const {
  const ErrorInfo* known = table_.error(error.code);
  const Shape* shape = known ? &table_.shape(known->shape) : nullptr;
  Value body = Value::map();
  if (json_rpc(table_.protocol)) {
    body.set("__type", error_type(error.code));
  } else if (shape && table_.member(*shape, "Type")) {
    body.set("Type", error.server_fault ? "Service" : "User");
  }
  bool capital = (shape && table_.member(*shape, "Message")) || error.code == "SerializationException";
  if (!error.message.empty()) body.set(capital ? "Message" : "message", error.message);
  for (const auto& [name, value] : error.members.as_map()) {
    const Member* m = shape ? table_.member(*shape, name) : nullptr;
    if (m && m->location != Location::Body) continue;
    body.set(name, m ? to_json(table_, m->shape, m->time, value) : value);
  }
  return json::write(body);
}

Protocol Codec::protocol_of(const RequestView&) const { return table_.protocol; }

http::Response Codec::encode_error(const ApiError& error, std::string_view request_id, bool head, std::optional<Protocol>) const {
  http::Response response;
  response.status = error.status;
  add_request_id(response.headers, request_id);
  for (const auto& [name, value] : error.headers) response.headers.add(name, value);
  std::string& out = response.body.bytes;
  if (table_.protocol == Protocol::RestXml) {
    if (head || error.status == 304) return response;
    response.headers.add("Content-Type", "application/xml");
    out.append(kXmlHeader).append("<Error><Code>").append(escape_xml(error.code)).append("</Code><Message>");
    out.append(escape_xml(error.message)).append("</Message>");
    for (const auto& [name, value] : error.members.as_map()) append_xml_plain(out, name, value);
    out.append("<RequestId>").append(request_id).append("</RequestId><HostId>").append(request_id).append("</HostId></Error>");
  } else if (table_.protocol == Protocol::Query) {
    response.headers.add("Content-Type", "text/xml");
    out.append("<ErrorResponse xmlns=\"").append(table_.xmlns()).append("\"><Error><Type>");
    out.append(error.server_fault ? "Receiver" : "Sender").append("</Type><Code>").append(escape_xml(error.code));
    out.append("</Code><Message>").append(escape_xml(error.message)).append("</Message></Error><RequestId>");
    out.append(request_id).append("</RequestId></ErrorResponse>");
  } else {
    out = json_error(error);
    if (table_.protocol == Protocol::RestJson) response.headers.add("x-amzn-ErrorType", error.code);
    response.headers.add("Content-Type", table_.protocol == Protocol::Json10   ? "application/x-amz-json-1.0"
                                         : table_.protocol == Protocol::Json11 ? "application/x-amz-json-1.1"
                                                                               : "application/json");
    if (table_.id() == "dynamodb") response.headers.add("x-amz-crc32", std::to_string(crc32(out)));
  }
  return response;
}

}  // namespace gust::model
