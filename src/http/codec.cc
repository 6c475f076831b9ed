// SPDX-License-Identifier: Apache-2.0

#include "http/codec.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"

namespace gust::http {
namespace {

using Parsed = tl::expected<size_t, ParseError>;

Parsed bad(std::string message, int status = 400) { return tl::unexpected(ParseError{status, std::move(message)}); }

constexpr size_t kChunkLineLimit = 4096;   // chunk size with extensions, or one trailer field
constexpr size_t kTrailerLimit = 2 << 20;  // a Runtime API error trailer carries up to 1 MiB of base64

constexpr std::array<bool, 256> token_table() {
  std::array<bool, 256> t{};
  for (int c = '0'; c <= '9'; ++c) t[c] = true;
  for (int c = 'a'; c <= 'z'; ++c) t[c] = true;
  for (int c = 'A'; c <= 'Z'; ++c) t[c] = true;
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) t[static_cast<unsigned char>(c)] = true;
  return t;
}
constexpr auto kToken = token_table();  // RFC 9110 section 5.6.2

bool is_token(std::string_view s) {
  for (char c : s) {
    if (!kToken[static_cast<unsigned char>(c)]) return false;
  }
  return !s.empty();
}

// Field content: visible characters, space, tab and bytes above 0x7F (RFC 9110 section 5.5).
bool is_field_content(std::string_view s) {
  for (unsigned char c : s) {
    if ((c < 0x20 && c != '\t') || c == 0x7F) return false;
  }
  return true;
}

// Origin form, and the asterisk of OPTIONS (RFC 9112 section 3.2). A target with an authority of its own would be a second
// Host that nobody checks.
bool is_target(std::string_view method, std::string_view s) {
  for (unsigned char c : s) {
    if (c <= 0x20 || c == 0x7F) return false;
  }
  return s.starts_with('/') || (s == "*" && method == "OPTIONS");
}

// Adds "name: value" to `headers`.
std::optional<ParseError> add_field(std::string_view line, Headers& headers, size_t most) {
  size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return ParseError{400, line.starts_with(' ') || line.starts_with('\t') ? "folded header line" : "malformed header line"};
  }
  std::string_view value = trim(line.substr(colon + 1));
  if (!is_field_content(value)) return ParseError{400, "control character in a header"};
  if (headers.fields().size() >= most) return ParseError{431, "too many header fields"};
  headers.add(line.substr(0, colon), value);
  return std::nullopt;
}

bool has_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    size_t comma = list.find(',');
    if (equal_ignoring_case(trim(list.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
  return false;
}

std::optional<ParseError> read_framing(const Headers& headers, int minor_version, Framing& framing) {
  framing = Framing{};
  framing.keep_alive = minor_version >= 1;
  bool transfer_encoding = false;
  for (const auto& [name, value] : headers.fields()) {
    // The first letter sorts out most fields without a comparison.
    char first = static_cast<char>(name[0] | 0x20);
    if (first == 'c' && equal_ignoring_case(name, "content-length")) {
      auto length = parse_uint(value);
      if (!length || *length > INT64_MAX) return ParseError{400, "malformed Content-Length"};
      if (framing.content_length) return ParseError{400, "two Content-Lengths"};
      framing.content_length = *length;
    } else if (first == 'c' && equal_ignoring_case(name, "connection")) {
      if (has_token(value, "close")) framing.keep_alive = false;
      if (minor_version == 0 && has_token(value, "keep-alive")) framing.keep_alive = true;
    } else if (first == 't' && equal_ignoring_case(name, "transfer-encoding")) {
      if (transfer_encoding || !equal_ignoring_case(value, "chunked") || minor_version == 0) {
        return ParseError{501, "transfer coding other than chunked"};
      }
      transfer_encoding = framing.chunked = true;
    } else if (first == 'e' && equal_ignoring_case(name, "expect")) {
      if (!equal_ignoring_case(value, "100-continue")) return ParseError{417, "unknown expectation"};
      framing.expect_continue = minor_version >= 1;
    }
  }
  if (framing.chunked && framing.content_length) return ParseError{400, "Content-Length beside Transfer-Encoding"};
  return std::nullopt;
}

// Splits off the next line that ends in CRLF. A bare CR or LF inside is an error.
bool next_line(std::string_view& rest, std::string_view& line) {
  size_t end = rest.find('\n');
  if (end == std::string_view::npos || end == 0 || rest[end - 1] != '\r') return false;
  line = rest.substr(0, end - 1);
  rest.remove_prefix(end + 1);
  return line.find('\r') == std::string_view::npos;
}

// Finds the end of the head; on success `head` is everything up to and including the last header line's CRLF.
Parsed find_head(std::string_view bytes, const HeadLimits& limits, std::string_view& head) {
  size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    // "\n\n" would be the end of the head for a lenient parser: refuse at once instead of waiting for more.
    if (bytes.find("\n\n") != std::string_view::npos || bytes.find("\n\r\n") != std::string_view::npos) {
      return bad("bare LF in the head");
    }
    if (bytes.size() >= limits.bytes) return bad("head too large", 431);
    return 0;
  }
  if (end + 4 > limits.bytes) return bad("head too large", 431);
  head = bytes.substr(0, end + 2);
  return end + 4;
}

std::optional<ParseError> parse_fields(std::string_view head, size_t most, Headers& headers) {
  headers.fields().clear();
  headers.fields().reserve(16);
  std::string_view line;
  while (!head.empty()) {
    if (!next_line(head, line)) return ParseError{400, "bare CR or LF in the head"};
    if (auto error = add_field(line, headers, most)) return error;
  }
  return std::nullopt;
}

}  // namespace

