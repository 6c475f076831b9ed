// SPDX-License-Identifier: Apache-2.0

#include <atomic>

#include "base/json.h"
#include "gateway/browser.h"
#include "gateway/test_gateway.h"
#include "model/errors.h"

namespace gust::gateway {
namespace {

// ---- dispatch

TEST_F(DevGateway, the_signing_scope_names_the_service_and_the_region) {
  auto r = send(make("GET", "/2015-03-31/functions/", "", signer("lambda")));
  EXPECT_EQ(r.status, 200);
  ASSERT_EQ(lambda.calls.size(), 1u);
  EXPECT_EQ(lambda.calls[0].operation, "ListFunctions");
  EXPECT_EQ(lambda.calls[0].identity.region, "eu-west-1");
  EXPECT_EQ(lambda.calls[0].identity.account, "000000000000");
  EXPECT_EQ(lambda.calls[0].received_us, kNow);
  EXPECT_EQ(r.headers.get("x-amzn-requestid"), lambda.calls[0].request_id);
  EXPECT_TRUE(is_uuid(lambda.calls[0].request_id));
}

TEST_F(DevGateway, a_twelve_digit_key_is_an_account) {
  send(make("GET", "/2015-03-31/functions/", "", signer("lambda", "222233334444")));
  EXPECT_EQ(lambda.calls.at(0).identity.account, "222233334444");
  EXPECT_EQ(lambda.calls.at(0).identity.principal_arn, "arn:aws:iam::222233334444:root");
}

TEST_F(DevGateway, a_bucket_in_the_host_name_goes_before_the_path) {
  for (std::string host : {"pics.localhost:4566", "pics.s3.localhost:4566", "pics.s3.eu-west-1.localhost"}) {
    http::Headers h;
    h.add("Host", host);
    send(make("GET", "/a/b.jpg", "", h));
    EXPECT_EQ(s3.calls.back().input["Bucket"].as_string(), "pics") << host;
    EXPECT_EQ(s3.calls.back().input["Key"].as_string(), "a/b.jpg");
  }
  http::Headers h;
  h.add("Host", "s3.localhost:4566");
  send(make("GET", "/pics/k", "", h));
  EXPECT_EQ(s3.calls.back().input["Bucket"].as_string(), "pics");
  EXPECT_EQ(s3.calls.back().source_ip, "127.0.0.9");
}

TEST_F(DevGateway, what_is_not_built_is_refused_by_name_in_its_protocol) {
  auto l = send(make("GET", "/2015-03-31/functions/f/versions", "", signer("lambda")));
  EXPECT_EQ(l.status, 501);
  EXPECT_EQ(l.headers.get("x-amzn-errortype"), "NotImplemented");
  EXPECT_NE(l.body.bytes.find("lambda.ListVersionsByFunction"), std::string::npos);
  auto x = send(make("GET", "/b?acl", "", signer("s3")));
  EXPECT_EQ(x.status, 501);
  EXPECT_NE(x.body.bytes.find("<Code>NotImplemented</Code><Message>s3.GetBucketAcl is not implemented"), std::string::npos);
  http::Headers h = signer("dynamodb");
  h.add("X-Amz-Target", "DynamoDB_20120810.Query");
  auto d = send(make("POST", "/", "{}", h));
  EXPECT_EQ(d.status, 501);
  EXPECT_NE(d.body.bytes.find("dynamodb.Query"), std::string::npos);
  auto s = send(make("POST", "/", "Action=AssumeRole&RoleArn=x", signer("sts")));
  EXPECT_EQ(s.status, 501);
  EXPECT_NE(s.body.bytes.find("sts.AssumeRole"), std::string::npos);
}

TEST_F(DevGateway, an_unknown_service_is_refused_by_name) {
  http::Headers h = signer("kinesis");
  h.add("X-Amz-Target", "Kinesis_20131202.PutRecord");
  auto r = send(make("POST", "/", "{}", h));
  EXPECT_EQ(r.status, 501);
  EXPECT_EQ(r.headers.get("content-type"), "application/x-amz-json-1.0");
  EXPECT_NE(r.body.bytes.find("Kinesis_20131202.PutRecord"), std::string::npos);
  http::Headers form = signer("redshift");
  form.add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  auto f = send(make("POST", "/", "Action=DescribeClusters", form));
  EXPECT_EQ(f.status, 501);
  EXPECT_NE(f.body.bytes.find("<Code>NotImplemented</Code>"), std::string::npos);
}

TEST_F(DevGateway, a_form_is_read_for_its_action) {
  auto r = send(make("POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", signer("sts")));
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(sts.calls.at(0).operation, "GetCallerIdentity");
  EXPECT_EQ(sts.calls.at(0).identity.principal_arn, "arn:aws:iam::000000000000:root");
  EXPECT_EQ(sts.calls.at(0).host, "127.0.0.1:4566");
  EXPECT_EQ(send(make("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", "", signer("sts"))).status, 200);
}

// ---- browser rules

TEST_F(DevGateway, a_foreign_host_name_is_refused) {
  http::Headers h;
  h.add("Host", "evil.example:4566");
  EXPECT_EQ(send(make("GET", "/", "", h)).status, 403);
  EXPECT_EQ(send(make("GET", "/")).status, 200);  // control
}

TEST_F(DevGateway, a_foreign_origin_is_refused_and_the_own_one_is_not) {
  for (auto [origin, status] : {std::pair{"http://evil.example", 403}, std::pair{"null", 403},
                                std::pair{"http://127.0.0.1:8080", 403}, std::pair{"http://127.0.0.1:4566", 200}}) {
    http::Headers h;
    h.add("Origin", origin);
    EXPECT_EQ(send(make("GET", "/", "", h)).status, status) << origin;
  }
}

TEST_F(DevGateway, even_in_dev_a_change_needs_an_authorization_header) {
  EXPECT_EQ(send(make("PUT", "/b")).status, 403);
  EXPECT_EQ(send(make("PUT", "/b", "", signer("s3"))).status, 200);
  EXPECT_EQ(s3.calls.size(), 1u);
}

TEST(Browser, host_names) {
  EXPECT_TRUE(host_allowed("[::1]:4566", {}));
  EXPECT_TRUE(host_allowed("LOCALHOST", {}));
  EXPECT_TRUE(host_allowed("b.localhost:1", {}));
  EXPECT_FALSE(host_allowed("localhost.evil.example", {}));
  EXPECT_FALSE(host_allowed("", {}));
  EXPECT_FALSE(host_allowed("notlocalhost", {}));
  for (const char* text :
       {"127.0.0.1:80@evil.example", "localhost:80/", "[::1]evil.example", "[::1]:x", "[::1", "localhost:1:2"}) {
    EXPECT_FALSE(host_allowed(text, {})) << text;
  }
  EXPECT_TRUE(host_allowed("gust.example", {"gust.example"}));
  EXPECT_TRUE(host_allowed("b.gust.example", {"*.gust.example"}));
  EXPECT_FALSE(host_allowed("gust.example", {"*.gust.example"}));
  EXPECT_EQ(bucket_of_host("my.bucket.s3.gust.example:80", {"*.gust.example"}), "my.bucket");
  EXPECT_EQ(bucket_of_host("127.0.0.1:4566", {}), "");
  EXPECT_EQ(bucket_of_host("s3.us-east-1.localhost", {}), "");
}

// ---- listeners

TEST_F(GatewayTest, a_sandbox_acts_as_its_function_whatever_it_sends) {
  for (http::Headers h : {http::Headers(), signer("lambda", "999999999999")}) {
    auto e = make("GET", "/2015-03-31/functions/", "", h);
    e->tag = kSandboxListener;
    e->request().headers.set("host", "anything");
    EXPECT_EQ(send(e).status, 200);
    EXPECT_EQ(lambda.calls.back().identity.account, "111122223333");
    EXPECT_EQ(lambda.calls.back().identity.environment, 7u);
    EXPECT_EQ(lambda.calls.back().identity.principal_arn, "arn:aws:iam::111122223333:role/r");
  }
}

TEST_F(GatewayTest, internal_endpoints_do_not_exist_in_a_sandbox) {
  for (std::string path : {"/_gust/health", "/_gust", "/_aws/x", "/_localstack/health"}) {
    auto e = make("GET", path);
    e->tag = kSandboxListener;
    EXPECT_EQ(send(e).status, 404) << path;
  }
  EXPECT_EQ(send(make("GET", "/_gust/health")).status, 200);  // control
}

TEST_F(GatewayTest, a_listener_without_owner_gets_nothing) {
  auto e = make("GET", "/2015-03-31/functions/");
  e->tag = kOrphanListener;
  EXPECT_EQ(send(e).status, 403);
}

// ---- own endpoints

TEST_F(GatewayTest, health_and_compat) {
  auto r = send(make("GET", "/_localstack/health"));
  auto health = json::parse(r.body.bytes);
  ASSERT_TRUE(health.has_value());
  EXPECT_EQ((*health)["services"]["s3"].as_string(), "running");
  EXPECT_FALSE((*health)["services"].has("logs"));
  auto compat = json::parse(send(make("GET", "/_gust/compat")).body.bytes);
  ASSERT_TRUE(compat.has_value());
  EXPECT_EQ((*compat)["dynamodb"]["built"].size(), 1u);
  EXPECT_EQ((*compat)["dynamodb"]["refused"].size(), 56u);
  EXPECT_EQ(send(make("GET", "/_gust/none")).status, 404);
}

TEST_F(GatewayTest, hooks_get_the_longest_prefix_and_signed_ones_need_a_signature) {
  std::string got;
  auto handler = [&got](std::string name) {
    return [&got, name](http::ExchangePtr e, const model::Identity& who) {
      got = name + " " + who.account;
      e->respond(http::Response{});
    };
  };
  gateway().add_hook("/_gust/a", Access::Public, handler("a"));
  gateway().add_hook("/_gust/a/b", Access::Signed, handler("ab"));
  EXPECT_EQ(send(make("GET", "/_gust/a/x")).status, 200);
  EXPECT_EQ(got, "a 000000000000");
  EXPECT_EQ(send(make("GET", "/_gust/ab")).status, 404);
  EXPECT_EQ(send(make("GET", "/_gust/a/b")).status, 403);
  EXPECT_EQ(send(signed_request("gust", "GET", "/_gust/a/b/c", "")).status, 200);
  EXPECT_EQ(got, "ab 000000000000");
  EXPECT_EQ(send(signed_request("gust", "POST", "/_gust/a", "x", {}, "wrong")).status, 403);
  EXPECT_EQ(send(signed_request("gust", "POST", "/_gust/a", "x")).status, 200);
  auto swapped = signed_request("gust", "POST", "/_gust/a", "x");
  swapped->request().body.bytes = "y";
  EXPECT_EQ(send(swapped).status, 403);
}

// ---- answers

TEST_F(DevGateway, a_call_without_an_answer_is_a_500) {
  lambda.on_call = [](model::Call, model::Responder) {};
  auto r = send(make("GET", "/2015-03-31/functions/", "", signer("lambda")));
  EXPECT_EQ(r.status, 500);
  EXPECT_EQ(r.headers.get("x-amzn-errortype"), "ServiceException");
}

TEST_F(DevGateway, an_answer_from_another_thread_later_and_only_the_first_counts) {
  std::thread other;
  lambda.on_call = [&](model::Call, model::Responder responder) {
    other = std::thread([responder] {
      responder.error(model::resource_not_found("first"));
      responder.error(model::resource_not_found("second"));
    });
  };
  auto r = send(make("GET", "/2015-03-31/functions/", "", signer("lambda")));
  other.join();
  EXPECT_EQ(r.status, 404);
  EXPECT_NE(r.body.bytes.find("first"), std::string::npos);
}

TEST_F(DevGateway, errors_of_head_have_no_body) {
  s3.on_call = [](model::Call, model::Responder responder) { responder.error(model::no_such_key("k")); };
  auto r = send(make("HEAD", "/b/k", "", signer("s3")));
  EXPECT_EQ(r.status, 404);
  EXPECT_EQ(r.body.bytes, "");
  EXPECT_NE(send(make("GET", "/b/k", "", signer("s3"))).body.bytes, "");  // control
}

TEST_F(DevGateway, a_full_worker_queue_answers_that_the_server_is_busy) {
  workers = std::make_unique<net::WorkerPool>("tiny", 1, 1);
  std::mutex gate;
  gate.lock();
  lambda.on_call = [&](model::Call, model::Responder responder) {
    std::lock_guard wait(gate);
    responder.reply(Value::map());
  };
  auto& g = gateway();
  std::vector<std::shared_ptr<FakeExchange>> all;
  for (int i = 0; i < 4; ++i) {
    auto e = make("GET", "/2015-03-31/functions/", "", signer("lambda"));
    all.push_back(e);
    loop.post([&g, e] {
      http::BodyPlan p = g.on_head(*e);
      if (p.refuse) e->respond(*p.refuse);
      else g.on_request(e);
    });
  }
  EXPECT_EQ(all.back()->wait().status, 503);
  gate.unlock();
  EXPECT_EQ(all.front()->wait().status, 200);
  for (auto& e : all) e->wait();
}

}  // namespace
}  // namespace gust::gateway
