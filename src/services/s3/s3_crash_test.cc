// SPDX-License-Identifier: Apache-2.0

// The process is killed at the worst moments of large uploads: what was acknowledged is whole afterwards, and a file that
// no row names is removed by the next start.

#include <signal.h>
#include <sys/wait.h>

#include "services/s3/test_service.h"

namespace gust::s3 {
namespace {

constexpr char kDirectory[] = "GUST_S3_CRASH_DIRECTORY", kPipe[] = "GUST_S3_CRASH_PIPE";
const std::string kBody = std::string(kInlineBody + 1, 'L');

class Service {
 public:
  explicit Service(const std::string& directory)
      : directory_(directory),
        store_(std::move(*store::open_sqlite_store(directory + "/gust.db"))),
        pool_(std::make_unique<net::WorkerPool>("disk", 2, 100)),
        service_(Parts{*store_, events_, policy_, *pool_, clock_, directory + "/objects"}) {
    EXPECT_TRUE(service_.load());
  }
  ~Service() {
    pool_.reset();
    store_.reset();
  }
  Outcome call(std::string_view operation, Value input, std::string bytes = {}) {
    auto sink = std::make_shared<Sink>();
    auto future = sink->promise.get_future();
    model::Call c;
    c.operation = operation;
    c.input = std::move(input);
    c.payload.bytes = std::move(bytes);
    service_.call(std::move(c), model::Responder(sink));
    return future.get();
  }

 private:
  std::string directory_;
  FakeEvents events_;
  FakePolicy policy_;
  FakeClock clock_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<net::WorkerPool> pool_;
  S3Service service_;
};

size_t files_in(const std::string& directory) {
  blob::BlobStore blobs(directory + "/objects");
  size_t n = 0;
  EXPECT_TRUE(blobs.each([&](const std::string&) -> Result<> { return ++n, Result<>(); }));
  return n;
}

Value object(int i) { return members({{"Bucket", "bucket"}, {"Key", std::to_string(i)}}); }

// What the child does: uploads, and tells of each answer through the pipe, until it dies.
void upload(const std::string& directory, int pipe) {
  Service service(directory);
  (void)service.call("CreateBucket", members({{"Bucket", "bucket"}}));
  for (int i = 0; i < 100; ++i) {
    if (!service.call("PutObject", object(i), kBody).reply || ::write(pipe, "y", 1) != 1) ::_exit(3);
  }
  ::_exit(4);
}

// This program again, because a process reads the name of its fault point only once; killed at its fifth passage.
int upload_until_killed(const std::string& directory, const char* point) {
  int fds[2];
  EXPECT_EQ(::pipe(fds), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("GUST_FAULT_POINT", (std::string(point) + ":5").c_str(), 1);
    ::setenv(kDirectory, directory.c_str(), 1);
    ::setenv(kPipe, std::to_string(fds[1]).c_str(), 1);
    ::execl("/proc/self/exe", "s3_test", "--gtest_filter=Crash.TheChild", nullptr);
    ::_exit(5);
  }
  ::close(fds[1]);
  int acknowledged = 0;
  for (char c; ::read(fds[0], &c, 1) == 1;) ++acknowledged;
  ::close(fds[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;  // the point was passed
  return acknowledged;
}

// `orphans`: body files that no row names when the process dies. `committed`: uploads done but not answered.
void crash(const char* point, size_t orphans, int committed) {
  const std::string directory = testing::TempDir() + "gust-s3-crash-" + new_id(8);
  ASSERT_TRUE(files::make_directories(directory));
  const int acknowledged = upload_until_killed(directory, point);
  EXPECT_GT(acknowledged, 0);
  const auto there = static_cast<size_t>(acknowledged + committed);
  EXPECT_EQ(files_in(directory), there + orphans);
  {
    Service service(directory);
    for (int i = 0; i < acknowledged + committed; ++i) {
      const Outcome got = service.call("GetObject", object(i));
      ASSERT_TRUE(got.reply) << i << " " << got.message();
      EXPECT_EQ(got.body(), kBody);
    }
    EXPECT_EQ(service.call("GetObject", object(acknowledged + committed)).code(), "NoSuchKey");
  }
  EXPECT_EQ(files_in(directory), there);
  (void)files::remove_tree(directory);
}

// Does nothing but in the child of another test.
TEST(Crash, TheChild) {
  const char *directory = ::getenv(kDirectory), *pipe = ::getenv(kPipe);
  if (directory && pipe) upload(directory, std::atoi(pipe));
}

TEST(Crash, BetweenTheBodyAndItsRow) { crash("s3.body_stored", 1, 0); }
TEST(Crash, BeforeTheCommitOfTheRow) { crash("store.before_commit", 1, 0); }
TEST(Crash, BetweenTheCommitAndTheAnswer) { crash("store.after_commit", 0, 1); }

}  // namespace
}  // namespace gust::s3