Parsed parse_request(std::string_view bytes, const HeadLimits& limits, Request& request, Framing& framing) {
  // A TLS handshake or another protocol never comes to the end of a head: say so at its first byte.
  if (!bytes.empty() && !kToken[static_cast<unsigned char>(bytes[0])]) return bad("malformed method");
  std::string_view head;
  Parsed length = find_head(bytes, limits, head);
  if (!length || *length == 0) return length;
  std::string_view line;
  if (!next_line(head, line)) return bad("bare CR or LF in the request line");
  size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return bad("malformed request line");
  std::string_view method = line.substr(0, first), target = line.substr(first + 1, last - first - 1),
                   version = line.substr(last + 1);
  if (!is_token(method) || method.size() > 32) return bad("malformed method");
  if (version.size() != 8 || !version.starts_with("HTTP/")) return bad("malformed HTTP version");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return bad("only HTTP/1.1 and HTTP/1.0 are spoken", 505);
  if (!is_target(method, target)) return bad("malformed request target");
  if (auto error = parse_fields(head, limits.headers, request.headers)) return tl::unexpected(std::move(*error));
  request.method = method;
  request.target = target;
  size_t question = target.find('?');
  request.path = target.substr(0, question);
  request.query = question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  request.minor_version = version.back() - '0';
  if (auto error = read_framing(request.headers, request.minor_version, framing)) return tl::unexpected(std::move(*error));
  size_t hosts = 0;
  for (const auto& [name, value] : request.headers.fields()) hosts += name.size() == 4 && equal_ignoring_case(name, "host");
  if (hosts > 1) return bad("two Host headers");
  if (hosts == 0 && request.minor_version == 1) return bad("no Host header");
  return length;
}

Parsed parse_response(std::string_view bytes, const HeadLimits& limits, bool to_head, Response& response, Framing& framing) {
  std::string_view head;
  Parsed length = find_head(bytes, limits, head);
  if (!length || *length == 0) return length;
  std::string_view line;
  if (!next_line(head, line)) return bad("bare CR or LF in the status line");
  if (line.size() < 12 || (!line.starts_with("HTTP/1.1 ") && !line.starts_with("HTTP/1.0 "))) return bad("malformed status line");
  auto status = parse_uint(line.substr(9, 3));
  if (!status || *status < 100 || *status > 599 || (line.size() > 12 && line[12] != ' ')) return bad("malformed status");
  if (auto error = parse_fields(head, limits.headers, response.headers)) return tl::unexpected(std::move(*error));
  response.status = static_cast<int>(*status);
  if (auto error = read_framing(response.headers, line[7] - '0', framing)) return tl::unexpected(std::move(*error));
  if (to_head || *status < 200 || *status == 204 || *status == 304) {
    if (framing.content_length) response.content_length = framing.content_length;
    framing.chunked = false;
    framing.content_length = 0;
  } else if (!framing.chunked && !framing.content_length) {
    framing.until_close = true;
    framing.keep_alive = false;
  }
  return length;
}

BodyDecoder::BodyDecoder(const Framing& framing) {
  if (framing.chunked) {
    state_ = State::ChunkSize;
  } else if (framing.until_close) {
    state_ = State::UntilClose;
  } else if (framing.content_length.value_or(0) > 0) {
    state_ = State::Length;
    left_ = *framing.content_length;
  }
}

