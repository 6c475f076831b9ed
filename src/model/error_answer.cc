// SPDX-License-Identifier: Apache-2.0

// The half of Codec that writes errors.

#include "base/encoding.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "model/binding.h"
#include "model/cbor.h"
#include "model/codec.h"
#include "model/json_codec.h"
#include "model/protocol.h"
#include "model/wire_text.h"
#include "model/xml_codec.h"

namespace gust::model {
namespace {

struct ErrorWriter {
  const ServiceTable& table;
  Protocol protocol;
  const ApiError& error;
  std::string_view request_id;
  const ErrorInfo* known = table.error(error.code);
  const Shape* shape = known && known->shape != kNone ? &table.shape(known->shape) : nullptr;

  std::string_view name() const { return known ? table.text(known->name) : std::string_view(error.code); }  // JSON, CBOR
  std::string_view code() const { return known ? table.text(known->code) : std::string_view(error.code); }  // XML
  std::string_view fault() const { return error.server_fault ? "Receiver" : "Sender"; }

  // What stands in __type.
  std::string type() const {
    std::string_view own = table.text(table.error_namespace_text);
    if (own.empty()) return std::string(name());
    std::string_view prefix = name() == "ValidationException" ? "com.amazon.coral.validate#"
                              : known                         ? own
                                                              : "com.amazon.coral.service#";
    return std::string(prefix).append(name());
  }

  // Body members in their document form.
  void members(Notation notation, Value& body) const {
    for (const auto& [member_name, value] : error.members.as_map()) {
      const Member* m = shape ? table.member(*shape, member_name) : nullptr;
      if (m && m->location != Location::Body) continue;
      if (m) body.set(table.text(m->wire), to_document(table, m->shape, notation, m->time, value));
      else body.set(member_name, value);
    }
  }
  Value document(Notation notation) const {
    Value body = Value::map();
    if (protocol != Protocol::RestJson) {
      body.set("__type", type());
    } else if (shape && table.member(*shape, "Type")) {
      body.set("Type", error.server_fault ? "Service" : "User");
    }
    bool capital = (shape && table.member(*shape, "Message")) || name() == "SerializationException";
    if (!error.message.empty()) body.set(capital ? "Message" : "message", error.message);
    members(notation, body);
    return body;
  }

  void append_code_and_message(std::string& out) const {
    out.append("<Code>").append(escape_xml(code())).append("</Code>");
    if (!error.message.empty()) out.append("<Message>").append(escape_xml(error.message)).append("</Message>");
    for (const auto& [member_name, value] : error.members.as_map()) {
      const Member* m = shape ? table.member(*shape, member_name) : nullptr;
      if (m && m->location != Location::Body) continue;
      if (m) append_xml(table, out, table.text(m->wire), m->shape, m, value);
      else append_xml_plain(out, member_name, value);
    }
  }
  std::string s3() const {
    std::string out(kXmlHeader);
    out += "<Error>";
    append_code_and_message(out);
    out.append("<RequestId>").append(request_id).append("</RequestId><HostId>").append(request_id).append("</HostId></Error>");
    return out;
  }
  std::string query() const {
    std::string out = "<ErrorResponse xmlns=\"";
    out.append(table.xmlns()).append("\"><Error><Type>").append(fault()).append("</Type>");
    append_code_and_message(out);
    return out.append("</Error><RequestId>").append(request_id).append("</RequestId></ErrorResponse>");
  }
  std::string ec2() const {
    std::string out(kXmlHeader);
    out += "<Response><Errors><Error>";
    append_code_and_message(out);
    return out.append("</Error></Errors><RequestID>").append(request_id).append("</RequestID></Response>");
  }
};

}  // namespace

http::Response Codec::encode_error(const ApiError& error, std::string_view request_id, bool head,
                                   std::optional<Protocol> told) const {
  Protocol protocol = told.value_or(table_.protocol);
  ErrorWriter writer{table_, protocol, error, request_id};
  http::Response response;
  response.status = error.status;
  add_request_id(table_, protocol, request_id, response.headers);
  for (const auto& [name, value] : error.headers) response.headers.add(name, value);
  if (writer.shape && is_rest(protocol)) {
    bind_output(table_, writer.known->shape, error.members, response.headers, response.status);
  }
  // Always, not only to who sends x-amzn-query-mode: older clients that do not send it read it too.
  if (table_.query_compatible && !is_form(protocol)) {
    response.headers.add("x-amzn-query-error", std::string(writer.code()).append(";").append(writer.fault()));
  }
  std::string& out = response.body.bytes;
  if (protocol == Protocol::RestXml) {
    if (head || error.status == 304) return response;
    response.headers.add("Content-Type", "application/xml");
    out = table_.id() == "s3" ? writer.s3() : writer.query();
  } else if (protocol == Protocol::Query) {
    response.headers.add("Content-Type", "text/xml");
    out = writer.query();
  } else if (protocol == Protocol::Ec2) {
    response.headers.add("Content-Type", "text/xml;charset=UTF-8");
    out = writer.ec2();
  } else if (protocol == Protocol::Cbor) {
    response.headers.add("Content-Type", "application/cbor");
    out = write_cbor(writer.document(Notation::Cbor));
  } else {
    out = json::write(writer.document(Notation::Json));
    if (protocol == Protocol::RestJson) response.headers.add("x-amzn-ErrorType", writer.name());
    response.headers.add("Content-Type", content_type(protocol));
    if (table_.id().starts_with("dynamodb")) response.headers.add("x-amz-crc32", std::to_string(crc32(out)));
  }
  return response;
}

}  // namespace gust::model
