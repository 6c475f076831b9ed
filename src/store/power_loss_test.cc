// SPDX-License-Identifier: Apache-2.0

// The disk that loses power keeps its promises, and the SQLite engine on it keeps what it acknowledged through cuts, full
// disks and failing syncs; with the syncs of one kind of file left out it must not. GUST_LONG=1: two thousand cuts.

#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <random>
#include <thread>

#include "base/ids.h"
#include "os/files.h"
#include "store/fault_disk.h"
#include "store/fault_vfs.h"
#include "store/key.h"
#include "store/sqlite/sqlite_store.h"

namespace gust::store {
namespace {

class FaultDiskTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(files::make_directories(live_));
    make({});
  }
  void TearDown() override { (void)files::remove_tree(root_); }
  void make(FaultOptions options) {
    (void)files::remove_tree(root_ + "/image");
    disk_ = std::move(*FaultDisk::make(live_, root_ + "/image", std::move(options)));
    ASSERT_TRUE(disk_->sync_directory(live_));
  }
  void write(const std::string& name, std::string_view content) { ASSERT_TRUE(files::write(live_ + "/" + name, content)); }
  void sync(const std::string& name) { ASSERT_TRUE(disk_->sync_whole(live_ + "/" + name)); }
  void sync_directory(const std::string& name) { ASSERT_TRUE(disk_->sync_directory(name.empty() ? live_ : live_ + "/" + name)); }
  // What a cut leaves of a file.
  std::string left(const std::string& name) {
    const std::string after = root_ + "/after" + std::to_string(++cuts_);
    EXPECT_TRUE(disk_->cut(after));
    const auto content = files::read(after + "/" + name, 1 << 20);
    return content ? *content : "absent";
  }

  const std::string root_ = testing::TempDir() + "gust-disk-" + new_id(8), live_ = root_ + "/live";
  std::unique_ptr<FaultDisk> disk_;
  int cuts_ = 0;
};

TEST_F(FaultDiskTest, ContentAndNameHaveToBeSynced) {
  write("a", "one");
  EXPECT_EQ(left("a"), "absent");
  sync("a");
  EXPECT_EQ(left("a"), "absent");
  sync_directory("");
  EXPECT_EQ(left("a"), "one");
  write("a", "two");
  EXPECT_EQ(left("a"), "one");
  sync("a");
  EXPECT_EQ(left("a"), "two");
  write("empty", "never synced");
  sync_directory("");
  EXPECT_EQ(left("empty"), "");
}

TEST_F(FaultDiskTest, RenamesAndRemovalsHaveToBeSynced) {
  write("a", "one");
  sync("a"), sync_directory("");
  ASSERT_TRUE(files::rename(live_ + "/a", live_ + "/b"));
  EXPECT_EQ(left("a"), "one");
  EXPECT_EQ(left("b"), "absent");
  sync_directory("");
  EXPECT_EQ(left("a"), "absent");
  EXPECT_EQ(left("b"), "one");
  ASSERT_TRUE(files::remove(live_ + "/b"));
  EXPECT_EQ(left("b"), "one");
  sync_directory("");
  EXPECT_EQ(left("b"), "absent");
}

TEST_F(FaultDiskTest, EveryDirectoryOnTheWayHasToBeSynced) {
  ASSERT_TRUE(files::make_directories(live_ + "/d/e"));
  write("d/e/a", "one");
  sync("d/e/a"), sync_directory("d/e");
  EXPECT_EQ(left("d/e/a"), "absent");
  sync_directory("d");
  EXPECT_EQ(left("d/e/a"), "absent");
  sync_directory("");
  EXPECT_EQ(left("d/e/a"), "one");
}

TEST_F(FaultDiskTest, APlantedFaultSyncsNothing) {
  make({.skip_sync = [](std::string_view path) { return path == "a"; }});
  write("a", "one"), write("b", "one");
  sync("a"), sync("b"), sync_directory("");
  EXPECT_EQ(left("a"), "");
  EXPECT_EQ(left("b"), "one");
}

