// SPDX-License-Identifier: Apache-2.0

// Buckets and listings.

#include "services/s3/listing.h"
#include "services/s3/request.h"
#include "services/s3/test_service.h"

namespace gust::s3 {
namespace {

using Buckets = S3;

Value named(std::string_view bucket) { return members({{"Bucket", bucket}}); }
Value located(std::string_view bucket, std::string_view location) {
  return members({{"Bucket", bucket}, {"CreateBucketConfiguration", members({{"LocationConstraint", location}})}});
}

TEST_P(Buckets, AreMadeFoundListedAndDeleted) {
  clock_.advance_us(700'000);
  const Outcome made = call("CreateBucket", named("bucket"));
  ASSERT_TRUE(made.reply) << made.message();
  EXPECT_EQ(made.output()["Location"].as_string(), "/bucket");
  ASSERT_TRUE(call("CreateBucket", named("a-second.one")).reply);
  EXPECT_EQ(call("HeadBucket", named("bucket")).output()["BucketRegion"].as_string(), "us-east-1");
  const Outcome listed = call("ListBuckets", Value::map());
  ASSERT_EQ(listed.output()["Buckets"].size(), 2u);
  EXPECT_EQ(listed.output()["Buckets"].as_list()[0]["Name"].as_string(), "a-second.one");
  EXPECT_EQ(listed.output()["Buckets"].as_list()[1]["CreationDate"].as_timestamp().unix_ms, 1'700'000'000'000);
  EXPECT_FALSE(listed.output()["Buckets"].as_list()[1].has("BucketRegion"));
  EXPECT_EQ(listed.output()["Owner"]["ID"].as_string().size(), 64u);
  ASSERT_TRUE(call("DeleteBucket", named("bucket")).reply);
  for (const char* operation : {"HeadBucket", "DeleteBucket", "GetBucketLocation", "ListObjectsV2", "ListObjects",
                                "GetBucketNotificationConfiguration"}) {
    EXPECT_EQ(call(operation, named("bucket")).code(), "NoSuchBucket") << operation;
  }
  EXPECT_EQ(call("ListBuckets", Value::map()).output()["Buckets"].size(), 1u);
}

TEST_P(Buckets, NamesFollowTheRules) {
  for (const char* name : {"abc", "a.b-c", "123", "a--b", "1.2.3"}) EXPECT_TRUE(is_bucket_name(name)) << name;
  EXPECT_TRUE(is_bucket_name(std::string(63, 'a')));
  for (const char* name : {"ab", "Abc", "a_b", "-abc", "abc-", ".abc", "abc.", "a..b", "192.168.5.4", "xn--abc", "sthree-abc",
                           "amzn-s3-demo-x", "abc-s3alias", "abc--ol-s3", "abc--x-s3", "a/b", "a b", ""}) {
    EXPECT_FALSE(is_bucket_name(name)) << name;
    EXPECT_EQ(call("CreateBucket", named(name)).code(), "InvalidBucketName") << name;
  }
  EXPECT_FALSE(is_bucket_name(std::string(64, 'a')));
}

TEST_P(Buckets, TheSameNameAgain) {
  make_bucket();
  ASSERT_TRUE(put("k", "x").reply);
  EXPECT_TRUE(call("CreateBucket", named("bucket")).reply);  // us-east-1 only
  EXPECT_EQ(get("k"), "x");
  identity_.region = "eu-west-1";
  const Outcome again = call("CreateBucket", located("bucket", "eu-west-1"));
  EXPECT_EQ(again.code(), "BucketAlreadyOwnedByYou");
  EXPECT_EQ(again.error->status, 409);
  identity_.region = "us-east-1";
  identity_.account = "111111111111";
  EXPECT_EQ(call("CreateBucket", named("bucket")).code(), "BucketAlreadyExists");
}

TEST_P(Buckets, BelongToTheirAccount) {
  make_bucket();
  ASSERT_TRUE(put("k", "x").reply);
  identity_.account = "111111111111";
  for (const char* operation : {"HeadBucket", "DeleteBucket", "ListObjectsV2"}) {
    EXPECT_EQ(call(operation, named("bucket")).code(), "AccessDenied") << operation;
  }
  for (const char* operation : {"GetObject", "PutObject", "DeleteObject"}) {
    EXPECT_EQ(call(operation, at("k")).code(), "AccessDenied") << operation;
  }
  EXPECT_EQ(call("ListBuckets", Value::map()).output()["Buckets"].size(), 0u);
  identity_.account = "000000000000";
  EXPECT_EQ(call("GetObject", with(at("k"), "ExpectedBucketOwner", "111111111111")).code(), "AccessDenied");
  EXPECT_EQ(call("GetObject", with(at("k"), "ExpectedBucketOwner", "me")).code(), "InvalidBucketOwnerAWSAccountID");
  EXPECT_TRUE(call("GetObject", with(at("k"), "ExpectedBucketOwner", "000000000000")).reply);
}

TEST_P(Buckets, LocationsMustFitTheEndpoint) {
  ASSERT_TRUE(call("CreateBucket", located("in-europe", "EU")).reply);
  identity_.region = "eu-west-1";
  EXPECT_EQ(call("HeadBucket", named("in-europe")).output()["BucketRegion"].as_string(), "eu-west-1");
  EXPECT_EQ(call("GetBucketLocation", named("in-europe")).output()["LocationConstraint"].as_string(), "EU");
  identity_.region = "us-east-1";
  make_bucket();
  EXPECT_FALSE(call("GetBucketLocation", named("bucket")).output().has("LocationConstraint"));
  identity_.region = "eu-central-1";
  EXPECT_EQ(call("CreateBucket", named("other")).code(), "IllegalLocationConstraintException");
  EXPECT_EQ(call("CreateBucket", located("other", "eu-west-1")).message(),
            "The eu-west-1 location constraint is incompatible for the region specific endpoint this request was sent to.");
  EXPECT_TRUE(call("CreateBucket", located("other", "eu-central-1")).reply);
}

TEST_P(Buckets, OfAnotherRegionAreSentOn) {
  make_bucket();
  ASSERT_TRUE(put("k", "x").reply);
  identity_.region = "eu-west-1";
  const Outcome moved = call("GetObject", at("k"));
  EXPECT_EQ(moved.code(), "PermanentRedirect");
  EXPECT_EQ(moved.error->status, 301);
  EXPECT_EQ(moved.error->members["Bucket"].as_string(), "bucket");
  ASSERT_EQ(moved.error->headers.size(), 1u);
  EXPECT_EQ(moved.error->headers[0], (std::pair<std::string, std::string>("x-amz-bucket-region", "us-east-1")));
  EXPECT_EQ(call("HeadBucket", named("bucket")).error->status, 301);
  EXPECT_TRUE(call("GetBucketLocation", named("bucket")).reply);
  Value copy = members({{"Bucket", "other"}, {"Key", "k"}, {"CopySource", "bucket/k"}});
  ASSERT_TRUE(call("CreateBucket", located("other", "eu-west-1")).reply);
  EXPECT_TRUE(call("CopyObject", copy).reply);  // from any region
  identity_.region.clear();                     // a signature that names none
  EXPECT_EQ(get("k"), "x");
}

TEST_P(Buckets, WhatIsNotBuiltIsRefused) {
  EXPECT_EQ(call("CreateBucket", with(named("bucket"), "ObjectLockEnabledForBucket", true)).code(), "NotImplemented");
  EXPECT_EQ(call("CreateBucket", with(named("bucket"), "ObjectOwnership", "Nobody")).code(), "InvalidArgument");
  EXPECT_EQ(call("CreateBucket", with(named("bucket"), "ACL", "public-read")).code(), "InvalidBucketAclWithObjectOwnership");
  EXPECT_EQ(call("CreateBucket", with(named("bucket"), "CreateBucketConfiguration", members({{"Bucket", "b"}}))).code(),
            "NotImplemented");
  EXPECT_EQ(call("HeadBucket", named("bucket")).code(), "NoSuchBucket");
  EXPECT_TRUE(call("CreateBucket", with(with(named("bucket"), "ACL", "private"), "ObjectLockEnabledForBucket", false)).reply);
}

TEST_P(Buckets, OnlyEmptyOnesAreDeleted) {
  make_bucket();
  ASSERT_TRUE(call("CreateBucket", named("bucket2")).reply);
  ASSERT_TRUE(put("k", "x").reply);
  const Outcome full = call("DeleteBucket", named("bucket"));
  EXPECT_EQ(full.code(), "BucketNotEmpty");
  EXPECT_EQ(full.error->status, 409);
  EXPECT_TRUE(call("DeleteBucket", named("bucket2")).reply);  // a neighbour's objects do not count
  ASSERT_TRUE(call("DeleteObject", at("k")).reply);
  EXPECT_TRUE(call("DeleteBucket", named("bucket")).reply);
}

TEST_P(Buckets, AreListedInPages) {
  for (const char* name : {"aaa", "bbb1", "bbb2", "bbb3", "ccc"}) ASSERT_TRUE(call("CreateBucket", named(name)).reply);
  std::string got, token;
  for (int page = 0; page < 5; ++page) {
    Value input = members({{"Prefix", "bbb"}, {"MaxBuckets", 2}});
    if (!token.empty()) input.set("ContinuationToken", token);
    const Outcome listed = call("ListBuckets", input);
    ASSERT_TRUE(listed.reply) << listed.message();
    for (const Value& b : listed.output()["Buckets"].as_list()) got.append(b["Name"].as_string()).append(" ");
    EXPECT_EQ(listed.output()["Buckets"].as_list()[0]["BucketRegion"].as_string(), "us-east-1");
    token = listed.output()["ContinuationToken"].as_string();
    if (token.empty()) break;
    got += "| ";
  }
  EXPECT_EQ(got, "bbb1 bbb2 | bbb3 ");
  EXPECT_EQ(call("ListBuckets", members({{"ContinuationToken", "nonsense!"}})).code(), "InvalidArgument");
}

// What a listing shows: keys, common prefixes in brackets, '|' between pages.
class Listings : public Buckets {
 protected:
  void fill(std::initializer_list<const char*> keys) {
    make_bucket();
    ASSERT_TRUE(call("CreateBucket", named("bucket0")).reply);
    ASSERT_TRUE(call("PutObject", members({{"Bucket", "bucket0"}, {"Key", "a/b"}}), inline_body("x")).reply);
    for (const char* key : keys) ASSERT_TRUE(put(key, "x").reply);
  }
  static std::string show(const Value& output) {
    std::string out;
    for (const Value& c : output["Contents"].as_list()) out.append(c["Key"].as_string()).append(" ");
    for (const Value& p : output["CommonPrefixes"].as_list()) out.append("[").append(p["Prefix"].as_string()).append("] ");
    return out;
  }
  std::string list(Value input) {
    input.set("Bucket", "bucket");
    std::string out;
    for (int page = 0; page < 50; ++page) {
      const Outcome got = call("ListObjectsV2", input);
      if (got.error) return got.code();
      out += show(got.output());
      EXPECT_EQ(got.output()["KeyCount"].as_int(),
                static_cast<int64_t>(got.output()["Contents"].size() + got.output()["CommonPrefixes"].size()));
      EXPECT_EQ(got.output()["IsTruncated"].as_bool(), got.output().has("NextContinuationToken"));
      if (!got.output().has("NextContinuationToken")) return out;
      input.set("ContinuationToken", got.output()["NextContinuationToken"]);
      out += "| ";
    }
    return out + "without end";
  }
};

TEST_P(Listings, AreInByteOrderWithPrefixAndPages) {
  fill({"b", "a", "a b", "Z", "a/1", "ä", "a/2"});
  EXPECT_EQ(list(Value::map()), "Z a a b a/1 a/2 b ä ");
  EXPECT_EQ(list(members({{"Prefix", "a"}})), "a a b a/1 a/2 ");
  EXPECT_EQ(list(members({{"Prefix", "a"}, {"MaxKeys", 2}})), "a a b | a/1 a/2 ");
  EXPECT_EQ(list(members({{"MaxKeys", 3}})), "Z a a b | a/1 a/2 b | ä ");
  EXPECT_EQ(list(members({{"Prefix", "nothing"}})), "");
  EXPECT_EQ(list(members({{"StartAfter", "a b"}})), "a/1 a/2 b ä ");
  EXPECT_EQ(list(members({{"StartAfter", "a"}, {"MaxKeys", 2}})), "a b a/1 | a/2 b | ä ");
  EXPECT_EQ(list(members({{"StartAfter", "A"}, {"Prefix", "b"}})), "b ");
  EXPECT_EQ(list(members({{"MaxKeys", 0}})), "");
  EXPECT_EQ(list(members({{"MaxKeys", -1}})), "InvalidArgument");
  EXPECT_EQ(list(members({{"ContinuationToken", "???"}})), "InvalidArgument");
  EXPECT_EQ(list(members({{"ContinuationToken", ""}})), "InvalidArgument");
}

TEST_P(Listings, RollUpWhatSharesADelimiter) {
  fill({"a", "b/1", "b/2", "b/c/1", "c", "d/1", "d//", "e/"});
  EXPECT_EQ(list(members({{"Delimiter", "/"}})), "a c [b/] [d/] [e/] ");
  EXPECT_EQ(list(members({{"Delimiter", "/"}, {"Prefix", "b/"}})), "b/1 b/2 [b/c/] ");
  EXPECT_EQ(list(members({{"Delimiter", "/"}, {"Prefix", "b"}})), "[b/] ");
  EXPECT_EQ(list(members({{"Delimiter", "/"}, {"Prefix", "d/"}})), "d/1 [d//] ");
  EXPECT_EQ(list(members({{"Delimiter", "/"}, {"Prefix", "e/"}})), "e/ ");
  EXPECT_EQ(list(members({{"Delimiter", "/"}, {"MaxKeys", 1}})), "a | [b/] | c | [d/] | [e/] ");
  EXPECT_EQ(list(members({{"Delimiter", "/"}, {"StartAfter", "b/1"}})), "c [b/] [d/] [e/] ");
  EXPECT_EQ(list(members({{"Delimiter", "c/"}})), "a b/1 b/2 c d// d/1 e/ [b/c/] ");
  EXPECT_EQ(list(members({{"Delimiter", ""}})), "a b/1 b/2 b/c/1 c d// d/1 e/ ");
}

TEST_P(Listings, SkipOverLargeDirectoriesAndLoseNoNeighbour) {
  fill({});
  for (int i = 0; i < 250; ++i) ASSERT_TRUE(put("dir/" + std::to_string(i), "x").reply);
  for (int i = 0; i < 120; ++i) ASSERT_TRUE(put("d" + std::to_string(1000 + i) + "/x", "x").reply);
  ASSERT_TRUE(put("dir0", "x").reply);
  const std::string all = list(members({{"Delimiter", "/"}}));
  EXPECT_TRUE(all.starts_with("dir0 [d1000/] ")) << all;
  EXPECT_TRUE(all.ends_with("[d1119/] [dir/] ")) << all;
  EXPECT_EQ(std::count(all.begin(), all.end(), '['), 121);
  EXPECT_EQ(list(members({{"Delimiter", "/"}, {"Prefix", "dir"}, {"MaxKeys", 1}})), "[dir/] | dir0 ");
}

TEST_P(Listings, ShowWhatTheyListed) {
  fill({});
  ASSERT_TRUE(put("k y", "xyz", members({{"ChecksumSHA256", "c2hh"}})).reply);
  const Outcome plain = call("ListObjectsV2", with(named("bucket"), "FetchOwner", true));
  const Value& v = plain.output()["Contents"].as_list()[0];
  EXPECT_EQ(v["Size"].as_int(), 3);
  EXPECT_EQ(v["ETag"].as_string(), "\"" + hex_encode(md5("xyz")) + "\"");
  EXPECT_EQ(v["StorageClass"].as_string(), "STANDARD");
  EXPECT_EQ(v["ChecksumAlgorithm"].as_list()[0].as_string(), "SHA256");
  EXPECT_EQ(v["LastModified"].as_timestamp().unix_ms, 1'700'000'000'000);
  EXPECT_EQ(v["Owner"]["ID"].as_string(), canonical_user("000000000000"));
  EXPECT_EQ(plain.output()["Prefix"].as_string(), "");
  EXPECT_EQ(plain.output()["MaxKeys"].as_int(), 1000);
  Value input = with(with(named("bucket"), "EncodingType", "url"), "Prefix", "k ");
  input.set("StartAfter", "k +");
  const Outcome encoded = call("ListObjectsV2", input);
  EXPECT_EQ(show(encoded.output()), "k+y ");
  EXPECT_EQ(encoded.output()["Prefix"].as_string(), "k+");
  EXPECT_EQ(encoded.output()["StartAfter"].as_string(), "k+%2B");
  EXPECT_FALSE(encoded.output()["Contents"].as_list()[0].has("Owner"));
}

TEST_P(Listings, TheOldVersionGoesOnFromMarkers) {
  fill({"a", "b/1", "b/2", "c"});
  const Outcome first = call("ListObjects", with(with(named("bucket"), "Delimiter", "/"), "MaxKeys", 2));
  EXPECT_EQ(show(first.output()), "a [b/] ");
  EXPECT_EQ(first.output()["NextMarker"].as_string(), "b/");
  EXPECT_TRUE(first.output()["Marker"].is_string());
  EXPECT_TRUE(first.output()["Contents"].as_list()[0].has("Owner"));
  const Outcome second = call("ListObjects", with(with(named("bucket"), "Delimiter", "/"), "Marker", "b/"));
  EXPECT_EQ(show(second.output()), "c ");
  EXPECT_EQ(show(call("ListObjects", with(with(named("bucket"), "Delimiter", "/"), "Marker", "b/1")).output()), "c ");
  const Outcome plain = call("ListObjects", with(with(named("bucket"), "MaxKeys", 2), "Marker", "a"));
  EXPECT_EQ(show(plain.output()), "b/1 b/2 ");
  EXPECT_TRUE(plain.output()["IsTruncated"].as_bool());
  EXPECT_FALSE(plain.output().has("NextMarker"));  // only with a delimiter
}

TEST_P(Listings, KeysOfAnyKindAreKeptApart) {
  fill({});
  const std::vector<std::string> keys = {
      std::string("a\0", 2), std::string("a\0b", 3), "a", "a\x01", "../x", "/", "//", ".", "\xC3\xBF",
      "a\xEF\xBF\xBF",       std::string(1024, 'z')};
  for (const std::string& key : keys) ASSERT_TRUE(put(key, key).reply);
  for (const std::string& key : keys) EXPECT_EQ(get(key), key);
  const Outcome listed = call("ListObjectsV2", named("bucket"));
  std::vector<std::string> sorted = keys, got;
  std::sort(sorted.begin(), sorted.end());
  for (const Value& v : listed.output()["Contents"].as_list()) got.emplace_back(v["Key"].as_string());
  EXPECT_EQ(got, sorted);
}

INSTANTIATE_TEST_SUITE_P(Stores, Buckets, testing::Values("memory", "sqlite"), [](auto& i) { return i.param; });
INSTANTIATE_TEST_SUITE_P(Stores, Listings, testing::Values("memory", "sqlite"), [](auto& i) { return i.param; });

}  // namespace
}  // namespace gust::s3
