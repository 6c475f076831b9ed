// SPDX-License-Identifier: Apache-2.0

// Browsers: pages of other origins, preflights, and requests that nobody signed.

#include <set>

#include "gateway/anonymous.h"
#include "gateway/test_gateway.h"
#include "model/bucket_rules.h"
#include "model/errors.h"

namespace gust::gateway {
namespace {

// One bucket whose rules know one page; one whose policy lets everybody read.
class Rules : public model::BucketRules {
 public:
  std::optional<model::CorsHeaders> cors(const model::CorsRequest& request) override {
    EXPECT_FALSE(loop->in_thread());
    asked = request;
    bool known = request.bucket == "pics" && request.origin == "http://page.example" && methods.contains(request.method);
    if (!known) return std::nullopt;
    return model::CorsHeaders{{"Access-Control-Allow-Origin", request.origin}, {"Access-Control-Expose-Headers", "ETag"}};
  }
  bool anybody_may(std::string_view action, std::string_view bucket, std::string_view key) override {
    EXPECT_FALSE(loop->in_thread());
    actions.emplace_back(std::string(action) + " " + std::string(bucket) + "/" + std::string(key));
    return bucket == "open" && (action == "s3:GetObject" || action == "s3:PutObject");
  }
  model::CorsRefusal why_refused(std::string_view bucket) override {
    return bucket == "pics"   ? model::CorsRefusal::NoRule
           : bucket == "open" ? model::CorsRefusal::NotEnabled
                              : model::CorsRefusal::NoBucket;
  }
  net::Loop* loop = nullptr;
  std::set<std::string> methods = {"GET", "PUT"};
  model::CorsRequest asked;
  std::vector<std::string> actions;
};

class Pages : public GatewayTest {
 protected:
  void SetUp() override {
    bucket_rules.loop = &loop;
    rules = &bucket_rules;
    GatewayTest::SetUp();
  }
  static http::Headers from(std::string origin, std::string method = {}, std::string names = {}) {
    http::Headers h;
    h.add("Origin", origin);
    if (!method.empty()) h.add("Access-Control-Request-Method", method);
    if (!names.empty()) h.add("Access-Control-Request-Headers", names);
    return h;
  }
  static bool says(const http::Response& r, std::string_view text) { return r.body.bytes.find(text) != std::string::npos; }
  Rules bucket_rules;
};

TEST_F(Pages, a_preflight_is_answered_from_the_buckets_rules_without_a_signature) {
  auto r = send(make("OPTIONS", "/pics/k", "", from("http://page.example", "PUT", "Content-Type, X-Amz-Meta-A")));
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.headers.get("access-control-allow-origin"), "http://page.example");
  EXPECT_NE(r.headers.get("vary").find("Origin"), std::string::npos);
  EXPECT_TRUE(bucket_rules.asked.preflight);
  EXPECT_EQ(bucket_rules.asked.headers, (std::vector<std::string>{"content-type", "x-amz-meta-a"}));
  for (auto headers : {from("http://other.example", "PUT"), from("http://page.example", "DELETE")}) {
    auto no = send(make("OPTIONS", "/pics/k", "", headers));
    EXPECT_EQ(no.status, 403);
    EXPECT_TRUE(says(no, "<Code>AccessForbidden</Code><Message>CORSResponse: This CORS request is not allowed."));
    EXPECT_TRUE(says(no, "<ResourceType>OBJECT</ResourceType>"));
    EXPECT_FALSE(no.headers.has("access-control-allow-origin"));
  }
  auto off = send(make("OPTIONS", "/open/k", "", from("http://page.example", "PUT")));
  EXPECT_TRUE(says(off, "CORSResponse: CORS is not enabled for this bucket."));
  EXPECT_TRUE(says(off, "<ResourceType>BUCKET</ResourceType>"));
  EXPECT_TRUE(says(send(make("OPTIONS", "/none/k", "", from("http://page.example", "PUT"))), "CORSResponse: Bucket not found"));
  EXPECT_TRUE(says(send(make("OPTIONS", "/pics/k")), "Insufficient information. Origin request header needed."));
  EXPECT_TRUE(
      says(send(make("OPTIONS", "/pics/k", "", from("http://page.example"))), "Invalid Access-Control-Request-Method: null"));
  EXPECT_TRUE(s3.calls.empty());
}

TEST_F(Pages, answers_and_errors_carry_the_headers) {
  auto ok = send(signed_request("s3", "GET", "/pics/k", "", from("http://page.example")));
  EXPECT_EQ(ok.status, 200);
  EXPECT_EQ(ok.headers.get("access-control-allow-origin"), "http://page.example");
  EXPECT_TRUE(ok.headers.has("vary"));
  s3.on_call = [](model::Call, model::Responder r) { r.error(model::no_such_key("k")); };
  auto missing = send(signed_request("s3", "GET", "/pics/k", "", from("http://page.example")));
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.headers.get("access-control-allow-origin"), "http://page.example");
  auto wrong = send(signed_request("s3", "PUT", "/pics/k", "body", from("http://page.example"), "wrong"));
  EXPECT_EQ(wrong.status, 403);
  EXPECT_EQ(wrong.headers.get("access-control-allow-origin"), "http://page.example");
  EXPECT_FALSE(send(signed_request("s3", "GET", "/pics/k", "")).headers.has("access-control-allow-origin"));
}