// Collects one CRLF-ended line in line_; `complete` says whether it is whole (without its CRLF).
Parsed BodyDecoder::line(std::string_view in, bool& complete) {
  size_t end = in.find('\n');
  size_t taken = end == std::string_view::npos ? in.size() : end + 1;
  size_t limit = state_ == State::Trailers ? kTrailerLimit : kChunkLineLimit;
  if (line_.size() + taken > limit) return bad("chunk head or trailer too long");
  line_.append(in.substr(0, taken));
  complete = end != std::string_view::npos;
  if (!complete) return taken;
  if (line_.size() < 2 || line_[line_.size() - 2] != '\r') return bad("bare LF in a chunked body");
  line_.resize(line_.size() - 2);
  if (line_.find('\r') != std::string::npos) return bad("bare CR in a chunked body");
  return taken;
}

Parsed BodyDecoder::step(std::string_view in, std::string_view& piece, Headers& trailers) {
  switch (state_) {
    case State::Done:
      return 0;
    case State::UntilClose:
      piece = in;
      return in.size();
    case State::Length:
    case State::ChunkData: {
      piece = in.substr(0, static_cast<size_t>(std::min<uint64_t>(left_, in.size())));
      left_ -= piece.size();
      if (left_ == 0) state_ = state_ == State::Length ? State::Done : State::ChunkEnd;
      return piece.size();
    }
    case State::ChunkSize:
    case State::ChunkEnd:
    case State::Trailers:
      break;
  }
  bool complete = false;
  Parsed taken = line(in, complete);
  if (!taken || !complete) return taken;
  std::string text = std::move(line_);
  line_.clear();
  if (state_ == State::ChunkEnd) {
    if (!text.empty()) return bad("chunk longer than its size");
    state_ = State::ChunkSize;
  } else if (state_ == State::ChunkSize) {
    size_t digits = text.find_first_not_of("0123456789abcdefABCDEF");
    if (digits == 0 || text.empty() || std::min(digits, text.size()) > 15) return bad("malformed chunk size");
    if (digits != std::string::npos && text[digits] != ';') return bad("malformed chunk size");
    if (!is_field_content(text)) return bad("control character in a chunk extension");
    left_ = 0;
    for (char c : std::string_view(text).substr(0, digits)) {
      left_ = left_ * 16 + static_cast<uint64_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    state_ = left_ == 0 ? State::Trailers : State::ChunkData;
  } else if (text.empty()) {
    state_ = State::Done;
  } else {
    trailer_bytes_ += text.size();
    if (trailer_bytes_ > kTrailerLimit) return bad("trailers too large");
    if (auto error = add_field(text, trailers, 64)) return tl::unexpected(std::move(*error));
    const std::string& name = trailers.fields().back().first;
    if (equal_ignoring_case(name, "content-length") || equal_ignoring_case(name, "transfer-encoding"))
      return bad("framing in a trailer");
  }
  return taken;
}

// A value that somebody stored may hold anything: a line end in it would be a header of its own.
static void print_field(std::string& out, const Headers::Field& field) {
  out.append(field.first).append(": ");
  if (is_field_content(field.second)) {
    out.append(field.second);
  } else {
    for (unsigned char c : field.second) out += c < 0x20 || c == 0x7F ? ' ' : static_cast<char>(c);
  }
  out.append("\r\n");
}

std::string print_response_head(const Response& response, bool keep_alive) {
  std::string out;
  out.reserve(256);
  out.append("HTTP/1.1 ")
      .append(std::to_string(response.status))
      .append(" ")
      .append(reason_phrase(response.status))
      .append("\r\n");
  for (const auto& field : response.headers.fields()) print_field(out, field);
  bool bodiless = response.status == 204 || response.status == 304 || response.status < 200;
  if (!bodiless) {
    uint64_t length = response.content_length.value_or(response.body.size());
    out.append("Content-Length: ").append(std::to_string(length)).append("\r\n");
  }
  if (!keep_alive) out.append("Connection: close\r\n");
  out.append("\r\n");
  return out;
}

std::string print_request_head(const Request& request) {
  std::string out;
  out.reserve(512);
  out.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\n");
  for (const auto& field : request.headers.fields()) print_field(out, field);
  out.append("\r\n");
  return out;
}

}  // namespace gust::http
