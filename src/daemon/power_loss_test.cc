// SPDX-License-Identifier: Apache-2.0

// The services together on a disk that loses power at any moment (store/fault_disk.h): objects, items and events that were
// acknowledged are there afterwards, every event is executed, and nothing half made is visible. The same run with the syncs
// of one kind of file left out must be noticed, else the test proves nothing. GUST_LONG=1: a thousand cuts.

#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "invoke/event_queue.h"
#include "invoke/test_warden.h"
#include "os/files.h"
#include "services/dynamodb/dynamodb_service.h"
#include "services/s3/s3_service.h"
#include "store/fault_disk.h"
#include "store/fault_vfs.h"
#include "store/sqlite/sqlite_store.h"

namespace gust::daemon {
namespace {

constexpr int kKeys = 3;  // of each writer
constexpr int kCuts = 20;
constexpr size_t kSmall = 500, kLarge = 70'000;  // of bodies: a row, a file
constexpr int64_t kPatienceUs = 60'000'000;

// Every key has one writer, which takes it through steps: mostly a new version, sometimes a deletion.
struct Progress {
  std::atomic<int> acknowledged = 0, started = 0;  // how many steps
};
bool deletes(int step) { return step % 5 == 4; }
using Range = std::pair<int, int>;  // acknowledged before a cut, started by its end
// Whether a key may be in the state that step `step` made; -1: not there.
bool may_be(Range range, int step) {
  if (step >= 0) return step + 1 >= range.first && step + 1 <= range.second && !deletes(step);
  for (int steps = range.first; steps <= range.second; ++steps) {
    if (steps == 0 || deletes(steps - 1)) return true;
  }
  return false;
}

std::string content_of(const std::string& key, int step) {
  const std::string line = key + " step " + std::to_string(step) + "\n";
  const size_t size = step % 2 == 0 ? kSmall : kLarge + static_cast<size_t>(step) * 97 % 5000;
  std::string out;
  while (out.size() < size) out += line;
  return out;
}
// -2 where it is not whole.
int step_of(const std::string& key, std::string_view content) {
  const std::string start = key + " step ";
  if (!content.starts_with(start)) return -2;
  const int step = std::atoi(std::string(content.substr(start.size(), 12)).c_str());
  return content == content_of(key, step) ? step : -2;
}
std::string event_of(const std::string& key, std::string_view content) { return key + "@" + hex_encode(md5(content)); }

class Names {
 public:
  void add(const std::string& name) {
    const std::lock_guard lock(mutex_);
    names_.insert(name);
  }
  std::set<std::string> get() const {
    const std::lock_guard lock(mutex_);
    return names_;
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> names_;
};

class AnyMayInvoke : public invoke::InvokePolicy {
  Result<bool> may_invoke(store::View&, std::string_view, std::string_view, std::string_view, std::string_view) override {
    return true;
  }
};

struct Outcome {
  std::optional<model::Reply> reply;
  std::optional<model::ApiError> error;
};
class Sink : public model::Responder::Sink {
 public:
  void reply(model::Reply reply) override { promise.set_value({std::move(reply), std::nullopt}); }
  void error(model::ApiError error) override { promise.set_value({std::nullopt, std::move(error)}); }
  std::promise<Outcome> promise;
};

// What the daemon builds, without gateway and sandboxes. The one function notes down the events that it gets.
class Machine {
 public:
  // On a disk that loses power where `faults` is given; else on what a cut has left.
  Machine(const std::string& directory, const std::optional<store::FaultOptions>& faults, Names& executed)
      : root_(directory + "/live") {
    EXPECT_TRUE(files::make_directories(root_ + "/spool"));
    store::SqliteOptions sqlite;
    sqlite.checkpoint_pages = 50;
    blob::Durability durability = blob::system_durability();
    if (faults) {
      fault_disk_ = std::move(*store::FaultDisk::make(root_, directory + "/image", *faults));
      EXPECT_TRUE(fault_disk_->sync_directory(root_));
      vfs_ = std::make_unique<store::FaultVfs>(*fault_disk_);
      sqlite.vfs = vfs_->name();
      durability = {[this](int, const std::string& path) { return fault_disk_->sync_whole(path); },
                    [this](const std::string& path) { return fault_disk_->sync_directory(path); }};
    }
    auto opened = store::open_sqlite_store(root_ + "/gust.db", sqlite);
    if (!opened) {
      problem_ = "the store does not open: " + opened.error().message + "\n";
      return;
    }
    store_ = std::move(*opened);
    logs_ = std::make_unique<meter::LogSink>(directory, meter::LogLimits());
    warden_ = std::make_unique<invoke::test::TestWarden>(loop_);
    warden_->scripts["f"] = [&executed](invoke::test::Runtime& runtime) { return note_down(runtime, executed); };
    router_ = std::make_unique<invoke::Router>(loop_, *warden_, *logs_, system_clock(), invoke::RouterOptions());
    warden_->on_exit([this](uint64_t id, sandbox::Exit exit) { router_->exited(id, exit); });
    router_->put_function(invoke::test::make_function("f", [](invoke::Function& f) { f.reserved_concurrency = 2; }));
    // Throttle waits pass quickly.
    events_ = std::make_unique<invoke::EventQueue>(loop_, *store_, workers_, *router_, system_clock(),
                                                   invoke::EventQueueOptions{.clock_scale = 1000});
    s3_ = std::make_unique<s3::S3Service>(
        s3::Parts{*store_, *events_, policy_, disk_, system_clock(), root_ + "/objects", durability});
    dynamodb_ = std::make_unique<dynamodb::DynamoDbService>(*store_, system_clock());
    for (const auto& loaded : {dynamodb_->load(), s3_->load(), events_->load()}) {
      if (!loaded) problem_ += "does not start: " + loaded.error().message + "\n";
    }
    thread_ = std::thread([this] { loop_.run(); });
  }
  // Why it did not start; empty: it runs.
  const std::string& problem() const { return problem_; }
  // No call is under way any more.
  ~Machine() {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
    events_.reset(), router_.reset(), warden_.reset();
  }

