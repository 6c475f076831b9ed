// SPDX-License-Identifier: Apache-2.0

// The half of Codec that writes answers.

#include "base/encoding.h"
#include "crypto/hash.h"
#include "model/binding.h"
#include "model/cbor.h"
#include "model/codec.h"
#include "model/document_writer.h"
#include "model/json_codec.h"
#include "model/protocol.h"
#include "model/wire_text.h"
#include "model/xml_codec.h"

namespace gust::model {
namespace {

// One answer on its way; each method writes one protocol's body and its type.
struct Writer {
  const ServiceTable& table;
  const Match& match;
  Reply& reply;
  http::Response& response;
  std::string_view request_id;

  const Operation& operation() const { return *match.operation; }
  const Member* payload() const { return table.payload(table.shape(operation().output)); }

  void json() {
    bool rpc = is_json_rpc(match.protocol);
    if (!rpc && response.status == 204) return;
    std::string& out = response.body.bytes;
    if (operation().output == kNone) {
      if (!rpc) return;  // UntagResource and the like: 204 without a body
      // AWS sends an empty body where a json 1.1 operation has no output, and DynamoDB has none such.
    } else if (const Member* m = rpc ? nullptr : payload()) {
      if (!document(*m)) return;
    } else {
      append_json(table, out, operation().output, TimeFormat::Default, reply.output);
    }
    response.headers.set("Content-Type", content_type(match.protocol));
    if (table.id().starts_with("dynamodb")) response.headers.add("x-amz-crc32", std::to_string(crc32(out)));
  }
  // A payload member that is no `reply.payload`. False: it was bytes or text, which go as they are.
  bool document(const Member& m) {
    Kind kind = table.shape(m.shape).kind;
    const Value* v = reply.output.find(table.text(m.name));
    if (kind == Kind::String || kind == Kind::Blob) {
      if (v) text(*v);
      return false;
    }
    if (v) append_json(table, response.body.bytes, m.shape, m.time, *v);
    return true;
  }
  void text(const Value& v) {
    response.body.bytes = std::string(v.as_string());
    if (!response.headers.has("content-type")) {
      response.headers.add("Content-Type", v.is_blob() ? "application/octet-stream" : "text/plain");
    }
  }

  void rest_xml() {
    if (operation().output == kNone || response.status == 204) return;
    const Shape& s = table.shape(operation().output);
    std::string& out = response.body.bytes;
    if (const Member* m = payload()) {
      const Value* v = reply.output.find(table.text(m->name));
      Kind kind = table.shape(m->shape).kind;
      if (v == nullptr) return;
      if (kind == Kind::String || kind == Kind::Blob) return text(*v);
      out = kXmlHeader;
      append_xml(table, out, table.text(m->wire), m->shape, m, *v, table.xmlns());
    } else {
      bool body = false;
      for (const Member& member : table.members(s)) body = body || in_answer(member.location);
      if (!body) return;
      root(s, out);
    }
    response.headers.set("Content-Type", "application/xml");
  }
  void root(const Shape& s, std::string& out) {
    std::string_view name = table.text(operation().output_root);
    if (name.empty()) name = table.text(s.name);
    out = kXmlHeader;
    if (operation().flags & kUnwrappedOutput) {
      const Member& only = table.members(s)[0];
      out.append("<").append(name).append(" xmlns=\"").append(table.xmlns()).append("\">");
      out.append(escape_xml(reply.output[table.text(only.name)].as_string())).append("</").append(name).append(">");
    } else {
      append_xml(table, out, name, operation().output, nullptr, reply.output, table.xmlns());
    }
  }

  void query() {
    std::string& out = response.body.bytes;
    std::string name(table.name(operation()));
    out.append("<").append(name).append("Response xmlns=\"").append(table.xmlns()).append("\">");
    if (operation().output != kNone) {
      append_xml(table, out, table.text(operation().output_root), operation().output, nullptr, reply.output);
    }
    out.append("<ResponseMetadata><RequestId>").append(request_id).append("</RequestId></ResponseMetadata></");
    out.append(name).append("Response>");
    response.headers.add("Content-Type", "text/xml");
  }
  void ec2() {
    std::string& out = response.body.bytes;
    std::string name(table.name(operation()));
    out.append(kXmlHeader).append("<").append(name).append("Response xmlns=\"").append(table.xmlns()).append("/\"><requestId>");
    out.append(request_id).append("</requestId>");
    if (operation().output != kNone) append_xml_members(table, out, operation().output, reply.output);
    out.append("</").append(name).append("Response>");
    response.headers.add("Content-Type", "text/xml;charset=UTF-8");
  }

  void cbor() {
    if (operation().output == kNone) return;
    response.headers.add("Content-Type", "application/cbor");
    response.body.bytes =
        write_cbor(to_document(table, operation().output, Notation::Cbor, TimeFormat::Default, std::move(reply.output)));
  }

  void body() {
    switch (match.protocol) {
      case Protocol::RestJson:
      case Protocol::Json10:
      case Protocol::Json11:
        return json();
      case Protocol::RestXml:
        return rest_xml();
      case Protocol::Query:
        return query();
      case Protocol::Ec2:
        return ec2();
      case Protocol::Cbor:
        return cbor();
    }
  }
};

}  // namespace

http::Response Codec::encode(const Match& match, Reply reply, std::string_view request_id) const {
  const Operation& operation = *match.operation;
  http::Response response;
  response.status = reply.status != 0 ? reply.status : operation.status;
  add_request_id(table_, match.protocol, request_id, response.headers);
  int status = response.status;
  if (operation.output != kNone && is_rest(match.protocol)) {
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
      response.headers.add("Content-Type", match.protocol == Protocol::RestXml ? "binary/octet-stream" : "application/json");
    }
    response.body = std::move(*reply.payload);
    return response;
  }
  Writer{table_, match, reply, response, request_id}.body();
  return response;
}

}  // namespace gust::model
