// SPDX-License-Identifier: Apache-2.0

// The power fails while items of a table with indexes are written and a new index is being filled: after every cut the table
// has what was acknowledged, and its indexes have exactly what it has. GUST_LONG=1: many cuts.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <future>
#include <mutex>
#include <random>
#include <thread>

#include "base/ids.h"
#include "os/files.h"
#include "services/dynamodb/dynamodb_service.h"
#include "services/dynamodb/test_indexes.h"
#include "services/dynamodb/test_items.h"
#include "store/fault_disk.h"
#include "store/fault_vfs.h"
#include "store/sqlite/sqlite_store.h"

namespace gust::dynamodb {
namespace {

constexpr size_t kWriters = 3, kKeys = 40;

class Answer : public model::Responder::Sink {
 public:
  void reply(model::Reply) override { answered.set_value(true); }
  void error(model::ApiError) override { answered.set_value(false); }
  std::promise<bool> answered;
};
bool call(DynamoDbService& service, std::string_view operation, Value input) {
  auto answer = std::make_shared<Answer>();
  auto future = answer->answered.get_future();
  model::Call c;
  c.operation = operation;
  c.input = std::move(input);
  service.call(std::move(c), model::Responder(answer));
  return future.get();
}

Value attribute(const char* name, const char* type) { return map({{"AttributeName", name}, {"AttributeType", type}}); }
Value element(const char* name, const char* type) { return map({{"AttributeName", name}, {"KeyType", type}}); }
Value index(const char* name, const char* hash, const char* range, const char* kind) {
  return map({{"IndexName", name},
              {"KeySchema", list({element(hash, "HASH"), element(range, "RANGE")})},
              {"Projection", map({{"ProjectionType", kind}})}});
}
Value table() {
  return map(
      {{"TableName", "things"},
       {"BillingMode", "PAY_PER_REQUEST"},
       {"AttributeDefinitions", list({attribute("pk", "S"), attribute("sk", "N"), attribute("a", "S"), attribute("b", "N")})},
       {"KeySchema", list({element("pk", "HASH"), element("sk", "RANGE")})},
       {"LocalSecondaryIndexes", list({index("local", "pk", "b", "KEYS_ONLY")})},
       {"GlobalSecondaryIndexes", list({index("global", "a", "b", "ALL")})}});
}
Value late_index(const char* verb) {
  Value action = std::string_view(verb) == "Create" ? index("late", "b", "sk", "ALL") : map({{"IndexName", "late"}});
  return map({{"TableName", "things"},
              {"AttributeDefinitions", list({attribute("b", "N"), attribute("sk", "N")})},
              {"GlobalSecondaryIndexUpdates", list({map({{verb, std::move(action)}})})}});
}

std::optional<Table> stored_table(store::Store& store) {
  auto view = store.read().value();
  return read_table(*view, "000000000000", "us-east-1", "things").value();
}

class Machine {
 public:
  explicit Machine(const std::string& directory) : live_(directory + "/live") {
    EXPECT_TRUE(files::make_directories(live_));
    disk_ = std::move(*store::FaultDisk::make(live_, directory + "/image", {.leak_percent = 20}));
    EXPECT_TRUE(disk_->sync_directory(live_));
    vfs_ = std::make_unique<store::FaultVfs>(*disk_);
    store_ = std::move(*store::open_sqlite_store(live_ + "/gust.db", {.vfs = vfs_->name(), .checkpoint_pages = 50}));
    service_ = std::make_unique<DynamoDbService>(*store_, system_clock());
    EXPECT_TRUE(service_->load());
  }
  ~Machine() {
    store_.reset();  // ends what was committed, which knows the service
    service_.reset();
  }
  store::FaultDisk& disk() { return *disk_; }
  DynamoDbService& service() { return *service_; }