  void set_up() {
    EXPECT_TRUE(call(*s3_, "CreateBucket", R"({"Bucket":"bucket"})").reply);
    EXPECT_TRUE(call(*s3_, "PutBucketNotificationConfiguration",
                     R"({"Bucket":"bucket","NotificationConfiguration":{"LambdaFunctionConfigurations":[
                     {"Id":"f","LambdaFunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:f","Events":["s3:ObjectCreated:*"]}]}})")
                    .reply);
    EXPECT_TRUE(call(*dynamodb_, "CreateTable", R"({"TableName":"items","BillingMode":"PAY_PER_REQUEST",
                     "AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]})")
                    .reply);
  }

  // True where it was acknowledged.
  bool put_object(const std::string& key, const std::string& content) {
    http::Body body;
    if (content.size() <= kSmall * 2) {
      body.bytes = content;
    } else {  // as the gateway spools it
      body.path = root_ + "/spool/" + new_id(12);
      EXPECT_TRUE(files::write(body.path, content));
      body.file = http::FileSlice{std::make_shared<Fd>(*files::open(body.path, O_RDWR)), 0, content.size()};
    }
    return call(*s3_, "PutObject", of_object(key), std::move(body)).reply.has_value();
  }
  bool delete_object(const std::string& key) { return call(*s3_, "DeleteObject", of_object(key)).reply.has_value(); }
  bool put_item(const std::string& key, int step) {
    return call(*dynamodb_, "PutItem",
                R"({"TableName":"items","Item":{"id":{"S":")" + key + R"("},"step":{"N":")" + std::to_string(step) +
                    R"("},"text":{"S":")" + std::string(1000, 'x') + R"("}}})")
        .reply.has_value();
  }
  bool delete_item(const std::string& key) { return call(*dynamodb_, "DeleteItem", of_item(key)).reply.has_value(); }
  // As an asynchronous Invoke does.
  bool send_event(const std::string& id) {
    invoke::AsyncEvent event;
    event.request_id = new_uuid();
    event.function_arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
    event.payload = R"({"id":")" + id + R"("})";
    event.created_us = system_clock().unix_us();
    std::promise<bool> acknowledged;
    store_->commit([&](store::Transaction& t) { return events_->enqueue(t, event); },
                   [&](Result<> done) {
                     if (done) events_->committed(event);
                     acknowledged.set_value(done.has_value());
                   });
    return acknowledged.get_future().get();
  }

  // The step that made the object or item what it is; -1: not there, -2: damaged.
  int object_step(const std::string& key) {
    Outcome got = call(*s3_, "GetObject", of_object(key));
    if (got.error) return got.error->code == "NoSuchKey" ? -1 : -2;
    files_in_use_ += got.reply->payload->file.has_value();
    const auto content = got.reply->payload->read_all(1 << 20);
    if (!content || got.reply->output["ETag"].as_string() != "\"" + hex_encode(md5(*content)) + "\"") return -2;
    return step_of(key, *content);
  }
  int item_step(const std::string& key) {
    Outcome got = call(*dynamodb_, "GetItem", of_item(key));
    if (got.error) return got.error->code == "ResourceNotFoundException" ? -1 : -2;
    const Value& item = got.reply->output["Item"];
    if (item.is_null()) return -1;
    return item["text"]["S"].as_string() == std::string(1000, 'x') ? std::atoi(std::string(item["step"]["N"].as_string()).c_str())
                                                                   : -2;
  }
  std::set<std::string> listed() {
    std::set<std::string> keys;
    Outcome got = call(*s3_, "ListObjectsV2", R"({"Bucket":"bucket"})");
    if (!got.reply) return keys;
    for (const Value& object : got.reply->output["Contents"].as_list()) keys.emplace(object["Key"].as_string());
    return keys;
  }
  // Body files beyond those of the objects that object_step() has seen.
  int spare_files() {
    int files = 0;
    blob::BlobStore blobs(root_ + "/objects");
    EXPECT_TRUE(blobs.each([&](const std::string&) -> Result<> { return ++files, Result<>(); }));
    return files - files_in_use_;
  }
  // Until every stored event has been executed.
  bool finish_events() {
    for (const int64_t end = system_clock().monotonic_us() + kPatienceUs; system_clock().monotonic_us() < end;) {
      std::promise<int64_t> waiting;
      loop_.post([&] { waiting.set_value(events_->waiting()["events"].as_int()); });
      if (waiting.get_future().get() == 0) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return false;
  }
  store::FaultDisk& disk() { return *fault_disk_; }

 private:
  static std::string of_object(const std::string& key) { return R"({"Bucket":"bucket","Key":")" + key + R"("})"; }
  static std::string of_item(const std::string& key) { return R"({"TableName":"items","Key":{"id":{"S":")" + key + R"("}}})"; }

  static int note_down(invoke::test::Runtime& runtime, Names& executed) {
    for (;;) {
      const auto event = runtime.next();
      const Value document = json::parse(event.body).value();
      if (document.has("id")) {
        executed.add(std::string(document["id"].as_string()));
      } else {
        const Value& object = document["Records"].as_list().at(0)["s3"]["object"];
        executed.add(std::string(object["key"].as_string()) + "@" + std::string(object["eTag"].as_string()));
      }
      runtime.respond(event.request_id(), "{}");
    }
  }
  static Outcome call(model::Service& service, std::string_view operation, const std::string& input, http::Body payload = {}) {
    auto sink = std::make_shared<Sink>();
    auto future = sink->promise.get_future();
    model::Call c;
    c.operation = operation;
    c.input = json::parse(input).value();
    c.payload = std::move(payload);
    c.request_id = new_uuid();
    c.received_us = system_clock().unix_us();
    service.call(std::move(c), model::Responder(sink));
    return future.get();
  }

  const std::string root_;
  std::string problem_;
  net::Loop loop_;
  std::unique_ptr<store::FaultDisk> fault_disk_;
  std::unique_ptr<store::FaultVfs> vfs_;
  AnyMayInvoke policy_;
  std::unique_ptr<s3::S3Service> s3_;
  std::unique_ptr<dynamodb::DynamoDbService> dynamodb_;
  std::unique_ptr<store::Store> store_;
  net::WorkerPool disk_{"disk", 2, 1000}, workers_{"workers", 2, 1000};
  std::unique_ptr<meter::LogSink> logs_;
  std::unique_ptr<invoke::test::TestWarden> warden_;
  std::unique_ptr<invoke::Router> router_;
  std::unique_ptr<invoke::EventQueue> events_;
  int files_in_use_ = 0;
  std::thread thread_;
};

