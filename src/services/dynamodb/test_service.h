// SPDX-License-Identifier: Apache-2.0

#pragma once

// The service on each engine, called as the gateway calls it.

#include <gtest/gtest.h>

#include <filesystem>
#include <future>

#include "services/dynamodb/dynamodb_service.h"
#include "services/dynamodb/test_items.h"
#include "store/memory/memory_store.h"
#include "store/sqlite/sqlite_store.h"

namespace gust::dynamodb {

struct Outcome {
  std::optional<model::Reply> reply;
  std::optional<model::ApiError> error;
  const Value& output() const { return reply->output; }
  std::string code() const { return error ? error->code : "none"; }
  std::string message() const { return error ? error->message : "none"; }
};

class Sink : public model::Responder::Sink {
 public:
  void reply(model::Reply reply) override { promise.set_value({std::move(reply), std::nullopt}); }
  void error(model::ApiError error) override { promise.set_value({std::nullopt, std::move(error)}); }
  std::promise<Outcome> promise;
};

enum class Engine { Memory, Sqlite };

// Runs every mutation twice and keeps the second run: what a compare-and-swap engine may do at any time.
class RerunningStore : public store::Store {
 public:
  explicit RerunningStore(store::Store& inner) : inner_(inner) {}
  void commit(store::Mutation mutation, store::Done done) override {
    inner_.commit(
        [mutation](store::Transaction&) -> Result<> {
          auto result = mutation(*std::make_unique<Discarding>());
          return result ? fail(Errc::Conflict, "the first run is thrown away") : std::move(result);
        },
        [](Result<>) {});
    inner_.commit(std::move(mutation), std::move(done));
  }
  Result<std::unique_ptr<store::View>> read() override { return inner_.read(); }

 private:
  // An empty store that forgets.
  class Discarding : public store::Transaction {
    Result<std::optional<std::string>> get(store::Space, std::string_view) override { return std::optional<std::string>(); }
    Result<std::vector<store::Row>> scan(store::Space, std::string_view, std::string_view, size_t, store::Order,
                                         size_t) override {
      return std::vector<store::Row>();
    }
    Result<> put(store::Space, std::string_view, std::string_view) override { return {}; }
    Result<> erase(store::Space, std::string_view) override { return {}; }
  };
  store::Store& inner_;
};

class Dynamo : public testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    if (GetParam() == Engine::Memory) {
      store_ = store::make_memory_store();
    } else {
      char name[] = "/tmp/gust-dynamodb-XXXXXX";
      root_ = ::mkdtemp(name);
      store_ = store::open_sqlite_store(root_ + "/gust.db", {.sync = false}).value();
    }
    rerunning_ = std::make_unique<RerunningStore>(*store_);
    begin();
  }
  void TearDown() override {
    service_.reset(), rerunning_.reset(), store_.reset();
    if (!root_.empty()) std::filesystem::remove_all(root_);
  }
  void begin() {
    service_ = std::make_unique<DynamoDbService>(*rerunning_, clock_);
    ASSERT_TRUE(service_->load());
  }

  Outcome call(std::string_view operation, Value input, std::string_view account = "000000000000") {
    auto sink = std::make_shared<Sink>();
    auto future = sink->promise.get_future();
    model::Call c;
    c.operation = operation;
    c.input = std::move(input);
    c.identity.account = account;
    service_->call(std::move(c), model::Responder(sink));
    return future.get();
  }
  Value ok(std::string_view operation, Value input) {
    Outcome o = call(operation, std::move(input));
    EXPECT_TRUE(o.reply) << operation << ": " << o.code() << ": " << o.message();
    return o.reply ? o.output() : Value();
  }
  std::string error(std::string_view operation, Value input) {
    const Outcome o = call(operation, std::move(input));
    return o.error ? o.code() + ": " + o.message() : "none";
  }

  static Value attribute(std::string_view name, std::string_view type) {
    return map({{"AttributeName", name}, {"AttributeType", type}});
  }
  static Value element(std::string_view name, std::string_view type) { return map({{"AttributeName", name}, {"KeyType", type}}); }
  static Value table(std::string_view name, std::string_view range_type = "N") {
    Value v = map({{"TableName", name},
                   {"BillingMode", "PAY_PER_REQUEST"},
                   {"AttributeDefinitions", list({attribute("pk", "S")})},
                   {"KeySchema", list({element("pk", "HASH")})}});
    if (range_type.empty()) return v;
    Value definitions = v["AttributeDefinitions"], schema = v["KeySchema"];
    definitions.push(attribute("sk", range_type));
    schema.push(element("sk", "RANGE"));
    v.set("AttributeDefinitions", definitions);
    v.set("KeySchema", schema);
    return v;
  }
  void make(std::string_view name, std::string_view range_type = "N") { ok("CreateTable", table(name, range_type)); }
  void put(std::string_view name, Value document) { ok("PutItem", map({{"TableName", name}, {"Item", std::move(document)}})); }
  Value get(std::string_view name, Value key) {
    return ok("GetItem", map({{"TableName", name}, {"Key", std::move(key)}}))["Item"];
  }

  // Range keys that a query of partition "p" answers, in order.
  std::string keys(const Value& answer, std::string_view key = "sk") {
    std::string out;
    for (const Value& v : answer["Items"].as_list()) {
      out.append(out.empty() ? "" : " ").append(v[key].as_map().front().second.as_string());
    }
    return out;
  }
  static Value query(std::string_view name, std::string_view condition, std::initializer_list<Value::Member> values) {
    Value all = map(values);
    all.set(":p", s("p"));
    return map({{"TableName", name},
                {"KeyConditionExpression", std::string("pk = :p") + std::string(condition)},
                {"ExpressionAttributeValues", all}});
  }
  static Value with(Value input, std::string_view name, Value value) {
    input.set(name, std::move(value));
    return input;
  }

  size_t rows(store::Space space) { return (*store_->read())->scan(space, "", "", 100'000)->size(); }

  FakeClock clock_;
  std::string root_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<RerunningStore> rerunning_;
  std::unique_ptr<DynamoDbService> service_;
};

inline const auto kEngines = testing::Values(Engine::Memory, Engine::Sqlite);
inline std::string engine_name(const testing::TestParamInfo<Engine>& info) {
  return info.param == Engine::Memory ? "Memory" : "Sqlite";
}

}  // namespace gust::dynamodb