 private:
  std::string live_;
  std::unique_ptr<store::FaultDisk> disk_;
  std::unique_ptr<store::FaultVfs> vfs_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<DynamoDbService> service_;
};

// The latest version of each key of each writer.
using Versions = std::array<std::array<int, kKeys>, kWriters>;

// Writer `w` has keys of its own; its n-th write makes one of them version n.
bool write(DynamoDbService& service, size_t w, int version, size_t key, std::mt19937& random) {
  const Value number = n(std::to_string(version));
  Value item = map({{"pk", s("p" + std::to_string(w))}, {"sk", n(std::to_string(key))}});
  if (random() % 5 == 0) {
    return call(service, "UpdateItem",
                map({{"TableName", "things"},
                     {"Key", item},
                     {"UpdateExpression", "SET version = :n, b = :n REMOVE a"},
                     {"ExpressionAttributeValues", map({{":n", number}})}}));
  }
  item.set("version", number);
  item.set("a", s("a" + std::to_string(random() % 3)));
  if (random() % 3 > 0) item.set("b", n(std::to_string(random() % 10)));
  item.set("filler", s(std::string(random() % 3000, 'x')));
  return call(service, "PutItem", map({{"TableName", "things"}, {"Item", std::move(item)}}));
}

int number_in(const EncodedItem& item, const char* attribute) {
  return std::atoi(Number::from_key(item.find(attribute)->key_text())->text().c_str());
}

Versions found_in(store::View& view, const Table& t) {
  Versions found{};
  for (const store::Row& row : all_rows(view, t)) {
    const EncodedItem item = EncodedItem::read(row.value).value();
    const auto w = static_cast<size_t>(item.find("pk")->key_text()[1] - '0');
    found.at(w).at(static_cast<size_t>(number_in(item, "sk"))) = number_in(item, "version");
  }
  return found;
}

// What a restart finds in a directory that is not as it should be.
void check_restart(const std::string& directory, const Versions& acknowledged) {
  auto store = store::open_sqlite_store(directory + "/gust.db").value();
  DynamoDbService service(*store, system_clock());
  ASSERT_TRUE(service.load());
  const auto unfinished = [](const Table& t) {
    return std::any_of(t.indexes.begin(), t.indexes.end(), [](const Index& i) { return i.state != Index::State::Active; });
  };
  while (unfinished(*stored_table(*store))) std::this_thread::yield();
  const Table t = *stored_table(*store);
  auto view = store->read().value();
  EXPECT_EQ(disagreement(*view, t), "");
  const Versions found = found_in(*view, t);
  for (size_t w = 0; w < kWriters; ++w) {
    for (size_t k = 0; k < kKeys; ++k) EXPECT_GE(found[w][k], acknowledged[w][k]) << "writer " << w << " key " << k;
  }
  view.reset();
  store.reset();  // ends what was committed, which knows the service
}

TEST(IndexPowerLoss, tables_and_indexes_agree_after_every_cut) {
  const char* setting = std::getenv("GUST_LONG");
  const int cuts = setting && std::string_view(setting) == "1" ? 200 : 12;
  const std::string directory = testing::TempDir() + "gust-index-power-" + new_id(8), after = directory + "/after";
  std::mt19937 random(5);
  {
    Machine machine(directory);
    ASSERT_TRUE(call(machine.service(), "CreateTable", table()));
    std::mutex mutex;
    Versions acknowledged{};
    std::atomic<bool> ending = false;
    std::vector<std::thread> threads;
    for (size_t w = 0; w < kWriters; ++w) {
      threads.emplace_back([&, w] {
        std::mt19937 own(static_cast<unsigned>(w));
        for (int version = 1; !ending; ++version) {
          const size_t key = own() % kKeys;
          ASSERT_TRUE(write(machine.service(), w, version, key, own));
          std::lock_guard lock(mutex);
          acknowledged[w][key] = version;
        }
      });
    }
    threads.emplace_back([&] {  // an index that comes and goes; neither is possible while it is being made
      while (!ending) {
        (void)call(machine.service(), "UpdateTable", late_index("Create"));
        (void)call(machine.service(), "UpdateTable", late_index("Delete"));
      }
    });
    for (int cut = 0; cut < cuts && !testing::Test::HasFailure(); ++cut) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 30'000));
      (void)files::remove_tree(after);
      std::unique_lock lock(mutex);
      const Versions least = acknowledged;
      lock.unlock();
      ASSERT_TRUE(machine.disk().cut(after));
      SCOPED_TRACE("cut " + std::to_string(cut));
      check_restart(after, least);
    }
    ending = true;
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_TRUE(files::remove_tree(directory));
}

// The check above sees an entry that is missing, one too many and one that is old.
TEST(IndexPowerLoss, a_planted_disagreement_is_seen) {
  const std::string directory = testing::TempDir() + "gust-index-planted-" + new_id(8);
  ASSERT_TRUE(files::make_directories(directory));
  {
    auto store = store::open_sqlite_store(directory + "/gust.db", {.sync = false}).value();
    DynamoDbService service(*store, system_clock());
    ASSERT_TRUE(call(service, "CreateTable", table()));
    std::mt19937 random(1);
    for (int version = 1; version < 50; ++version)
      ASSERT_TRUE(write(service, 0, version, static_cast<size_t>(version) % kKeys, random));
    const Table t = *stored_table(*store);
    const auto state = [&] { return disagreement(*store->read().value(), t); };
    EXPECT_EQ(state(), "");
    const Index& global = *t.index("global");
    const store::Row row = all_rows(*store->read().value(), global.keys).at(0);
    const auto change = [&](store::Mutation mutation) { ASSERT_TRUE(store->commit_and_wait(std::move(mutation))); };
    change([&](store::Transaction& tx) { return tx.erase(store::Space::Item, row.key); });
    EXPECT_TRUE(state().starts_with("global has"));
    change([&](store::Transaction& tx) { return tx.put(store::Space::Item, row.key, row.value + "x"); });
    EXPECT_TRUE(state().starts_with("global has"));
    change([&](store::Transaction& tx) -> Result<> {
      TRY(tx.put(store::Space::Item, row.key, row.value));
      return tx.put(store::Space::Item, row.key + "x", row.value);
    });
    EXPECT_TRUE(state().starts_with("global has"));
    change([&](store::Transaction& tx) { return tx.erase(store::Space::Item, row.key + "x"); });
    EXPECT_EQ(state(), "");
  }
  EXPECT_TRUE(files::remove_tree(directory));
}

}  // namespace
}  // namespace gust::dynamodb
