// SPDX-License-Identifier: Apache-2.0

// Speaks for the interpreter of src/model with tests/protocol/run: one JSON object a line in, one out. The tables of botocore's
// protocol cases are generated and linked in (kSuites). Values that JSON has not: {"$blob": base64}, {"$time": milliseconds},
// {"$real": "NaN"}.

#include <algorithm>
#include <cmath>
#include <iostream>
#include <optional>
#include <span>
#include <string>

#include "base/encoding.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "crypto/sigv4.h"
#include "model/codec.h"
#include "model/protocol.h"
#include "model/scalar.h"

namespace gust::model {
extern const std::span<const ServiceTable* const> kSuites;
}

using namespace gust;
using namespace gust::model;

namespace {

Value plain(const Value& typed) {
  if (typed.is_list()) {
    Value out = Value::list();
    for (const Value& v : typed.as_list()) out.push(plain(v));
    return out;
  }
  if (!typed.is_map()) return typed;
  if (const Value* v = typed.find("$blob")) return Value(Blob{base64_decode(v->as_string()).value_or("")});
  if (const Value* v = typed.find("$time")) return Value(Timestamp{v->as_int()});
  if (const Value* v = typed.find("$real")) return Value(special_number(v->as_string()).value_or(0));
  Value out = Value::map();
  for (const auto& [name, v] : typed.as_map()) out.set(name, plain(v));
  return out;
}

Value wrapped(std::string_view kind, Value v) {
  Value out = Value::map();
  out.set(kind, std::move(v));
  return out;
}

Value typed(const Value& v) {
  if (v.is_list()) {
    Value out = Value::list();
    for (const Value& e : v.as_list()) out.push(typed(e));
    return out;
  }
  if (v.is_map()) {
    Value out = Value::map();
    for (const auto& [name, e] : v.as_map()) out.set(name, typed(e));
    return out;
  }
  if (v.is_blob()) return wrapped("$blob", base64_encode(v.as_string()));
  if (v.is_timestamp()) return wrapped("$time", v.as_timestamp().unix_ms);
  if (v.is_double() && !std::isfinite(v.as_double())) return wrapped("$real", scalar_to_text(v, TimeFormat::Default));
  return v;
}

http::Headers headers_of(const Value& list) {
  http::Headers headers;
  for (const Value& pair : list.as_list()) headers.add(pair.as_list()[0].as_string(), pair.as_list()[1].as_string());
  return headers;
}

Value failed(const ApiError& error) {
  Value out = Value::map();
  out.set("code", error.code);
  out.set("message", error.message);
  return out;
}

Value answered(const http::Response& response) {
  Value headers = Value::list();
  for (const auto& [name, value] : response.headers.fields()) headers.push(Value::List{Value(name), Value(value)});
  Value out = Value::map();
  out.set("status", response.status);
  out.set("headers", std::move(headers));
  out.set("body", base64_encode(response.body.bytes));
  return out;
}

Protocol protocol_named(std::string_view name, const ServiceTable& table) {
  for (Protocol p : table.protocols()) {
    if ((name == "query" && p == Protocol::Query) || (name == "ec2" && p == Protocol::Ec2) ||
        (name == "smithy-rpc-v2-cbor" && p == Protocol::Cbor) || (name == "json" && is_json_rpc(p))) {
      return p;
    }
  }
  return table.protocol;
}

// A member that is the body as it is, as the gateway would hand it over.
void add_payload(const Codec& codec, const Operation& operation, std::string body, Value& input) {
  const ServiceTable& table = codec.table();
  if (!codec.raw_payload(operation) || body.empty()) return;
  const Member& m = *table.payload(table.shape(operation.input));
  bool text = table.shape(m.shape).kind == Kind::String;
  input.set(table.text(m.name), text ? Value(std::move(body)) : Value(Blob{std::move(body)}));
}

Value decode(const Codec& codec, const Value& ask) {
  http::Headers headers = headers_of(ask["headers"]);
  RequestView view{ask["method"].as_string(), ask["path"].as_string(), ask["query"].as_string(), &headers};
  std::string body = base64_decode(ask["body"].as_string()).value_or("");
  Value out = Value::map();
  auto match = codec.named_in_body(view) ? codec.match_form(body) : codec.match(view);
  if (!match) return out.set("error", failed(match.error())), out;
  out.set("operation", codec.table().name(*match->operation));
  auto input = codec.decode(*match, view, body, !body.empty());
  if (!input) return out.set("error", failed(input.error())), out;
  add_payload(codec, *match->operation, std::move(body), *input);
  out.set("input", typed(*input));
  return out;
}

Value encode(const Codec& codec, const Value& ask) {
  const ServiceTable& table = codec.table();
  Match match;
  match.operation = table.operation(ask["operation"].as_string());
  match.protocol = protocol_named(ask["protocol"].as_string(), table);
  Reply reply;
  reply.output = plain(ask["output"]);
  if (match.operation->output != kNone && is_rest(match.protocol)) {
    const Member* m = table.payload(table.shape(match.operation->output));
    if (const Value* v = m && m->flags & kStreaming ? reply.output.find(table.text(m->name)) : nullptr) {
      reply.payload = http::Body{};
      reply.payload->bytes = std::string(v->as_string());
    }
  }
  return answered(codec.encode(match, std::move(reply), "request-1"));
}

Value encode_error(const Codec& codec, const Value& ask) {
  ApiError error;
  error.code = ask["code"].as_string();
  error.message = ask["message"].as_string();
  error.status = static_cast<int>(ask["status"].as_int());
  error.members = plain(ask["members"]);
  return answered(codec.encode_error(error, "request-1", false, protocol_named(ask["protocol"].as_string(), codec.table())));
}

Value sign(const Value& ask) {
  std::string body_hash = hex_encode(sha256(ask["body"].as_string()));
  sigv4::RequestParts parts{ask["method"].as_string(), ask["path"].as_string(), ask["query"].as_string(),
                            headers_of(ask["headers"]).fields(), body_hash};
  sigv4::Scope scope{"20150830", "us-east-1", "service"};
  Value out = Value::map();
  std::string canonical = sigv4::canonical_request(parts);
  std::string text = sigv4::string_to_sign("20150830T123600Z", scope, canonical);
  std::string hex = sigv4::signature(sigv4::signing_key(ask["secret"].as_string(), scope), text);
  out.set("creq", canonical);
  out.set("sts", text);
  out.set("authz", sigv4::authorization("AKIDEXAMPLE", scope, sigv4::signed_header_names(parts), hex));
  // The verifier's way to the same text.
  std::vector<std::string> names;
  for (const auto& [name, value] : parts.headers) names.push_back(lower(name));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  out.set("received", sigv4::canonical_request(sigv4::ReceivedRequest{parts.method, parts.raw_path, parts.raw_query,
                                                                      parts.headers, names, body_hash}));
  return out;
}

}  // namespace

int main() {
  std::vector<std::unique_ptr<Codec>> codecs;
  for (const ServiceTable* table : kSuites) codecs.push_back(std::make_unique<Codec>(*table));
  for (const ServiceTable* table : services()) codecs.push_back(std::make_unique<Codec>(*table));
  std::string line;
  while (std::getline(std::cin, line)) {
    auto ask = json::parse(line);
    if (!ask) return 2;
    std::string_view verb = (*ask)["do"].as_string();
    auto index = static_cast<size_t>((*ask)["table"].as_int());
    if (const Value* id = ask->find("service")) {  // one of the real tables
      auto real = services();
      auto at = std::find(real.begin(), real.end(), find_service(id->as_string()));
      index = kSuites.size() + static_cast<size_t>(at - real.begin());
    }
    if (index >= codecs.size()) return 3;
    Value out = verb == "decode"   ? decode(*codecs[index], *ask)
                : verb == "encode" ? encode(*codecs[index], *ask)
                : verb == "error"  ? encode_error(*codecs[index], *ask)
                                   : sign(*ask);
    std::cout << json::write(out) << std::endl;
  }
  return 0;
}
