// SPDX-License-Identifier: Apache-2.0

// Objects on a disk that loses power at any moment (store/fault_disk.h): what was acknowledged is there and whole, nothing
// half made is visible. The same run with one sync left out must be noticed, else the test proves nothing.

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "services/s3/test_service.h"
#include "store/fault_disk.h"
#include "store/fault_vfs.h"

namespace gust::s3 {
namespace {

constexpr int kWriters = 3;
constexpr int kKeys = 4;  // of each writer

// The body of one version of a key; of either kind.
std::string body_of(const std::string& key, int version) {
  const std::string line = key + " version " + std::to_string(version) + "\n";
  const size_t size = version % 2 == 0 ? 500 : kInlineBody + 4096 + static_cast<size_t>(version) * 97 % 5000;
  std::string out;
  while (out.size() < size) out += line;
  return out;
}

// Version of a body, -1 where it is not whole.
int version_of(const std::string& key, const std::string& body) {
  const std::string start = key + " version ";
  if (!body.starts_with(start)) return -1;
  const int version = std::atoi(body.c_str() + start.size());
  return body == body_of(key, version) ? version : -1;
}

// State of one key, by its writer.
struct Known {
  std::atomic<int> acknowledged = 0;  // steps acknowledged
  std::atomic<int> started = 0;       // steps asked for
};

// Step n of a key: mostly a new version, sometimes a deletion.
bool deletes(int step) { return step % 5 == 4; }

class Machine {
 public:
  Machine(const std::string& directory, store::FaultOptions options) : live_(directory + "/live") {
    EXPECT_TRUE(files::make_directories(live_ + "/spool"));
    disk_ = std::move(*store::FaultDisk::make(live_, directory + "/image", std::move(options)));
    EXPECT_TRUE(disk_->sync_directory(live_));
    vfs_ = std::make_unique<store::FaultVfs>(*disk_);
    store::SqliteOptions sqlite;
    sqlite.vfs = vfs_->name();
    sqlite.checkpoint_pages = 50;
    store_ = std::move(*store::open_sqlite_store(live_ + "/gust.db", sqlite));
    pool_ = std::make_unique<net::WorkerPool>("disk", 2, 100);
    blob::Durability durability{[this](int, const std::string& path) { return disk_->sync_whole(path); },
                                [this](const std::string& path) { return disk_->sync_directory(path); }};
    service_ = std::make_unique<S3Service>(Parts{*store_, events_, policy_, *pool_, clock_, live_ + "/objects", durability});
    EXPECT_TRUE(service_->load());
  }
  ~Machine() {
    pool_.reset();
    store_.reset();
    service_.reset();
  }

  Outcome call(std::string_view operation, Value input, const std::string& bytes = {}) {
    auto sink = std::make_shared<Sink>();
    auto future = sink->promise.get_future();
    model::Call c;
    c.operation = operation;
    c.input = std::move(input);
    if (bytes.size() <= kInlineBody) {
      c.payload.bytes = bytes;
    } else {
      c.payload.path = live_ + "/spool/" + new_id(12);
      EXPECT_TRUE(files::write(c.payload.path, bytes));
      c.payload.file = http::FileSlice{std::make_shared<Fd>(*files::open(c.payload.path, O_RDWR)), 0, bytes.size()};
    }
    service_->call(std::move(c), model::Responder(sink));
    return future.get();
  }
  void write(int writer, int steps, std::map<std::string, Known>& known) {
    for (int step = 0; step < steps; ++step) {
      for (int k = 0; k < kKeys; ++k) {
        const std::string key = "w" + std::to_string(writer) + "/" + std::to_string(k);
        Known& state = known.at(key);
        state.started = step + 1;
        const Outcome done = take_step(key, step);
        ASSERT_TRUE(done.reply) << done.message();
        state.acknowledged = step + 1;
      }
    }
  }
  store::FaultDisk& disk() { return *disk_; }

 private:
  // A new version comes whole, as a part or as a copy.
  Outcome take_step(const std::string& key, int step) {
    const std::string body = body_of(key, step);
    Value input = members({{"Bucket", "bucket"}, {"Key", key}});
    if (deletes(step)) return call("DeleteObject", input);
    if (step % 5 == 1) {
      const Value stage = members({{"Bucket", "bucket"}, {"Key", "stage/" + key}});
      if (Outcome staged = call("PutObject", stage, body); !staged.reply) return staged;
      input.set("CopySource", "bucket/stage/" + key);
      return call("CopyObject", input);
    }
    if (step % 5 != 3) return call("PutObject", input, body);
    const Outcome created = call("CreateMultipartUpload", input);
    if (!created.reply) return created;
    input.set("UploadId", created.output()["UploadId"]);
    Value part = input;
    part.set("PartNumber", 1);
    if (Outcome sent = call("UploadPart", part, body); !sent.reply) return sent;
    const Value entry = members({{"PartNumber", 1}, {"ETag", hex_encode(md5(body))}});
    input.set("MultipartUpload", members({{"Parts", Value::List{entry}}}));
    return call("CompleteMultipartUpload", input);
  }

