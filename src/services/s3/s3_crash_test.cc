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

// What the second child does with key i: an upload in parts, one of them sent twice, a copy of it, and the deletion of both.
// One letter through the pipe for each step that was answered.
constexpr int kSteps = 7;
const std::string kTail = "the end of it";

Value named(const std::string& key) { return members({{"Bucket", "bucket"}, {"Key", key}}); }
Value listed_part(int number, std::string_view bytes) {
  return members({{"PartNumber", number}, {"ETag", hex_encode(md5(bytes))}});
}

Outcome step(Service& service, int i, int step, std::string& upload_id) {
  const std::string key = std::to_string(i);
  Value input = named(key);
  if (step == 0) {
    const Outcome made = service.call("CreateMultipartUpload", input);
    if (made.reply) upload_id = made.output()["UploadId"].as_string();
    return made;
  }
  input.set("UploadId", upload_id);
  if (step <= 2) {
    input.set("PartNumber", 1);
    return service.call("UploadPart", input, step == 1 ? "thrown away" : kTail);
  }
  if (step == 3) {
    input.set("MultipartUpload", members({{"Parts", Value::List{listed_part(1, kTail)}}}));
    return service.call("CompleteMultipartUpload", input);
  }
  if (step == 4) return service.call("PutObject", named(key + ".large"), kBody);
  if (step == 5) {
    Value copy = named(key + ".copy");
    copy.set("CopySource", "bucket/" + key + ".large");
    return service.call("CopyObject", copy);
  }
  // Of every other key all that there is goes away.
  Value objects = Value::List{members({{"Key", i % 2 ? key : "absent"}}), members({{"Key", key + ".large"}})};
  return service.call("DeleteObjects", members({{"Bucket", "bucket"}, {"Delete", members({{"Objects", objects}})}}));
}

void mix(const std::string& directory, int pipe) {
  Service service(directory);
  (void)service.call("CreateBucket", members({{"Bucket", "bucket"}}));
  for (int i = 0; i < 100; ++i) {
    std::string upload_id;
    for (int s = 0; s < kSteps; ++s) {
      if (!step(service, i, s, upload_id).reply || ::write(pipe, "y", 1) != 1) ::_exit(3);
    }
  }
  ::_exit(4);
}

// What the child does: uploads, and tells of each answer through the pipe, until it dies.
void upload(const std::string& directory, int pipe) {
  Service service(directory);
  (void)service.call("CreateBucket", members({{"Bucket", "bucket"}}));
  for (int i = 0; i < 100; ++i) {
    if (!service.call("PutObject", object(i), kBody).reply || ::write(pipe, "y", 1) != 1) ::_exit(3);
  }
  ::_exit(4);
}

// This program again, because a process reads the name of its fault point only once; killed at that passage of it.
int run_until_killed(const std::string& directory, const char* point, int passage, const char* child_test) {
  int fds[2];
  EXPECT_EQ(::pipe(fds), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("GUST_FAULT_POINT", (std::string(point) + ":" + std::to_string(passage)).c_str(), 1);
    ::setenv(kDirectory, directory.c_str(), 1);
    ::setenv(kPipe, std::to_string(fds[1]).c_str(), 1);
    ::execl("/proc/self/exe", "s3_test", child_test, nullptr);
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
  const int acknowledged = run_until_killed(directory, point, 5, "--gtest_filter=Crash.TheChild");
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

TEST(Crash, TheMixingChild) {
  const char *directory = ::getenv(kDirectory), *pipe = ::getenv(kPipe);
  if (directory && pipe) mix(directory, std::atoi(pipe));
}

// Whether the object is as one of the two steps, both or none of which may have happened, left it.
void expect_state(Service& service, const std::string& key, const std::string& body, bool may_be_there, bool may_be_absent) {
  const Outcome got = service.call("GetObject", named(key));
  if (got.reply) {
    EXPECT_TRUE(may_be_there) << key;
    EXPECT_EQ(got.body(), body) << key;
  } else {
    EXPECT_EQ(got.code(), "NoSuchKey") << key;
    EXPECT_TRUE(may_be_absent) << key;
  }
}

// Files that rows name: of objects, and of parts of unfinished uploads.
size_t files_named(Service& service) {
  size_t n = 0;
  const Outcome objects = service.call("ListObjectsV2", members({{"Bucket", "bucket"}}));
  for (const Value& o : objects.output()["Contents"].as_list()) {
    const Outcome got = service.call("GetObject", named(std::string(o["Key"].as_string())));
    n += got.reply->payload->file.has_value();
  }
  const Outcome uploads = service.call("ListMultipartUploads", members({{"Bucket", "bucket"}}));
  for (const Value& u : uploads.output()["Uploads"].as_list()) {
    Value input = named(std::string(u["Key"].as_string()));
    input.set("UploadId", u["UploadId"]);
    n += service.call("ListParts", input).output()["Parts"].size();
  }
  return n;
}

void crash_in_the_mix(const char* point, int passage) {
  SCOPED_TRACE(std::string(point) + ":" + std::to_string(passage));
  const std::string directory = testing::TempDir() + "gust-s3-crash-" + new_id(8);
  ASSERT_TRUE(files::make_directories(directory));
  const int acknowledged = run_until_killed(directory, point, passage, "--gtest_filter=Crash.TheMixingChild");
  {
    Service service(directory);
    for (int i = 0; i <= acknowledged / kSteps; ++i) {
      // Steps of this key that were answered; the next one may have happened too.
      const int done = std::min(acknowledged - i * kSteps, kSteps), maybe = std::min(done + 1, kSteps);
      const std::string key = std::to_string(i);
      const bool odd = i % 2 == 1;
      expect_state(service, key, kTail, maybe > 3 && !(odd && done > 6), done <= 3 || (odd && maybe > 6));
      expect_state(service, key + ".large", kBody, maybe > 4 && done <= 6, done <= 4 || maybe > 6);
      expect_state(service, key + ".copy", kBody, maybe > 5, done <= 5);
    }
    EXPECT_EQ(files_in(directory), files_named(service));
  }
  (void)files::remove_tree(directory);
}

TEST(Crash, NothingIsLostOrLeftOverWhereverAMixOfUploadsAndCopiesDies) {
  for (int passage = 2; passage < 26; passage += 2) {
    crash_in_the_mix("store.before_commit", passage);
    crash_in_the_mix("store.after_commit", passage + 1);
  }
  for (int passage = 1; passage < 5; ++passage) {
    crash_in_the_mix("s3.part_stored", passage);
    crash_in_the_mix("s3.body_stored", passage);
  }
}

TEST(Crash, BetweenTheBodyAndItsRow) { crash("s3.body_stored", 1, 0); }
TEST(Crash, BeforeTheCommitOfTheRow) { crash("store.before_commit", 1, 0); }
TEST(Crash, BetweenTheCommitAndTheAnswer) { crash("store.after_commit", 0, 1); }

}  // namespace
}  // namespace gust::s3
