// SPDX-License-Identifier: Apache-2.0

#pragma once

// For the gateway's tests: an exchange without a connection, services that record their calls, and a gateway on a loop of
// its own. The loop runs on a second thread; send() does what the server does.

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/encoding.h"
#include "base/ids.h"
#include "crypto/hash.h"
#include "gateway/gateway.h"

namespace gust::gateway {

inline constexpr int64_t kNow = 1'795'404'069'000'000;  // 2026-11-23T03:21:09Z
inline constexpr uint64_t kHostListener = 1, kSandboxListener = 2, kOrphanListener = 3;

class FakeExchange : public http::Exchange {
 public:
  http::Request& request() override { return request_; }
  uint64_t listener_tag() const override { return tag; }
  const net::Endpoint& peer() const override { return peer_; }
  bool alive() const override { return !answered_; }
  void respond(http::Response r) override {
    std::lock_guard lock(mutex_);
    response_ = std::move(r);
    answered_ = true;
    ready_.notify_all();
  }
  void respond_raw(std::string, std::string_view) override {}
  void respond_later(http::Response r) override { respond(std::move(r)); }
  http::Response wait() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(ready_.wait_for(lock, std::chrono::seconds(20), [&] { return answered_; }));
    return response_;
  }
  uint64_t tag = kHostListener;

 private:
  http::Request request_;
  net::Endpoint peer_{"127.0.0.9", 999};
  std::mutex mutex_;
  std::condition_variable ready_;
  bool answered_ = false;
  http::Response response_;
};

class FakeService : public model::Service {
 public:
  FakeService(std::string id, std::vector<std::string> built) : id_(std::move(id)), built_(std::move(built)) {}
  std::string_view id() const override { return id_; }
  bool implements(std::string_view o) const override { return std::find(built_.begin(), built_.end(), o) != built_.end(); }
  model::Placement placement(std::string_view o) const override {
    return o == "Invoke" ? model::Placement::Loop : model::Placement::Worker;
  }
  void call(model::Call call, model::Responder responder) override {
    std::unique_lock lock(mutex);
    calls.push_back(call);
    lock.unlock();
    if (on_call) return on_call(std::move(call), std::move(responder));
    responder.reply(Value::map());
  }
  std::mutex mutex;
  std::vector<model::Call> calls;
  std::function<void(model::Call, model::Responder)> on_call;

 private:
  std::string id_;
  std::vector<std::string> built_;
};

