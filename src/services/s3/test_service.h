// SPDX-License-Identifier: Apache-2.0

#pragma once

// For this service's tests: a service with a store of either kind, a disk pool, and an event sink and a policy that
// remember. Calls are made as the gateway makes them, without the wire.

#include <gtest/gtest.h>

#include <fcntl.h>

#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/ids.h"
#include "crypto/hash.h"
#include "os/files.h"
#include "services/s3/s3_service.h"
#include "store/key.h"
#include "store/memory/memory_store.h"
#include "store/sqlite/sqlite_store.h"

namespace gust::s3 {

struct Outcome {
  std::optional<model::Reply> reply;
  std::optional<model::ApiError> error;
  const Value& output() const { return reply->output; }
  std::string code() const { return error ? error->code : "none"; }
  std::string message() const { return error ? error->message : "none"; }
  std::string body() const { return *reply->payload->read_all(64 << 20); }
};

class Sink : public model::Responder::Sink {
 public:
  void reply(model::Reply reply) override { promise.set_value({std::move(reply), std::nullopt}); }
  void error(model::ApiError error) override { promise.set_value({std::nullopt, std::move(error)}); }
  std::promise<Outcome> promise;
};

class FakeEvents : public invoke::EventSink {
 public:
  Result<> enqueue(store::Transaction& transaction, const invoke::AsyncEvent& event) override {
    if (full) return fail(Errc::Exhausted, "too many events wait");
    return transaction.put(store::Space::Event, event.request_id, event.payload);
  }
  void committed(const invoke::AsyncEvent& event) override {
    const std::lock_guard lock(mutex_);
    dispatched_.push_back(event);
  }
  std::vector<invoke::AsyncEvent> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(dispatched_, {});
  }
  std::atomic<bool> full = false;

 private:
  std::mutex mutex_;
  std::vector<invoke::AsyncEvent> dispatched_;
};

class FakePolicy : public invoke::InvokePolicy {
 public:
  Result<bool> may_invoke(store::View&, std::string_view function_arn, std::string_view principal, std::string_view source_arn,
                          std::string_view source_account) override {
    EXPECT_EQ(principal, "s3.amazonaws.com");
    EXPECT_EQ(source_arn, "arn:aws:s3:::bucket");
    EXPECT_EQ(source_account, "000000000000");
    const std::lock_guard lock(mutex_);
    return allowed_.contains(std::string(function_arn));
  }
  void allow(const std::string& arn) {
    const std::lock_guard lock(mutex_);
    allowed_.insert(arn);
  }
  void forbid(const std::string& arn) {
    const std::lock_guard lock(mutex_);
    allowed_.erase(arn);
  }

 private:
  std::mutex mutex_;
  std::set<std::string> allowed_;
};

inline Value members(std::initializer_list<std::pair<const char*, Value>> list) {
  Value v = Value::map();
  for (const auto& [name, value] : list) v.set(name, value);
  return v;
}

inline const char kFunction[] = "arn:aws:lambda:us-east-1:000000000000:function:f";

