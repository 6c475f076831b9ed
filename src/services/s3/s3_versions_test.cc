// SPDX-License-Identifier: Apache-2.0

// Versioned buckets: versions, null versions, delete markers, what is current after each change, and their listing.

#include <random>

#include "base/json.h"
#include "services/s3/test_service.h"
#include "services/s3/versions.h"

namespace gust::s3 {
namespace {

const std::string kLarge = std::string(kInlineBody + 1, 'L');

class Versions : public S3 {
 protected:
  void SetUp() override {
    S3::SetUp();
    make_bucket();
  }
  void set(const char* status) {
    ASSERT_TRUE(
        call("PutBucketVersioning", members({{"Bucket", "bucket"}, {"VersioningConfiguration", members({{"Status", status}})}}))
            .reply);
  }
  std::string put_version(std::string_view key, std::string bytes) {
    const Outcome made = put(key, std::move(bytes));
    EXPECT_TRUE(made.reply) << made.message();
    return made.reply ? std::string(made.output()["VersionId"].as_string()) : std::string();
  }
  static Value version(std::string_view key, std::string_view id) { return with(at(key), "VersionId", id); }
  std::string get_version(std::string_view key, std::string_view id) {
    const Outcome got = call("GetObject", version(key, id));
    return got.reply ? got.body() : "<" + got.code() + ">";
  }
  std::string remove(std::string_view key) {
    return std::string(call("DeleteObject", at(key)).output()["VersionId"].as_string());
  }
  Value listed(Value more = Value::map()) {
    more.set("Bucket", "bucket");
    const Outcome got = call("ListObjectVersions", std::move(more));
    EXPECT_TRUE(got.reply) << got.message();
    return got.reply ? got.output() : Value();
  }
};

TEST_P(Versions, TheConfigurationIsKept) {
  EXPECT_EQ(call("GetBucketVersioning", members({{"Bucket", "bucket"}})).output(), Value::map());
  set("Enabled");
  if (GetParam() != "memory") restart();
  EXPECT_EQ(call("GetBucketVersioning", members({{"Bucket", "bucket"}})).output()["Status"].as_string(), "Enabled");
  set("Suspended");
  EXPECT_EQ(call("GetBucketVersioning", members({{"Bucket", "bucket"}})).output()["Status"].as_string(), "Suspended");
  const auto put_configuration = [&](Value configuration) {
    return call("PutBucketVersioning", members({{"Bucket", "bucket"}, {"VersioningConfiguration", std::move(configuration)}}))
        .code();
  };
  EXPECT_EQ(put_configuration(Value::map()), "IllegalVersioningConfigurationException");
  EXPECT_EQ(put_configuration(members({{"Status", "On"}})), "MalformedXML");
  EXPECT_EQ(put_configuration(members({{"Status", "Enabled"}, {"MFADelete", "Enabled"}})), "NotImplemented");
  EXPECT_EQ(put_configuration(members({{"Status", "Enabled"}, {"MFADelete", "Disabled"}})), "none");
}

TEST_P(Versions, EveryUploadIsKeptAndFoundByItsId) {
  ASSERT_TRUE(put("k", "before").reply);
  set("Enabled");
  const std::string one = put_version("k", "one"), large = put_version("k", kLarge), three = put_version("k", "three");
  EXPECT_EQ(one.size(), 32u);
  EXPECT_EQ(get("k"), "three");
  EXPECT_EQ(get_version("k", "null"), "before");
  EXPECT_EQ(get_version("k", one), "one");
  EXPECT_EQ(get_version("k", large), kLarge);
  EXPECT_EQ(get_version("k", three), "three");
  EXPECT_EQ(call("GetObject", at("k")).output()["VersionId"].as_string(), three);
  EXPECT_EQ(call("HeadObject", version("k", "null")).output()["VersionId"].as_string(), "null");
  if (GetParam() != "memory") restart();
  EXPECT_EQ(get_version("k", one), "one");
  EXPECT_EQ(get_version("other", one), "<NoSuchVersion>");
  EXPECT_EQ(get_version("k", one.substr(1)), "<InvalidArgument>");
  EXPECT_EQ(get_version("k", ""), "<InvalidArgument>");
  const Outcome absent = call("GetObject", version("k", version_text(std::string(24, 'x'))));
  EXPECT_EQ(absent.code(), "NoSuchVersion");
  EXPECT_EQ(absent.error->status, 404);
  EXPECT_EQ(absent.error->members["Key"].as_string(), "k");
}

TEST_P(Versions, InABucketWithoutVersionsThereIsOnlyNull) {
  ASSERT_TRUE(put("k", "x").reply);
  EXPECT_EQ(get_version("k", "null"), "x");
  EXPECT_EQ(get_version("k", version_text(std::string(24, 'x'))), "<InvalidArgument>");
  EXPECT_FALSE(call("GetObject", at("k")).output().has("VersionId"));
  const Value list = listed();
  EXPECT_EQ(list["Versions"].as_list()[0]["VersionId"].as_string(), "null");
  EXPECT_TRUE(list["Versions"].as_list()[0]["IsLatest"].as_bool());
}

TEST_P(Versions, DeletingLeavesAMarkerThatHidesTheObject) {
  set("Enabled");
  const std::string one = put_version("k", "one");
  const Outcome deleted = call("DeleteObject", at("k"));
  EXPECT_TRUE(deleted.output()["DeleteMarker"].as_bool());
  const std::string marker(deleted.output()["VersionId"].as_string());
  for (const char* operation : {"GetObject", "HeadObject"}) {
    const Outcome got = call(operation, at("k"));
    EXPECT_EQ(got.code(), "NoSuchKey");
    ASSERT_EQ(got.error->headers.size(), 2u);
    EXPECT_EQ(got.error->headers[0], (std::pair<std::string, std::string>("x-amz-delete-marker", "true")));
    EXPECT_EQ(got.error->headers[1].second, marker);
    const Outcome direct = call(operation, version("k", marker));
    EXPECT_EQ(direct.code(), "MethodNotAllowed");
    EXPECT_EQ(direct.error->status, 405);
    EXPECT_EQ(direct.error->headers[1].first, "x-amz-delete-marker");
    EXPECT_EQ(direct.error->headers.back().first, "Last-Modified");
  }
  EXPECT_FALSE(call("ListObjectsV2", members({{"Bucket", "bucket"}})).output().has("Contents"));
  EXPECT_EQ(get_version("k", one), "one");
  // The marker's own deletion brings the object back.
  const Outcome undone = call("DeleteObject", version("k", marker));
  EXPECT_TRUE(undone.output()["DeleteMarker"].as_bool());
  EXPECT_EQ(undone.output()["VersionId"].as_string(), marker);
  EXPECT_EQ(get("k"), "one");
  EXPECT_EQ(call("DeleteObject", version("k", one)).output()["DeleteMarker"].as_bool(), false);
  EXPECT_EQ(get("k"), "<NoSuchKey>");
  EXPECT_TRUE(call("DeleteObject", version("k", one)).reply);  // again
  EXPECT_EQ(remove("never there").size(), 32u);                // a marker all the same
}

TEST_P(Versions, SuspendedBucketsReplaceOnlyTheNullVersion) {
  set("Enabled");
  const std::string one = put_version("k", kLarge);
  set("Suspended");
  EXPECT_EQ(put_version("k", "null 1"), "");
  EXPECT_EQ(put_version("k", kLarge + "null 2"), "");
  EXPECT_EQ(get("k"), kLarge + "null 2");
  EXPECT_EQ(get_version("k", one), kLarge);
  EXPECT_EQ(remove("k"), "null");  // replaces the null version
  EXPECT_EQ(get_version("k", "null"), "<MethodNotAllowed>");
  EXPECT_EQ(get("k"), "<NoSuchKey>");
  EXPECT_EQ(get_version("k", one), kLarge);
  set("Enabled");
  const std::string two = put_version("k", "two");
  set("Suspended");
  EXPECT_EQ(put_version("k", "null 3"), "");  // replaces the marker behind it
  const Value list = listed();
  EXPECT_FALSE(list.has("DeleteMarkers"));
  ASSERT_EQ(list["Versions"].size(), 3u);
  EXPECT_EQ(list["Versions"].as_list()[0]["VersionId"].as_string(), "null");
  EXPECT_EQ(list["Versions"].as_list()[1]["VersionId"].as_string(), two);
  EXPECT_TRUE(call("DeleteObject", version("k", "null")).reply);
  EXPECT_EQ(get("k"), "two");
  settle();
  EXPECT_EQ(body_files(), 1u);
}

TEST_P(Versions, DeletedInManyAtOnce) {
  set("Enabled");
  const std::string one = put_version("k", "one"), two = put_version("k", "two");
  ASSERT_TRUE(put("other", "x").reply);
  Value entries = Value::List{members({{"Key", "k"}, {"VersionId", one}}), members({{"Key", "k"}, {"VersionId", "nonsense"}}),
                              members({{"Key", "other"}})};
  const Outcome done = call("DeleteObjects", members({{"Bucket", "bucket"}, {"Delete", members({{"Objects", entries}})}}));
  const Value::List& deleted = done.output()["Deleted"].as_list();
  ASSERT_EQ(deleted.size(), 2u);
  EXPECT_EQ(deleted[0]["VersionId"].as_string(), one);
  EXPECT_FALSE(deleted[0].has("DeleteMarker"));
  EXPECT_TRUE(deleted[1]["DeleteMarker"].as_bool());
  EXPECT_EQ(deleted[1]["DeleteMarkerVersionId"].as_string().size(), 32u);
  EXPECT_EQ(done.output()["Errors"].as_list()[0]["VersionId"].as_string(), "nonsense");
  EXPECT_EQ(get_version("k", one), "<NoSuchVersion>");
  EXPECT_EQ(get("k"), "two");
  EXPECT_EQ(call("DeleteBucket", members({{"Bucket", "bucket"}})).message(),
            "The bucket you tried to delete is not empty. You must delete all versions in the bucket.");
  Value all = Value::list();
  const Value list = listed();
  for (const char* kind : {"Versions", "DeleteMarkers"}) {
    for (const Value& v : list[kind].as_list()) all.push(members({{"Key", v["Key"]}, {"VersionId", v["VersionId"]}}));
  }
  ASSERT_TRUE(call("DeleteObjects", members({{"Bucket", "bucket"}, {"Delete", members({{"Objects", all}})}})).reply);
  EXPECT_EQ(rows(store::Space::Object), 0u);
  EXPECT_EQ(rows(store::Space::Body), 0u);
  EXPECT_TRUE(call("DeleteBucket", members({{"Bucket", "bucket"}})).reply);
}

TEST_P(Versions, DeletionsCanBeConditional) {
  ASSERT_TRUE(put("k", "x").reply);
  EXPECT_EQ(call("DeleteObject", with(at("k"), "IfMatch", "\"other\"")).code(), "PreconditionFailed");
  EXPECT_EQ(get("k"), "x");
  EXPECT_TRUE(call("DeleteObject", with(at("k"), "IfMatch", "\"" + hex_encode(md5("x")) + "\"")).reply);
  EXPECT_EQ(get("k"), "<NoSuchKey>");
  ASSERT_TRUE(put("k", "x").reply);
  EXPECT_TRUE(call("DeleteObject", with(at("k"), "IfMatch", "*")).reply);
  EXPECT_EQ(get("k"), "<NoSuchKey>");
}

TEST_P(Versions, WritesSeeADeleteMarkerAsNothing) {
  set("Enabled");
  ASSERT_TRUE(put("k", "x").reply);
  EXPECT_EQ(put("k", "y", members({{"IfNoneMatch", "*"}})).code(), "PreconditionFailed");
  remove("k");
  EXPECT_EQ(put("k", "y", members({{"IfMatch", "\"" + hex_encode(md5("x")) + "\""}})).code(), "NoSuchKey");
  EXPECT_TRUE(put("k", "y", members({{"IfNoneMatch", "*"}})).reply);
}

TEST_P(Versions, TagsBelongToAVersion) {
  set("Enabled");
  const std::string one = put_version("k", "one");
  ASSERT_TRUE(put("k", "two", members({{"Tagging", "a=1&b%20c=%C3%BC+d"}})).reply);
  const auto tags = [&](Value input) { return json::write(call("GetObjectTagging", std::move(input)).output()["TagSet"]); };
  EXPECT_EQ(tags(at("k")), R"([{"Key":"a","Value":"1"},{"Key":"b c","Value":"ü d"}])");
  EXPECT_EQ(call("HeadObject", at("k")).output()["TagCount"].as_int(), 2);
  EXPECT_EQ(tags(version("k", one)), "[]");
  const Value set_one = members({{"TagSet", Value::List{members({{"Key", "x"}, {"Value", "y"}})}}});
  EXPECT_EQ(call("PutObjectTagging", with(version("k", one), "Tagging", set_one)).output()["VersionId"].as_string(), one);
  EXPECT_EQ(tags(version("k", one)), R"([{"Key":"x","Value":"y"}])");
  EXPECT_EQ(get_version("k", one), "one");
  ASSERT_TRUE(call("DeleteObjectTagging", at("k")).reply);
  EXPECT_EQ(tags(at("k")), "[]");
  EXPECT_FALSE(call("GetObject", at("k")).output().has("TagCount"));
  EXPECT_EQ(put("k", "x", members({{"Tagging", "a=1&a=2"}})).code(), "InvalidArgument");
  EXPECT_EQ(put("k", "x", members({{"Tagging", "aws:a=1"}})).code(), "InvalidTag");
  std::string many;
  for (int i = 0; i < 11; ++i) many += "k" + std::to_string(i) + "=v&";
  EXPECT_EQ(put("k", "x", members({{"Tagging", many}})).code(), "BadRequest");
  EXPECT_EQ(call("GetObjectTagging", at("other")).code(), "NoSuchKey");
}

TEST_P(Versions, AreListedInPagesFromTheNewestOn) {
  ASSERT_TRUE(put("a", "0").reply);
  ASSERT_TRUE(put(std::string("a\0", 2), "0").reply);
  set("Enabled");
  for (int i = 0; i < 3; ++i) {
    for (const char* key : {"a", "b/1", "b/2", "c"}) put_version(key, std::to_string(i));
  }
  remove("a");
  remove("b/2");
  const auto show = [](const Value& page) {
    std::vector<std::string> lines;
    for (const char* kind : {"Versions", "DeleteMarkers"}) {
      for (const Value& v : page[kind].as_list()) {
        lines.push_back(std::string(v["Key"].as_string()) + " " + std::string(v["VersionId"].as_string()) + " " +
                        (v["IsLatest"].as_bool() ? "latest " : "") + std::string(v["ETag"].as_string()));
      }
    }
    for (const Value& p : page["CommonPrefixes"].as_list()) lines.push_back("[" + std::string(p["Prefix"].as_string()) + "]");
    return lines;
  };
  std::vector<std::string> whole = show(listed());
  EXPECT_EQ(whole.size(), 16u);
  EXPECT_EQ(listed()["Versions"].as_list()[0]["Key"].as_string(), "a");
  std::sort(whole.begin(), whole.end());
  for (const char* delimiter : {"", "/"}) {
    std::vector<std::string> expected = show(listed(members({{"Delimiter", delimiter}})));
    std::sort(expected.begin(), expected.end());
    for (int size = 1; size < 6; ++size) {
      std::vector<std::string> got;
      Value input = members({{"MaxKeys", size}, {"Delimiter", delimiter}});
      for (int page = 0; page < 40; ++page) {
        const Value answer = listed(input);
        for (std::string& line : show(answer)) got.push_back(std::move(line));
        if (!answer["IsTruncated"].as_bool()) break;
        input.set("KeyMarker", answer["NextKeyMarker"]);
        input.erase("VersionIdMarker");
        if (answer.has("NextVersionIdMarker")) input.set("VersionIdMarker", answer["NextVersionIdMarker"]);
      }
      std::sort(got.begin(), got.end());
      EXPECT_EQ(got, expected) << delimiter << size;
    }
  }
  EXPECT_EQ(show(listed(members({{"Prefix", "b/"}}))).size(), 7u);
  EXPECT_EQ(show(listed(members({{"KeyMarker", "a"}}))).size(), 11u);
  EXPECT_EQ(show(listed(members({{"MaxKeys", 0}}))).size(), 0u);
  const auto refused = [&](Value input) {
    return call("ListObjectVersions", with(std::move(input), "Bucket", "bucket")).message();
  };
  EXPECT_EQ(refused(members({{"VersionIdMarker", "null"}})), "A version-id marker cannot be specified without a key marker.");
  EXPECT_EQ(refused(members({{"KeyMarker", "a"}, {"VersionIdMarker", ""}})), "A version-id marker cannot be empty.");
  EXPECT_EQ(refused(members({{"KeyMarker", "a"}, {"VersionIdMarker", "x"}})), "Invalid version id specified");
}

TEST_P(Versions, KeepTheirOrderWhenTheClockGoesBack) {
  ASSERT_TRUE(put("k", "0").reply);
  set("Enabled");
  std::vector<std::string> expected;
  for (int i = 1; i <= 4; ++i) {
    clock_.advance_us(-3'600'000'000);
    if (GetParam() != "memory") restart();
    expected.insert(expected.begin(), put_version("k", std::to_string(i)));
  }
  expected.emplace_back("null");
  std::vector<std::string> got;
  const Value list = listed();
  for (const Value& v : list["Versions"].as_list()) got.emplace_back(v["VersionId"].as_string());
  EXPECT_EQ(got, expected);
}

// A simple model of one key beside the service: versions from the newest on, as (id, body; none: a marker).
struct ModelVersion {
  std::string id;
  std::optional<std::string> body;
};

TEST_P(Versions, BehaveAsASimpleModelUnderAnySequenceOfChanges) {
  std::mt19937 random(7);
  std::vector<ModelVersion> model;
  std::string status = "Never";
  const auto drop_null = [&] { std::erase_if(model, [](const ModelVersion& v) { return v.id == "null"; }); };
  for (int step = 0; step < 400; ++step) {
    const auto choice = random() % 10;
    if (choice == 0) {
      status = random() % 2 ? "Enabled" : "Suspended";
      set(status.c_str());
    } else if (choice < 5) {
      std::string body = (random() % 3 == 0 ? kLarge : "") + std::to_string(step);
      const std::string id = put_version("k", body);
      if (status != "Enabled") drop_null();
      model.insert(model.begin(), {id.empty() ? "null" : id, body});
    } else if (choice < 7) {
      const Outcome done = call("DeleteObject", at("k"));
      if (status != "Enabled") drop_null();
      if (status != "Never") model.insert(model.begin(), {std::string(done.output()["VersionId"].as_string()), std::nullopt});
    } else if (!model.empty()) {
      const size_t i = random() % model.size();
      ASSERT_TRUE(call("DeleteObject", version("k", model[i].id)).reply);
      model.erase(model.begin() + static_cast<ptrdiff_t>(i));
    }
    ASSERT_EQ(get("k"), !model.empty() && model[0].body ? *model[0].body : "<NoSuchKey>") << step;
    Value list = listed();
    ASSERT_EQ(list["Versions"].size() + list["DeleteMarkers"].size(), model.size()) << step;
    for (const char* kind : {"Versions", "DeleteMarkers"}) {
      for (const Value& v : list[kind].as_list()) {
        ASSERT_EQ(v["IsLatest"].as_bool(), v["VersionId"].as_string() == model[0].id) << step;
      }
    }
    if (!model.empty()) {
      const ModelVersion& any = model[random() % model.size()];
      ASSERT_EQ(get_version("k", any.id), any.body ? *any.body : "<MethodNotAllowed>") << step;
    }
  }
  settle();
  size_t large = 0;
  for (const ModelVersion& v : model) large += v.body && v.body->size() > kInlineBody;
  EXPECT_EQ(body_files(), large);
  for (const ModelVersion& v : model) ASSERT_TRUE(call("DeleteObject", version("k", v.id)).reply);
  settle();
  EXPECT_EQ(rows(store::Space::Object), 0u);
  EXPECT_EQ(rows(store::Space::Body), 0u);
  EXPECT_EQ(body_files(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Stores, Versions, testing::Values("memory", "sqlite"), [](auto& i) { return i.param; });

}  // namespace
}  // namespace gust::s3
