// SPDX-License-Identifier: Apache-2.0

// CopyObject and UploadPartCopy.

#include "services/s3/checksum.h"
#include "services/s3/copy_source.h"
#include "services/s3/test_service.h"

namespace gust::s3 {
namespace {

const std::string kLarge = std::string(kInlineBody + 1, 'L');

class Copies : public S3 {
 protected:
  void SetUp() override {
    S3::SetUp();
    make_bucket();
  }
  Outcome copy(std::string_view key, std::string_view source, Value more = Value::map()) {
    Value input = with(at(key), "CopySource", source);
    for (const auto& [name, value] : more.as_map()) input.set(name, value);
    return call("CopyObject", std::move(input));
  }
};

TEST(CopySources, AreReadAsTheyAreWritten) {
  const auto show = [](std::string_view header) {
    const auto name = parse_copy_source(header);
    return name ? name->bucket + " " + name->key + (name->version_id ? " " + *name->version_id : "") : name.error().code;
  };
  EXPECT_EQ(show("b/k"), "b k");
  EXPECT_EQ(show("/b/k/l"), "b k/l");
  EXPECT_EQ(show("b/k%20%C3%BC+x%2B"), "b k ü x+");
  EXPECT_EQ(show("b%2Fk"), "b k");
  EXPECT_EQ(show("b/k?versionId=abc"), "b k abc");
  EXPECT_EQ(show("b/k%3FversionId=abc"), "b k?versionId=abc");
  EXPECT_EQ(show("b//k"), "b /k");
  for (const char* bad : {"", "/", "b", "b/", "//k", "b/%zz", "b/%ff", "?versionId=x"})
    EXPECT_EQ(show(bad), "InvalidArgument") << bad;
  EXPECT_EQ(show("arn:aws:s3:us-east-1:000000000000:accesspoint/p/object/k"), "NotImplemented");
}

TEST_P(Copies, TakeBytesHeadersAndTagsAlong) {
  clock_.advance_us(5'000'000);
  for (const std::string& body : {std::string(), std::string("small"), kLarge}) {
    ASSERT_TRUE(put("from", body,
                    members({{"ContentType", "text/x"},
                             {"Metadata", members({{"a", "b"}})},
                             {"Tagging", "t=1"},
                             {"StorageClass", "ONEZONE_IA"}}))
                    .reply);
    const Outcome made = copy("to", "/bucket/from");
    ASSERT_TRUE(made.reply) << made.message();
    const Value& result = made.output()["CopyObjectResult"];
    EXPECT_EQ(result["ETag"].as_string(), "\"" + hex_encode(md5(body)) + "\"");
    EXPECT_TRUE(result["LastModified"].is_timestamp());
    EXPECT_EQ(result["ChecksumCRC64NVME"].as_string().size(), 12u);
    EXPECT_EQ(made.output()["ServerSideEncryption"].as_string(), "AES256");
    EXPECT_FALSE(made.output().has("CopySourceVersionId"));
    const Outcome got = call("GetObject", at("to"));
    EXPECT_EQ(got.body(), body);
    EXPECT_EQ(got.output()["ContentType"].as_string(), "text/x");
    EXPECT_EQ(got.output()["Metadata"]["a"].as_string(), "b");
    EXPECT_EQ(got.output()["TagCount"].as_int(), 1);
    EXPECT_FALSE(got.output().has("StorageClass"));  // which is the request's
    ASSERT_TRUE(call("DeleteObject", at("from")).reply);
    settle();
    EXPECT_EQ(get("to"), body);
    EXPECT_EQ(body_files(), body.size() > kInlineBody ? 1u : 0u);
  }
}

TEST_P(Copies, DirectivesReplaceWhatTheyName) {
  ASSERT_TRUE(
      put("from", "x", members({{"ContentType", "text/x"}, {"Metadata", members({{"a", "b"}})}, {"Tagging", "t=1"}})).reply);
  ASSERT_TRUE(copy("to", "bucket/from",
                   members({{"MetadataDirective", "REPLACE"},
                            {"ContentType", "text/y"},
                            {"TaggingDirective", "REPLACE"},
                            {"Tagging", "u=2&v=3"},
                            {"StorageClass", "GLACIER"},
                            {"WebsiteRedirectLocation", "/r"}}))
                  .reply);
  const Value got = call("HeadObject", at("to")).output();
  EXPECT_EQ(got["ContentType"].as_string(), "text/y");
  EXPECT_FALSE(got.has("Metadata"));
  EXPECT_EQ(got["TagCount"].as_int(), 2);
  EXPECT_EQ(got["StorageClass"].as_string(), "GLACIER");
  EXPECT_EQ(got["WebsiteRedirectLocation"].as_string(), "/r");
  // Without the directive what the request says of them does not count.
  ASSERT_TRUE(copy("to", "bucket/from", members({{"ContentType", "text/y"}, {"Tagging", "u=2&v=3"}})).reply);
  EXPECT_EQ(call("HeadObject", at("to")).output()["ContentType"].as_string(), "text/x");
  EXPECT_EQ(copy("to", "bucket/from", members({{"MetadataDirective", "KEEP"}})).message(), "Unknown metadata directive.");
  EXPECT_EQ(copy("to", "bucket/from", members({{"TaggingDirective", "KEEP"}})).message(), "Unknown tagging directive.");
}

TEST_P(Copies, OntoItselfMustChangeSomething) {
  ASSERT_TRUE(put("k", kLarge).reply);
  const Outcome same = copy("k", "bucket/k");
  EXPECT_EQ(same.code(), "InvalidRequest");
  EXPECT_TRUE(same.message().starts_with("This copy request is illegal because it is trying to copy an object to itself"));
  ASSERT_TRUE(copy("k", "bucket/k", members({{"MetadataDirective", "REPLACE"}, {"Metadata", members({{"n", "1"}})}})).reply);
  EXPECT_EQ(get("k"), kLarge);
  EXPECT_EQ(call("HeadObject", at("k")).output()["Metadata"]["n"].as_string(), "1");
  ASSERT_TRUE(copy("k", "bucket/k", members({{"StorageClass", "STANDARD_IA"}})).reply);
  EXPECT_EQ(call("HeadObject", at("k")).output()["Metadata"]["n"].as_string(), "1");
  settle();
  EXPECT_EQ(body_files(), 1u);
}

TEST_P(Copies, ConditionsOfTheSourceAndOfTheTarget) {
  ASSERT_TRUE(put("from", "x").reply);
  const std::string tag = "\"" + hex_encode(md5("x")) + "\"";
  const int64_t now = clock_.unix_ms() / 1000 * 1000;
  const auto code = [&](Value more) {
    const Outcome made = copy("to", "bucket/from", std::move(more));
    return made.error ? made.code() + " " + std::string(made.error->members["Condition"].as_string()) : "fine";
  };
  EXPECT_EQ(code(members({{"CopySourceIfMatch", tag}})), "fine");
  EXPECT_EQ(code(members({{"CopySourceIfMatch", "\"y\""}})), "PreconditionFailed x-amz-copy-source-If-Match");
  EXPECT_EQ(code(members({{"CopySourceIfNoneMatch", tag}})), "PreconditionFailed x-amz-copy-source-If-None-Match");
  EXPECT_EQ(code(members({{"CopySourceIfModifiedSince", Timestamp{now}}})),
            "PreconditionFailed x-amz-copy-source-If-Modified-Since");
  EXPECT_EQ(code(members({{"CopySourceIfUnmodifiedSince", Timestamp{now - 1000}}})),
            "PreconditionFailed x-amz-copy-source-If-Unmodified-Since");
  EXPECT_EQ(code(members({{"CopySourceIfMatch", tag}, {"CopySourceIfUnmodifiedSince", Timestamp{now - 1000}}})), "fine");
  EXPECT_EQ(code(members({{"IfNoneMatch", "*"}})), "PreconditionFailed If-None-Match");
}

TEST_P(Copies, WhatIsMissingIsNamed) {
  ASSERT_TRUE(put("from", "x").reply);
  EXPECT_EQ(copy("to", "bucket/none").error->members["Key"].as_string(), "none");
  EXPECT_EQ(copy("to", "other/from").error->members["BucketName"].as_string(), "other");
  Value elsewhere = members({{"Bucket", "other"}, {"Key", "k"}, {"CopySource", "bucket/from"}});
  EXPECT_EQ(call("CopyObject", elsewhere).code(), "NoSuchBucket");
  EXPECT_EQ(copy("to", "nonsense").message(), "Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
  EXPECT_EQ(copy("to", "bucket/from", members({{"ExpectedSourceBucketOwner", "111111111111"}})).code(), "AccessDenied");
  EXPECT_EQ(copy("to", "bucket/from", members({{"ChecksumAlgorithm", "MD5"}})).code(), "InvalidRequest");
}

TEST_P(Copies, OfVersionsAndTheirMarkers) {
  ASSERT_TRUE(
      call("PutBucketVersioning", members({{"Bucket", "bucket"}, {"VersioningConfiguration", members({{"Status", "Enabled"}})}}))
          .reply);
  const std::string old(put("k", "old").output()["VersionId"].as_string());
  ASSERT_TRUE(put("k", "new").reply);
  const Outcome restored = copy("k", "bucket/k?versionId=" + old);
  ASSERT_TRUE(restored.reply) << restored.message();
  EXPECT_EQ(restored.output()["CopySourceVersionId"].as_string(), old);
  EXPECT_EQ(restored.output()["VersionId"].as_string().size(), 32u);
  EXPECT_EQ(get("k"), "old");
  const std::string marker(call("DeleteObject", at("k")).output()["VersionId"].as_string());
  EXPECT_EQ(copy("to", "bucket/k").code(), "NoSuchKey");
  EXPECT_EQ(copy("to", "bucket/k?versionId=" + marker).message(),
            "The source of a copy request may not specifically refer to a delete marker by version id.");
}

TEST_P(Copies, ChecksumsAreOfTheWholeAndOfTheAskedAlgorithm) {
  Checksum sha1("SHA1");
  sha1.update(kLarge);
  ASSERT_TRUE(put("from", kLarge, members({{"ChecksumSHA256", base64_encode(sha256(kLarge))}})).reply);
  EXPECT_EQ(copy("to", "bucket/from").output()["CopyObjectResult"]["ChecksumSHA256"].as_string(), base64_encode(sha256(kLarge)));
  EXPECT_EQ(copy("to", "bucket/from", members({{"ChecksumAlgorithm", "SHA1"}}))
                .output()["CopyObjectResult"]["ChecksumSHA1"]
                .as_string(),
            base64_encode(sha1.finish()));
}

TEST_P(Copies, PartsAreCopiedFromRangesOfAnyObject) {
  const std::string big(kMinPart + 10, 'b');
  std::string source = big + "0123456789";
  ASSERT_TRUE(put("from", source).reply);
  ASSERT_TRUE(put("small", "abcdef").reply);
  Value upload = at("k");
  const std::string id(call("CreateMultipartUpload", upload).output()["UploadId"].as_string());
  const auto copy_part = [&](int number, const char* from, const char* range) {
    Value input = with(with(with(at("k"), "UploadId", id), "PartNumber", number), "CopySource", from);
    if (range) input.set("CopySourceRange", range);
    return call("UploadPartCopy", std::move(input));
  };
  const Outcome one = copy_part(1, "bucket/from", nullptr), two = copy_part(2, "bucket/small", "bytes=1-3");
  ASSERT_TRUE(one.reply) << one.message();
  ASSERT_TRUE(two.reply) << two.message();
  EXPECT_EQ(two.output()["CopyPartResult"]["ETag"].as_string(), "\"" + hex_encode(md5("bcd")) + "\"");
  EXPECT_EQ(copy_part(3, "bucket/small", "bytes=1-6").message(), "Range specified is not valid for source object of size: 6");
  for (const char* bad : {"bytes=1-", "bytes=-1", "1-2", "bytes=3-1", "bytes=a-b"})
    EXPECT_EQ(copy_part(3, "bucket/small", bad).code(), "InvalidArgument") << bad;
  EXPECT_EQ(copy_part(0, "bucket/small", nullptr).code(), "InvalidArgument");
  EXPECT_EQ(copy_part(3, "bucket/none", nullptr).code(), "NoSuchKey");
  Value parts = Value::List{members({{"PartNumber", 1}, {"ETag", one.output()["CopyPartResult"]["ETag"]}}),
                            members({{"PartNumber", 2}, {"ETag", two.output()["CopyPartResult"]["ETag"]}})};
  Value input = with(with(at("k"), "UploadId", id), "MultipartUpload", members({{"Parts", parts}}));
  ASSERT_TRUE(call("CompleteMultipartUpload", input).reply);
  EXPECT_EQ(get("k"), source + "bcd");
  // An object in parts is copied into one piece.
  const Outcome flat = copy("flat", "bucket/k");
  EXPECT_EQ(flat.output()["CopyObjectResult"]["ETag"].as_string(), "\"" + hex_encode(md5(source + "bcd")) + "\"");
  EXPECT_EQ(get("flat"), source + "bcd");
  settle();
  EXPECT_EQ(body_files(), 4u);
  const auto names = *files::list(root_ + "/objects");
  for (const std::string& name : names) EXPECT_EQ(name.size(), 2u) << name;  // no temporary file stays
}

TEST_P(Copies, AreToldAsCopies) {
  policy_.allow(kFunction);
  ASSERT_TRUE(call("PutBucketNotificationConfiguration", configure({destination("c", {"s3:ObjectCreated:Copy"})})).reply);
  ASSERT_TRUE(put("from", "x").reply);
  EXPECT_TRUE(events_.take().empty());
  ASSERT_TRUE(copy("to", "bucket/from").reply);
  const auto events = events_.take();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_NE(events[0].payload.find("ObjectCreated:Copy"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Stores, Copies, testing::Values("memory", "sqlite"), [](auto& i) { return i.param; });

}  // namespace
}  // namespace gust::s3
