// SPDX-License-Identifier: Apache-2.0

// The conformance suite: every engine, the in-memory oracle included, passes the same laws.

#include "store/store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "base/ids.h"
#include "os/files.h"
#include "store/key.h"
#include "store/memory/memory_store.h"
#include "store/sqlite/sqlite_store.h"

namespace gust::store {
namespace {

class Conformance : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "gust-store-" + new_id(8);
    ASSERT_TRUE(files::make_directories(directory_));
    open();
  }
  void TearDown() override {
    store_.reset();
    (void)files::remove_tree(directory_);
  }
  void open() {
    if (GetParam() == "memory") {
      if (!store_) store_ = make_memory_store();
      return;
    }
    store_.reset();
    auto opened = open_sqlite_store(directory_ + "/gust.db");
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  Result<> put(std::string key, std::string value) {
    return store_->commit_and_wait([=](Transaction& t) { return t.put(Space::Meta, key, value); });
  }
  std::optional<std::string> get(std::string_view key) { return *(*store_->read())->get(Space::Meta, key); }

  std::string directory_;
  std::unique_ptr<Store> store_;
};

TEST_P(Conformance, AnErrorUndoesItsMutationAloneAndReadsSeeTheMutationsOwnWrites) {
  ASSERT_TRUE(put("a", "1"));
  auto failed = store_->commit_and_wait([](Transaction& t) -> Result<> {
    TRY(t.put(Space::Meta, "a", "2"));
    TRY(t.put(Space::Meta, "b", "2"));
    EXPECT_EQ(*TRY(t.get(Space::Meta, "a")), "2");
    return fail(Errc::Conflict, "no");
  });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::Conflict);
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(get("b"), std::nullopt);
  ASSERT_TRUE(put("c", ""));
  EXPECT_EQ(get("c"), "");
}

TEST_P(Conformance, AViewDoesNotSeeLaterCommits) {
  ASSERT_TRUE(put("a", "1"));
  auto view = store_->read();
  ASSERT_TRUE(view);
  ASSERT_TRUE(put("a", "2"));
  EXPECT_EQ(**(*view)->get(Space::Meta, "a"), "1");
  EXPECT_EQ(get("a"), "2");
}

TEST_P(Conformance, RandomOperationsAgreeWithAMap) {
  std::mt19937 random(7);
  std::map<std::string, std::string> model;
  auto key = [&] { return Key().text(std::string(random() % 3, static_cast<char>(random() % 3))).number(random() % 8).bytes(); };
  for (int round = 0; round < 300; ++round) {
    std::vector<std::pair<std::string, std::optional<std::string>>> operations;
    for (unsigned i = 0; i < random() % 5; ++i) {
      operations.emplace_back(key(), random() % 3 ? std::optional(std::to_string(random())) : std::nullopt);
    }
    bool abort = random() % 4 == 0;
    auto result = store_->commit_and_wait([&](Transaction& t) -> Result<> {
      for (auto& [k, v] : operations) {
        if (v) {
          TRY(t.put(Space::Item, k, *v));
        } else {
          TRY(t.erase(Space::Item, k));
        }
      }
      return abort ? Result<>(fail(Errc::Conflict, "")) : Result<>();
    });
    ASSERT_EQ(result.has_value(), !abort);
    for (auto& [k, v] : operations) {
      if (abort) break;
      v ? void(model[k] = *v) : void(model.erase(k));
    }
    std::string from = key(), to = random() % 2 ? key() : "";
    Order order = random() % 2 ? Order::Forward : Order::Backward;
    size_t limit = 1 + random() % 6;
    std::vector<std::string> expected;
    for (auto& [k, v] : model) {
      if (k >= from && (to.empty() || k < to)) expected.push_back(k + "=" + v);
    }
    if (order == Order::Backward) std::reverse(expected.begin(), expected.end());
    if (expected.size() > limit) expected.resize(limit);
    auto rows = (*store_->read())->scan(Space::Item, from, to, limit, order);
    ASSERT_TRUE(rows);
    std::vector<std::string> got;
    for (auto& row : *rows) got.push_back(row.key + "=" + row.value);
    ASSERT_EQ(got, expected);
  }
}

TEST_P(Conformance, ConcurrentCommitsAllCountAndKeepTheirOrderPerThread) {
  std::vector<std::thread> threads;
  std::atomic<int> acknowledged = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        auto result = store_->commit_and_wait([=](Transaction& tx) -> Result<> {
          auto before = TRY(tx.get(Space::Meta, "sum"));
          TRY(tx.put(Space::Meta, "sum", std::to_string(before ? std::stoi(*before) + 1 : 1)));
          return tx.put(Space::Meta, "last" + std::to_string(t), std::to_string(i));
        });
        if (result) ++acknowledged;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(acknowledged, 400);
  EXPECT_EQ(get("sum"), "400");
  EXPECT_EQ(get("last2"), "99");
}

