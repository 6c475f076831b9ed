// SPDX-License-Identifier: Apache-2.0

#pragma once

// HTTP/1.1 on bytes (RFC 9112): parses heads and bodies of requests and responses, prints heads. Strict where leniency
// lets two parsers disagree (request smuggling): refuses bare LF, line folding, white space before a colon, Content-Length
// beside Transfer-Encoding, a second Content-Length or Host, absolute-form targets, unknown transfer codings, framing fields
// in trailers, control characters. No I/O, no state but in the objects.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace gust::http {

struct HeadLimits {
  size_t bytes = 64 << 10;
  size_t headers = 200;
};

// What a head says about the body that follows.
struct Framing {
  bool chunked = false;
  std::optional<uint64_t> content_length;
  bool keep_alive = true;
  bool expect_continue = false;
  bool until_close = false;  // responses without either
};

struct ParseError {
  int status = 400;  // to answer with
  std::string message;
};

// Parses a head at the start of `bytes`. Returns its length in bytes, 0 where more is needed, or an error.
tl::expected<size_t, ParseError> parse_request(std::string_view bytes, const HeadLimits& limits, Request& request,
                                               Framing& framing);
// `to_head`: the response answers a HEAD request (no body whatever the head says).
tl::expected<size_t, ParseError> parse_response(std::string_view bytes, const HeadLimits& limits, bool to_head,
                                                Response& response, Framing& framing);

// Takes the bytes after a head apart into body and trailers.
class BodyDecoder {
 public:
  BodyDecoder() = default;  // no body
  explicit BodyDecoder(const Framing& framing);
  bool done() const { return state_ == State::Done; }
  bool until_close() const { return state_ == State::UntilClose; }
  // Consumes from the front of `in`; body bytes are handed to `sink(std::string_view)`. Returns how many bytes were taken
  // (all of them unless the message ended). Trailers go into `trailers`.
  template <class Sink>
  tl::expected<size_t, ParseError> feed(std::string_view in, Headers& trailers, Sink&& sink) {
    size_t taken = 0;
    while (state_ != State::Done && taken < in.size()) {
      std::string_view piece;
      auto step = this->step(in.substr(taken), piece, trailers);
      if (!step) return tl::unexpected(std::move(step).error());
      taken += *step;
      if (!piece.empty()) sink(piece);
    }
    return taken;
  }

 private:
  enum class State { Done, Length, UntilClose, ChunkSize, ChunkData, ChunkEnd, Trailers };
  tl::expected<size_t, ParseError> step(std::string_view in, std::string_view& piece, Headers& trailers);
  tl::expected<size_t, ParseError> line(std::string_view in, bool& complete);

  State state_ = State::Done;
  uint64_t left_ = 0;
  std::string line_;  // of a chunk head or trailer that is not whole yet
  size_t trailer_bytes_ = 0;
};

// "HTTP/1.1 200 OK\r\n" + headers + Content-Length + Connection + blank line.
std::string print_response_head(const Response& response, bool keep_alive);
std::string print_request_head(const Request& request);

}  // namespace gust::http
