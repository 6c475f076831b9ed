// SPDX-License-Identifier: Apache-2.0

// The gateway behind the real server, over loopback: what the fake exchange cannot show (spooled bodies, refusals before
// the body, keep-alive).

#include <cstdlib>

#include "gateway/test_gateway.h"
#include "http/client.h"
#include "http/server.h"
#include "os/files.h"

namespace gust::gateway {
namespace {

class Served : public GatewayTest {
 protected:
  void SetUp() override {
    options.dev = true;
    char name[] = "/tmp/gust-served-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory = name;
    options.spool_directory = directory;
    auto fd = net::listen_tcp({"127.0.0.1", 0});
    ASSERT_TRUE(fd.has_value());
    url.host = "127.0.0.1";
    url.port = net::local_endpoint(fd->get())->port;
    auto held = std::make_shared<Fd>(std::move(*fd));
    loop.post([this, held] {
      server = std::make_unique<http::Server>(loop, gateway(), http::Limits{}, workers.get());
      server->listen(std::move(*held), kHostListener);
    });
    GatewayTest::SetUp();
  }
  void TearDown() override {
    std::mutex done;
    done.lock();
    loop.post([&] {
      server.reset();
      done.unlock();
    });
    done.lock();
    done.unlock();
    GatewayTest::TearDown();
    EXPECT_TRUE(files::remove_tree(directory).has_value());
  }
  http::Response ask(std::string_view method, std::string_view target, std::string body = {}, http::Headers headers = {}) {
    http::Request r;
    r.method = method;
    r.target = target;
    r.headers = std::move(headers);
    r.body.bytes = std::move(body);
    if (!client) client = std::make_unique<http::Client>(url);
    auto answer = client->send(std::move(r));
    EXPECT_TRUE(answer.has_value()) << answer.error().message;
    return answer ? std::move(*answer) : http::Response{};
  }
  std::string directory;
  http::Url url;
  std::unique_ptr<http::Server> server;
  std::unique_ptr<http::Client> client;
};

TEST_F(Served, a_large_upload_arrives_as_a_spooled_file_with_its_digests) {
  std::string body(300'000, 'x'), got, path;
  s3.on_call = [&](model::Call call, model::Responder responder) {
    path = call.payload.path;
    got = call.payload.read_all(1 << 20).value_or("");
    EXPECT_EQ(call.payload.md5, md5(body));
    if (!path.empty()) {
      EXPECT_TRUE(files::remove(path).has_value());
    }
    responder.reply(Value::map());
  };
  http::Headers h = signer("s3");
  h.add("x-amz-checksum-crc32", base64_encode(big_endian32(crc32(body))));
  EXPECT_EQ(ask("PUT", "/b/k", body, h).status, 200);
  EXPECT_EQ(got, body);
  EXPECT_TRUE(path.starts_with(directory));
  h.set("x-amz-checksum-crc32", "AAAAAA==");
  auto r = ask("PUT", "/b/k", body, h);
  EXPECT_EQ(r.status, 400);
  EXPECT_NE(r.body.bytes.find("<Code>BadDigest</Code>"), std::string::npos);
  EXPECT_TRUE(files::list(directory)->empty());  // what was refused does not stay
}

TEST_F(Served, a_large_document_is_spooled_read_and_removed) {
  std::string big(200'000, 'y');
  http::Headers h = signer("dynamodb");
  h.add("X-Amz-Target", "DynamoDB_20120810.PutItem");
  EXPECT_EQ(ask("POST", "/", R"({"TableName":"tab","Item":{"k":{"S":")" + big + R"("}}})", h).status, 200);
  EXPECT_EQ(dynamodb.calls.at(0).input["Item"]["k"]["S"].as_string(), big);
  EXPECT_TRUE(files::list(directory)->empty());
}

TEST_F(Served, invocations_share_a_connection_and_are_never_spooled) {
  lambda.on_call = [](model::Call call, model::Responder responder) {
    EXPECT_FALSE(call.payload.file.has_value());
    model::Reply reply;
    reply.output.set("StatusCode", 200);
    reply.output.set("ExecutedVersion", "$LATEST");
    reply.payload = std::move(call.payload);
    responder.reply(std::move(reply));
  };
  for (size_t size : {size_t{2}, size_t{100'000}, size_t{5'000'000}}) {
    std::string event = "\"" + std::string(size, 'z') + "\"";
    auto r = ask("POST", "/2015-03-31/functions/f/invocations", event, signer("lambda"));
    EXPECT_EQ(r.status, 200);
    EXPECT_EQ(r.headers.get("x-amz-executed-version"), "$LATEST");
    EXPECT_TRUE(r.body.bytes == event);
  }
}

TEST_F(Served, a_refusal_comes_before_the_body) {
  http::Headers h = signer("s3");
  h.add("x-amz-content-sha256", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD");
  auto r = ask("PUT", "/b/k", std::string(100'000, 'x'), h);
  EXPECT_EQ(r.status, 501);
  client.reset();
  EXPECT_EQ(ask("GET", "/", "", signer("s3")).status, 200);
}

}  // namespace
}  // namespace gust::gateway