class GatewayTest : public testing::Test {
 protected:
  void SetUp() override {
    options.clock = &clock;
    thread = std::thread([this] { loop.run(); });
  }
  void TearDown() override {
    workers.reset();
    loop.stop();
    thread.join();
  }
  Gateway& gateway() {
    if (!gateway_) {
      gateway_ = std::make_unique<Gateway>(options, credentials, *workers, loop,
                                           std::vector<model::Service*>{&s3, &lambda, &dynamodb, &sts},
                                           [](uint64_t tag) -> std::optional<model::Identity> {
                                             if (tag == kHostListener) return std::nullopt;
                                             model::Identity who;
                                             who.account = "111122223333";
                                             who.principal_arn = "arn:aws:iam::111122223333:role/r";
                                             who.environment = tag == kSandboxListener ? 7 : 0;
                                             return who;
                                           });
      gateway_->set_bucket_rules(rules);
    }
    return *gateway_;
  }
  static std::shared_ptr<FakeExchange> make(std::string_view method, std::string_view target, std::string_view body = {},
                                            http::Headers headers = {}) {
    auto e = std::make_shared<FakeExchange>();
    http::Request& r = e->request();
    r.method = method;
    r.target = target;
    size_t mark = std::min(target.find('?'), target.size());
    r.path = target.substr(0, mark);
    if (mark < target.size()) r.query = target.substr(mark + 1);
    r.headers = std::move(headers);
    if (!r.headers.has("host")) r.headers.add("Host", "127.0.0.1:4566");
    r.headers.add("Content-Length", std::to_string(body.size()));
    r.body.bytes = body;
    return e;
  }
  // As the server does it: plan, gate, filter, then the request; all on the loop.
  http::Response send(const std::shared_ptr<FakeExchange>& e) {
    auto& g = gateway();
    loop.post([&g, e, this] {
      http::Body body = std::move(e->request().body);
      e->request().body = {};
      plan = g.on_head(*e);
      if (plan.refuse) return e->respond(*plan.refuse);
      auto go_on = [&g, e, this, held = std::make_shared<http::Body>(std::move(body))](std::optional<http::Response> refused) {
        if (refused) return e->respond(std::move(*refused));
        if (auto answer = take_body(*held)) return e->respond(std::move(*answer));
        e->request().body = std::move(*held);
        g.on_request(e);
      };
      if (plan.gate) return plan.gate(go_on);
      go_on(std::nullopt);
    });
    return e->wait();
  }
  std::optional<http::Response> take_body(http::Body& body) {
    http::Response too_large = plan.too_large ? *plan.too_large : http::Response{.status = 413, .headers = {}, .body = {}};
    if (body.bytes.size() > (plan.filter ? plan.wire_limit : plan.limit)) return too_large;
    if (!plan.filter) return std::nullopt;
    std::string decoded;
    for (size_t at = 0; at < body.bytes.size(); at += step) {
      auto passed = plan.filter->decode(std::string_view(body.bytes).substr(at, step), decoded);
      if (!passed) return plan.filter->refusal(passed.error());
    }
    if (auto passed = plan.filter->finish(); !passed) return plan.filter->refusal(passed.error());
    if (decoded.size() > plan.limit) return too_large;
    body.bytes = std::move(decoded);
    return std::nullopt;
  }
  static http::Headers signer(std::string_view service, std::string_view key = "AKIAROOT") {
    http::Headers h;
    h.add("Authorization", "AWS4-HMAC-SHA256 Credential=" + std::string(key) + "/20261123/eu-west-1/" + std::string(service) +
                               "/aws4_request, SignedHeaders=host, Signature=" + std::string(64, '0'));
    return h;
  }
  // A request that is really signed, as an SDK would.
  std::shared_ptr<FakeExchange> signed_request(std::string_view service, std::string_view method, std::string_view target,
                                               std::string_view body, http::Headers headers = {}, std::string secret = "secret",
                                               bool hash_header = true) {
    auto e = make(method, target, body, std::move(headers));
    http::Request& r = e->request();
    std::string hash = hex_encode(sha256(body));
    bool s3_path = service == "s3";
    sigv4::RequestParts parts{r.method, r.path, r.query,
                              {},       hash,   s3_path ? sigv4::PathEncoding::Once : sigv4::PathEncoding::Twice};
    for (const auto& [n, v] : r.headers.fields()) {
      if (n != "Content-Length") parts.headers.emplace_back(n, v);
    }
    if (hash_header) {
      for (auto& [n, v] : sigv4::sign({"AKIAROOT", secret, ""}, "eu-west-1", service, kNow / 1000, parts)) r.headers.add(n, v);
      return e;
    }
    // boto3's way for other services than S3: the body's hash is only in the signature.
    std::string date = iso8601_basic(kNow / 1000);
    sigv4::Scope scope{date.substr(0, 8), "eu-west-1", std::string(service)};
    parts.headers.emplace_back("X-Amz-Date", date);
    std::string text = sigv4::string_to_sign(date, scope, sigv4::canonical_request(parts));
    r.headers.add("X-Amz-Date", date);
    r.headers.add("Authorization", sigv4::authorization("AKIAROOT", scope, sigv4::signed_header_names(parts),
                                                        sigv4::signature(sigv4::signing_key(secret, scope), text)));
    return e;
  }

  Options options;
  FakeClock clock{kNow};
  StaticCredentials credentials{{Credential{.access_key_id = "AKIAROOT",
                                            .secret_access_key = "secret",
                                            .session_token = {},
                                            .principal_arn = "arn:aws:iam::000000000000:root",
                                            .user_id = {}}}};
  FakeService s3{"s3",
                 {"PutObject", "GetObject", "HeadObject", "ListBuckets", "CreateBucket", "ListObjects", "DeleteObjects",
                  "CompleteMultipartUpload", "UploadPart", "PutBucketVersioning"}};
  FakeService lambda{"lambda", {"Invoke", "CreateFunction", "ListFunctions"}};
  FakeService dynamodb{"dynamodb", {"PutItem"}};
  FakeService sts{"sts", {"GetCallerIdentity"}};
  model::BucketRules* rules = nullptr;
  net::Loop loop;
  std::unique_ptr<net::WorkerPool> workers = std::make_unique<net::WorkerPool>("test", 2, 100);
  std::thread thread;
  http::BodyPlan plan;
  size_t step = 7;  // how much of a body the filter gets at once

 private:
  std::unique_ptr<Gateway> gateway_;
};

class DevGateway : public GatewayTest {
 protected:
  void SetUp() override {
    options.dev = true;
    GatewayTest::SetUp();
  }
};

}  // namespace gust::gateway