// A store on a disk that loses power.
class Machine {
 public:
  explicit Machine(const std::string& directory, FaultOptions options) : live_(directory + "/live") {
    EXPECT_TRUE(files::make_directories(live_));
    disk_ = std::move(*FaultDisk::make(live_, directory + "/image", std::move(options)));
    // What was there before has been on the disk for long.
    const auto names = files::list(live_);
    for (const std::string& name : *names) EXPECT_TRUE(disk_->sync_whole(live_ + "/" + name));
    EXPECT_TRUE(disk_->sync_directory(live_));
    vfs_ = std::make_unique<FaultVfs>(*disk_);
    SqliteOptions sqlite;
    sqlite.vfs = vfs_->name();
    sqlite.checkpoint_pages = 50;
    store_ = std::move(*open_sqlite_store(live_ + "/gust.db", sqlite));
  }
  FaultDisk& disk() { return *disk_; }
  Store& store() { return *store_; }

 private:
  std::string live_;
  std::unique_ptr<FaultDisk> disk_;
  std::unique_ptr<FaultVfs> vfs_;
  std::unique_ptr<Store> store_;
};

// Writer `w` counts: its n-th mutation writes n into two rows of different sizes, which are never to differ.
std::string value_of(int n, size_t size) {
  return std::to_string(n) + " " + std::string(size + static_cast<size_t>(n) % 50, 'x');
}
Result<> count(Store& store, int w, int n) {
  return store.commit_and_wait([=](Transaction& t) -> Result<> {
    TRY(t.put(Space::Item, Key().text("small").number(static_cast<uint64_t>(w)).bytes(), value_of(n, 10)));
    TRY(t.erase(Space::Item, Key().text("moving").number(static_cast<uint64_t>(w)).number(static_cast<uint64_t>(n - 1)).bytes()));
    TRY(t.put(Space::Item, Key().text("moving").number(static_cast<uint64_t>(w)).number(static_cast<uint64_t>(n)).bytes(), ""));
    return t.put(Space::Object, Key().text("large").number(static_cast<uint64_t>(w)).bytes(), value_of(n, 9000));
  });
}
// What writer `w` had counted to; -1 where its rows do not fit together.
int counted(Store& store, int w) {
  const uint64_t writer = static_cast<uint64_t>(w);
  auto view = store.read();
  if (!view) return -1;
  const auto small = (*view)->get(Space::Item, Key().text("small").number(writer).bytes());
  const auto large = (*view)->get(Space::Object, Key().text("large").number(writer).bytes());
  const std::string moving = Key().text("moving").number(writer).bytes();
  const auto moved = (*view)->scan(Space::Item, moving, prefix_end(moving), 10);
  if (!small || !large || !moved) return -1;
  if (!*small && !*large && moved->empty()) return 0;
  if (!*small || !*large || moved->size() != 1) return -1;
  const int n = std::atoi((*small)->c_str());
  const bool fits = **small == value_of(n, 10) && **large == value_of(n, 9000) &&
                    (*moved)[0].key == Key().text("moving").number(writer).number(static_cast<uint64_t>(n)).bytes();
  return fits ? n : -1;
}

constexpr int kWriters = 3;

// Cuts the power `cuts` times while writers count, and each time looks at what is left; the last of these is gone on with.
// The faults found.
std::string run(const FaultOptions& options, int generations, int cuts) {
  const std::string directory = testing::TempDir() + "gust-store-power-" + new_id(8);
  std::mt19937 random(options.seed);
  std::string faults;
  int from[kWriters] = {};
  for (int generation = 0; generation < generations && faults.empty(); ++generation) {
    const std::string here = directory + "/" + std::to_string(generation),
                      next = directory + "/" + std::to_string(generation + 1);
    Machine machine(here, options);
    std::atomic<bool> ending = false;
    std::atomic<int> acknowledged[kWriters], started[kWriters];
    std::vector<std::thread> writers;
    for (int w = 0; w < kWriters; ++w) {
      acknowledged[w] = started[w] = from[w];
      writers.emplace_back([&, w] {
        while (!ending) {
          const int n = ++started[w];
          ASSERT_TRUE(count(machine.store(), w, n));
          acknowledged[w] = n;
        }
      });
    }
    for (int cut = 0; cut < cuts && faults.empty(); ++cut) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
      int least[kWriters];
      for (int w = 0; w < kWriters; ++w) least[w] = acknowledged[w];
      (void)files::remove_tree(next);
      EXPECT_TRUE(files::make_directories(next));
      EXPECT_TRUE(machine.disk().cut(next + "/live"));
      auto left = open_sqlite_store(next + "/live/gust.db");
      if (!left) {
        faults += "does not open: " + left.error().message + "\n";
        break;
      }
      int unanswered = 0;
      for (int w = 0; w < kWriters; ++w) {
        const int most = started[w], found = counted(**left, w);
        unanswered += most > least[w];
        from[w] = found;
        if (found >= least[w] && found <= most) continue;
        faults += "writer " + std::to_string(w) + ": " + std::to_string(found) + " of " + std::to_string(least[w]) + " to " +
                  std::to_string(most) + "\n";
      }
      EXPECT_GT(unanswered, 0);
    }
    ending = true;
    for (std::thread& writer : writers) writer.join();
  }
  EXPECT_TRUE(files::remove_tree(directory));
  return faults;
}