TEST_F(Pages, a_page_that_no_rule_knows_is_refused_before_the_body) {
  auto r = send(signed_request("s3", "PUT", "/pics/k", "body", from("http://other.example")));
  EXPECT_EQ(r.status, 403);
  EXPECT_TRUE(says(r, "its CORS rules do not allow it"));
  EXPECT_TRUE(s3.calls.empty());
  EXPECT_EQ(send(signed_request("s3", "PUT", "/pics/k", "body", from("http://page.example"))).status, 200);
  EXPECT_EQ(send(signed_request("s3", "PUT", "/pics/k", "body", from("http://127.0.0.1:4566"))).status, 200);  // our own
  EXPECT_EQ(send(signed_request("lambda", "GET", "/2015-03-31/functions/", "", from("http://page.example"))).status, 403);
}

TEST_F(Pages, a_public_object_may_be_shown_anywhere) {
  EXPECT_EQ(send(make("GET", "/open/k", "", from("http://other.example"))).status, 200);
  EXPECT_EQ(send(make("GET", "/pics/k", "", from("http://other.example"))).status, 403);
}

class ConfiguredPages : public Pages {
 protected:
  void SetUp() override {
    options.allowed_origins = {"http://localhost:3000"};
    Pages::SetUp();
  }
};

TEST_F(ConfiguredPages, may_call_everything) {
  auto preflight =
      send(make("OPTIONS", "/2015-03-31/functions/f/invocations", "", from("http://localhost:3000", "POST", "authorization")));
  EXPECT_EQ(preflight.status, 200);
  EXPECT_EQ(preflight.headers.get("access-control-allow-headers"), "authorization");
  auto list = send(signed_request("lambda", "GET", "/2015-03-31/functions/", "", from("http://localhost:3000")));
  EXPECT_EQ(list.status, 200);
  EXPECT_EQ(list.headers.get("access-control-allow-origin"), "http://localhost:3000");
  auto bucket = send(signed_request("s3", "GET", "/pics/k", "", from("http://localhost:3000")));
  EXPECT_EQ(bucket.headers.get("access-control-allow-origin"), "http://localhost:3000");
  EXPECT_EQ(send(make("OPTIONS", "/pics/k", "", from("http://localhost:3000", "DELETE"))).status, 200);
  EXPECT_EQ(send(make("OPTIONS", "/2015-03-31/functions/", "", from("http://localhost:3001", "POST"))).status, 403);
}

// ---- nobody signed

TEST_F(Pages, what_nobody_signed_passes_only_where_the_policy_is_for_everybody) {
  EXPECT_EQ(send(make("GET", "/open/a/b?versionId=3")).status, 403);
  EXPECT_EQ(send(make("GET", "/open/a%20b")).status, 200);
  EXPECT_EQ(bucket_rules.actions, (std::vector<std::string>{"s3:GetObjectVersion open/a/b", "s3:GetObject open/a b"}));
  EXPECT_TRUE(s3.calls.at(0).anonymous);
  EXPECT_EQ(s3.calls.at(0).identity.region, "");
  EXPECT_EQ(send(make("HEAD", "/open/k")).status, 200);
  EXPECT_EQ(send(make("PUT", "/open/k", "body")).status, 200);
  EXPECT_EQ(s3.calls.back().payload.bytes, "body");
  for (auto [method, target] : {std::pair{"GET", "/private/k"}, std::pair{"PUT", "/private/k"}, std::pair{"GET", "/open"},
                                std::pair{"GET", "/"}, std::pair{"PUT", "/open"}, std::pair{"GET", "/open?policy"}}) {
    auto r = send(make(method, target, "x"));
    EXPECT_EQ(r.status, 403) << method << target;
    EXPECT_TRUE(says(r, "<Code>AccessDenied</Code>"));
  }
  EXPECT_EQ(s3.calls.size(), 3u);
  EXPECT_EQ(send(make("GET", "/2015-03-31/functions/")).headers.get("x-amzn-errortype"), "MissingAuthenticationTokenException");
}

TEST_F(Pages, an_unsigned_body_in_signed_chunks_is_refused) {
  http::Headers h;
  h.add("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
  h.add("x-amz-decoded-content-length", "1");
  EXPECT_EQ(send(make("PUT", "/open/k", "x", h)).status, 403);
  h.set("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
  EXPECT_EQ(send(make("PUT", "/open/k", "1\r\nx\r\n0\r\n\r\n", h)).status, 200);
}

TEST(Anonymous, operations_that_are_never_anybodys) {
  for (auto name : {"CreateBucket", "DeleteBucket", "ListBuckets", "CopyObject", "DeleteObjects", "PutBucketPolicy", "Nothing"}) {
    EXPECT_EQ(public_action(name, false), "") << name;
  }
  EXPECT_EQ(public_action("DeleteObject", true), "s3:DeleteObjectVersion");
  EXPECT_EQ(public_action("PutObject", true), "s3:PutObject");
}

// ---- a proxy in front

TEST_F(GatewayTest, a_forwarded_host_counts_only_by_option) {
  auto e = signed_request("s3", "GET", "/b/k", "");
  e->request().headers.add("X-Forwarded-Host", "evil.example");
  EXPECT_EQ(send(e).status, 200);
}

class Forwarded : public GatewayTest {
 protected:
  void SetUp() override {
    options.trust_forwarded = true;
    options.allowed_hosts = {"gust.example"};
    GatewayTest::SetUp();
  }
};

TEST_F(Forwarded, it_is_what_the_client_signed) {
  http::Headers h;
  h.add("Host", "gust.example");
  auto e = signed_request("s3", "GET", "/b/k", "", h);
  e->request().headers.set("host", "backend:4566");
  EXPECT_EQ(send(e).status, 403);
  e = signed_request("s3", "GET", "/b/k", "", h);
  e->request().headers.set("host", "backend:4566");
  e->request().headers.add("X-Forwarded-Host", "gust.example");
  EXPECT_EQ(send(e).status, 200);
}

}  // namespace
}  // namespace gust::gateway
