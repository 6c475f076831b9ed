// SPDX-License-Identifier: Apache-2.0

#include "http/codec.h"

#include <gtest/gtest.h>

namespace gust::http {
namespace {

constexpr HeadLimits kLimits{.bytes = 4096, .headers = 20};

tl::expected<size_t, ParseError> parse(std::string_view text, Request& request, Framing& framing) {
  return parse_request(text, kLimits, request, framing);
}

TEST(Codec, AGoodHeadIsTakenApart) {
  Request request;
  Framing framing;
  std::string text =
      "PUT /a%20b/c?x=1&y HTTP/1.1\r\nHost: h:1\r\nContent-Length:  5 \r\nX-Empty:\r\nExpect: 100-continue\r\n\r\nhello";
  auto length = parse(text, request, framing);
  ASSERT_TRUE(length) << length.error().message;
  EXPECT_EQ(text.substr(*length), "hello");
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.path, "/a%20b/c");
  EXPECT_EQ(request.query, "x=1&y");
  EXPECT_EQ(request.headers.get("content-LENGTH"), "5");
  EXPECT_EQ(request.headers.get("x-empty"), "");
  EXPECT_EQ(framing.content_length, 5u);
  EXPECT_TRUE(framing.keep_alive);
  EXPECT_TRUE(framing.expect_continue);
}

TEST(Codec, EveryPrefixOfAGoodHeadNeedsMore) {
  std::string text = "GET /x HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n";
  for (size_t n = 0; n < text.size(); ++n) {
    Request request;
    Framing framing;
    auto length = parse(std::string_view(text).substr(0, n), request, framing);
    ASSERT_TRUE(length) << n << length.error().message;
    EXPECT_EQ(*length, 0u) << n;
  }
}

TEST(Codec, WhatTwoParsersCouldReadDifferentlyIsRefused) {
  const std::pair<const char*, int> cases[] = {
      {"GET / HTTP/1.1\nHost: h\n\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nA: b\rc\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 501},
      {"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
      {"GET / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
      {"GET / HTTP/1.1\r\nA: b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400},
      {"GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET  HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"G@T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nA: b\x01\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\n: b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nExpect: miracle\r\n\r\n", 417},
  };
  for (auto [text, status] : cases) {
    Request request;
    Framing framing;
    auto length = parse(text, request, framing);
    ASSERT_FALSE(length) << text;
    EXPECT_EQ(length.error().status, status) << text;
  }
  for (const char* text : {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"}) {
    Request request;
    Framing framing;
    EXPECT_TRUE(parse(text, request, framing)) << text;
  }
}

TEST(Codec, AnotherProtocolIsRefusedAtItsFirstByte) {
  for (const char* text : {"\x16\x03\x01\x02", " GET", "\r\n", "{\"a\":1}"}) {
    Request request;
    Framing framing;
    auto length = parse(text, request, framing);
    ASSERT_FALSE(length) << text;
    EXPECT_EQ(length.error().status, 400);
  }
}

TEST(Codec, OversizeHeadsAreRefusedBeforeTheirEnd) {
  Request request;
  Framing framing;
  auto endless = parse("GET /" + std::string(5000, 'a'), request, framing);
  ASSERT_FALSE(endless);
  EXPECT_EQ(endless.error().status, 431);
  std::string many = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 20; ++i) many += "A: b\r\n";
  auto fields = parse(many + "\r\n", request, framing);
  ASSERT_FALSE(fields);
  EXPECT_EQ(fields.error().status, 431);
}

struct Decoded {
  bool ok = true, done = false;
  std::string body, rest;
  Headers trailers;
};

Decoded decode(std::string_view text, size_t piece) {
  Framing framing;
  framing.chunked = true;
  BodyDecoder decoder(framing);
  Decoded out;
  size_t at = 0;
  while (at < text.size() && !decoder.done()) {
    auto part = text.substr(at, piece);
    auto taken = decoder.feed(part, out.trailers, [&](std::string_view b) { out.body += b; });
    if (!taken) {
      out.ok = false;
      return out;
    }
    at += *taken;
  }
  out.done = decoder.done();
  out.rest = text.substr(at);
  return out;
}

TEST(Codec, ChunkedBodiesReadTheSameInPiecesOfAnySize) {
  std::string text = "5\r\nhello\r\n1;ext=\"x\"\r\n \r\n00a\r\n0123456789\r\n0\r\nT-One: 1\r\nT-Two: 2\r\n\r\nGET /";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    Decoded out = decode(text, piece);
    ASSERT_TRUE(out.ok && out.done) << piece;
    EXPECT_EQ(out.body, "hello 0123456789");
    EXPECT_EQ(out.trailers.get("t-two"), "2");
    EXPECT_EQ(out.rest, "GET /");
  }
}

TEST(Codec, BrokenChunkedBodiesAreRefused) {
  for (const char* text : {"\r\n", "x\r\n", "5\nhello\r\n", "5\r\nhelloX\r\n", "5 \r\nhello\r\n", "-1\r\n", "0x5\r\n",
                           "fffffffffffffffff\r\n", "0\r\nbad trailer\r\n\r\n", "0\r\nContent-Length: 1\r\n\r\n",
                           "0\r\nTransfer-Encoding: chunked\r\n\r\n", "5;\x01\r\nhello\r\n"}) {
    EXPECT_FALSE(decode(text, 1000).ok) << text;
    EXPECT_FALSE(decode(text, 1).ok) << text;
  }
  EXPECT_FALSE(decode(std::string(5000, '1'), 1000).ok);
  EXPECT_TRUE(decode("0\r\n\r\n", 1).done);  // positive control
}

TEST(Codec, AResponseHeadSaysHowItsBodyEnds) {
  Response response;
  Framing framing;
  ASSERT_TRUE(parse_response("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", kLimits, false, response, framing));
  EXPECT_EQ(framing.content_length, 3u);
  ASSERT_TRUE(parse_response("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", kLimits, true, response, framing));
  EXPECT_EQ(framing.content_length, 0u);
  EXPECT_EQ(response.content_length, 3u);
  ASSERT_TRUE(parse_response("HTTP/1.1 200\r\n\r\n", kLimits, false, response, framing));
  EXPECT_TRUE(framing.until_close);
  for (const char* bad :
       {"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.x 200 OK\r\n\r\n", "HTTQ/1.1 200 OK\r\n\r\n", "HTTP/1.1 999 X\r\n\r\n"}) {
    EXPECT_FALSE(parse_response(bad, kLimits, false, response, framing)) << bad;
  }
}

TEST(Codec, AStoredValueCannotAddAHeader) {
  Response response;
  response.headers.add("X-Meta", "a\r\nEvil: 1");
  std::string head = print_response_head(response, true);
  EXPECT_EQ(head.find("\r\nEvil"), std::string::npos);
}

}  // namespace
}  // namespace gust::http
