// SPDX-License-Identifier: Apache-2.0

// The bytes of one connection, read by our codec and by libhttp-parser. Properties: what we accept, the other parser accepts
// with the same method, target, fields, body and end, so that no proxy in front sees other requests than we do; a body read
// at once and byte by byte is the same; a prefix of a good head asks for more; what we print of a request reads the same.

#include <http_parser.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "base/encoding.h"
#include "base/log.h"
#include "http/codec.h"

using namespace gust;
using namespace gust::http;

namespace {

constexpr HeadLimits kLimits{4096, 50};

struct Message {
  std::string method, target;
  int status = 0;
  std::vector<Headers::Field> fields;
  std::string body;
  bool complete = false, keep_alive = true, field_open = false;
};

void add_all(Message& message, const Headers& headers) {
  for (const auto& field : headers.fields()) message.fields.push_back(field);
}

// Feeds a body in pieces of `piece` bytes. Returns false where it is refused; `taken` counts what belongs to it.
bool read_body(std::string_view bytes, const Framing& framing, size_t piece, Message& out, size_t& taken) {
  BodyDecoder decoder(framing);
  Headers trailers;
  taken = 0;
  while (taken < bytes.size() && !decoder.done()) {
    auto step = decoder.feed(bytes.substr(taken, piece), trailers, [&](std::string_view b) {
      out.body += b;
#ifdef GUST_PLANTED_BUG
      if (framing.chunked && b.size() == 0x2a) std::abort();
#endif
    });
    if (!step) return false;
    taken += *step;
  }
  add_all(out, trailers);
  out.complete = decoder.done();
  return true;
}

// Both ways of reading the same body agree.
bool read_body(std::string_view bytes, const Framing& framing, Message& out, size_t& taken) {
  Message bytewise = out;
  size_t bytewise_taken = 0;
  bool good = read_body(bytes, framing, bytes.size() + 1, out, taken);
  GUST_CHECK(good == read_body(bytes, framing, 1, bytewise, bytewise_taken));
  if (good)
    GUST_CHECK(bytewise.body == out.body && bytewise.complete == out.complete && bytewise_taken == taken &&
               bytewise.fields == out.fields);
  return good && out.complete;
}

void check_print(const Request& request, const Framing& framing) {
  if (request.minor_version == 0) return;
  Request again;
  Framing framing_again;
  std::string printed = print_request_head(request);
  auto length = parse_request(printed, {8192, 50}, again, framing_again);
  GUST_CHECK(length && *length == printed.size() && again.target == request.target &&
             again.headers.fields() == request.headers.fields());
  GUST_CHECK(framing.chunked == framing_again.chunked && framing.content_length == framing_again.content_length);
}

void check_prefix(std::string_view head) {
  for (size_t n : {head.size() - 1, head.size() / 2, head.size() / 3}) {
    Request request;
    Framing framing;
    auto length = parse_request(head.substr(0, n), kLimits, request, framing);
    GUST_CHECK(length && *length == 0);
  }
}

// What we read as whole requests; returns how many bytes they have.
size_t ours(std::string_view bytes, std::vector<Message>& out) {
  size_t at = 0;
  for (bool more = true; more && at < bytes.size();) {
    Request request;
    Framing framing;
    auto head = parse_request(bytes.substr(at), kLimits, request, framing);
    if (!head || *head == 0) return at;
    check_prefix(bytes.substr(at, *head));
    check_print(request, framing);
    Message message{request.method, request.target};
    add_all(message, request.headers);
    size_t body = 0;
    if (!read_body(bytes.substr(at + *head), framing, message, body)) return at;
    at += *head + body;
    more = message.keep_alive = framing.keep_alive;
    out.push_back(std::move(message));
  }
  return at;
}

size_t our_response(std::string_view bytes, std::vector<Message>& out) {
  Response response;
  Framing framing;
  auto head = parse_response(bytes, kLimits, false, response, framing);
  if (!head || *head == 0 || framing.until_close) return 0;
  Message message;
  message.status = response.status;
  add_all(message, response.headers);
  size_t body = 0;
  if (!read_body(bytes.substr(*head), framing, message, body)) return 0;
  out.push_back(std::move(message));
  return *head + body;
}

std::vector<Message>& messages(http_parser* p) { return *static_cast<std::vector<Message>*>(p->data); }

int on_begin(http_parser* p) { return messages(p).emplace_back(), 0; }
int on_url(http_parser* p, const char* at, size_t n) { return messages(p).back().target.append(at, n), 0; }
int on_field(http_parser* p, const char* at, size_t n) {
  Message& m = messages(p).back();
  if (!m.field_open) m.fields.emplace_back();
  m.field_open = true;
  m.fields.back().first.append(at, n);
  return 0;
}
int on_value(http_parser* p, const char* at, size_t n) {
  Message& m = messages(p).back();
  m.field_open = false;
  m.fields.back().second.append(at, n);
  return 0;
}
int on_head(http_parser* p) {
  Message& m = messages(p).back();
  m.method = http_method_str(static_cast<http_method>(p->method));
  m.status = static_cast<int>(p->status_code);
  // RFC 9112 section 6.3 (1.): it leaves it to its caller to say that these have no body.
  return p->type == HTTP_RESPONSE && (m.status < 200 || m.status == 204 || m.status == 304) ? 1 : 0;
}
int on_body(http_parser* p, const char* at, size_t n) { return messages(p).back().body.append(at, n), 0; }
int on_complete(http_parser* p) {
  messages(p).back().complete = true;
  messages(p).back().keep_alive = http_should_keep_alive(p) != 0;
  return 0;
}

// The same bytes through the other parser.
std::vector<Message> theirs(std::string_view bytes, http_parser_type type) {
  std::vector<Message> out;
  http_parser parser;
  http_parser_settings settings;
  http_parser_settings_init(&settings);
  settings.on_message_begin = on_begin;
  settings.on_url = on_url;
  settings.on_header_field = on_field;
  settings.on_header_value = on_value;
  settings.on_headers_complete = on_head;
  settings.on_body = on_body;
  settings.on_message_complete = on_complete;
  http_parser_init(&parser, type);
  parser.data = &out;
  // It stops behind a message that asks for another protocol: go on with the next, as a server that refuses does.
  for (size_t at = 0; at < bytes.size();) {
    size_t taken = http_parser_execute(&parser, &settings, bytes.data() + at, bytes.size() - at);
    GUST_CHECK(HTTP_PARSER_ERRNO(&parser) == HPE_OK && (taken == bytes.size() - at || parser.upgrade));
    at += taken;
    if (!parser.upgrade) continue;
    http_parser_init(&parser, type);
    parser.data = &out;
  }
  return out;
}

// The other parser has a fixed list of methods, and for CONNECT another grammar of targets.
bool known_method(std::string_view method) {
  static const std::vector<std::string_view> known = [] {
    std::vector<std::string_view> names;
#define ADD(number, name, text) names.emplace_back(#text);
    HTTP_METHOD_MAP(ADD)
#undef ADD
    return names;
  }();
  return method != "CONNECT" && std::find(known.begin(), known.end(), method) != known.end();
}

// It also takes a field whose name begins with "Transfer-Encoding" for that field.
bool misread(const Message& m) {
  constexpr std::string_view kName = "transfer-encoding";
  return std::any_of(m.fields.begin(), m.fields.end(), [&](const Headers::Field& f) {
    return f.first.size() > kName.size() && equal_ignoring_case(std::string_view(f.first).substr(0, kName.size()), kName);
  });
}

void compare(const std::vector<Message>& a, const std::vector<Message>& b) {
  GUST_CHECK(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    GUST_CHECK(a[i].method == b[i].method || a[i].status != 0);
    GUST_CHECK(a[i].target == b[i].target && a[i].status == b[i].status && b[i].complete && a[i].body == b[i].body);
    GUST_CHECK(a[i].fields.size() == b[i].fields.size());
    for (size_t f = 0; f < a[i].fields.size(); ++f) {
      GUST_CHECK(a[i].fields[f].first == b[i].fields[f].first && a[i].fields[f].second == trim(b[i].fields[f].second));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::vector<Message> read;
  bool response = bytes.starts_with("HTTP/");
  size_t whole = response ? our_response(bytes, read) : ours(bytes, read);
  for (const Message& m : read) {
    if (misread(m) || (!response && !known_method(m.method))) return 0;
  }
  if (!read.empty()) compare(read, theirs(bytes.substr(0, whole), response ? HTTP_RESPONSE : HTTP_REQUEST));
  return 0;
}