 private:
  std::string live_;
  std::unique_ptr<store::FaultDisk> disk_;
  std::unique_ptr<store::FaultVfs> vfs_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<net::WorkerPool> pool_;
  FakeEvents events_;
  FakePolicy policy_;
  FakeClock clock_;
  std::unique_ptr<S3Service> service_;
};

// What is wrong with the state that a cut left; empty where nothing is.
std::string faults_of(const std::string& directory, const std::map<std::string, std::pair<int, int>>& steps) {
  auto store = store::open_sqlite_store(directory + "/gust.db");
  if (!store) return "the store does not open: " + store.error().message;
  net::WorkerPool pool("disk", 1, 100);
  FakeEvents events;
  FakePolicy policy;
  FakeClock clock;
  S3Service service(Parts{**store, events, policy, pool, clock, directory + "/objects"});
  if (auto loaded = service.load(); !loaded) return "the service does not start: " + loaded.error().message;
  const auto call = [&service](std::string_view operation, Value input) {
    auto sink = std::make_shared<Sink>();
    auto future = sink->promise.get_future();
    model::Call c;
    c.operation = operation;
    c.input = std::move(input);
    c.input.set("Bucket", "bucket");
    service.call(std::move(c), model::Responder(sink));
    return future.get();
  };
  std::string out;
  for (const auto& [key, range] : steps) {
    const Outcome got = call("GetObject", members({{"Key", key}}));
    // Any state from the last acknowledged step to the last one asked for is right.
    bool right = false;
    std::string seen = got.code();
    if (got.reply) {
      const auto body = got.reply->payload->read_all(1 << 20);
      const int version = body ? version_of(key, *body) : -1;
      seen = body ? "version " + std::to_string(version) : body.error().message;
      right = version >= 0 && version + 1 >= range.first && version + 1 <= range.second && !deletes(version);
      if (body) {
        const bool in_a_part = version % 5 == 3;
        const std::string tag = in_a_part ? hex_encode(md5(md5(*body))) + "-1" : hex_encode(md5(*body));
        right = right && got.output()["ETag"].as_string() == "\"" + tag + "\"";
      }
    } else if (got.code() == "NoSuchKey") {
      for (int step = range.first; step <= range.second; ++step) right = right || step == 0 || deletes(step - 1);
    }
    if (!right) {
      out += key + " acknowledged " + std::to_string(range.first) + " asked " + std::to_string(range.second) + ": " + seen + "\n";
    }
  }
  blob::BlobStore blobs(directory + "/objects");
  size_t files = 0;
  (void)blobs.each([&](const std::string&) -> Result<> { return ++files, Result<>(); });
  size_t named = 0;
  const Outcome objects = call("ListObjectsV2", Value::map());
  for (const Value& o : objects.output()["Contents"].as_list()) {
    const Outcome got = call("GetObject", members({{"Key", o["Key"]}}));
    named += got.reply && got.reply->payload->file.has_value();
  }
  const Outcome uploads = call("ListMultipartUploads", Value::map());
  for (const Value& u : uploads.output()["Uploads"].as_list()) {
    named += call("ListParts", members({{"Key", u["Key"]}, {"UploadId", u["UploadId"]}})).output()["Parts"].size();
  }
  if (files != named) out += std::to_string(files) + " body files, " + std::to_string(named) + " of them in use\n";
  return out;
}

// Cuts the power `cuts` times while writers run; the faults found.
std::string run(store::FaultOptions options, int cuts, int steps) {
  const std::string directory = testing::TempDir() + "gust-s3-power-" + new_id(8);
  EXPECT_TRUE(files::make_directories(directory));
  std::string faults;
  int unanswered = 0;
  {
    Machine machine(directory, options);
    EXPECT_TRUE(machine.call("CreateBucket", members({{"Bucket", "bucket"}})).reply);
    std::map<std::string, Known> known;
    for (int w = 0; w < kWriters; ++w) {
      for (int k = 0; k < kKeys; ++k) known["w" + std::to_string(w) + "/" + std::to_string(k)];
    }
    std::vector<std::thread> writers;
    std::atomic<int> running = kWriters;
    for (int w = 0; w < kWriters; ++w) {
      writers.emplace_back([&, w] {
        machine.write(w, steps, known);
        --running;
      });
    }
    std::mt19937 random(options.seed);
    for (int i = 0; i < cuts && running == kWriters; ++i) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 30'000));
      std::map<std::string, std::pair<int, int>> range;
      for (auto& [key, state] : known) range[key].first = state.acknowledged;
      const std::string after = directory + "/after" + std::to_string(i);
      EXPECT_TRUE(machine.disk().cut(after));
      for (auto& [key, state] : known) {
        range[key].second = state.started;
        unanswered += range[key].second > range[key].first;
      }
      faults += faults_of(after, range);
      (void)files::remove_tree(after);
    }
    for (std::thread& writer : writers) writer.join();
  }
  (void)files::remove_tree(directory);
  EXPECT_GT(unanswered, 0);  // the power failed while something was under way
  return faults;
}

TEST(PowerLoss, AcknowledgedObjectsAreWholeAndNothingHalfMadeIsVisible) {
  for (uint32_t seed = 1; seed <= 2; ++seed) {
    EXPECT_EQ(run({.skip_sync = nullptr, .leak_percent = seed == 2 ? 30u : 0u, .seed = seed}, 20, 40), "");
  }
}

TEST(PowerLoss, ASkippedSyncOfTheBodyIsNoticed) {
  EXPECT_NE(run({.skip_sync = [](std::string_view path) { return path.starts_with("spool/"); }}, 20, 40), "");
}

TEST(PowerLoss, ASkippedSyncOfTheBodysNameIsNoticed) {
  EXPECT_NE(run({.skip_sync = [](std::string_view path) { return path.starts_with("objects/") && path.size() == 13; }}, 20, 40),
            "");
}

TEST(PowerLoss, ASkippedSyncOfTheLogIsNoticed) {
  EXPECT_NE(run({.skip_sync = [](std::string_view path) { return path == "gust.db-wal"; }}, 20, 40), "");
}

}  // namespace
}  // namespace gust::s3
