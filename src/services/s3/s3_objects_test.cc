// SPDX-License-Identifier: Apache-2.0

// Objects: their bytes, headers, conditions, ranges, and what happens to their files.

#include <thread>

#include "services/s3/fields.h"
#include "services/s3/test_service.h"

namespace gust::s3 {
namespace {

using Objects = S3;
using DurableObjects = S3;  // on a store that keeps what it was given
const std::string kLarge = std::string(kInlineBody + 1, 'L');

TEST_P(Objects, SmallAndLargeBodiesComeBackAsTheyWentIn) {
  make_bucket();
  for (const std::string& body : {std::string(), std::string("x"), std::string("a\0b", 3), std::string(kInlineBody, 'i'), kLarge,
                                  std::string(3 << 20, 'z')}) {
    const Outcome made = put("key", body);
    ASSERT_TRUE(made.reply) << made.message();
    EXPECT_EQ(made.output()["ETag"].as_string(), "\"" + hex_encode(md5(body)) + "\"");
    EXPECT_EQ(made.output()["ServerSideEncryption"].as_string(), "AES256");
    const Outcome got = call("GetObject", at("key"));
    ASSERT_TRUE(got.reply) << got.message();
    EXPECT_EQ(got.body(), body);
    EXPECT_EQ(got.reply->payload->file.has_value(), body.size() > kInlineBody);
    EXPECT_TRUE(got.reply->payload->path.empty());
    const Outcome head = call("HeadObject", at("key"));
    EXPECT_EQ(head.reply->head_length, body.size());
    EXPECT_FALSE(head.reply->payload);
  }
  EXPECT_TRUE(files::list(root_ + "/spool")->empty());
}

TEST_P(DurableObjects, SurviveARestart) {
  make_bucket();
  ASSERT_TRUE(put("small", "s").reply);
  ASSERT_TRUE(put("large", kLarge).reply);
  restart();
  EXPECT_EQ(get("small"), "s");
  EXPECT_EQ(get("large"), kLarge);
}

TEST_P(Objects, LargeBodiesInMemoryBecomeFilesToo) {
  make_bucket();
  ASSERT_TRUE(call("PutObject", at("k"), inline_body(kLarge)).reply);
  EXPECT_EQ(get("k"), kLarge);
  EXPECT_EQ(body_files(), 1u);
}

TEST_P(Objects, HeadersAndMetadataAreKept) {
  make_bucket();
  const Value more = members({{"ContentType", "image/jpeg"},
                              {"CacheControl", "max-age=1"},
                              {"ContentDisposition", "inline"},
                              {"ContentEncoding", "gzip"},
                              {"ContentLanguage", "de"},
                              {"Expires", "Thu, 01 Dec 1994 16:00:00 GMT"},
                              {"Metadata", members({{"camera", "X 100"}, {"empty", ""}})},
                              {"ChecksumCRC32", "NSRBwg=="},
                              {"ChecksumAlgorithm", "CRC32"}});
  const Outcome made = put("k", "x", more);
  ASSERT_TRUE(made.reply) << made.message();
  EXPECT_EQ(made.output()["ChecksumCRC32"].as_string(), "NSRBwg==");
  for (const char* operation : {"GetObject", "HeadObject"}) {
    const Outcome got = call(operation, with(at("k"), "ChecksumMode", "ENABLED"));
    ASSERT_TRUE(got.reply);
    for (const char* member : {"ContentType", "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage",
                               "Expires", "Metadata", "ChecksumCRC32"}) {
      EXPECT_EQ(got.output()[member], more[member]) << member;
    }
    EXPECT_EQ(got.output()["ChecksumType"].as_string(), "FULL_OBJECT");
    EXPECT_EQ(got.output()["AcceptRanges"].as_string(), "bytes");
    EXPECT_EQ(got.output()["LastModified"].as_timestamp().unix_ms % 1000, 0);
  }
  EXPECT_FALSE(call("GetObject", at("k")).output().has("ChecksumCRC32"));
  EXPECT_FALSE(
      call("GetObject", with(with(at("k"), "ChecksumMode", "ENABLED"), "Range", "bytes=0-0")).output().has("ChecksumCRC32"));
  ASSERT_TRUE(put("plain", "x").reply);
  EXPECT_EQ(call("GetObject", at("plain")).output()["ContentType"].as_string(), "binary/octet-stream");
  EXPECT_FALSE(call("GetObject", at("plain")).output().has("Metadata"));
}

TEST_P(Objects, MetadataAndKeysHaveTheirLimits) {
  make_bucket();
  const auto metadata = [](size_t bytes) { return members({{"Metadata", members({{"ab", std::string(bytes - 2, 'm')}})}}); };
  EXPECT_TRUE(put("k", "x", metadata(2048)).reply);  // control
  const Outcome much = put("k", "x", metadata(2049));
  EXPECT_EQ(much.code(), "MetadataTooLarge");
  EXPECT_EQ(much.error->members["Size"].as_int(), 2049);
  EXPECT_TRUE(put(std::string(1024, 'k'), "x").reply);  // control
  for (const char* operation : {"PutObject", "GetObject", "HeadObject", "DeleteObject"}) {
    EXPECT_EQ(call(operation, at(std::string(1025, 'k'))).code(), "KeyTooLongError") << operation;
  }
}

TEST_P(Objects, OverwritingLeavesOneBodyAndDeletingNone) {
  make_bucket();
  for (const std::string& body : {kLarge, std::string("small"), kLarge, kLarge + "2", std::string("small")}) {
    ASSERT_TRUE(put("k", body).reply);
    EXPECT_EQ(get("k"), body);
  }
  settle();
  EXPECT_EQ(body_files(), 0u);
  EXPECT_EQ(rows(store::Space::Garbage), 0u);
  ASSERT_TRUE(put("k", kLarge).reply);
  EXPECT_EQ(body_files(), 1u);
  ASSERT_TRUE(call("DeleteObject", at("k")).reply);
  EXPECT_EQ(get("k"), "<NoSuchKey>");
  settle();
  EXPECT_EQ(body_files(), 0u);
  EXPECT_EQ(rows(store::Space::Garbage), 0u);
  EXPECT_EQ(rows(store::Space::Body), 0u);
  EXPECT_EQ(rows(store::Space::Object), 0u);
}

TEST_P(Objects, ABodyThatIsBeingReadOutlivesItsObject) {
  make_bucket();
  ASSERT_TRUE(put("k", kLarge).reply);
  const Outcome got = call("GetObject", at("k"));
  ASSERT_TRUE(call("DeleteObject", at("k")).reply);
  settle();
  EXPECT_EQ(got.body(), kLarge);
}

TEST_P(DurableObjects, AStartRemovesFilesThatNoRowNamesAndFinishesDeletions) {
  make_bucket();
  ASSERT_TRUE(put("kept", kLarge).reply);
  blob::BlobStore blobs(root_ + "/objects");
  const std::string orphan = *blobs.write("orphan"), noted = *blobs.write("noted");
  ASSERT_TRUE(store_->commit_and_wait([&](store::Transaction& t) { return Garbage::note(t, noted); }));
  EXPECT_EQ(body_files(), 3u);
  restart();
  EXPECT_EQ(body_files(), 1u);
  EXPECT_EQ(rows(store::Space::Garbage), 0u);
  EXPECT_EQ(get("kept"), kLarge);
  EXPECT_EQ(blobs.open(orphan).error().code, Errc::NotFound);
}

TEST_P(Objects, ARefusedUploadLeavesNothing) {
  make_bucket();
  EXPECT_EQ(call("PutObject", members({{"Bucket", "other"}, {"Key", "k"}}), spooled(kLarge)).code(), "NoSuchBucket");
  EXPECT_EQ(call("PutObject", members({{"Bucket", "other"}, {"Key", "k"}}), inline_body("x")).code(), "NoSuchBucket");
  ASSERT_TRUE(put("k", "x").reply);
  EXPECT_EQ(call("PutObject", with(at("k"), "IfNoneMatch", "*"), spooled(kLarge)).code(), "PreconditionFailed");
  EXPECT_EQ(call("PutObject", with(at("k"), "SSECustomerKey", "a"), spooled(kLarge)).code(), "NotImplemented");
  EXPECT_EQ(get("k"), "x");
  settle();
  EXPECT_EQ(body_files(), 0u);
  EXPECT_TRUE(files::list(root_ + "/spool")->empty());
}

TEST_P(Objects, WritesCanBeConditional) {
  make_bucket();
  const std::string tag = "\"" + hex_encode(md5("one")) + "\"";
  EXPECT_EQ(put("k", "one", members({{"IfMatch", tag}})).code(), "NoSuchKey");
  EXPECT_TRUE(put("k", "one", members({{"IfNoneMatch", "*"}})).reply);
  const Outcome again = put("k", "two", members({{"IfNoneMatch", "*"}}));
  EXPECT_EQ(again.code(), "PreconditionFailed");
  EXPECT_EQ(again.error->status, 412);
  EXPECT_EQ(again.error->members["Condition"].as_string(), "If-None-Match");
  EXPECT_EQ(put("k", "two", members({{"IfMatch", "\"other\""}})).code(), "PreconditionFailed");
  EXPECT_TRUE(put("k", "two", members({{"IfMatch", tag}})).reply);
  EXPECT_EQ(get("k"), "two");
  EXPECT_EQ(put("k", "x", members({{"IfNoneMatch", tag}})).code(), "NotImplemented");
  EXPECT_EQ(put("k", "x", members({{"IfMatch", "*"}})).error->members["Header"].as_string(), "If-Match");
  EXPECT_EQ(put("k", "x", members({{"IfMatch", tag}, {"IfNoneMatch", "*"}})).code(), "NotImplemented");
}

TEST_P(Objects, ReadsCanBeConditional) {
  make_bucket();
  clock_.advance_us(123'456);  // not on a second
  ASSERT_TRUE(put("k", "x").reply);
  const std::string tag = "\"" + hex_encode(md5("x")) + "\"";
  const int64_t second = clock_.unix_ms() / 1000 * 1000;
  const auto status = [&](Value conditions) {
    Value input = at("k");
    for (const auto& [name, value] : conditions.as_map()) input.set(name, value);
    const Outcome got = call("GetObject", input), head = call("HeadObject", input);
    EXPECT_EQ(got.code(), head.code());
    return got.error ? got.error->status : 200;
  };
  EXPECT_EQ(status(members({{"IfMatch", tag}})), 200);
  EXPECT_EQ(status(members({{"IfMatch", "\"a\", " + tag}})), 200);
  EXPECT_EQ(status(members({{"IfMatch", "*"}})), 200);
  EXPECT_EQ(status(members({{"IfMatch", "\"a\""}})), 412);
  EXPECT_EQ(status(members({{"IfNoneMatch", tag}})), 304);
  EXPECT_EQ(status(members({{"IfNoneMatch", "W/" + tag}})), 304);
  EXPECT_EQ(status(members({{"IfNoneMatch", "\"a\""}})), 200);
  EXPECT_EQ(status(members({{"IfModifiedSince", Timestamp{second}}})), 304);
  EXPECT_EQ(status(members({{"IfModifiedSince", Timestamp{second - 1000}}})), 200);
  EXPECT_EQ(status(members({{"IfUnmodifiedSince", Timestamp{second}}})), 200);
  EXPECT_EQ(status(members({{"IfUnmodifiedSince", Timestamp{second - 1000}}})), 412);
  // A tag overrules a date.
  EXPECT_EQ(status(members({{"IfMatch", tag}, {"IfUnmodifiedSince", Timestamp{second - 1000}}})), 200);
  EXPECT_EQ(status(members({{"IfNoneMatch", "\"a\""}, {"IfModifiedSince", Timestamp{second}}})), 200);
}

TEST_P(Objects, RangesAreServedFromRowsAndFiles) {
  make_bucket();
  std::string large = kLarge;
  large.replace(0, 10, "0123456789");
  for (const std::string& body : {std::string("0123456789"), large}) {
    ASSERT_TRUE(put("k", body).reply);
    const size_t n = body.size();
    const auto range = [&](const std::string& text) {
      const Outcome got = call("GetObject", with(at("k"), "Range", text));
      const Outcome head = call("HeadObject", with(at("k"), "Range", text));
      if (got.error) return std::to_string(got.error->status) + " " + got.code();
      EXPECT_EQ(*head.reply->head_length, got.body().size());
      EXPECT_EQ(head.output()["ContentRange"], got.output()["ContentRange"]);
      const std::string_view shown = got.output()["ContentRange"].as_string();
      return std::to_string(got.reply->status) + " " + std::string(shown) + " " + (got.body() == body ? "all" : got.body());
    };
    const std::string of = "/" + std::to_string(n);
    EXPECT_EQ(range("bytes=0-0"), "206 bytes 0-0" + of + " 0");
    EXPECT_EQ(range("bytes=3-5"), "206 bytes 3-5" + of + " 345");
    EXPECT_EQ(range("bytes=" + std::to_string(n - 2) + "-"),
              "206 bytes " + std::to_string(n - 2) + "-" + std::to_string(n - 1) + of + " " + body.substr(n - 2));
    EXPECT_EQ(range("bytes=-3"),
              "206 bytes " + std::to_string(n - 3) + "-" + std::to_string(n - 1) + of + " " + body.substr(n - 3));
    EXPECT_EQ(range("bytes=0-999999999"), "206 bytes 0-" + std::to_string(n - 1) + of + " all");
    EXPECT_EQ(range("bytes=-999999999"), "206 bytes 0-" + std::to_string(n - 1) + of + " all");
    EXPECT_EQ(range("bytes=" + std::to_string(n) + "-"), "416 InvalidRange");
    EXPECT_EQ(range("bytes=-0"), "416 InvalidRange");
    for (const char* ignored :
         {"bytes=5-3", "bytes=a-b", "bytes=0-1,3-4", "bytes=-", "lines=0-1", "bytes=18446744073709551616-"}) {
      EXPECT_EQ(range(ignored), "0  all") << ignored;
    }
  }
  ASSERT_TRUE(put("empty", "").reply);
  EXPECT_EQ(call("GetObject", with(at("empty"), "Range", "bytes=0-")).code(), "InvalidRange");
}

TEST_P(Objects, AnswersHeadersCanBeChosenButHoldNoLineBreaks) {
  make_bucket();
  ASSERT_TRUE(put("k", "x", members({{"ContentType", "text/plain"}})).reply);
  const Outcome got = call("GetObject", with(with(at("k"), "ResponseContentType", "image/png"), "ResponseExpires", Timestamp{0}));
  EXPECT_EQ(got.output()["ContentType"].as_string(), "image/png");
  EXPECT_EQ(got.output()["Expires"].as_string(), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(call("GetObject", with(at("k"), "ResponseContentDisposition", "a\r\nSet-Cookie: b")).code(), "InvalidArgument");
}

TEST_P(Objects, WhatIsMissingIsNamed) {
  make_bucket();
  const Outcome key = call("GetObject", at("k"));
  EXPECT_EQ(key.code(), "NoSuchKey");
  EXPECT_EQ(key.error->status, 404);
  EXPECT_EQ(key.error->members["Key"].as_string(), "k");
  const Outcome bucket = call("GetObject", members({{"Bucket", "other"}, {"Key", "k"}}));
  EXPECT_EQ(bucket.code(), "NoSuchBucket");
  EXPECT_EQ(bucket.error->members["BucketName"].as_string(), "other");
  EXPECT_TRUE(call("DeleteObject", at("k")).reply);  // deleting nothing succeeds
  EXPECT_EQ(call("DeleteObject", members({{"Bucket", "other"}, {"Key", "k"}})).code(), "NoSuchBucket");
}

TEST_P(Objects, MembersWithoutEffectAreRefusedByNameAndHarmlessOnesPass) {
  make_bucket();
  const std::pair<const char*, Value> refused[] = {{"ServerSideEncryption", "aws:kms"}, {"SSECustomerKey", "k"},
                                                   {"ObjectLockMode", "GOVERNANCE"},    {"WriteOffsetBytes", 0},
                                                   {"BucketKeyEnabled", true},          {"ChecksumSHA512", "AAAAAAAAAAA="}};
  for (const auto& [member, value] : refused) {
    const Outcome got = put("k", "x", members({{member, value}}));
    EXPECT_EQ(got.code(), "NotImplemented") << member;
    EXPECT_NE(got.message().find(got.error->members["Header"].as_string()), std::string::npos) << member;
  }
  EXPECT_EQ(put("k", "x", members({{"ACL", "public-read"}})).code(), "AccessControlListNotSupported");
  EXPECT_EQ(put("k", "x", members({{"GrantRead", "id=1"}})).code(), "AccessControlListNotSupported");
  EXPECT_EQ(get("k"), "<NoSuchKey>");
  EXPECT_TRUE(put("k", "x",
                  members({{"StorageClass", "STANDARD"},
                           {"ServerSideEncryption", "AES256"},
                           {"ACL", "private"},
                           {"RequestPayer", "requester"},
                           {"ContentMD5", "x"},
                           {"ContentLength", 1}}))
                  .reply);
  EXPECT_EQ(call("GetObject", with(at("k"), "VersionId", "abc")).code(), "InvalidArgument");
  EXPECT_TRUE(call("GetObject", with(at("k"), "VersionId", "null")).reply);
  EXPECT_EQ(call("DeleteObject", with(at("k"), "IfMatchSize", 1)).code(), "NotImplemented");
  EXPECT_EQ(call("RenameObject", at("k")).code(), "NotImplemented");
}

TEST_P(Objects, ManyAreDeletedAtOnce) {
  make_bucket();
  Value objects = Value::list();
  for (int i = 0; i < 250; ++i) {
    const std::string key = "k" + std::to_string(i);
    ASSERT_TRUE(put(key, i % 50 == 0 ? kLarge : "x").reply);
    objects.push(members({{"Key", key}}));
  }
  ASSERT_TRUE(put("stays", "x").reply);
  objects.push(members({{"Key", "absent"}}));
  objects.push(members({{"Key", "stays"}, {"VersionId", "abc"}}));
  const auto request = [](Value list) {
    return members({{"Bucket", "bucket"}, {"Delete", members({{"Objects", std::move(list)}})}});
  };
  const Outcome done = call("DeleteObjects", request(objects));
  ASSERT_TRUE(done.reply) << done.message();
  EXPECT_EQ(done.output()["Deleted"].size(), 251u);
  ASSERT_EQ(done.output()["Errors"].size(), 1u);
  EXPECT_EQ(done.output()["Errors"].as_list()[0]["Code"].as_string(), "InvalidArgument");
  EXPECT_EQ(done.output()["Errors"].as_list()[0]["VersionId"].as_string(), "abc");
  EXPECT_EQ(rows(store::Space::Object), 1u);
  EXPECT_EQ(get("stays"), "x");
  Value quiet = request(Value::list());
  quiet.set("Delete", members({{"Objects", Value::List{members({{"Key", "stays"}})}}, {"Quiet", true}}));
  const Outcome silent = call("DeleteObjects", quiet);
  EXPECT_FALSE(silent.output().has("Deleted"));
  EXPECT_EQ(rows(store::Space::Object), 0u);
  Value many = Value::list();
  for (int i = 0; i < 1001; ++i) many.push(members({{"Key", "k"}}));
  EXPECT_EQ(call("DeleteObjects", request(many)).code(), "MalformedXML");
  EXPECT_EQ(call("DeleteObjects", request(Value::list())).code(), "MalformedXML");
  Value elsewhere = request(Value::List{members({{"Key", "k"}})});
  elsewhere.set("Bucket", "other");
  EXPECT_EQ(call("DeleteObjects", elsewhere).code(), "NoSuchBucket");
}

TEST_P(Objects, StrangersAreNotToldWhichKeysThereAre) {
  make_bucket();
  ASSERT_TRUE(put("k", "x").reply);
  anonymous_ = true;  // let through by a policy, as the gateway decides
  identity_ = {};
  identity_.account.clear();
  EXPECT_EQ(get("k"), "x");
  EXPECT_EQ(get("other"), "<AccessDenied>");
  EXPECT_EQ(call("HeadObject", at("other")).code(), "AccessDenied");
  EXPECT_EQ(call("GetObject", with(at("k"), "ResponseContentType", "text/html")).code(), "InvalidRequest");
  anonymous_ = false;
  identity_ = {};
  EXPECT_EQ(get("other"), "<NoSuchKey>");
}

// Rows as the first release wrote them: fewer fields, no id of the bucket.
TEST_P(Objects, RowsOfTheFirstReleaseAreRead) {
  blob::BlobStore blobs(root_ + "/objects");
  const std::string file = *blobs.write(kLarge);
  ASSERT_TRUE(store_->commit_and_wait([&](store::Transaction& t) -> Result<> {
    FieldWriter bucket, small, large;
    bucket.text(1, "000000000000");
    bucket.text(2, "us-east-1");
    bucket.number(4, 1'700'000'000'000);
    TRY(t.put(store::Space::Meta, bucket_key("bucket"), bucket.take()));
    small.number(1, 5);
    small.text(2, md5("small"));
    small.number(4, 1'700'000'000'123);
    small.text(5, "text/plain");
    small.text(11, "SHA256");
    small.text(12, base64_encode(sha256("small")));
    small.element(13, "camera");
    small.element(14, "X 100");
    TRY(t.put(store::Space::Object, object_key("bucket", "small"), small.take()));
    TRY(t.put(store::Space::Body, object_key("bucket", "small"), "small"));
    large.number(1, kLarge.size());
    large.text(2, md5(kLarge));
    large.text(3, file);
    large.number(4, 1'700'000'000'000);
    TRY(t.put(store::Space::Object, object_key("bucket", "large"), large.take()));
    return t.put(store::Space::Body, file_mark(file), "");
  }));
  const Outcome got = call("GetObject", with(at("small"), "ChecksumMode", "ENABLED"));
  EXPECT_EQ(got.body(), "small");
  EXPECT_EQ(got.output()["ContentType"].as_string(), "text/plain");
  EXPECT_EQ(got.output()["Metadata"]["camera"].as_string(), "X 100");
  EXPECT_EQ(got.output()["ChecksumSHA256"].as_string(), base64_encode(sha256("small")));
  EXPECT_EQ(get("large"), kLarge);
  EXPECT_EQ(call("ListObjectsV2", members({{"Bucket", "bucket"}})).output()["Contents"].size(), 2u);
  ASSERT_TRUE(
      call("PutBucketVersioning", members({{"Bucket", "bucket"}, {"VersioningConfiguration", members({{"Status", "Enabled"}})}}))
          .reply);
  ASSERT_TRUE(put("large", "new").reply);
  EXPECT_EQ(call("GetObject", with(at("large"), "VersionId", "null")).body(), kLarge);
}

TEST_P(Objects, ReadersSeeAWholeObjectWhileItIsReplaced) {
  make_bucket();
  ASSERT_TRUE(put("k", kLarge + "0").reply);
  std::atomic<bool> ending = false;
  std::atomic<int> reads = 0;
  std::thread reader([&] {
    while (!ending || reads < 20) {
      const Outcome got = call("GetObject", at("k"));
      ASSERT_TRUE(got.reply) << got.message();
      const std::string body = got.body();
      ASSERT_EQ(got.output()["ETag"].as_string(), "\"" + hex_encode(md5(body)) + "\"");
      ++reads;
    }
  });
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(put("k", i % 3 == 0 ? "small" + std::to_string(i) : kLarge + std::to_string(i)).reply);
  ending = true;
  reader.join();
}

INSTANTIATE_TEST_SUITE_P(Stores, DurableObjects, testing::Values("sqlite"), [](auto& i) { return i.param; });
INSTANTIATE_TEST_SUITE_P(Stores, Objects, testing::Values("memory", "sqlite"), [](auto& i) { return i.param; });

}  // namespace
}  // namespace gust::s3
