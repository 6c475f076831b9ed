// SPDX-License-Identifier: Apache-2.0

// Signatures, and what bodies may be.

#include <cstdlib>

#include "gateway/test_gateway.h"
#include "os/files.h"

namespace gust::gateway {
namespace {

// ---- signatures

TEST_F(GatewayTest, right_signatures_pass_with_and_without_the_hash_header) {
  EXPECT_EQ(send(signed_request("lambda", "GET", "/2015-03-31/functions/?MaxItems=5", "")).status, 200);
  http::Headers h;
  h.add("X-Amz-Target", "DynamoDB_20120810.PutItem");
  EXPECT_EQ(send(signed_request("dynamodb", "POST", "/", R"({"TableName":"tab","Item":{}})", h, "secret", false)).status, 200);
  EXPECT_EQ(send(signed_request("s3", "PUT", "/b/a%20b", "body")).status, 200);
  EXPECT_EQ(s3.calls.at(0).identity.access_key_id, "AKIAROOT");
}

TEST_F(GatewayTest, wrong_signatures_are_refused_in_the_words_of_the_service) {
  auto l = send(signed_request("lambda", "GET", "/2015-03-31/functions/", "", {}, "wrong"));
  EXPECT_EQ(l.status, 403);
  EXPECT_EQ(l.headers.get("x-amzn-errortype"), "InvalidSignatureException");
  http::Headers h;
  h.add("X-Amz-Target", "DynamoDB_20120810.PutItem");
  auto d = send(signed_request("dynamodb", "POST", "/", R"({"TableName":"tab","Item":{}})", h, "wrong", false));
  EXPECT_EQ(d.status, 400);
  EXPECT_NE(d.body.bytes.find("com.amazon.coral.service#InvalidSignatureException"), std::string::npos);
  auto x = send(signed_request("s3", "GET", "/b/k", "", {}, "wrong"));
  EXPECT_EQ(x.status, 403);
  EXPECT_NE(x.body.bytes.find("<Code>SignatureDoesNotMatch</Code>"), std::string::npos);
  EXPECT_TRUE(s3.calls.empty() && lambda.calls.empty() && dynamodb.calls.empty());
}

TEST_F(GatewayTest, a_missing_or_unknown_key_is_refused) {
  EXPECT_EQ(send(make("GET", "/b/k")).status, 403);
  auto unknown = send(make("GET", "/b/k", "", signer("s3", "AKIANOBODY")));
  EXPECT_NE(unknown.body.bytes.find("<Code>InvalidAccessKeyId</Code>"), std::string::npos);
  EXPECT_EQ(send(make("GET", "/2015-03-31/functions/")).headers.get("x-amzn-errortype"), "MissingAuthenticationTokenException");
}

TEST_F(GatewayTest, clocks_may_differ_by_fifteen_minutes) {
  clock.advance_us(14LL * 60 * 1'000'000);
  EXPECT_EQ(send(signed_request("s3", "GET", "/b/k", "")).status, 200);
  clock.advance_us(2LL * 60 * 1'000'000);
  auto r = send(signed_request("s3", "GET", "/b/k", ""));
  EXPECT_EQ(r.status, 403);
  EXPECT_NE(r.body.bytes.find("<Code>RequestTimeTooSkewed</Code>"), std::string::npos);
}

TEST_F(GatewayTest, what_was_changed_after_signing_is_refused) {
  auto body = signed_request("lambda", "POST", "/2015-03-31/functions/f/invocations", "{}");
  body->request().body.bytes = "[]";
  EXPECT_EQ(send(body).headers.get("x-amzn-errortype"), "InvalidSignatureException");
  auto query = signed_request("s3", "GET", "/b/k", "");
  query->request().query = "versionId=1";
  EXPECT_EQ(send(query).status, 403);
  auto header = signed_request("s3", "PUT", "/b/k", "body");
  header->request().headers.add("x-amz-storage-class", "STANDARD");
  EXPECT_NE(send(header).body.bytes.find("which were not signed"), std::string::npos);
  EXPECT_EQ(send(signed_request("lambda", "POST", "/2015-03-31/functions/f/invocations", "{}")).status, 200);  // control
}

// ---- bodies

TEST_F(DevGateway, invoke_runs_on_the_loop_with_the_event_as_it_is) {
  std::atomic<bool> on_loop = false;
  lambda.on_call = [&](model::Call call, model::Responder responder) {
    on_loop = loop.in_thread();
    model::Reply reply;
    reply.output.set("StatusCode", 200);
    reply.payload = std::move(call.payload);
    responder.reply(std::move(reply));
  };
  auto r = send(make("POST", "/2015-03-31/functions/f/invocations", "{\"a\": 1}", signer("lambda")));
  EXPECT_TRUE(on_loop);
  EXPECT_EQ(r.body.bytes, "{\"a\": 1}");
  EXPECT_EQ(lambda.calls.at(0).input["FunctionName"].as_string(), "f");
}

TEST_F(DevGateway, events_have_the_limits_of_their_kind) {
  auto sync = make("POST", "/2015-03-31/functions/f/invocations", std::string((6 << 20) + 1, ' '), signer("lambda"));
  auto r = send(sync);
  EXPECT_EQ(r.status, 413);
  EXPECT_EQ(r.headers.get("x-amzn-errortype"), "RequestTooLargeException");
  EXPECT_EQ(r.body.bytes,
            R"({"Type":"User","message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"})");
  http::Headers h = signer("lambda");
  h.add("X-Amz-Invocation-Type", "Event");
  r = send(make("POST", "/2015-03-31/functions/f/invocations", std::string((1 << 20) + 1, ' '), h));
  EXPECT_NE(r.body.bytes.find("1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"),
            std::string::npos);
  EXPECT_EQ(send(make("POST", "/2015-03-31/functions/f/invocations", std::string(1 << 20, ' '), h)).status, 200);  // control
}

TEST_F(DevGateway, uploads_are_spooled_with_the_digests_that_their_headers_need) {
  options.spool_directory = "/nowhere";
  http::Headers h = signer("s3");
  h.add("x-amz-checksum-crc32", base64_encode(big_endian32(crc32("hello"))));
  h.add("x-amz-content-sha256", hex_encode(sha256("hello")));
  EXPECT_EQ(send(make("PUT", "/b/k", "hello", h)).status, 200);
  EXPECT_TRUE(plan.md5 && plan.sha256 && plan.crc32);
  EXPECT_FALSE(plan.crc32c);
  EXPECT_EQ(plan.memory, 64u << 10);
  EXPECT_EQ(plan.limit, 5ull << 30);
  EXPECT_EQ(plan.spool_directory, "/nowhere");
  EXPECT_EQ(s3.calls.at(0).payload.bytes, "hello");
}

TEST_F(DevGateway, a_body_that_is_not_what_the_client_said_is_refused) {
  struct Case {
    const char* header;
    std::string right, wrong;
    const char* code;
  };
  for (const Case& c :
       {Case{"Content-MD5", base64_encode(md5("hello")), base64_encode(md5("other")), "BadDigest"},
        Case{"Content-MD5", base64_encode(md5("hello")), "abc", "InvalidDigest"},
        Case{"x-amz-checksum-crc32", base64_encode(big_endian32(crc32("hello"))), base64_encode("1234"), "BadDigest"},
        Case{"x-amz-checksum-crc32", base64_encode(big_endian32(crc32("hello"))), base64_encode("12345"), "InvalidRequest"},
        Case{"x-amz-checksum-crc32c", base64_encode(big_endian32(crc32c("hello"))), base64_encode("1234"), "BadDigest"},
        Case{"x-amz-checksum-crc64nvme", base64_encode(big_endian64(crc64nvme("hello"))), base64_encode("12345678"), "BadDigest"},
        Case{"x-amz-checksum-sha256", base64_encode(sha256("hello")), base64_encode(sha256("other")), "BadDigest"},
        Case{"x-amz-checksum-sha1", "qvTGHdzF6KLavt4PO0gs2a6pQ00=", base64_encode(std::string(20, 'x')), "BadDigest"},
        Case{"x-amz-content-sha256", hex_encode(sha256("hello")), hex_encode(sha256("other")), "XAmzContentSHA256Mismatch"}}) {
    http::Headers right = signer("s3"), wrong = signer("s3");
    right.add(c.header, c.right);
    wrong.add(c.header, c.wrong);
    EXPECT_EQ(send(make("PUT", "/b/k", "hello", right)).status, 200) << c.header;
    size_t before = s3.calls.size();
    auto r = send(make("PUT", "/b/k", "hello", wrong));
    EXPECT_EQ(r.status, 400) << c.header;
    EXPECT_NE(r.body.bytes.find(std::string("<Code>") + c.code + "</Code>"), std::string::npos) << r.body.bytes;
    EXPECT_EQ(s3.calls.size(), before);
  }
}

TEST_F(DevGateway, operations_that_must_have_a_digest_are_refused_without) {
  const std::string body = "<Delete><Object><Key>k</Key></Object></Delete>";
  auto r = send(make("POST", "/b?delete", body, signer("s3")));
  EXPECT_EQ(r.status, 400);
  EXPECT_NE(r.body.bytes.find("Missing required header for this request: Content-MD5 OR x-amz-checksum-*"), std::string::npos);
  http::Headers h = signer("s3");
  h.add("Content-MD5", base64_encode(md5(body)));
  EXPECT_EQ(send(make("POST", "/b?delete", body, h)).status, 200);
  const std::string versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
  EXPECT_EQ(send(make("PUT", "/b?versioning", versioning, signer("s3"))).status, 200);  // Java's first SDK sends none
}

TEST_F(DevGateway, algorithms_that_are_not_built_are_refused_by_name) {
  for (std::string name : {"sha512", "md5", "xxhash64", "xxhash3", "xxhash128"}) {
    http::Headers h = signer("s3");
    h.add("x-amz-checksum-" + name, "AAAA");
    auto r = send(make("PUT", "/b/k", "x", h));
    EXPECT_EQ(r.status, 501);
    EXPECT_NE(r.body.bytes.find("x-amz-checksum-" + name), std::string::npos);
  }
  http::Headers h = signer("s3");
  h.add("x-amz-checksum-none", "AAAA");
  EXPECT_NE(send(make("PUT", "/b/k", "x", h)).body.bytes.find("The algorithm type you specified"), std::string::npos);
}

TEST_F(DevGateway, an_announced_algorithm_must_come_with_its_checksum) {
  http::Headers h = signer("s3");
  h.add("x-amz-sdk-checksum-algorithm", "CRC32");
  auto r = send(make("PUT", "/b/k", "x", h));
  EXPECT_EQ(r.status, 400);
  EXPECT_NE(r.body.bytes.find("x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer "
                              "headers were found."),
            std::string::npos);
  h.add("x-amz-checksum-crc32", base64_encode(big_endian32(crc32("x"))));
  EXPECT_EQ(send(make("PUT", "/b/k", "x", h)).status, 200);
  h.set("x-amz-sdk-checksum-algorithm", "CRC33");
  h.remove("x-amz-checksum-crc32");
  EXPECT_NE(send(make("PUT", "/b/k", "x", h)).body.bytes.find("Value for x-amz-sdk-checksum-algorithm header is invalid."),
            std::string::npos);
}

TEST_F(DevGateway, an_upload_without_a_checksum_gets_crc64nvme) {
  send(make("PUT", "/b/k", "hello", signer("s3")));
  EXPECT_TRUE(plan.crc64nvme && plan.md5 && !plan.crc32);
  http::Headers h = signer("s3");
  h.add("x-amz-checksum-crc32", base64_encode(big_endian32(crc32("hello"))));
  send(make("PUT", "/b/k", "hello", h));
  EXPECT_TRUE(plan.crc32 && !plan.crc64nvme);
}

TEST_F(DevGateway, the_checksum_of_a_finished_multipart_upload_is_not_that_of_its_document) {
  http::Headers h = signer("s3");
  h.add("x-amz-checksum-crc32", "AAAAAA==-3");
  std::string body = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>";
  EXPECT_EQ(send(make("POST", "/b/k?uploadId=u", body, h)).status, 200);
  EXPECT_EQ(s3.calls.at(0).input["ChecksumCRC32"].as_string(), "AAAAAA==-3");
}

TEST_F(DevGateway, a_spooled_document_is_read_and_its_file_removed) {
  char directory[] = "/tmp/gust-gateway-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  std::string path = std::string(directory) + "/body";
  std::string text = R"({"TableName":"tab","Item":{"k":{"S":"x"}}})";
  ASSERT_TRUE(files::write(path, text));
  http::Headers h = signer("dynamodb");
  h.add("X-Amz-Target", "DynamoDB_20120810.PutItem");
  auto e = make("POST", "/", "", h);
  auto fd = files::open(path, 0);
  ASSERT_TRUE(fd.has_value());
  e->request().body.file = http::FileSlice{std::make_shared<Fd>(std::move(*fd)), 0, text.size()};
  e->request().body.path = path;
  EXPECT_EQ(send(e).status, 200);
  EXPECT_EQ(dynamodb.calls.at(0).input["Item"]["k"]["S"].as_string(), "x");
  EXPECT_FALSE(files::exists(path));
  EXPECT_TRUE(files::remove_tree(directory).has_value());
}

}  // namespace
}  // namespace gust::gateway