class S3 : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "gust-s3-" + new_id(8);
    ASSERT_TRUE(files::make_directories(root_ + "/spool"));
    begin();
  }
  void TearDown() override {
    end();
    store_.reset();
    (void)files::remove_tree(root_);
  }
  void begin() {
    if (GetParam() != "memory") {
      auto opened = store::open_sqlite_store(root_ + "/gust.db");
      ASSERT_TRUE(opened) << opened.error().message;
      store_ = std::move(*opened);
    } else if (!store_) {
      store_ = store::make_memory_store();
    }
    disk_ = std::make_unique<net::WorkerPool>("disk", 2, 100);
    service_ = std::make_unique<S3Service>(Parts{*store_, events_, policy_, *disk_, clock_, root_ + "/objects"});
    ASSERT_TRUE(service_->load());
  }
  // As a daemon ends: calls have stopped, pool and store come to rest.
  void end() {
    disk_.reset();
    if (GetParam() != "memory") store_.reset();
    service_.reset();
  }
  void restart() {
    end();
    begin();
  }

  std::future<Outcome> start(std::string_view operation, Value input, http::Body payload = {}) {
    auto sink = std::make_shared<Sink>();
    auto future = sink->promise.get_future();
    model::Call c;
    c.operation = operation;
    c.input = std::move(input);
    c.payload = std::move(payload);
    c.identity = identity_;
    c.request_id = "request-" + std::to_string(++calls_);
    c.source_ip = "127.0.0.9";
    c.received_us = clock_.unix_us();
    c.anonymous = anonymous_;
    service_->call(std::move(c), model::Responder(sink));
    return future;
  }
  Outcome call(std::string_view operation, Value input, http::Body payload = {}) {
    auto future = start(operation, std::move(input), std::move(payload));
    if (future.wait_for(std::chrono::seconds(20)) != std::future_status::ready) {
      ADD_FAILURE() << operation << " was not answered";
      return {};
    }
    return future.get();
  }

  static Value at(std::string_view key) { return members({{"Bucket", "bucket"}, {"Key", key}}); }
  static Value with(Value v, std::string_view member, Value value) {
    v.set(member, std::move(value));
    return v;
  }
  void make_bucket() { ASSERT_TRUE(call("CreateBucket", members({{"Bucket", "bucket"}})).reply); }

  static http::Body inline_body(std::string bytes) {
    http::Body body;
    body.bytes = std::move(bytes);
    return body;
  }
  // As the gateway spools an upload.
  http::Body spooled(std::string_view bytes) {
    http::Body body;
    body.path = root_ + "/spool/upload-" + new_id(8);
    EXPECT_TRUE(files::write(body.path, bytes, 0600));
    body.file = http::FileSlice{std::make_shared<Fd>(std::move(*files::open(body.path, O_RDWR))), 0, bytes.size()};
    body.md5 = md5(bytes);
    return body;
  }
  Outcome put(std::string_view key, std::string bytes, Value more = Value::map()) {
    Value input = at(key);
    for (const auto& [name, value] : more.as_map()) input.set(name, value);
    return call("PutObject", std::move(input), bytes.size() > kInlineBody ? spooled(bytes) : inline_body(std::move(bytes)));
  }
  std::string get(std::string_view key) {
    const Outcome got = call("GetObject", at(key));
    return got.reply ? got.body() : "<" + got.code() + ">";
  }
  // Body files on disk.
  size_t body_files() {
    blob::BlobStore blobs(root_ + "/objects");
    size_t n = 0;
    EXPECT_TRUE(blobs.each([&](const std::string&) -> Result<> { return ++n, Result<>(); }));
    return n;
  }
  size_t rows(store::Space space) { return (*store_->read())->scan(space, "", "", 10'000)->size(); }
  // Waits until removals have been carried out.
  void settle() {
    disk_ = nullptr;
    ASSERT_TRUE(store_->commit_and_wait([](store::Transaction&) -> Result<> { return {}; }));
    restart();
  }

  Value configure(std::vector<Value> functions) {
    Value list = Value::list();
    for (Value& f : functions) list.push(std::move(f));
    return members({{"Bucket", "bucket"}, {"NotificationConfiguration", members({{"LambdaFunctionConfigurations", list}})}});
  }
  static Value destination(std::string_view id, std::initializer_list<const char*> events, const char* prefix = nullptr,
                           const char* suffix = nullptr, std::string_view arn = kFunction) {
    Value list = Value::list();
    for (const char* e : events) list.push(e);
    Value v = members({{"Id", id}, {"LambdaFunctionArn", arn}, {"Events", list}});
    Value rules = Value::list();
    if (prefix) rules.push(members({{"Name", "prefix"}, {"Value", prefix}}));
    if (suffix) rules.push(members({{"Name", "Suffix"}, {"Value", suffix}}));
    if (rules.size() > 0) v.set("Filter", members({{"Key", members({{"FilterRules", rules}})}}));
    return v;
  }

  std::string root_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<net::WorkerPool> disk_;
  FakeEvents events_;
  FakePolicy policy_;
  FakeClock clock_;
  model::Identity identity_;
  bool anonymous_ = false;
  std::unique_ptr<S3Service> service_;
  std::atomic<int> calls_ = 0;
};

}  // namespace gust::s3