// Writers, and what they know.
class Load {
 public:
  explicit Load(Machine& machine) : machine_(machine) {
    for (const char* writer : {"a", "b"}) {
      for (int k = 0; k < kKeys; ++k) objects_[writer + std::to_string(k)], items_[writer + std::to_string(k)];
    }
    for (char writer : {'a', 'b'}) {
      threads_.emplace_back(
          [this, writer] { write(objects_, writer, [this](auto& key, int step) { return object(key, step); }); });
    }
    threads_.emplace_back([this] { write(items_, 'a', [this](auto& key, int step) { return item(key, step); }); });
    threads_.emplace_back([this] { write(items_, 'b', [this](auto& key, int step) { return item(key, step); }); });
    threads_.emplace_back([this] { send_events(); });
  }
  ~Load() {
    ending_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

  // What may be found after a cut between begin() and end().
  struct Expected {
    std::map<std::string, Range> objects, items;
    std::set<std::string> events;  // acknowledged
  };
  Expected begin() {
    Expected e;
    e.events = events_.get();
    for (auto& [key, progress] : objects_) e.objects[key].first = progress.acknowledged;
    for (auto& [key, progress] : items_) e.items[key].first = progress.acknowledged;
    return e;
  }
  // How many writes were unanswered.
  int end(Expected& e) {
    int unanswered = 0;
    for (auto [now, then] : {std::pair{&objects_, &e.objects}, std::pair{&items_, &e.items}}) {
      for (auto& [key, progress] : *now) {
        Range& range = (*then)[key];
        range.second = progress.started;
        unanswered += range.second > range.first;
      }
    }
    return unanswered;
  }

 private:
  using All = std::map<std::string, Progress>;

  bool object(const std::string& key, int step) {
    if (deletes(step)) return machine_.delete_object(key);
    const std::string content = content_of(key, step);
    if (!machine_.put_object(key, content)) return false;
    events_.add(event_of(key, content));
    return true;
  }
  bool item(const std::string& key, int step) { return deletes(step) ? machine_.delete_item(key) : machine_.put_item(key, step); }

  template <class Do>
  void write(All& all, char writer, Do take) {
    for (int step = 0; !ending_; ++step) {
      for (auto& [key, progress] : all) {
        if (key[0] != writer) continue;
        progress.started = step + 1;
        ASSERT_TRUE(take(key, step)) << key;
        progress.acknowledged = step + 1;
      }
    }
  }
  void send_events() {
    for (int i = 0; !ending_; ++i) {
      const std::string id = "event" + std::to_string(i);
      ASSERT_TRUE(machine_.send_event(id));
      events_.add(id);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));  // as fast as they are executed
    }
  }

  Machine& machine_;
  std::atomic<bool> ending_ = false;
  All objects_, items_;
  Names events_;
  std::vector<std::thread> threads_;
};

