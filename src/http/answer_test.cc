// SPDX-License-Identifier: Apache-2.0

// Answers that are files.

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>

#include "http/file_answer.h"
#include "http/test_server.h"

namespace gust::http {
namespace {

std::string pattern(size_t size, size_t seed) {
  std::string out(size, '\0');
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>((i + seed) * 131 + i / 253);
  return out;
}

class Answers : public ServerTest {
 protected:
  void SetUp() override { ASSERT_TRUE(files::make_directories(directory_)); }
  void TearDown() override {
    ServerTest::TearDown();
    (void)files::remove_tree(directory_);
  }
  FileSlice file(const std::string& content) {
    const std::string path = directory_ + "/" + new_id(8);
    EXPECT_TRUE(files::write(path, content));
    return {std::make_shared<Fd>(std::move(*files::open(path, O_RDONLY))), 0, content.size()};
  }
  // Out of the page cache. False where the file system is the page cache.
  bool evict(const FileSlice& slice) {
    struct statfs status {};
    const int fd = slice.file->get();
    if (fstatfs(fd, &status) != 0 || status.f_type == TMPFS_MAGIC) return false;
    (void)fsync(fd);
    return posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0;
  }

  std::string directory_ = testing::TempDir() + "gust-answers-" + new_id(8);
};

TEST_F(Answers, SeveralSlicesComeOneAfterTheOther) {
  const std::string a = pattern(700'000, 1), b = pattern(1'300'001, 2), c = pattern(10, 3);
  FileSlice first = file(a), second = file(b), third = file(c), none = first;
  first.offset = 5, first.length -= 10;
  none.length = 0;
  echo_.files.file = first;
  echo_.files.more = {none, second, third, none};
  start();
  const std::string whole = a.substr(5, a.size() - 10) + b + c;
  Client client_ = client();
  for (int i = 0; i < 3; ++i) {  // the connection is kept
    auto response = client_.send(post("/files", ""));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->headers.get("content-length"), std::to_string(whole.size()));
    EXPECT_TRUE(response->body.bytes == whole);
    Request head = post("/files", "");
    head.method = "HEAD";
    auto announced = client_.send(head);
    ASSERT_TRUE(announced) << announced.error().message;
    EXPECT_EQ(announced->headers.get("content-length"), std::to_string(whole.size()));
    EXPECT_TRUE(announced->body.bytes.empty());
  }
  on_loop([&] { echo_.files = Body{.bytes = "in front ", .more = {third}}; });
  EXPECT_EQ(client_.send(post("/files", ""))->body.bytes, "in front " + c);
  on_loop([&] { echo_.files = Body{.file = none}; });
  EXPECT_EQ(client_.send(post("/files", ""))->headers.get("content-length"), "0");
  EXPECT_EQ(*echo_.files.read_all(100), "");
}

TEST_F(Answers, WhatIsNotInThePageCacheIsSentToo) {
  const std::string content = pattern(5'000'000, 7);
  FileSlice slice = file(content);
  EXPECT_FALSE(in_page_cache({slice.file, 0, 64 << 20}));  // more than there is
  FileSlice piece{slice.file, 4097, 100'000};
  EXPECT_TRUE(in_page_cache(piece));
  if (evict(slice)) {
    EXPECT_FALSE(in_page_cache(piece));
  }
  echo_.files.file = slice;
  start();
  auto response = client().send(post("/files", ""));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_TRUE(response->body.bytes == content);
  EXPECT_TRUE(in_page_cache(piece));
}

TEST_F(Answers, AReaderThatStopsHoldsNeitherMemoryNorADiskThread) {
  const std::string content = pattern(48 << 20, 9);
  FileSlice slice = file(content);
  echo_.files.file = slice;
  start();
  std::vector<Fd> stopped;
  for (int i = 0; i < 8; ++i) {  // more than there are disk threads
    (void)evict(slice);
    stopped.push_back(raw());
    write_raw(stopped.back().get(), "GET /files HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  }
  for (int i = 0; i < 500 && echo_.requests < 8; ++i) usleep(10'000);
  auto response = client().send(post("/files", ""));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_TRUE(response->body.bytes == content);
  on_loop([&] { EXPECT_LT(server_->held_bytes(), size_t{64} << 10); });
  const std::string all = read_until_close(stopped[3].get());  // goes on where it was left
  EXPECT_TRUE(std::string_view(all).substr(all.find("\r\n\r\n") + 4) == content);
}

TEST_F(Answers, APeerThatGoesAwayOrAFileThatIsCutEndsOnlyThatConnection) {
  const std::string content = pattern(20 << 20, 11);
  FileSlice slice = file(content);
  echo_.files.file = slice;
  start();
  for (int i = 0; i < 5; ++i) {
    if (i % 2 == 0) (void)evict(slice);
    Fd fd = raw();
    write_raw(fd.get(), "GET /files HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_FALSE(read_some(fd.get()).empty());
  }
  for (size_t left = 1; left > 0; usleep(10'000)) on_loop([&] { left = server_->connections(); });
  on_loop([&] { echo_.files.file->length += 1000; });  // promises more than there is
  EXPECT_FALSE(client().send(post("/files", "")));
  on_loop([&] { echo_.files.file->length -= 1000; });
  auto response = client().send(post("/files", ""));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_TRUE(response->body.bytes == content);
}

TEST_F(Answers, AFileWithoutANameIsSentAndClosed) {
  const std::string content = pattern(1 << 20, 13);
  FileSlice slice = file(content);
  ASSERT_TRUE(files::remove_tree(directory_));
  struct stat status {};
  ASSERT_EQ(fstat(slice.file->get(), &status), 0);
  EXPECT_EQ(status.st_nlink, 0u);
  std::weak_ptr<Fd> open = slice.file;
  echo_.files.file = std::move(slice);
  start();
  auto response = client().send(post("/files", ""));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_TRUE(response->body.bytes == content);
  on_loop([&] { echo_.files = {}; });
  for (int i = 0; i < 500 && !open.expired(); ++i) usleep(10'000);
  EXPECT_TRUE(open.expired());
}

}  // namespace
}  // namespace gust::http