TEST_P(Conformance, AScanStopsNearItsBytes) {
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(put(Key().number(i).bytes(), std::string(1000, 'x')));
  auto rows = (*store_->read())->scan(Space::Meta, "", "", 100, Order::Forward, 2500);
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->size(), 3u);
}

TEST_P(Conformance, WhatWasAcknowledgedIsThereAfterReopening) {
  ASSERT_TRUE(put("a", "1"));
  open();
  EXPECT_EQ(get("a"), "1");
}

INSTANTIATE_TEST_SUITE_P(Engines, Conformance, testing::Values("memory", "sqlite"), [](auto& i) { return i.param; });

// Commits and reports each acknowledgement through a pipe until it kills itself at a fault point. A program of its own,
// because the point is read once in a process.
TEST(Child, DISABLED_Commits) {
  const char* directory = getenv("GUST_CRASH_DIRECTORY");
  ASSERT_TRUE(directory);
  const int out = atoi(getenv("GUST_CRASH_PIPE"));
  auto store = open_sqlite_store(std::string(directory) + "/gust.db");
  ASSERT_TRUE(store);
  for (uint64_t i = 0; i < 100; ++i) {
    std::string key = Key().number(i).bytes();
    (*store)->commit([=](Transaction& t) { return t.put(Space::Meta, key, "v"); },
                     [out](Result<> r) {
                       char c = r ? 'y' : 'n';
                       if (write(out, &c, 1) != 1) _exit(3);
                     });
    usleep(500);
  }
  sleep(5);
}

void crash_test(const char* point, bool acknowledged_before) {
  std::string directory = testing::TempDir() + "gust-crash-" + new_id(8);
  ASSERT_TRUE(files::make_directories(directory));
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  pid_t child = fork();
  if (child == 0) {
    setenv("GUST_FAULT_POINT", (std::string(point) + ":20").c_str(), 1);
    setenv("GUST_CRASH_DIRECTORY", directory.c_str(), 1);
    setenv("GUST_CRASH_PIPE", std::to_string(fds[1]).c_str(), 1);
    unsetenv("GTEST_OUTPUT");  // the report is the parent's
    close(fds[0]);
    execl("/proc/self/exe", "store_test", "--gtest_filter=Child.*", "--gtest_also_run_disabled_tests", nullptr);
    _exit(4);
  }
  close(fds[1]);
  std::string acknowledged;
  char c;
  while (read(fds[0], &c, 1) == 1) acknowledged += c;
  close(fds[0]);
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;  // the point was passed
  auto store = open_sqlite_store(directory + "/gust.db");
  ASSERT_TRUE(store);
  auto rows = (*(*store)->read())->scan(Space::Meta, "", "", 20'000);
  ASSERT_TRUE(rows);
  EXPECT_GE(rows->size(), acknowledged.size());
  EXPECT_GT(acknowledged.size(), 0u);
  if (!acknowledged_before) {
    // Committed but not acknowledged: there all the same.
    EXPECT_GT(rows->size(), acknowledged.size());
  }
  store->reset();
  (void)files::remove_tree(directory);
}

TEST(Crash, KilledBeforeCommitNothingAcknowledgedIsLost) { crash_test("store.before_commit", true); }
TEST(Crash, KilledBetweenCommitAndAnswerNothingAcknowledgedIsLost) { crash_test("store.after_commit", false); }

TEST(Sqlite, AFileOfANewerVersionIsRefused) {
  std::string path = testing::TempDir() + "gust-new-" + new_id(8) + ".db";
  ASSERT_TRUE(open_sqlite_store(path));
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "INSERT INTO schema_version VALUES(99)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  auto opened = open_sqlite_store(path);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::Unsupported);
  for (const char* suffix : {"", "-wal", "-shm"}) (void)files::remove(path + suffix);
}

TEST(Key, PartsSortByValueAndReadBack) {
  auto key = [](std::string_view a, uint64_t n) { return Key().text(a).number(n).bytes(); };
  EXPECT_LT(key("a", 2), key("a", 10));
  EXPECT_LT(key("a", 1000), key("ab", 0));
  EXPECT_LT(key("a", 0), key(std::string_view("a\0", 2), 0));
  EXPECT_LT(key(std::string_view("a\0b", 3), 0), key("ab", 0));
  std::string bytes = key(std::string_view("x\0\xFF", 3), 7);
  KeyReader reader(bytes);
  EXPECT_EQ(*reader.text(), std::string_view("x\0\xFF", 3));
  EXPECT_EQ(*reader.number(), 7u);
  EXPECT_FALSE(reader.number());
  EXPECT_GT(Key().text("a").end(), key("a", ~0ull));
  EXPECT_LT(Key().text("a").end(), key("b", 0));
}

}  // namespace
}  // namespace gust::store
