// SPDX-License-Identifier: Apache-2.0

// Uploads in parts: what they make, what is refused, what is left behind; and the checksums of wholes made of parts.

#include "services/s3/checksum.h"
#include "services/s3/manifest.h"
#include "services/s3/test_service.h"

namespace gust::s3 {
namespace {

const std::string kBig = std::string(kMinPart, 'B');  // the least that a part in front may have

std::string checksum(std::string_view algorithm, std::string_view bytes) {
  Checksum c(algorithm);
  c.update(bytes);
  return c.finish();
}

TEST(Checksums, AreTheOnesOfThePublishedCheckValues) {
  // The check values of the catalogue of CRC algorithms, over "123456789"; FIPS 180-4's for "abc".
  EXPECT_EQ(hex_encode(checksum("CRC32", "123456789")), "cbf43926");
  EXPECT_EQ(hex_encode(checksum("CRC32C", "123456789")), "e3069283");
  EXPECT_EQ(hex_encode(checksum("CRC64NVME", "123456789")), "ae8b14860a799888");
  EXPECT_EQ(hex_encode(checksum("SHA1", "abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex_encode(checksum("SHA256", "abc")), hex_encode(sha256("abc")));
}

TEST(Checksums, OfPartsMakeThatOfTheWhole) {
  const std::string bytes = random_bytes(100'000);
  for (const std::string_view algorithm : {"CRC32", "CRC32C", "CRC64NVME"}) {
    for (const size_t step : {size_t{1}, size_t{7'777}, size_t{33'333}, size_t{100'000}, size_t{200'000}}) {
      const std::string some = bytes.substr(0, std::min<size_t>(bytes.size(), step * 50));
      CrcOfParts whole(algorithm);
      for (size_t at = 0; at < some.size(); at += step) {
        const std::string part = some.substr(at, step);
        whole.add(checksum(algorithm, part), part.size());
        whole.add(checksum(algorithm, ""), 0);
      }
      EXPECT_EQ(whole.finish(), checksum(algorithm, some)) << algorithm << " " << step;
    }
  }
}

TEST(Manifests, AreReadAsTheyWereWritten) {
  std::string manifest;
  const std::string id(32, 'a'), other(32, '7');
  append(manifest, {id, 5, ""});
  append(manifest, {other, uint64_t{5} << 30, std::string(32, 'c')});
  ManifestReader in(manifest);
  ASSERT_TRUE(in.next());
  EXPECT_EQ(in.file(), id);
  EXPECT_EQ(in.size(), 5u);
  EXPECT_EQ(in.checksum(), "");
  ASSERT_TRUE(in.next());
  EXPECT_EQ(in.file(), other);
  EXPECT_EQ(in.size(), uint64_t{5} << 30);
  EXPECT_EQ(in.checksum().size(), 32u);
  EXPECT_FALSE(in.next());
  EXPECT_FALSE(in.failed());
  for (size_t cut = 1; cut < manifest.size(); ++cut) {
    EXPECT_EQ(files_of(std::string_view(manifest).substr(0, cut)).has_value(), cut == 25) << cut;  // the first part is whole
  }
}

class Multipart : public S3 {
 protected:
  void SetUp() override {
    S3::SetUp();
    make_bucket();
  }
  std::string begin_upload(std::string_view key, Value more = Value::map()) {
    Value input = at(key);
    for (const auto& [name, value] : more.as_map()) input.set(name, value);
    const Outcome made = call("CreateMultipartUpload", std::move(input));
    EXPECT_TRUE(made.reply) << made.message();
    return made.reply ? std::string(made.output()["UploadId"].as_string()) : std::string();
  }
  static Value of(std::string_view key, std::string_view id) { return with(at(key), "UploadId", id); }
  Outcome part(std::string_view key, std::string_view id, int number, std::string bytes, Value more = Value::map()) {
    Value input = with(of(key, id), "PartNumber", number);
    for (const auto& [name, value] : more.as_map()) input.set(name, value);
    return call("UploadPart", std::move(input), bytes.size() > kInlineBody ? spooled(bytes) : inline_body(std::move(bytes)));
  }
  static Value listed(int number, std::string_view bytes) {
    return members({{"PartNumber", number}, {"ETag", "\"" + hex_encode(md5(bytes)) + "\""}});
  }
  Outcome complete(std::string_view key, std::string_view id, std::vector<Value> parts, Value more = Value::map()) {
    Value input = with(of(key, id), "MultipartUpload", members({{"Parts", Value::List(std::move(parts))}}));
    for (const auto& [name, value] : more.as_map()) input.set(name, value);
    return call("CompleteMultipartUpload", std::move(input));
  }
};

using DurableMultipart = Multipart;  // on a store that does not copy itself for every view

TEST_P(Multipart, ThePartsAreTheObject) {
  const std::string id =
      begin_upload("k", members({{"ContentType", "text/plain"}, {"Metadata", members({{"a", "b"}})}, {"Tagging", "t=1"}}));
  const std::string two = std::string(100, '2');
  EXPECT_EQ(part("k", id, 1, kBig).output()["ETag"].as_string(), "\"" + hex_encode(md5(kBig)) + "\"");
  ASSERT_TRUE(part("k", id, 2, two).reply);
  EXPECT_EQ(get("k"), "<NoSuchKey>");
  const Outcome made =
      complete("k", id, {listed(1, kBig), listed(2, two)}, members({{"MpuObjectSize", static_cast<long>(kBig.size() + 100)}}));
  ASSERT_TRUE(made.reply) << made.message();
  const std::string etag = "\"" + hex_encode(md5(md5(kBig) + md5(two))) + "-2\"";
  EXPECT_EQ(made.output()["ETag"].as_string(), etag);
  EXPECT_EQ(made.output()["ServerSideEncryption"].as_string(), "AES256");
  EXPECT_EQ(made.output()["ChecksumCRC64NVME"].as_string(), base64_encode(checksum("CRC64NVME", kBig + two)));
  EXPECT_EQ(made.output()["ChecksumType"].as_string(), "FULL_OBJECT");
  EXPECT_EQ(get("k"), kBig + two);
  if (GetParam() != "memory") restart();
  const Outcome got = call("GetObject", with(at("k"), "ChecksumMode", "ENABLED"));
  EXPECT_EQ(got.body(), kBig + two);
  EXPECT_EQ(got.output()["ETag"].as_string(), etag);
  EXPECT_EQ(got.output()["ContentType"].as_string(), "text/plain");
  EXPECT_EQ(got.output()["Metadata"]["a"].as_string(), "b");
  EXPECT_EQ(got.output()["TagCount"].as_int(), 1);
  EXPECT_EQ(got.output()["ChecksumCRC64NVME"], made.output()["ChecksumCRC64NVME"]);
  EXPECT_EQ(call("GetObject", with(at("k"), "IfNoneMatch", etag)).code(), "NotModified");
  EXPECT_EQ(body_files(), 2u);
  // Asked again, because the answer was lost.
  const Outcome again = complete("k", id, {listed(1, kBig), listed(2, two)});
  ASSERT_TRUE(again.reply) << again.message();
  EXPECT_EQ(again.output()["ETag"].as_string(), etag);
  EXPECT_EQ(call("ListParts", of("k", id)).code(), "NoSuchUpload");
  ASSERT_TRUE(put("k", "x").reply);
  EXPECT_EQ(complete("k", id, {listed(1, kBig)}).code(), "NoSuchUpload");
  settle();
  EXPECT_EQ(body_files(), 0u);
  EXPECT_EQ(rows(store::Space::Body), 1u);
  EXPECT_EQ(rows(store::Space::Garbage), 0u);
}

TEST_P(Multipart, RangesAndPartsAreServedAcrossFiles) {
  const std::string id = begin_upload("k");
  const std::string two = kBig.substr(0, kMinPart - 3) + "abcdef", three = "the end";
  for (const auto& [number, bytes] : {std::pair(1, kBig), std::pair(5, two), std::pair(9, three)})
    ASSERT_TRUE(part("k", id, number, bytes).reply);
  ASSERT_TRUE(complete("k", id, {listed(1, kBig), listed(5, two), listed(9, three)}).reply);
  const std::string whole = kBig + two + three;
  const auto range = [&](const std::string& text) { return call("GetObject", with(at("k"), "Range", text)); };
  EXPECT_EQ(range("bytes=0-0").body(), "B");
  EXPECT_EQ(range("bytes=-10").body(), "def" + three);
  const std::string first = std::to_string(kMinPart - 2);
  EXPECT_EQ(range("bytes=" + first + "-" + std::to_string(whole.size() - 1)).body(), whole.substr(kMinPart - 2));
  EXPECT_EQ(range("bytes=" + std::to_string(kMinPart) + "-" + std::to_string(kMinPart)).body(), "B");
  EXPECT_EQ(range("bytes=" + std::to_string(whole.size()) + "-").code(), "InvalidRange");
  const auto numbered = [&](const char* operation, int n) {
    return call(operation, with(with(at("k"), "PartNumber", n), "ChecksumMode", "ENABLED"));
  };
  const Outcome last = numbered("GetObject", 3);
  EXPECT_EQ(last.body(), three);
  EXPECT_EQ(last.reply->status, 206);
  EXPECT_EQ(last.output()["PartsCount"].as_int(), 3);
  EXPECT_EQ(last.output()["ChecksumCRC64NVME"].as_string(), base64_encode(checksum("CRC64NVME", three)));
  EXPECT_EQ(last.output()["ContentRange"].as_string(), "bytes " + std::to_string(kBig.size() + two.size()) + "-" +
                                                           std::to_string(whole.size() - 1) + "/" + std::to_string(whole.size()));
  EXPECT_EQ(*numbered("HeadObject", 2).reply->head_length, two.size());
  const Outcome beyond = numbered("GetObject", 4);
  EXPECT_EQ(beyond.code(), "InvalidPartNumber");
  EXPECT_EQ(beyond.error->status, 416);
  EXPECT_EQ(beyond.error->members["ActualPartCount"].as_int(), 3);
  EXPECT_EQ(call("GetObject", with(with(at("k"), "PartNumber", 1), "Range", "bytes=0-0")).code(), "InvalidRequest");
  ASSERT_TRUE(put("plain", "abc").reply);
  const Outcome whole_plain = call("GetObject", with(at("plain"), "PartNumber", 1));
  EXPECT_EQ(whole_plain.body(), "abc");
  EXPECT_EQ(whole_plain.reply->status, 206);
  EXPECT_FALSE(whole_plain.output().has("PartsCount"));
  EXPECT_EQ(call("GetObject", with(at("plain"), "PartNumber", 2)).code(), "InvalidPartNumber");
}

TEST_P(Multipart, BadCompletionsAreRefusedAndChangeNothing) {
  const std::string id = begin_upload("k");
  ASSERT_TRUE(part("k", id, 1, "small").reply);
  ASSERT_TRUE(part("k", id, 2, "end").reply);
  EXPECT_EQ(complete("k", id, {}).message(), "You must specify at least one part");
  EXPECT_EQ(complete("k", id, {listed(2, "end"), listed(1, "small")}).code(), "InvalidPartOrder");
  EXPECT_EQ(complete("k", id, {listed(1, "small"), listed(1, "small")}).code(), "InvalidPartOrder");
  const Outcome wrong = complete("k", id, {listed(1, "other")});
  EXPECT_EQ(wrong.code(), "InvalidPart");
  EXPECT_EQ(wrong.error->members["PartNumber"].as_int(), 1);
  EXPECT_EQ(wrong.error->members["UploadId"].as_string(), id);
  EXPECT_EQ(complete("k", id, {listed(3, "absent")}).code(), "InvalidPart");
  EXPECT_EQ(complete("k", id, {listed(1, "small"), listed(3, "absent")}).code(), "EntityTooSmall");
  const Outcome small = complete("k", id, {listed(1, "small"), listed(2, "end")});
  EXPECT_EQ(small.code(), "EntityTooSmall");
  EXPECT_EQ(small.error->members["MinSizeAllowed"].as_int(), 5242880);
  EXPECT_EQ(small.error->members["ProposedSize"].as_int(), 5);
  EXPECT_EQ(complete("k", id, {listed(2, "end")}, members({{"MpuObjectSize", 4}})).code(), "InvalidRequest");
  EXPECT_EQ(complete("k", id, {listed(2, "end")}, members({{"ChecksumCRC64NVME", "AAAAAAAAAAA="}})).code(), "BadDigest");
  EXPECT_EQ(complete("k", id, {listed(2, "end")}, members({{"ChecksumType", "COMPOSITE"}})).code(), "InvalidRequest");
  EXPECT_EQ(complete("k", "nonsense", {listed(2, "end")}).code(), "NoSuchUpload");
  EXPECT_EQ(complete("other", id, {listed(2, "end")}).code(), "NoSuchUpload");
  ASSERT_TRUE(put("k", "there").reply);
  EXPECT_EQ(complete("k", id, {listed(2, "end")}, members({{"IfNoneMatch", "*"}})).code(), "PreconditionFailed");
  EXPECT_EQ(get("k"), "there");
  EXPECT_EQ(call("ListParts", of("k", id)).output()["Parts"].size(), 2u);
  ASSERT_TRUE(complete("k", id, {listed(2, "end")}).reply);  // the control, and part 1 is let go
  EXPECT_EQ(get("k"), "end");
  settle();
  EXPECT_EQ(body_files(), 1u);
}

TEST_P(Multipart, PartsCanBeSentAgainAndUploadsAborted) {
  const std::string id = begin_upload("k");
  ASSERT_TRUE(part("k", id, 1, "one").reply);
  ASSERT_TRUE(part("k", id, 1, "better").reply);
  ASSERT_TRUE(part("k", id, 7, std::string(kInlineBody + 1, '7')).reply);
  settle();
  EXPECT_EQ(body_files(), 2u);
  ASSERT_TRUE(call("AbortMultipartUpload", of("k", id)).reply);
  EXPECT_EQ(call("AbortMultipartUpload", of("k", id)).code(), "NoSuchUpload");
  EXPECT_EQ(part("k", id, 1, "late").code(), "NoSuchUpload");
  EXPECT_EQ(part("k", id, 1, std::string(kInlineBody + 1, '7')).code(), "NoSuchUpload");
  settle();
  EXPECT_EQ(body_files(), 0u);
  EXPECT_EQ(rows(store::Space::Object), 0u);
  EXPECT_EQ(rows(store::Space::Body), 0u);
  EXPECT_EQ(rows(store::Space::Garbage), 0u);
  EXPECT_TRUE(files::list(root_ + "/spool")->empty());
  const std::string other = begin_upload("k");
  for (const int number : {0, -1, 10'001}) EXPECT_EQ(part("k", other, number, "x").code(), "InvalidArgument") << number;
  EXPECT_TRUE(part("k", other, 10'000, "x").reply);
}

TEST_P(Multipart, EmptyObjectsCanBeUploadedInAPart) {
  const std::string id = begin_upload("k");
  ASSERT_TRUE(part("k", id, 1, "").reply);
  ASSERT_TRUE(complete("k", id, {listed(1, "")}).reply);
  EXPECT_EQ(get("k"), "");
  EXPECT_EQ(call("HeadObject", at("k")).reply->head_length, 0u);
}

TEST_P(Multipart, ChecksumsOfPartsAndOfTheWhole) {
  const std::string end = "end";
  for (const std::string algorithm : {"CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"}) {
    const std::string member = "Checksum" + algorithm;
    const bool composite = algorithm != "CRC64NVME";
    const std::string id = begin_upload(algorithm, members({{"ChecksumAlgorithm", algorithm}}));
    const std::string one = base64_encode(checksum(algorithm, kBig)), two = base64_encode(checksum(algorithm, end));
    const auto given = [&](const std::string& value) { return members({{member.c_str(), value}}); };
    EXPECT_EQ(part(algorithm, id, 1, kBig, given(one)).output()[member].as_string(), one);
    EXPECT_EQ(part(algorithm, id, 2, end).code(), composite ? "InvalidRequest" : "none");
    EXPECT_EQ(part(algorithm, id, 2, end, members({{algorithm == "SHA1" ? "ChecksumSHA256" : "ChecksumSHA1", "x"}})).code(),
              "InvalidRequest");
    ASSERT_TRUE(part(algorithm, id, 2, end, given(two)).reply);
    const Outcome parts = call("ListParts", of(algorithm, id));
    EXPECT_EQ(parts.output()["ChecksumAlgorithm"].as_string(), algorithm);
    EXPECT_EQ(parts.output()["Parts"].as_list()[1][member].as_string(), two);
    const std::vector<Value> with_checksums = {with(listed(1, kBig), member, one), with(listed(2, end), member, two)};
    if (composite) {
      EXPECT_EQ(complete(algorithm, id, {listed(1, kBig), listed(2, end)}).code(), "InvalidRequest");
    }
    EXPECT_EQ(complete(algorithm, id, {with(listed(1, kBig), member, two), with(listed(2, end), member, two)}).code(),
              "InvalidPart");
    const Outcome made = complete(algorithm, id, with_checksums);
    ASSERT_TRUE(made.reply) << made.message();
    const std::string expected =
        composite ? base64_encode(checksum(algorithm, checksum(algorithm, kBig) + checksum(algorithm, end))) + "-2"
                  : base64_encode(checksum(algorithm, kBig + end));
    EXPECT_EQ(made.output()[member].as_string(), expected);
    EXPECT_EQ(made.output()["ChecksumType"].as_string(), composite ? "COMPOSITE" : "FULL_OBJECT");
    const Outcome shown = call("GetObjectAttributes", with(at(algorithm), "ObjectAttributes",
                                                           Value::List{"ObjectParts", "Checksum", "ETag,ObjectSize"}));
    ASSERT_TRUE(shown.reply) << shown.message();
    EXPECT_EQ(shown.output()["ObjectParts"]["TotalPartsCount"].as_int(), 2);
    EXPECT_EQ(shown.output()["ObjectParts"]["Parts"].size(), composite ? 2u : 0u);
    EXPECT_EQ(shown.output()["Checksum"][member].as_string(), expected);
    EXPECT_FALSE(shown.output().has("StorageClass"));
    EXPECT_EQ(shown.output()["ETag"].as_string(), hex_encode(md5(md5(kBig) + md5(end))) + "-2");
  }
  const std::string id = begin_upload("whole", members({{"ChecksumAlgorithm", "CRC32"}, {"ChecksumType", "FULL_OBJECT"}}));
  ASSERT_TRUE(part("whole", id, 1, kBig).reply);
  ASSERT_TRUE(part("whole", id, 3, end).reply);
  EXPECT_EQ(complete("whole", id, {listed(1, kBig), listed(3, end)},
                     members({{"ChecksumCRC32", base64_encode(checksum("CRC32", kBig + end))}}))
                .code(),
            "none");
  const auto refused = [&](Value more) {
    more.set("Bucket", "bucket");
    more.set("Key", "k");
    return call("CreateMultipartUpload", std::move(more)).message();
  };
  EXPECT_EQ(refused(members({{"ChecksumAlgorithm", "SHA1"}, {"ChecksumType", "FULL_OBJECT"}})),
            "The FULL_OBJECT checksum type cannot be used with the sha1 checksum algorithm.");
  EXPECT_EQ(refused(members({{"ChecksumAlgorithm", "CRC64NVME"}, {"ChecksumType", "COMPOSITE"}})),
            "The COMPOSITE checksum type cannot be used with the crc64nvme checksum algorithm.");
  EXPECT_EQ(refused(members({{"ChecksumType", "COMPOSITE"}})),
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.");
}

TEST_P(Multipart, CompositeChecksumsWantConsecutiveParts) {
  const std::string id = begin_upload("k", members({{"ChecksumAlgorithm", "SHA256"}}));
  const std::string sum = base64_encode(sha256("x"));
  ASSERT_TRUE(part("k", id, 2, "x", members({{"ChecksumSHA256", sum}})).reply);
  EXPECT_EQ(complete("k", id, {with(listed(2, "x"), "ChecksumSHA256", sum)}).code(), "InvalidPartOrder");
  ASSERT_TRUE(part("k", id, 1, "x", members({{"ChecksumSHA256", sum}})).reply);
  EXPECT_TRUE(complete("k", id, {with(listed(1, "x"), "ChecksumSHA256", sum)}).reply);  // control
}

TEST_P(Multipart, UploadsAndPartsAreListedInPages) {
  std::vector<std::string> ids;
  for (const char* key : {"a", "a", "b/1", "b/2", "c"}) {
    clock_.advance_us(1'000'000);
    ids.push_back(begin_upload(key, members({{"StorageClass", "STANDARD_IA"}})));
  }
  const auto show = [](const Value& page) {
    std::string out;
    for (const Value& u : page["Uploads"].as_list()) out += std::string(u["Key"].as_string()) + " ";
    for (const Value& p : page["CommonPrefixes"].as_list()) out += "[" + std::string(p["Prefix"].as_string()) + "] ";
    return out;
  };
  const auto list = [&](Value input) {
    return call("ListMultipartUploads", with(std::move(input), "Bucket", "bucket")).output();
  };
  const Value all = list(Value::map());
  EXPECT_EQ(show(all), "a a b/1 b/2 c ");
  EXPECT_EQ(all["Uploads"].as_list()[0]["UploadId"].as_string(), ids[0]);  // the older one first
  EXPECT_EQ(all["Uploads"].as_list()[0]["StorageClass"].as_string(), "STANDARD_IA");
  EXPECT_EQ(show(list(members({{"Prefix", "b/"}}))), "b/1 b/2 ");
  EXPECT_EQ(show(list(members({{"Delimiter", "/"}}))), "a a c [b/] ");
  EXPECT_EQ(show(list(members({{"KeyMarker", "a"}}))), "b/1 b/2 c ");
  EXPECT_EQ(show(list(members({{"KeyMarker", "a"}, {"UploadIdMarker", ids[0]}}))), "a b/1 b/2 c ");
  for (const char* delimiter : {"", "/"}) {
    std::string paged;
    Value input = members({{"MaxUploads", 1}, {"Delimiter", delimiter}});
    for (int i = 0; i < 10; ++i) {
      const Value page = list(input);
      paged += show(page);
      if (!page["IsTruncated"].as_bool()) break;
      input.set("KeyMarker", page["NextKeyMarker"]);
      input.set("UploadIdMarker", page["NextUploadIdMarker"]);
    }
    EXPECT_EQ(paged, *delimiter ? "a a [b/] c " : "a a b/1 b/2 c ");
  }
  for (const int number : {3, 1, 2}) ASSERT_TRUE(part("a", ids[0], number, std::string(static_cast<size_t>(number), 'x')).reply);
  const Outcome first = call("ListParts", with(of("a", ids[0]), "MaxParts", 2));
  EXPECT_TRUE(first.output()["IsTruncated"].as_bool());
  EXPECT_EQ(first.output()["NextPartNumberMarker"].as_int(), 2);
  EXPECT_EQ(first.output()["Parts"].as_list()[1]["Size"].as_int(), 2);
  const Outcome rest = call("ListParts", with(with(of("a", ids[0]), "MaxParts", 2), "PartNumberMarker", 2));
  EXPECT_EQ(rest.output()["Parts"].as_list()[0]["PartNumber"].as_int(), 3);
  EXPECT_FALSE(rest.output()["IsTruncated"].as_bool());
  EXPECT_EQ(call("ListParts", of("a", "nonsense")).code(), "NoSuchUpload");
}

TEST_P(Multipart, ABucketIsDeletedWithItsUnfinishedUploads) {
  const std::string id = begin_upload("k");
  ASSERT_TRUE(part("k", id, 1, "x").reply);
  ASSERT_TRUE(part("k", id, 2, "y").reply);
  ASSERT_TRUE(call("DeleteBucket", members({{"Bucket", "bucket"}})).reply);
  make_bucket();
  EXPECT_FALSE(call("ListMultipartUploads", members({{"Bucket", "bucket"}})).output().has("Uploads"));
  EXPECT_EQ(part("k", id, 3, "z").code(), "NoSuchUpload");
  settle();
  EXPECT_EQ(body_files(), 0u);
  EXPECT_EQ(rows(store::Space::Object), 0u);
  EXPECT_EQ(rows(store::Space::Body), 0u);
  EXPECT_EQ(rows(store::Space::Garbage), 0u);
}

TEST_P(Multipart, VersionsOfUploadsAreKeptApart) {
  ASSERT_TRUE(
      call("PutBucketVersioning", members({{"Bucket", "bucket"}, {"VersioningConfiguration", members({{"Status", "Enabled"}})}}))
          .reply);
  std::vector<std::string> versions;
  for (const char* bytes : {"one", "two"}) {
    const std::string id = begin_upload("k");
    ASSERT_TRUE(part("k", id, 1, bytes).reply);
    const Outcome made = complete("k", id, {listed(1, bytes)});
    versions.emplace_back(made.output()["VersionId"].as_string());
    EXPECT_EQ(complete("k", id, {listed(1, bytes)}).output()["VersionId"].as_string(), versions.back());
  }
  EXPECT_EQ(get("k"), "two");
  EXPECT_EQ(call("GetObject", with(at("k"), "VersionId", versions[0])).body(), "one");
  ASSERT_TRUE(call("DeleteObject", with(at("k"), "VersionId", versions[1])).reply);
  EXPECT_EQ(get("k"), "one");
  settle();
  EXPECT_EQ(body_files(), 1u);
}

TEST_P(DurableMultipart, TenThousandParts) {
  const std::string id = begin_upload("k", members({{"ChecksumAlgorithm", "SHA256"}}));
  // As ten thousand UploadParts leave it, without their syncs.
  const auto bucket = *read_bucket(**store_->read(), "bucket");
  blob::BlobStore blobs(root_ + "/objects",
                        {[](int, const std::string&) { return Result<>(); }, [](const std::string&) { return Result<>(); }});
  std::string md5s, checksums;
  std::vector<Value> wanted;
  for (int from = 1; from <= 10'000; from += 1000) {
    ASSERT_TRUE(store_->commit_and_wait([&](store::Transaction& t) -> Result<> {
      for (int n = from; n < from + 1000; ++n) {
        const std::string bytes = "part " + std::to_string(n);
        Part p{kMinPart, md5(bytes), TRY(blobs.write(bytes)), sha256(bytes), 0};
        wanted.push_back(with(listed(n, bytes), "ChecksumSHA256", base64_encode(p.checksum)));
        md5s += p.md5;
        TRY(t.put(store::Space::Body, file_mark(p.file), ""));
        TRY(t.put(store::Space::Object, part_row(*bucket, id, static_cast<uint64_t>(n)), encode(p)));
      }
      return {};
    }));
  }
  const Outcome made = complete("k", id, wanted);
  ASSERT_TRUE(made.reply) << made.message();
  EXPECT_EQ(made.output()["ETag"].as_string(), "\"" + hex_encode(md5(md5s)) + "-10000\"");
  const Outcome got = call("GetObject", with(at("k"), "PartNumber", 9'999));
  EXPECT_EQ(*files::read_fd(got.reply->payload->file->file->get(), 0, 9), "part 9999");
  EXPECT_EQ(call("GetObjectAttributes", with(at("k"), "ObjectAttributes", Value::List{"ObjectParts"}))
                .output()["ObjectParts"]["Parts"]
                .size(),
            1000u);
  ASSERT_TRUE(call("DeleteObject", at("k")).reply);
  settle();
  EXPECT_EQ(body_files(), 0u);
  EXPECT_EQ(rows(store::Space::Body), 0u);
  EXPECT_EQ(rows(store::Space::Garbage), 0u);
}

INSTANTIATE_TEST_SUITE_P(Stores, DurableMultipart, testing::Values("sqlite"), [](auto& i) { return i.param; });
INSTANTIATE_TEST_SUITE_P(Stores, Multipart, testing::Values("memory", "sqlite"), [](auto& i) { return i.param; });

}  // namespace
}  // namespace gust::s3
