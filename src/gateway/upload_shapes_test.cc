// SPDX-License-Identifier: Apache-2.0

// Uploads as the SDKs of late 2026 send them over plain http, each with its signature verified, and each with what must be
// refused.

#include "gateway/aws_chunked.h"
#include "gateway/test_gateway.h"

namespace gust::gateway {
namespace {

const std::string kBody = "hello";
const std::string kCrc32 = base64_encode(big_endian32(crc32(kBody)));

class Shapes : public GatewayTest {
 protected:
  struct Sent {
    std::shared_ptr<FakeExchange> exchange;
    ChunkSeal seal;
  };
  // Signs the head; the body is what `wire` makes of the seal.
  Sent head(http::Headers headers, std::string hash, std::string target = "/b/k", std::string secret = "secret") {
    headers.add("x-amz-date", iso8601_basic(kNow / 1000));
    headers.add("x-amz-content-sha256", hash);
    auto e = make("PUT", target, "", std::move(headers));
    http::Request& r = e->request();
    sigv4::Scope scope{"20261123", "eu-west-1", "s3"};
    sigv4::RequestParts parts{r.method, r.path, r.query, {}, hash, sigv4::PathEncoding::Once};
    for (const auto& [n, v] : r.headers.fields()) {
      if (n != "Content-Length") parts.headers.emplace_back(n, v);
    }
    std::string key = sigv4::signing_key(secret, scope);
    std::string seed =
        sigv4::signature(key, sigv4::string_to_sign(iso8601_basic(kNow / 1000), scope, sigv4::canonical_request(parts)));
    r.headers.add("Authorization", sigv4::authorization("AKIAROOT", scope, sigv4::signed_header_names(parts), seed));
    return {e, {key, iso8601_basic(kNow / 1000), scope, seed}};
  }
  http::Response put(Sent sent, std::string wire) {
    sent.exchange->request().body.bytes = std::move(wire);
    return send(sent.exchange);
  }
  static http::Headers fields(std::initializer_list<std::pair<std::string, std::string>> list) {
    http::Headers out;
    for (const auto& [name, value] : list) out.add(name, value);
    return out;
  }
  static std::string code(const http::Response& r) {
    size_t at = r.body.bytes.find("<Code>"), end = r.body.bytes.find("</Code>");
    return at == std::string::npos ? "" : r.body.bytes.substr(at + 6, end - at - 6);
  }
  void expect_stored(const http::Response& r, std::string_view body = kBody) {
    ASSERT_EQ(r.status, 200) << r.body.bytes;
    EXPECT_EQ(s3.calls.back().payload.bytes, body);
    EXPECT_FALSE(s3.calls.back().input.has("ContentEncoding"));
  }
};

TEST_F(Shapes, boto3_of_today) {
  auto h = fields({{"x-amz-checksum-crc32", kCrc32}, {"x-amz-sdk-checksum-algorithm", "CRC32"}, {"Expect", "100-continue"}});
  std::string hash = hex_encode(sha256(kBody));
  expect_stored(put(head(h, hash), kBody));
  EXPECT_EQ(s3.calls.back().input["ChecksumCRC32"].as_string(), kCrc32);
  EXPECT_EQ(code(put(head(h, hash), "other")), "XAmzContentSHA256Mismatch");
  h.set("x-amz-checksum-crc32", "AAAAAA==");
  EXPECT_EQ(code(put(head(h, hash), kBody)), "BadDigest");
}

TEST_F(Shapes, boto3_1_26_and_cli_2_9) {
  auto h = fields({{"Content-MD5", base64_encode(md5(kBody))}, {"Expect", "100-continue"}});
  std::string hash = hex_encode(sha256(kBody));
  expect_stored(put(head(h, hash), kBody));
  h.set("Content-MD5", base64_encode(md5("other")));
  EXPECT_EQ(code(put(head(h, hash), kBody)), "BadDigest");
}

TEST_F(Shapes, go_rust_and_javascript_with_a_known_length) {
  auto h = fields({{"x-amz-checksum-crc32", kCrc32}});
  expect_stored(put(head(h, hex_encode(sha256(kBody)), "/b/k?x-id=PutObject"), kBody));
}

TEST_F(Shapes, a_javascript_stream) {
  auto h = fields({{"Content-Encoding", "aws-chunked"},
                   {"Transfer-Encoding", "chunked"},
                   {"x-amz-trailer", "x-amz-checksum-crc32"},
                   {"x-amz-sdk-checksum-algorithm", "CRC32"},
                   {"x-amz-decoded-content-length", "5"}});
  const std::string mode = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
  auto wire = [](std::string crc) { return "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:" + crc + "\r\n\r\n"; };
  expect_stored(put(head(h, mode), wire(kCrc32)));
  EXPECT_EQ(s3.calls.back().input["ChecksumCRC32"].as_string(), kCrc32);
  EXPECT_TRUE(plan.crc32 && !plan.crc64nvme);
  EXPECT_EQ(plan.limit, 5ull << 30);
  EXPECT_LT(plan.wire_limit, 10'000u);
  size_t before = s3.calls.size();
  EXPECT_EQ(code(put(head(h, mode), wire("AAAAAA=="))), "BadDigest");
  EXPECT_EQ(code(put(head(h, mode), wire("AAAA"))), "InvalidRequest");
  EXPECT_EQ(code(put(head(h, mode), "5\r\nhello\r\n0\r\n\r\n")), "MalformedTrailerError");
  EXPECT_EQ(code(put(head(h, mode), "4\r\nhell\r\n0\r\nx-amz-checksum-crc32:" + kCrc32 + "\r\n\r\n")), "IncompleteBody");
  h.set("x-amz-decoded-content-length", std::to_string((5ull << 30) + 1));
  EXPECT_EQ(code(put(head(h, mode), "")), "EntityTooLarge");
  h.remove("x-amz-decoded-content-length");
  EXPECT_EQ(code(put(head(h, mode), wire(kCrc32))), "MissingContentLength");
  EXPECT_EQ(s3.calls.size(), before);
}

TEST_F(Shapes, java_2_with_signed_chunks_and_trailer) {
  auto h = fields({{"Content-Encoding", "aws-chunked"},
                   {"x-amz-trailer", "x-amz-checksum-crc32"},
                   {"x-amz-sdk-checksum-algorithm", "CRC32"},
                   {"x-amz-decoded-content-length", "5"}});
  const std::string mode = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
  auto wire = [](const ChunkSeal& seal, std::string crc) {
    std::string one = chunk_signature(seal, seal.seed, hex_encode(sha256(kBody)));
    std::string last = chunk_signature(seal, one, hex_encode(sha256("")));
    std::string trailer = trailer_signature(seal, last, hex_encode(sha256("x-amz-checksum-crc32:" + crc + "\n")));
    return "5;chunk-signature=" + one + "\r\nhello\r\n0;chunk-signature=" + last + "\r\nx-amz-checksum-crc32:" + crc +
           "\r\nx-amz-trailer-signature:" + trailer + "\r\n\r\n";
  };
  Sent good = head(h, mode);
  expect_stored(put(good, wire(good.seal, kCrc32)));
  EXPECT_EQ(s3.calls.back().input["ChecksumCRC32"].as_string(), kCrc32);
  Sent bad_crc = head(h, mode);
  EXPECT_EQ(code(put(bad_crc, wire(bad_crc.seal, "AAAAAA=="))), "BadDigest");
  Sent changed = head(h, mode);
  std::string text = wire(changed.seal, kCrc32);
  text.replace(text.find("hello"), 5, "jello");
  EXPECT_EQ(code(put(changed, text)), "SignatureDoesNotMatch");
  Sent stolen = head(h, mode);  // right chunks of another request
  ChunkSeal other = stolen.seal;
  other.seed = std::string(64, '0');
  EXPECT_EQ(code(put(stolen, wire(other, kCrc32))), "SignatureDoesNotMatch");
  EXPECT_EQ(code(put(head(h, mode, "/b/k", "wrong"), "")), "SignatureDoesNotMatch");
}

TEST_F(Shapes, java_1_with_signed_chunks_and_no_content_encoding) {
  auto h = fields({{"x-amz-decoded-content-length", "5"}, {"Content-Type", "text/plain"}});
  const std::string mode = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
  auto wire = [](const ChunkSeal& seal) {
    std::string one = chunk_signature(seal, seal.seed, hex_encode(sha256(kBody)));
    std::string last = chunk_signature(seal, one, hex_encode(sha256("")));
    return "5;chunk-signature=" + one + "\r\nhello\r\n0;chunk-signature=" + last + "\r\n\r\n";
  };
  Sent good = head(h, mode);
  expect_stored(put(good, wire(good.seal)));
  EXPECT_TRUE(plan.crc64nvme);
  Sent cut = head(h, mode);
  EXPECT_EQ(code(put(cut, wire(cut.seal).substr(0, 150))), "IncompleteBody");
}

TEST_F(Shapes, a_kept_content_encoding) {
  auto h = fields({{"Content-Encoding", "aws-chunked, gzip"}, {"x-amz-decoded-content-length", "5"}});
  ASSERT_EQ(put(head(h, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), "5\r\nhello\r\n0\r\n\r\n").status, 200);
  EXPECT_EQ(s3.calls.back().input["ContentEncoding"].as_string(), "gzip");
  EXPECT_EQ(s3.calls.back().payload.bytes, kBody);
}

TEST_F(Shapes, other_forms_are_refused_by_name) {
  auto h = fields({{"x-amz-decoded-content-length", "5"}});
  auto r = put(head(h, "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"), "");
  EXPECT_EQ(r.status, 501);
  EXPECT_NE(r.body.bytes.find("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"), std::string::npos);
  EXPECT_EQ(code(put(head(h, "anything"), kBody)), "InvalidArgument");
  auto encoded = fields({{"Content-Encoding", "aws-chunked"}});
  EXPECT_EQ(put(head(encoded, "UNSIGNED-PAYLOAD"), kBody).status, 501);
}

}  // namespace
}  // namespace gust::gateway