TEST(StorePowerLoss, WhatWasCommittedIsThereWholeThroughManyCuts) {
  const char* setting = std::getenv("GUST_LONG");
  const uint32_t runs = setting && std::string_view(setting) == "1" ? 50 : 2;
  for (uint32_t seed = 1; seed <= runs && !testing::Test::HasFailure(); ++seed) {
    EXPECT_EQ(run({.skip_sync = nullptr, .leak_percent = seed % 2 == 0 ? 30u : 0u, .seed = seed}, 5, 8), "") << "seed " << seed;
  }
}

struct Planted {
  const char* name;
  const char* path;
};
class StorePlantedFault : public testing::TestWithParam<Planted> {};

TEST_P(StorePlantedFault, IsNoticed) {
  EXPECT_NE(run({.skip_sync = [](std::string_view path) { return path == GetParam().path; }}, 5, 8), "");
}

INSTANTIATE_TEST_SUITE_P(PowerLoss, StorePlantedFault,
                         testing::Values(Planted{"Log", "gust.db-wal"}, Planted{"Database", "gust.db"},
                                         Planted{"Directory", "."}),
                         [](const auto& info) { return std::string(info.param.name); });

// A disk that errs: what failed is not acknowledged, what was acknowledged stays, and it goes on afterwards.
class ErringDisk : public testing::Test {
 protected:
  void TearDown() override { (void)files::remove_tree(directory_); }
  void expect_left(int least, int most) {
    const std::string after = directory_ + "/after" + new_id(4);
    ASSERT_TRUE(machine_.disk().cut(after));
    auto left = open_sqlite_store(after + "/gust.db");
    ASSERT_TRUE(left);
    const int found = counted(**left, 0);
    EXPECT_GE(found, least);
    EXPECT_LE(found, most);
  }

  const std::string directory_ = testing::TempDir() + "gust-store-errs-" + new_id(8);
  Machine machine_{directory_, {}};
};

TEST_F(ErringDisk, AFullDiskRefusesWritesAndServesReads) {
  ASSERT_TRUE(count(machine_.store(), 0, 1));
  machine_.disk().set_full(true);
  int refused = 0;
  for (int i = 0; i < 20; ++i) refused += !count(machine_.store(), 0, 2);
  EXPECT_EQ(refused, 20);
  EXPECT_EQ(counted(machine_.store(), 0), 1);
  expect_left(1, 1);
  machine_.disk().set_full(false);
  for (int n = 2; n <= 300; ++n) ASSERT_TRUE(count(machine_.store(), 0, n));
  expect_left(300, 300);
}

TEST_F(ErringDisk, AFailedSyncIsNoAcknowledgement) {
  for (int n = 1; n <= 300; ++n) {
    if (n % 7 == 0) machine_.disk().fail_syncs(1);  // of the log, now and then of the database while it is copied back
    while (!count(machine_.store(), 0, n)) {
    }
    EXPECT_EQ(counted(machine_.store(), 0), n);
    if (n % 10 == 0) expect_left(n, n);
  }
}

}  // namespace
}  // namespace gust::store
