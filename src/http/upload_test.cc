// SPDX-License-Identifier: Apache-2.0

#include "http/upload.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <future>
#include <thread>

#include "os/files.h"

namespace gust::http {
namespace {

// Takes every '.' out; 'X' is an error, and so is a body that does not end with '!'.
class Dots : public BodyFilter {
 public:
  Result<> decode(std::string_view wire, std::string& out) override {
    for (char c : wire) {
      if (c == 'X') return fail(Errc::Invalid, "X");
      if (c != '.') out += c;
      last_ = c;
    }
    return {};
  }
  Result<> finish() override { return last_ == '!' ? Result<>{} : fail(Errc::Invalid, "no end"); }
  Response refusal(const Error& error) const override {
    Response r{.status = 418};
    r.body.bytes = error.message;
    return r;
  }

 private:
  char last_ = 0;
};

class UploadTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/gust-upload-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory = name;
    thread = std::thread([this] { loop.run(); });
  }
  void TearDown() override {
    disk.reset();
    loop.stop();
    thread.join();
    EXPECT_TRUE(files::list(directory)->empty());
    EXPECT_TRUE(files::remove_tree(directory).has_value());
  }
  BodyPlan plan(bool filter) {
    BodyPlan out;
    out.limit = 1 << 20;
    out.memory = 1000;
    out.spool_directory = directory;
    out.md5 = out.sha1 = out.sha256 = out.crc32 = out.crc32c = out.crc64nvme = true;
    if (filter) {
      out.filter = std::make_shared<Dots>();
      out.wire_limit = 2 << 20;
    }
    return out;
  }
  struct Outcome {
    Body body;
    std::string bytes;
    bool spooled = false, too_large = false;
    std::optional<Response> refusal;
  };
  // As the server does it.
  Outcome run(BodyPlan plan, const std::string& wire, size_t step) {
    std::promise<Outcome> done;
    loop.post([&] {
      auto upload = std::make_shared<Upload>(loop, disk.get(), std::move(plan));
      auto go = std::make_shared<std::function<void(size_t)>>();
      *go = [&, upload, go](size_t at) {
        Outcome out;
        while (at < wire.size() && !upload->refusal()) {
          if (upload->congested()) break;
          if (upload->append(std::string_view(wire).substr(at, step)) == Upload::Verdict::TooLarge) {
            out.too_large = true;
            done.set_value(std::move(out));
            return *go = nullptr, void();
          }
          at += step;
          if (at >= wire.size()) upload->end();
        }
        upload->pump([go, at] { (*go)(at); });
        if (!upload->refusal() && !upload->idle()) return;
        out.refusal = upload->refusal();
        if (!out.refusal) {
          out.spooled = upload->spooling();
          out.body = upload->take();
        }
        done.set_value(std::move(out));
        *go = nullptr;
      };
      if (wire.empty()) upload->end();
      auto first = go;
      (*first)(0);
    });
    Outcome out = done.get_future().get();
    out.bytes = out.body.read_all(4 << 20).value_or("unreadable");
    if (!out.body.path.empty()) (void)files::remove(out.body.path);
    return out;
  }
  void expect_digests(const Body& body, std::string_view bytes) {
    EXPECT_EQ(body.md5, md5(bytes));
    EXPECT_EQ(body.sha1, sha1(bytes));
    EXPECT_EQ(body.sha256, sha256(bytes));
    EXPECT_EQ(body.crc32, crc32(bytes));
    EXPECT_EQ(body.crc32c, crc32c(bytes));
    EXPECT_EQ(body.crc64nvme, crc64nvme(bytes));
  }
  std::string directory;
  net::Loop loop;
  std::unique_ptr<net::WorkerPool> disk = std::make_unique<net::WorkerPool>("disk", 2, 100);
  std::thread thread;
};

std::string text(size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out += static_cast<char>('a' + i % 23);
  return out;
}

TEST_F(UploadTest, bodies_in_memory_and_in_files_have_their_digests) {
  for (size_t size : {size_t{0}, size_t{1}, size_t{1000}, size_t{1001}, size_t{900'000}}) {
    std::string body = text(size);
    Outcome r = run(plan(false), body, 10'000);
    EXPECT_EQ(r.spooled, size > 1000) << size;
    EXPECT_TRUE(r.bytes == body);
    expect_digests(r.body, body);
    BodyPlan one = plan(false);  // the two go another way together
    one.sha256 = false;
    EXPECT_EQ(run(one, body, 10'000).body.md5, md5(body));
  }
}

TEST_F(UploadTest, a_filter_decides_what_counts) {
  for (size_t size : {size_t{0}, size_t{10}, size_t{1000}, size_t{1001}, size_t{700'000}}) {
    std::string body = text(size) + "!", wire;
    for (char c : body) wire.append(".").append(1, c);
    for (size_t step : {size_t{777}, size_t{100'000}}) {
      Outcome r = run(plan(true), wire, step);
      ASSERT_FALSE(r.refusal) << size;
      EXPECT_TRUE(r.bytes == body);
      EXPECT_EQ(r.spooled, body.size() > 1000);
      expect_digests(r.body, body);
    }
  }
}

TEST_F(UploadTest, a_filters_error_becomes_its_refusal) {
  for (size_t size : {size_t{10}, size_t{50'000}}) {
    Outcome r = run(plan(true), text(size) + "X" + text(size) + "!", 1000);
    ASSERT_TRUE(r.refusal) << size;
    EXPECT_EQ(r.refusal->status, 418);
    EXPECT_EQ(r.refusal->body.bytes, "X");
    r = run(plan(true), text(size), 1000);
    ASSERT_TRUE(r.refusal);
    EXPECT_EQ(r.refusal->body.bytes, "no end");
  }
}

TEST_F(UploadTest, limits_count_what_was_decoded_and_what_came) {
  BodyPlan small = plan(false);
  small.limit = 5000;
  EXPECT_FALSE(run(small, text(5000), 100).too_large);
  EXPECT_TRUE(run(small, text(5001), 100).too_large);
  BodyPlan filtered = plan(true);
  filtered.limit = 5000;
  filtered.too_large = Response{.status = 413, .headers = {}, .body = {}};
  EXPECT_EQ(run(filtered, text(4999) + "!", 100).bytes.size(), 5000u);
  filtered.filter = std::make_shared<Dots>();
  Outcome beyond = run(filtered, text(5000) + "!", 100);
  EXPECT_TRUE(beyond.refusal && beyond.refusal->status == 413);
  filtered.filter = std::make_shared<Dots>();
  filtered.wire_limit = 6000;
  EXPECT_TRUE(run(filtered, std::string(6001, '.') + "!", 100).too_large);
  filtered.filter = std::make_shared<Dots>();
  filtered.memory = 1 << 20;  // in memory
  EXPECT_TRUE(run(filtered, text(5000) + "!", 100).too_large);
}

}  // namespace
}  // namespace gust::http
