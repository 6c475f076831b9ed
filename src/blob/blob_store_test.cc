// SPDX-License-Identifier: Apache-2.0

#include "blob/blob_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <thread>
#include <vector>

#include "base/ids.h"
#include "os/files.h"

namespace gust::blob {
namespace {

class Blobs : public testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "gust-blob-" + new_id(8);
    ASSERT_TRUE(files::make_directories(root_ + "/spool"));
    make(system_durability());
  }
  void TearDown() override { (void)files::remove_tree(root_); }
  void make(Durability durability) {
    store_ = std::make_unique<BlobStore>(root_ + "/objects", std::move(durability));
    ASSERT_TRUE(store_->prepare());
  }
  Result<std::string> adopt(std::string_view content) {
    const std::string path = root_ + "/spool/" + new_id(8);
    TRY(files::write(path, content));
    const Fd fd = TRY(files::open(path, O_RDONLY));
    auto id = store_->adopt(path, fd.get());
    EXPECT_EQ(files::exists(path), !id.has_value());
    return id;
  }
  std::string read(const std::string& id) {
    auto fd = store_->open(id);
    if (!fd) return "<" + fd.error().message + ">";
    return *files::read_fd(fd->get(), 0, *files::size(store_->path(id)));
  }
  std::set<std::string> all() {
    std::set<std::string> ids;
    std::string last;
    EXPECT_TRUE(store_->each([&](const std::string& id) -> Result<> {
      EXPECT_LT(last, id);  // ascending
      last = id;
      ids.insert(id);
      return {};
    }));
    return ids;
  }

  std::string root_;
  std::unique_ptr<BlobStore> store_;
};

TEST_F(Blobs, AFileKeepsItsContentUntilItIsRemoved) {
  const auto a = adopt("one"), b = store_->write("two");
  ASSERT_TRUE(a && b);
  EXPECT_TRUE(BlobStore::is_id(*a));
  EXPECT_EQ(read(*a), "one");
  EXPECT_EQ(read(*b), "two");
  EXPECT_EQ(all(), (std::set<std::string>{*a, *b}));
  auto open = store_->open(*a);
  ASSERT_TRUE(store_->remove(*a));
  EXPECT_TRUE(store_->remove(*a));
  EXPECT_EQ(store_->open(*a).error().code, Errc::NotFound);
  EXPECT_EQ(*files::read_fd(open->get(), 0, 3), "one");
  EXPECT_EQ(all(), (std::set<std::string>{*b}));
}

TEST_F(Blobs, WhatIsNoIdNeverBecomesAPath) {
  EXPECT_EQ(store_->open("../../etc/passwd").error().code, Errc::Invalid);
  EXPECT_EQ(store_->remove(std::string(32, '.')).error().code, Errc::Invalid);
  EXPECT_FALSE(BlobStore::is_id(std::string(31, 'a')));
  EXPECT_TRUE(BlobStore::is_id(std::string(32, 'a')));  // control
}

TEST_F(Blobs, TheFileIsSyncedThenItsNameThenTheIdIsGiven) {
  std::vector<std::string> steps;
  make({[&](int, const std::string& path) -> Result<> {
          steps.push_back(path.starts_with(root_ + "/spool/") ? "file" : path);
          return {};
        },
        [&](const std::string& path) -> Result<> {
          steps.push_back(std::filesystem::relative(path, root_).string());
          return {};
        }});
  steps.clear();
  const auto id = adopt("x");
  ASSERT_TRUE(id);
  const std::string first = "objects/" + id->substr(0, 2), leaf = first + "/" + id->substr(2, 2);
  EXPECT_EQ(steps, (std::vector<std::string>{"file", "objects", first, leaf}));
  steps.clear();
  ASSERT_TRUE(adopt("y"));  // the directory's name is durable now
  EXPECT_EQ(steps, (std::vector<std::string>{"file", leaf}));
}

TEST_F(Blobs, AFailedSyncGivesNoIdAndLeavesNoFile) {
  bool fail_file = true;
  make({[&](int, const std::string&) -> Result<> {
          if (fail_file) return fail(Errc::Io, "no");
          return {};
        },
        [&](const std::string& path) -> Result<> {
          if (path.size() > (root_ + "/objects/ab").size()) return fail(Errc::Io, "no");
          return {};
        }});
  EXPECT_FALSE(store_->write("x"));
  fail_file = false;
  EXPECT_FALSE(store_->write("x"));
  EXPECT_TRUE(all().empty());
  const auto names = files::list(root_ + "/objects");
  for (const std::string& name : *names) EXPECT_FALSE(name.ends_with(".tmp"));
}

TEST_F(Blobs, HalfWrittenFilesAreSweptAndForeignOnesStay) {
  ASSERT_TRUE(files::write(root_ + "/objects/" + std::string(32, 'b') + ".tmp", "half"));
  ASSERT_TRUE(files::write(root_ + "/objects/notes", "mine"));
  EXPECT_TRUE(all().empty());
  EXPECT_EQ(*files::list(root_ + "/objects"), (std::vector<std::string>{"notes"}));
}

TEST_F(Blobs, ManyThreadsGetDistinctIds) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) EXPECT_TRUE(store_->write("x"));
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(all().size(), 400u);
}

}  // namespace
}  // namespace gust::blob