// What is wrong with the state that a cut left; empty where nothing is. `executed` before the cut.
std::string faults_of(const std::string& directory, Load::Expected expected, const std::set<std::string>& executed) {
  Names executed_now;
  Machine machine(directory, std::nullopt, executed_now);
  std::string out = machine.problem();
  if (!out.empty()) return out;
  std::map<std::string, int> object_steps;
  auto check = [&](const char* kind, const std::string& key, Range range, int step) {
    if (may_be(range, step)) return;
    out += std::string(kind) + " " + key + " acknowledged " + std::to_string(range.first) + " asked " +
           std::to_string(range.second) + ": " + (step == -2 ? "damaged" : "step " + std::to_string(step)) + "\n";
  };
  for (const auto& [key, range] : expected.items) check("item", key, range, machine.item_step(key));
  std::set<std::string> there;
  for (const auto& [key, range] : expected.objects) {
    const int step = object_steps[key] = machine.object_step(key);
    check("object", key, range, step);
    if (step < 0) continue;
    there.insert(key);
    expected.events.insert(event_of(key, content_of(key, step)));  // its event was committed with it
  }
  if (there != machine.listed()) out += "the listing differs from the objects\n";
  if (const int spare = machine.spare_files()) out += std::to_string(spare) + " body files that no object names\n";
  if (!machine.finish_events()) out += "events are not executed\n";
  const std::set<std::string> now = executed_now.get();
  for (const std::string& event : expected.events) {
    if (!executed.contains(event) && !now.contains(event)) out += "event " + event + " is lost\n";
  }
  // Nor may an event be there whose object is not: those of steps beyond the one that is seen.
  for (const auto& [key, step] : object_steps) {
    for (int beyond = step + 1; step >= 0 && beyond < expected.objects[key].second; ++beyond) {
      const bool torn = !deletes(beyond) && now.contains(event_of(key, content_of(key, beyond)));
      if (torn)
        out += "event of " + key + " step " + std::to_string(beyond) + ", but the object is of " + std::to_string(step) + "\n";
    }
  }
  return out;
}

enum class Until { AllCuts, FirstFault };

// Cuts the power while writers run; the faults found.
std::string run(const store::FaultOptions& options, int cuts, Until until) {
  const std::string directory = testing::TempDir() + "gust-power-" + new_id(8);
  EXPECT_TRUE(files::make_directories(directory));
  std::string faults;
  {
    Names executed;
    Machine machine(directory, options, executed);
    EXPECT_EQ(machine.problem(), "");
    machine.set_up();
    Load load(machine);
    std::mt19937 random(options.seed);
    for (int i = 0; i < cuts && (until == Until::AllCuts || faults.empty()); ++i) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 30'000));
      Load::Expected expected = load.begin();
      const std::string after = directory + "/after" + std::to_string(i);
      EXPECT_TRUE(machine.disk().cut(after + "/live"));
      const std::set<std::string> before = executed.get();
      EXPECT_GT(load.end(expected), 0);  // the power failed while something was under way
      faults += faults_of(after, std::move(expected), before);
      EXPECT_TRUE(files::remove_tree(after));
    }
  }
  EXPECT_TRUE(files::remove_tree(directory));
  return faults;
}

TEST(PowerLoss, WhatWasAcknowledgedIsThereAndNothingHalfMadeIsVisible) {
  const char* setting = std::getenv("GUST_LONG");
  const uint32_t runs = setting && std::string_view(setting) == "1" ? 50 : 2;
  for (uint32_t seed = 1; seed <= runs && !testing::Test::HasFailure(); ++seed) {
    EXPECT_EQ(run({.skip_sync = nullptr, .leak_percent = seed % 2 == 0 ? 30u : 0u, .seed = seed}, kCuts, Until::AllCuts), "")
        << "seed " << seed;
  }
}

// Each kind of file whose sync is left out.
struct Planted {
  const char* name;
  bool (*skip)(std::string_view path);
};
class PlantedFault : public testing::TestWithParam<Planted> {};

TEST_P(PlantedFault, IsNoticed) { EXPECT_NE(run({.skip_sync = GetParam().skip}, 3 * kCuts, Until::FirstFault), ""); }

constexpr size_t kFirst = std::string_view("objects/ab").size(), kLeaf = std::string_view("objects/ab/cd").size();
bool in_objects(std::string_view path, size_t size) { return path.starts_with("objects/") && path.size() == size; }

INSTANTIATE_TEST_SUITE_P(PowerLoss, PlantedFault,
                         testing::Values(Planted{"Log", [](std::string_view path) { return path == "gust.db-wal"; }},
                                         Planted{"Database", [](std::string_view path) { return path == "gust.db"; }},
                                         Planted{"StateDirectory", [](std::string_view path) { return path == "."; }},
                                         Planted{"Body", [](std::string_view path) { return path.starts_with("spool/"); }},
                                         Planted{"ObjectsDirectory", [](std::string_view path) { return path == "objects"; }},
                                         Planted{"FirstLevelDirectory",
                                                 [](std::string_view path) { return in_objects(path, kFirst); }},
                                         Planted{"LeafDirectory", [](std::string_view path) { return in_objects(path, kLeaf); }}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace gust::daemon
